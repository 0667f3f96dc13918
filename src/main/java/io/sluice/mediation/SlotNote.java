package io.sluice.mediation;

import io.sluice.host.QueuePair;
import io.sluice.mem.Bits;

/**
 * What outlives this process of who has a command in a slot of the device's: the token that {@link QueuePair} keeps.
 *
 * <pre>
 *   48 data in bounce memory │ 47:32 guest and 1, or 0: nobody │ 31:16 the guest's slot │ 15:0 the device's slot
 * </pre>
 */
final class SlotNote {
    /** The most guests of one device. */
    static final int MAX_GUESTS = 0xfffe;

    static final long NOBODY = 0;

    private static final int STAGED_BIT = 48;
    private static final long STAGED = 1L << STAGED_BIT;
    private static final int GUEST = 32;
    private static final int GUEST_SLOT = 16;
    private static final int SLOT_MASK = 0xffff;

    private SlotNote() {}

    /**
     * A command of a guest's, in whichever slot of the device's.
     *
     * @param guest 0 to {@link #MAX_GUESTS}, less one
     */
    static long of(int guest, int guestSlot, boolean staged) {
        return (staged ? STAGED : 0) | ((guest + 1L) << GUEST) | ((long) guestSlot << GUEST_SLOT);
    }

    /** The same in a slot of the device's. */
    static long of(long note, int slot) {
        return note | slot;
    }

    /** Nobody's. */
    static long nobodys(int slot) {
        return slot;
    }

    /** The slot of the device's. */
    static int slot(long token) {
        return (int) token & SLOT_MASK;
    }

    static boolean isStaged(long token) {
        return (token & STAGED) != 0;
    }

    /**
     * Whether both are of the same slot of the same guest.
     *
     * @param token -1 is nobody's
     */
    static boolean isSame(long token, long note) {
        return token >= 0 && Bits.get(token, 47, GUEST_SLOT) == Bits.get(note, 47, GUEST_SLOT);
    }

    static boolean isOf(long token, int guest) {
        return token >= 0 && Bits.get(token, 47, GUEST) == guest + 1L;
    }
}
