package io.sluice.host;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Whether a queue pair's queues may be used. A reset ends every outstanding command exactly once, on the poller's thread, in
 * {@link QueuePair#poll}, with a {@link DriverStatus}:
 *
 * <pre>
 *   RUNNING ──(reset begins)──▶ HALTED ──(controller disabled)──▶ ENDING ──poll: all ended──▶ QUIET
 *      ▲                          │ doorbells stay still             │ no memory is touched     │
 *      └──(queues created again)──┼──────────────────────────────────┼──────────────────────────┘
 *                                 └──────▶ DEAD ◀────────────────────┘  poll: all ended, then a DeviceFailure
 *
 *   (in brackets: by supervise, on whichever thread; the rest by the poller)
 * </pre>
 */
final class PairState {
    /** What may be done with the queues. */
    enum Mode {
        RUNNING,
        HALTED,
        ENDING,
        QUIET,
        DEAD
    }

    /** A field and no AtomicReference, which would be one more step on the way of each command. */
    private static final VarHandle MODE;

    static {
        try {
            MODE = MethodHandles.lookup().findVarHandle(PairState.class, "mode", Mode.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile Mode mode = Mode.RUNNING;
    private volatile boolean worked;
    private volatile DeviceFailure death;
    private volatile int deathStatus = DriverStatus.DEVICE_DEAD;

    Mode mode() {
        return (Mode) MODE.getAcquire(this);
    }

    boolean isRunning() {
        return mode() == Mode.RUNNING;
    }

    // ---- by the poller

    /** The device has completed a command. */
    void noteWork() {
        if (!worked) {
            worked = true;
        }
    }

    /** All commands have ended, and the queues are empty. */
    void quiet() {
        change(Mode.ENDING, Mode.QUIET);
    }

    /** Why there is no way back; of a dead pair only. */
    DeviceFailure death() {
        return death;
    }

    /** How a dead pair's commands end. */
    int deathStatus() {
        return deathStatus;
    }

    // ---- by the supervising thread

    /** The controller is about to be reset: its doorbells are not rung any more. */
    void halt() {
        change(Mode.RUNNING, Mode.HALTED);
    }

    /** The controller is disabled and touches no memory: commands may be ended, and their memory used for something else. */
    void endAll() {
        change(Mode.HALTED, Mode.ENDING);
        change(Mode.QUIET, Mode.ENDING); // its poller may have failed it meanwhile: it begins afresh
    }

    /** The controller has the queues again, empty. */
    void resume() {
        worked = false;
        change(Mode.QUIET, Mode.RUNNING);
    }

    /** Whether the device has completed a command since the queues were last created. */
    boolean hasWorked() {
        return worked;
    }

    /**
     * There is no way back.
     *
     * @param status how commands end
     */
    void die(DeviceFailure why, int status) {
        death = why;
        deathStatus = status;
        mode = Mode.DEAD;
    }

    /** Nothing happens where it is in another mode, as when it has died meanwhile. */
    private void change(Mode from, Mode to) {
        MODE.compareAndSet(this, from, to);
    }
}
