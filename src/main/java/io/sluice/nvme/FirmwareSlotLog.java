package io.sluice.nvme;

import io.sluice.mem.Bits;

/** The Firmware Slot Information log page: NVMe 1.4, 5.14.1.3, 512 bytes. */
public final class FirmwareSlotLog {
    /** Size of the page in bytes. */
    public static final int BYTES = 512;
    /** Number of slots, which count from 1. */
    public static final int SLOTS = 7;

    /** Active firmware: the running slot in bits 2:0, the next reset's in bits 6:4, 0 for the same. */
    public static final Field AFI = new Field("AFI", 0, 1);

    private static final int REVISION_OFFSET = 8;
    private static final int REVISION_BYTES = 8;

    private FirmwareSlotLog() {}

    /** The revision in a slot, 1 to 7; empty for a slot that is empty. */
    public static TextField revision(int slot) {
        if (slot < 1 || slot > SLOTS) {
            throw new IllegalArgumentException("firmware slot " + slot + "; there are 1 to 7");
        }
        return TextField.spaced("FRS" + slot, REVISION_OFFSET + (slot - 1) * REVISION_BYTES, REVISION_BYTES);
    }

    /** The slot whose firmware runs, 1 to 7. */
    public static int activeSlot(long page) {
        return Bits.get(AFI.getInt(page), 2, 0);
    }

    /** The slot to run after the next reset, 1 to 7, or 0 if it will be the same. */
    public static int nextSlot(long page) {
        return Bits.get(AFI.getInt(page), 6, 4);
    }

    /** Stores both slots. */
    public static void setSlots(long page, int activeSlot, int nextSlot) {
        AFI.set(page, Bits.with(Bits.with(0, 2, 0, activeSlot), 6, 4, nextSlot));
    }
}
