package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Status;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Everything that switches a controller on, off and over, in any legal and illegal order: afterwards a plain bring-up always
 * works, and no command of the I/O path is left.
 */
class RandomLifecycleTest {
    private static final int RUNS = 150;
    private static final int STEPS = 60;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @Test
    void shouldAlwaysComeBackToABringUpThatWorks() throws Exception {
        System.out.println("RandomLifecycleTest seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
        try (ControllerRig rig = new ControllerRig()) {
            for (int run = 0; run < RUNS; run++) {
                for (int step = 0; step < STEPS; step++) {
                    disturb(rig);
                    checkStatus(rig, run, step);
                }
                bringUp(rig, "seed " + seed + ", run " + run);
            }
        }
    }

    private void disturb(ControllerRig rig) throws Exception {
        switch (random.nextInt(14)) {
            case 0 -> rig.write(Registers.CC, random.nextInt());
            case 1 -> rig.write(Registers.CC, ControllerRig.cc(random.nextBoolean()));
            case 2 -> rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(random.nextBoolean()), random.nextInt(4)));
            case 3 -> rig.write(Registers.AQA, random.nextInt());
            case 4 -> rig.write(Registers.ASQ, random.nextBoolean() ? ControllerRig.ASQ : random.nextLong());
            case 5 -> rig.write(Registers.ACQ, random.nextBoolean() ? ControllerRig.ACQ : random.nextLong());
            case 6 -> rig.writeBar0(Doorbells.OFFSET + 4L * random.nextInt(200), 4, random.nextInt(20));
            case 7 -> rig.ring(Doorbells.OFFSET + 4 * random.nextInt(8), random.nextInt(20));
            case 8 -> reset(rig);
            case 9 -> rig.setBusMaster(random.nextInt(4) != 0);
            case 10 -> rig.step();
            case 11 -> work(rig);
            case 12 -> rig.path.endAll(Status.OK);
            default -> reattach(rig);
        }
    }

    /** Commands that the path does not end when it is asked to end in a later cycle. */
    private static void reset(ControllerRig rig) throws Exception {
        rig.path.endsInPoll = true;
        rig.controller.reset();
        rig.path.endsInPoll = false;
        assertEquals(0, rig.path.held.size(), "held after a reset");
        assertEquals(0, rig.csts());
    }

    private static void reattach(ControllerRig rig) throws Exception {
        rig.path.endsInPoll = true;
        rig.reconnect();
        rig.path.endsInPoll = false;
        assertEquals(0, rig.path.held.size(), "held for a client that has left");
    }

    /** A ready controller with a queue and a command in flight, so that the next disturbance meets something. */
    private void work(ControllerRig rig) throws Exception {
        bringUp(rig, "seed " + seed);
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.path.holds = random.nextBoolean();
        rig.path.cancelsLate = random.nextBoolean();
        rig.putFlush(1, 0, 1);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();
        if (random.nextBoolean()) {
            rig.submit(AdminOpcode.ASYNC_EVENT_REQUEST, sqe -> {});
            rig.step();
        }
    }

    private void checkStatus(ControllerRig rig, int run, int step) throws Exception {
        String where = "seed " + seed + ", run " + run + ", step " + step;
        if (!Cc.enabled(rig.read(Registers.CC)) && Csts.ready(rig.csts()) && rig.path.held.isEmpty()) {
            rig.step(); // the last one may have ended since the last cycle
            assertFalse(Csts.ready(rig.csts()), where + ": ready without CC.EN, and nothing in flight keeps it so");
        }
        assertFalse(Csts.shst(rig.csts()) == 3, where + ": reserved shutdown status");
    }

    private static void bringUp(ControllerRig rig, String where) throws Exception {
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.step();
        if (rig.path.cancelsLate) {
            rig.path.endAll(Status.OK);
            rig.step();
        }
        assertEquals(0, rig.path.held.size(), where + ": commands left in the I/O path");
        // A shutdown of a disabled controller stays complete until it is enabled.
        assertEquals(0, Csts.withShst(rig.csts(), Csts.SHST_NORMAL), where + ": disabled");
        rig.setBusMaster(true);
        rig.enable(8);
        for (int i = 0; i < 20; i++) {
            assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status(), where);
        }
    }
}
