package io.sluice.controller;

import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Enabling, resetting, shutting down and failing: what CC asks for and CSTS answers. NVMe 1.4, 3.1.5, 3.1.6, 7.3.2, 7.6.
 * Belongs to the controller's agent.
 *
 * <pre>
 *                        EN = 1, checks fail
 *   DISABLED ───────────────────────────────────▶ FAILED  CFS = 1
 *   RDY = 0  ──EN = 1, checks pass──▶ READY           ▲
 *      ▲                              RDY = 1 ────────┘ a bug, or the guest's memory is gone
 *      │                                │  SHN ≠ 0: SHST = 1, nothing more is taken; nothing in flight: SHST = 2
 *      │                             EN = 0
 *      │                                ▼
 *      └──nothing in flight── RESETTING, from READY and from FAILED alike
 * </pre>
 *
 * <p>What the specification leaves undefined is harmless here: the controller always moves towards what CC last said, so
 * EN = 1 while RDY has not fallen yet takes effect when it has.
 */
final class Lifecycle {
    /** What is switched on and off. */
    interface Machinery {
        /** Begins to serve the admin queue. Returns null, or why it cannot. */
        String start();

        /** Ends everything that is in flight and forgets all queues. False: not done yet, ask again in a later cycle. */
        boolean stop();

        /** A function level reset, once nothing is in flight: whatever {@link #stop} leaves is as after power-on. */
        void powerOn();

        /** Nothing new is being taken. Whether nothing is in flight any more either. */
        boolean isQuiet();
    }

    private enum Phase {
        DISABLED(0),
        READY(1),
        RESETTING(2),
        FAILED(3);

        /** In what outlives this process. */
        private final int code;

        Phase(int code) {
            this.code = code;
        }

        private static Phase of(int code) {
            return Arrays.stream(values())
                    .filter(phase -> phase.code == code)
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("a snapshot has the phase " + code));
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);

    private final String name;
    private final RegisterFile registers;
    private final Machinery machinery;
    private Phase phase = Phase.DISABLED;
    private boolean shutdownAsked;

    /** While resetting: whether it is the function that is reset, and not only the controller by CC.EN. */
    private boolean functionReset;

    /** After a failure: whether what was in flight has been ended, or cannot be. */
    private boolean settled;

    /** Whether something is different since {@link #committed}. */
    private boolean changed;

    Lifecycle(String name, RegisterFile registers, Machinery machinery) {
        this.name = name;
        this.registers = registers;
        this.machinery = machinery;
    }

    boolean hasChanged() {
        return changed;
    }

    void committed() {
        changed = false;
    }

    void save(SnapshotWriter out) {
        out.put(phase.code);
        out.put(shutdownAsked);
        out.put(functionReset);
    }

    /** What a failed controller had in flight is to be ended, whether it has been or not. */
    void resume(SnapshotReader in) {
        phase = Phase.of(in.getInt());
        shutdownAsked = in.getBoolean();
        functionReset = in.getBoolean();
        settled = false;
    }

    /** Whether commands are taken: ready, and no shutdown has been announced. */
    boolean takesCommands() {
        return phase == Phase.READY && Csts.shst(registers.csts()) == Csts.SHST_NORMAL;
    }

    /** Whether completions and events may be posted: commands that are in flight end during a shutdown too. */
    boolean isReady() {
        return phase == Phase.READY;
    }

    /** Whether only a write of a register, or a reset, can bring anything to do. */
    boolean isAtRest() {
        return switch (phase) {
            case DISABLED -> true;
            case READY -> Csts.shst(registers.csts()) == Csts.SHST_COMPLETE;
            case FAILED -> settled;
            case RESETTING -> false;
        };
    }

    /** CC was written. */
    void configured(int oldCc) {
        changed = true;
        int cc = registers.cc();
        if (Cc.enabled(oldCc) != Cc.enabled(cc) && phase != Phase.DISABLED) {
            begin(Phase.RESETTING); // and enabled after that if EN says so
        } else if (!Cc.enabled(oldCc) && Cc.enabled(cc) && phase == Phase.DISABLED) {
            enable();
        }
        shutdownAsked = asksForShutdown(cc) && (shutdownAsked || Cc.shn(cc) != Cc.shn(oldCc));
        advance();
    }

    /** A function level reset, or the client is gone. To be called until it returns true. */
    boolean resetFunction() {
        begin(Phase.RESETTING);
        functionReset = true; // if the caller has no more time, later cycles finish it
        return finishReset();
    }

    /** Goes on with a reset, a shutdown or the end of a failed controller. Returns how much was done. */
    int advance() {
        if (phase == Phase.RESETTING && !finishReset()) {
            return 0;
        }
        if (phase == Phase.FAILED && !settled) {
            settle();
        }
        beginShutdownIfAsked();
        if (Csts.shst(registers.csts()) == Csts.SHST_OCCURRING && machinery.isQuiet()) {
            changed = true;
            registers.setCsts(Csts.withShst(registers.csts(), Csts.SHST_COMPLETE));
            LOG.info("{}: shut down", name);
            return 1;
        }
        return 0;
    }

    /** Something is wrong that only a reset can cure: CSTS.CFS. Logged once. */
    void fail(String why, Throwable cause) {
        if (Csts.fatal(registers.csts())) {
            return; // the first reason is the one to tell; what is in flight is being ended
        }
        if (phase != Phase.RESETTING) { // a reset is tried again: the guest waits for RDY to fall
            begin(Phase.FAILED);
            settled = false;
        }
        changed = true;
        registers.setCsts(Csts.withFatal(registers.csts(), true));
        LOG.error("{}: failed until it is reset: {}", name, why, cause);
    }

    /** Ends what is in flight in a failed controller. */
    private void settle() {
        try {
            settled = machinery.stop();
        } catch (RuntimeException | Error e) {
            settled = true;
            LOG.error("{}: could not end what was in flight; left alone until it is reset", name, e);
        }
    }

    private void enable() {
        // A shutdown's status ends with the reset that an enable is; NVMe 1.4, 3.1.6, SHST.
        registers.setCsts(0);
        String fault = EnableCheck.fault(registers);
        if (fault == null) {
            fault = machinery.start();
        }
        if (fault != null) {
            fail("CC.EN was set, but " + fault, null);
            return;
        }
        begin(Phase.READY);
        registers.setCsts(Csts.withReady(0, true));
        LOG.info("{}: enabled, CC 0x{}", name, Integer.toHexString(registers.cc()));
    }

    private void begin(Phase next) {
        phase = next;
        changed = true;
    }

    private boolean finishReset() {
        if (!machinery.stop()) {
            return false;
        }
        begin(Phase.DISABLED);
        if (functionReset) {
            functionReset = false;
            shutdownAsked = false;
            registers.resetAll();
            machinery.powerOn();
            return true;
        }
        registers.resetController();
        LOG.info("{}: disabled", name);
        if (Cc.enabled(registers.cc())) {
            enable();
        }
        return true;
    }

    /** NVMe 1.4, 7.6.2. Normal and abrupt differ in what the host has done before, not in what is left to do. */
    private void beginShutdownIfAsked() {
        if (shutdownAsked && Csts.shst(registers.csts()) == Csts.SHST_NORMAL) {
            changed = true;
            registers.setCsts(Csts.withShst(registers.csts(), Csts.SHST_OCCURRING));
        }
        shutdownAsked = false;
    }

    private static boolean asksForShutdown(int cc) {
        return Cc.shn(cc) == Cc.SHN_NORMAL || Cc.shn(cc) == Cc.SHN_ABRUPT;
    }
}
