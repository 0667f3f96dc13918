package io.sluice.host;

import java.util.concurrent.TimeUnit;

/**
 * When the commands of a queue pair are to have ended, and what is done about those that have not. For its poller alone.
 *
 * <pre>
 *   taken ──timeout──▶ late: the alarm, for an Abort ──grace──▶ the alarm, for a reset
 *     └──────────abort───────▲
 * </pre>
 *
 * <p>A new command's deadline is told to the slot table once in each duty cycle, so that taking a slot asks nobody for it.
 */
final class Deadlines {
    private final QueuePair pair;
    private final String name;
    private final SlotTable slots;
    private final Alarm alarm;
    private final long timeoutNanos;
    private final long graceNanos;

    private long now;
    private boolean nowIsKnown;
    private long nextCheck;

    /**
     * @param name of the pair, for messages
     * @param alarm hears of late commands
     */
    Deadlines(QueuePair pair, String name, SlotTable slots, Timeouts timeouts, Alarm alarm) {
        this.pair = pair;
        this.name = name;
        this.slots = slots;
        this.alarm = alarm;
        this.timeoutNanos = TimeUnit.MILLISECONDS.toNanos(timeouts.ioMillis());
        this.graceNanos = TimeUnit.MILLISECONDS.toNanos(timeouts.graceMillis());
    }

    /** Tells the time; only while the state says that the pair is running, anything is late. */
    void check(long nowNanos, PairState state) {
        now = nowNanos;
        slots.setDeadlineOfNew(nowNanos + timeoutNanos);
        if (!nowIsKnown) {
            startClock();
        } else if (nowNanos - nextCheck >= 0 && state.isRunning()) {
            expire();
        }
    }

    /** What was submitted before the time was known has the full time from now on. */
    private void startClock() {
        nowIsKnown = true;
        nextCheck = now + timeoutNanos;
        for (int slot = 0; slot < slots.count(); slot++) {
            slots.setDeadline(slot, nextCheck);
        }
    }

    /** Not often: what is submitted from now on has a later deadline than all that is looked at here. */
    private void expire() {
        nextCheck = now + timeoutNanos;
        for (int slot = 0; slot < slots.count(); slot++) {
            if (!slots.isOutstanding(slot)) {
                continue;
            }
            if (now - slots.deadline(slot) >= 0) {
                expire(slot);
            }
            if (slots.deadline(slot) - nextCheck < 0) {
                nextCheck = slots.deadline(slot);
            }
        }
    }

    private void expire(int slot) {
        slots.setDeadline(slot, now + graceNanos);
        if (slots.isLate(slot)) {
            alarm.failed("command " + slots.cid(slot) + " of " + name
                    + " has not ended in time, and its Abort has not ended it");
        } else {
            markLate(slot);
        }
    }

    /** Has the command in an outstanding slot aborted now; it has no less time to end than it had. */
    void abort(int slot) {
        slots.setDeadline(slot, slots.deadline(slot) + graceNanos);
        markLate(slot);
    }

    private void markLate(int slot) {
        slots.markLate(slot);
        alarm.late(pair, slots.cid(slot));
    }

    /** A late command has ended: its slot is about to be freed. */
    void lateEnded(int slot) {
        slots.clearLate(slot);
        alarm.lateEnded();
    }
}
