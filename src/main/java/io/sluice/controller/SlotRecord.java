package io.sluice.controller;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.state.Stores;

/**
 * What outlives this process of one slot of a controller's I/O commands that do not end at once. Each word is stored whole, so each
 * step below is there or is not.
 *
 * <pre>
 *   owner     63:61 state │ 60 held │ 59:58 fused │ 57 parity │ 56:50 SQID │ 49:35 status │ 27:16 SQ head after it │ 15:0 guest's CID
 *   dw0       dword 0 of the completion
 *   progress  the path's own word
 *   first     of the second of two fused commands: the slot that has the first, and has not ended it
 *
 *   FREE ──▶ TAKEN ──SQ head──▶ TAKEN, held ──▶ POSTING ──CQE, CQ count──▶ FREE
 *                                    ├──▶ ENDED ──▶ ▲                        ▲
 *                                    └──▶ DROPPED ───────────────────────────┘
 * </pre>
 *
 * <p>TAKEN is stored when the copy of the entry is complete. Without the mark "held", the SQ head that has been stored is before the
 * command, or after it. The parity is that of the completions in its queue before its own. What each state asks of whoever finds
 * it is in {@link SlotRecovery}.
 */
final class SlotRecord {
    static final int BYTES = 64;

    static final int FREE = 0;
    static final int TAKEN = 1;
    static final int ENDED = 2;
    static final int POSTING = 3;
    static final int DROPPED = 4;

    static final int ALONE = 0;
    static final int FUSED_FIRST = 1;
    static final int FUSED_SECOND = 2;

    private static final int AT_OWNER = 0;
    private static final int AT_DW0 = 8;
    private static final int AT_PROGRESS = 16;
    private static final int AT_FIRST = 24;

    /** Of a second one whose first has ended. */
    static final int NO_SLOT = -1;

    // The owner's fields, composed by hand, since that is done for each command, and Bits checks what cannot be wrong.

    private static final int STATE = 61;
    private static final int FUSED = 58;
    private static final int PARITY = 57;
    private static final int SQID = 50;
    private static final int STATUS = 35;
    private static final int SQ_HEAD = 16;
    private static final long HELD = 1L << 60;
    private static final long STATES = 7L << STATE;

    /** What is new when a command ends. */
    private static final long ENDING = STATES | 1L << PARITY | 0x7fffL << STATUS;

    private final int index;
    private final long address;
    private final Stores stores;

    /** As stored. */
    private long owner;

    private int dw0;
    private long progress;

    /** What is there is not looked at before {@link #load}. */
    SlotRecord(int index, long address, Stores stores) {
        this.index = index;
        this.address = address;
        this.stores = stores;
    }

    // ---- steps

    /**
     * The slot has a command.
     *
     * @param sqHeadAfter less than 4096
     * @param fused which of two fused commands it is, or {@link #ALONE}
     */
    void taken(int sqid, int sqHeadAfter, int guestCid, int fused) {
        if (progress != 0) {
            setProgress(0);
        }
        owner = (long) TAKEN << STATE
                | (long) fused << FUSED
                | (long) sqid << SQID
                | (long) sqHeadAfter << SQ_HEAD
                | guestCid;
        storeOwner();
    }

    /** Before it is taken as the second of two: which slot has the first, or {@link #NO_SLOT}. */
    void setFirst(int slot) {
        stores.putInt(address + AT_FIRST, slot);
    }

    /** The SQ head after it has been stored; or is about to be the one before it again. */
    void held(boolean nowHeld) {
        owner = nowHeld ? owner | HELD : owner & ~HELD;
        storeOwner();
    }

    /** The command has ended, and how is known, but it is not to be posted yet. */
    void ended(int status, int newDw0) {
        end(ENDED, status, newDw0, 0);
    }

    /**
     * Its completion is about to be posted.
     *
     * @param cqCount how many completions there are in its queue before it
     */
    void posting(int status, int newDw0, long cqCount) {
        end(POSTING, status, newDw0, cqCount & 1);
    }

    private void end(int state, int status, int newDw0, long parity) {
        if (dw0 != newDw0) {
            dw0 = newDw0;
            stores.putInt(address + AT_DW0, newDw0);
        }
        owner = (owner & ~ENDING) | ((long) state << STATE) | ((long) status << STATUS) | (parity << PARITY);
        storeOwner();
    }

    /** Its completion is not to be posted any more, but the path still has it. */
    void dropped() {
        owner = (owner & ~STATES) | ((long) DROPPED << STATE);
        storeOwner();
    }

    void free() {
        if (state() != FREE) {
            owner &= ~STATES;
            storeOwner();
        }
    }

    void setProgress(long newProgress) {
        progress = newProgress;
        stores.putLong(address + AT_PROGRESS, newProgress);
    }

    private void storeOwner() {
        stores.putLong(address + AT_OWNER, owner);
    }

    // ---- what is there

    /** Looks at what another process has left. */
    void load() {
        owner = Memory.getLong(address + AT_OWNER);
        dw0 = Memory.getInt(address + AT_DW0);
        progress = Memory.getLong(address + AT_PROGRESS);
    }

    int index() {
        return index;
    }

    /** Of a second one: which slot has the first, or {@link #NO_SLOT}. */
    int first() {
        return Memory.getInt(address + AT_FIRST);
    }

    int state() {
        return (int) (owner >>> STATE);
    }

    boolean isHeld() {
        return (owner & HELD) != 0;
    }

    int fused() {
        return (int) Bits.get(owner, 59, 58);
    }

    /** Whether it is {@link #POSTING}, and its queue has had another completion since. */
    boolean isPosted(long cqCount) {
        return state() == POSTING && Bits.get(owner, PARITY, PARITY) != (cqCount & 1);
    }

    int sqid() {
        return (int) Bits.get(owner, 56, 50);
    }

    int sqHeadAfter() {
        return (int) Bits.get(owner, 27, 16);
    }

    int guestCid() {
        return (int) Bits.get(owner, 15, 0);
    }

    int status() {
        return (int) Bits.get(owner, 49, 35);
    }

    int dw0() {
        return dw0;
    }

    long progress() {
        return progress;
    }
}
