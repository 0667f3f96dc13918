package io.sluice.dma;

import io.sluice.mem.Translator;

/** A guest's memory as a PCI function sees it: a view that changes under it, safely. */
public interface GuestMemory {
    /**
     * Translates guest addresses to host addresses. For the threads that hold a {@link DmaReader} of this memory; it
     * allocates nothing and takes no lock. What it answers may be used until that reader acknowledges the next epoch.
     */
    Translator hostView();

    /**
     * Translates guest addresses to the addresses (IOVAs) at which the device behind this memory reaches it; the same rules as
     * for {@link #hostView}. What has just been mapped may be NOT_MAPPED here for a while, although the host view has it: the
     * device gets access in steps. A region that it cannot get goes from both views; one that a lost device does not get any
     * more is NOT_LOCAL here, and stays in the host view.
     *
     * @throws IllegalStateException where there is no device
     */
    default Translator deviceView() {
        throw new IllegalStateException("no device has access to this memory");
    }

    /** How to reach regions that came without a file; null where there is no way. */
    default MessagedMemory messages() {
        return null;
    }

    /**
     * Takes part in changes: from now on no mapping goes away before this reader has acknowledged its going.
     *
     * @param name for logs, when the reader keeps a change waiting
     * @param wake called from another thread to make a parked reader run soon
     */
    DmaReader register(String name, Runnable wake);

    /**
     * Whether a file behind this memory has become shorter than what is mapped of it, so that an access raised an {@link
     * InternalError} or soon will. Not for the data path: it asks the kernel about each file.
     */
    boolean damaged();

    /**
     * Whether the device behind it is lost, and has been made unable to reach any of it: commands that it has not ended, and
     * never will, use this memory no more. Cheap.
     */
    default boolean isOutOfReach() {
        return false;
    }
}
