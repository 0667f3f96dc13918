package io.sluice.host;

/**
 * The CIDs of a queue pair (NVMe 1.4, 4.2, CDW0 bits 31:16). A CID holds its command's slot, and above it a generation, which
 * is another one each time the slot is used:
 *
 * <pre>
 *   bit 15                 slotBits              0
 *      |     generation     |        slot        |      1,023 slots: 10 bits, and 64 generations
 * </pre>
 *
 * <p>So a completion of a command that has ended is known for a lie even when its slot is in use again, until the generation
 * comes round. Slots that need all 16 bits leave none for it. FFFFh is nobody's CID: in the Error Information log it stands for
 * "no command" (NVMe 1.4, 5.14.1.1).
 */
final class Cids {
    private static final int NO_CID = 0xffff;

    private final int slotMask;

    /** @param slots 1 to 65535 */
    Cids(int slots) {
        slotMask = slots > 1 ? Integer.highestOneBit(slots - 1) * 2 - 1 : 0;
    }

    /** The CID of a slot's first command. */
    int first(int slot) {
        return slot;
    }

    /** The CID of the command that follows in the same slot. */
    int next(int cid) {
        int next = cid + slotMask + 1;
        return next < NO_CID ? next : slot(next);
    }

    /** The slot that a CID names, which a device may have made up: it can be one that does not exist. */
    int slot(int cid) {
        return cid & slotMask;
    }
}
