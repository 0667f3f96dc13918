package io.sluice.controller;

import io.sluice.device.AccessRefused;
import io.sluice.device.InterruptKind;
import io.sluice.device.Region;
import io.sluice.fuzz.Input;
import io.sluice.fuzz.LoggedBugs;
import io.sluice.linux.EventFd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Accesses to registers, configuration space and MSI-X' BAR, in any order, with resets, interrupts and changes of memory among them. Whatever
 * came, afterwards the next client brings the controller up.
 *
 * <pre>
 *   byte:  bits 7:5 = 111b: something else, by bits 4:0
 *          else an access: bits 1:0 region, bit 2 write, bits 4:3 length; then offset (2 bytes), and data if it is a write
 * </pre>
 */
public final class RegisterFuzz {
    private static final int CAP = 0;
    private static final int CAP_BYTES = 8;
    private static final int[] REGIONS = {Region.BAR0, Region.CONFIG, PciSide.MSIX_BAR, Region.BAR0};
    private static final int[] LENGTHS = {4, 8, 2, 1};
    private static final int MOST_RECORDS = 200;
    private static final int ELSE = 0xe0;

    private static RegisterFuzz target;

    private final LoggedBugs bugs = LoggedBugs.capture();
    private final ControllerRig rig;
    private final byte[] cap;
    private final byte[] identity = new byte[4];

    private RegisterFuzz() throws Exception {
        rig = new ControllerRig(
                ControllerConfig.of("fuzz", "SN1").withMaxQueuePairs(4),
                new MemoryStorage(new Namespace(1, 64, 512, 0, 0, 0, false)));
        cap = rig.readBar0(CAP, CAP_BYTES);
        rig.controller.read(Region.CONFIG, 0, identity);
    }

    /** Begins; what the product logs is looked at and not printed, until {@link #end}. */
    public static void fuzzerInitialize() throws Exception {
        target = new RegisterFuzz();
    }

    public static void fuzzerTestOneInput(byte[] bytes) throws Exception {
        target.run(new Input(bytes));
    }

    public static void end() {
        target.rig.close();
        target.bugs.release();
    }

    private void run(Input input) throws Exception {
        rig.reconnect();
        for (int i = 0; i < MOST_RECORDS && input.hasMore(); i++) {
            int what = input.u8();
            if ((what & ELSE) == ELSE) {
                disturb(what & ~ELSE, input);
            } else {
                access(what, input);
            }
        }
        rig.step();
        bugs.check();
        check();
    }

    private void access(int what, Input input) throws Exception {
        int region = REGIONS[what & 3];
        int bytes = LENGTHS[what >> 3 & 3];
        int offset = input.u16();
        if (offset > rig.controller.region(region).bytes() - bytes) { // the server has refused it
            return;
        }
        try {
            if ((what & 4) == 0) {
                rig.controller.read(region, offset, new byte[bytes]);
            } else {
                rig.controller.write(region, offset, input.take(bytes));
            }
        } catch (AccessRefused e) {
            require(e.getMessage().length() > 10, "a refusal without a reason");
        }
    }

    private void disturb(int what, Input input) throws Exception {
        switch (what & 15) {
            case 0, 1 -> rig.step();
            case 2 -> rig.controller.reset();
            case 3 -> rig.reconnect();
            case 4 -> rig.ring(Doorbells.OFFSET + 4 * (input.u8() & 15), input.u8());
            case 5 -> rig.nanos += Integer.toUnsignedLong(input.u32());
            case 6 -> interrupts(input);
            case 7 -> memory(input.u8() & 15, input.u8());
            case 8 -> Memory.putInt(rig.guest.hva(ControllerRig.ASQ) + 4L * input.u8(), input.u32());
            default -> bringUp(2 + (what & 7));
        }
    }

    /** Which may fail, after what came before. */
    private void bringUp(int entries) throws Exception {
        rig.setBusMaster(true);
        rig.setAdminQueue(entries);
        rig.write(Registers.CC, ControllerRig.cc(true));
    }

    private void interrupts(Input input) throws Exception {
        int how = input.u8();
        InterruptKind[] kinds = InterruptKind.values();
        InterruptKind kind = kinds[how % kinds.length];
        int count = rig.controller.interruptCount(kind);
        int start = count == 0 ? 0 : input.u8() % count;
        int some = count == 0 ? 0 : input.u8() % (count - start + 1);
        switch (how >> 4 & 3) {
            case 0 -> rig.controller.maskInterrupts(kind, start, some);
            case 1 -> rig.controller.unmaskInterrupts(kind, start, some);
            case 2 -> rig.controller.triggerInterrupts(kind, start, some);
            default -> {
                List<EventFd> targets = new ArrayList<>(Collections.nCopies(some, null));
                if (some > 0 && how >= 0x80) {
                    targets.set(0, EventFd.create());
                }
                rig.controller.setInterruptTargets(kind, start, targets);
            }
        }
    }

    /** Pages of the queues come and go. */
    private void memory(int page, int how) {
        long gpa = (page < 8 ? ControllerRig.ASQ : ControllerRig.ACQ) + (page & 1) * (long) ControllerRig.PAGE;
        switch (how & 3) {
            case 0 -> rig.guest.unmapPage(gpa);
            case 1 -> rig.guest.makePageRemote(gpa);
            case 2 -> rig.guest.mapPage(gpa, gpa, Translator.READ);
            default -> rig.guest.mapPage(gpa, gpa, Translator.READ | Translator.WRITE);
        }
    }

    private void check() throws Exception {
        for (int page = 0; page < 16; page++) {
            memory(page, 3);
        }
        rig.reconnect();
        require(Arrays.equals(cap, rig.readBar0(CAP, CAP_BYTES)), "CAP has changed");
        byte[] now = new byte[identity.length];
        rig.controller.read(Region.CONFIG, 0, now);
        require(Arrays.equals(identity, now), "the function's identity has changed");
        rig.enable(8);
        require(rig.identify(Cns.CONTROLLER, 0).status() == Status.OK, "Identify fails after a bring-up");
        bugs.check();
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
