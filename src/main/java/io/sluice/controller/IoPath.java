package io.sluice.controller;

import io.sluice.dma.DeviceMemory;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.Mapping;
import io.sluice.mem.Translator;
import io.sluice.nvme.NvmOpcode;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Where a controller's I/O commands go: storage, or mediation.
 *
 * <p>All calls are on the controller's agent, and none blocks. A command comes decoded, checked against its namespace, and
 * with its data pointer resolved into pieces of memory; the path does it, at once or later.
 *
 * <pre>
 *   submit(command) ──▶ status                       done at once
 *                 └──▶ PENDING ──▶ … poll() … ──▶ command.complete(status)      exactly once
 * </pre>
 */
public interface IoPath extends AutoCloseable {
    /** What {@link #submit} returns for a command that will be completed later. */
    int PENDING = -1;

    /**
     * What {@link #submit} returns for a command that it cannot take now. The command is put back into its queue, as if it had
     * not been looked at, and comes again in a later cycle.
     */
    int BUSY = -2;

    /**
     * The namespaces on offer, in the order of their identifiers, which need not be dense. They stay the same, except for what
     * {@link LiveNamespaces} is told.
     */
    List<Namespace> namespaces();

    /** The largest identifier that a namespace can have, now or later; always the same, 1 to a few dozen. */
    default int maxNsid() {
        return namespaces().stream().mapToInt(Namespace::nsid).max().orElse(1);
    }

    /** How many commands may be pending at once, 1 or more, always the same; the controller submits no more than that. */
    int maxPending();

    /** Whether {@link io.sluice.nvme.NvmOpcode#FLUSH} does anything: the controller then says it has a volatile write cache. */
    boolean hasVolatileCache();

    /**
     * Whether a command is on offer besides Read, Write and Flush, which always are. A controller refuses what is not, and
     * says so in Identify Controller.
     *
     * @param opcode of {@link io.sluice.nvme.NvmOpcode}
     */
    default boolean offers(int opcode) {
        return opcode == NvmOpcode.WRITE_ZEROES || opcode == NvmOpcode.DATASET_MANAGEMENT;
    }

    /** Whether a Compare and a Write that are fused are on offer: NVMe 1.4, 4.12. */
    default boolean offersFused() {
        return false;
    }

    /**
     * Of which alignment the pieces may be in which this path moves a command's data, where they do not come from PRPs: what
     * Identify Controller then says of SGLs. A piece may begin and end anywhere in memory, if that is a multiple of it.
     *
     * @return 1 or 4 bytes; 0 if only pieces that PRPs can describe will do, so that SGLs are not offered
     */
    default int sglAlignmentBytes() {
        return 0;
    }

    /** How one of {@link #namespaces} likes to be used. */
    default NamespaceTraits traits(int nsid) {
        return NamespaceTraits.OF_MEMORY;
    }

    /** The device that moves the data, where one does: the guest's memory is then made reachable for it. */
    default Optional<DeviceMemory> deviceMemory() {
        return Optional.empty();
    }

    /** At which addresses this path moves data: where a guest's data lies, as the pieces of a command say it. */
    default Translator dataView(GuestMemory memory) {
        return memory.hostView();
    }

    /**
     * Memory that this path moves data to and from for guests that do not share theirs.
     *
     * @param bytes whole pages
     * @throws IOException where there is none
     */
    default BounceArea bounceArea(long bytes) throws IOException {
        return BounceArea.of(Mapping.sparse(bytes));
    }

    /**
     * Where this path moves what a Read's bit buckets leave out: one page, whose content nobody looks at, and which any number of
     * commands use at a time.
     *
     * @param hostPage address of such a page in this process; never 0
     * @return its address as {@link #dataView} would say it, or that of another one; 0 if there is none, and bit buckets are not
     *     offered
     */
    default long discardPage(long hostPage) {
        return hostPage;
    }

    /** The guest has a completion queue more, or less; a reset takes all away. The commands in it come with its identifier. */
    default void completionQueueChanged(int cqid, boolean exists) {}

    /**
     * Does a command or begins it, in a bounded step; what it copies it counts by {@link IoCommand#spend}. May end other
     * commands, which are pending, from within this call; this one ends by what is returned.
     *
     * @return a status as in {@link io.sluice.nvme.Status}, or {@link #PENDING}, or {@link #BUSY}
     */
    int submit(IoCommand command);

    /**
     * Does a fused Compare and Write of the same blocks, or begins it: the blocks are written only if they were as compared, and nothing
     * comes between the two. Both commands are pending already, and are each ended by {@link IoCommand#complete}, within this call or
     * later, with a status of its own.
     *
     * @return false if they cannot be taken now: both are put back, as {@link #BUSY} says
     */
    default boolean submitFused(IoCommand compare, IoCommand write) {
        throw new IllegalStateException("fused commands passed the gate of a path that does not offer them");
    }

    /** Goes on with what is pending, in a bounded step. Returns how much was done. */
    int poll();

    /**
     * Asks for a pending command to be ended soon: its queue is deleted or its controller reset. The path completes it, with
     * whatever status, in this call or as soon as it touches no memory of the guest's any more. Asked again in each cycle
     * until it is completed.
     */
    void cancel(IoCommand command);

    /**
     * The guest shuts down (CC.SHN), and nothing of it is pending: what it has written goes to where it is safe.
     *
     * @return whether it is there; if not, called again in a later cycle
     */
    default boolean settle() {
        return true;
    }

    /** Whoever asked to {@link #settle} waits no longer: the controller is reset, or its client has left. */
    default void settleAbandoned() {}

    /**
     * Another process has left a command pending. Is it this path's, as what is behind the path has outlived that process? Then it will be
     * completed; if not, it is submitted again, or forgotten. Asked once for each, before anything else is asked of the path.
     */
    default boolean adopt(IoCommand command) {
        return false;
    }

    /** {@link #adopt} has been asked for all commands that there are: what else is here of the guest's is nobody's. */
    default void adoptedAll() {}

    /**
     * Whether a command is the path's, after {@link #submit} of it has been cut short by a fault: if it is, it will be completed.
     * A path that does everything at once has none.
     */
    default boolean has(IoCommand command) {
        return false;
    }

    /** Why commands are pending that will not end as long as the client is there; null if there are none. Cheap. */
    default String failure() {
        return null;
    }

    /**
     * The client has left, so that its memory goes from the device behind the path before anybody else gets it; or it has gone
     * from there already ({@link GuestMemory#isOutOfReach}). What is pending only because that device may still use it ends.
     */
    default void endLost() {}

    /**
     * What becomes of a command whose data this path cannot reach, though this process can: {@link #BUSY} as long as that may
     * change, or a status that it ends with.
     */
    default int whenUnreachable() {
        return BUSY;
    }

    /** Lets go of everything. Nothing is pending. */
    @Override
    void close();
}
