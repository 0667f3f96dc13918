package io.sluice.device;

/** The kinds of interrupts that a PCI function has, in the order and with the indexes of VFIO ({@code VFIO_PCI_*_IRQ_INDEX}). */
public enum InterruptKind {
    INTX(0),
    MSI(1),
    MSIX(2),
    /** Uncorrectable error of the device. */
    ERR(3),
    /** The device is asked back by its owner. */
    REQ(4);

    /** Number of kinds: the indexes are 0 to {@code COUNT} - 1. */
    public static final int COUNT = 5;

    private static final InterruptKind[] BY_INDEX = {INTX, MSI, MSIX, ERR, REQ};

    private final int index;

    InterruptKind(int index) {
        this.index = index;
    }

    /** VFIO's index of this kind. */
    public int index() {
        return index;
    }

    /** The kind of a VFIO index, or null if there is none. */
    public static InterruptKind ofIndex(int index) {
        return index >= 0 && index < COUNT ? BY_INDEX[index] : null;
    }
}
