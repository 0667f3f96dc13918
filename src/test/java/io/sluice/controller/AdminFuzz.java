package io.sluice.controller;

import io.sluice.fuzz.Input;
import io.sluice.fuzz.LoggedBugs;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.util.HashSet;
import java.util.Set;

/**
 * Admin commands, and I/O commands, to a controller that is enabled; PRP lists, descriptors and ranges that they refer to; memory that is
 * not mapped, for reading only, or not shared; doorbells and resets. Each admin command ends, once; nothing is written where the guest
 * allows none; whatever came, afterwards the next client brings the controller up.
 *
 * <pre>
 *   byte, bits 2:0:  0 to 2 admin command, 3 I/O command, 4 a word of a page, 5 a page's rights, 6 doorbell, 7 something else
 *   command:         opcode, flags, NSID, PRP1, PRP2 (a byte each), a byte of bits for the dwords 10 to 15 that follow
 * </pre>
 */
public final class AdminFuzz {
    private static final int ENTRIES = 16;
    private static final int QUEUE = 1;
    private static final int MOST_RECORDS = 100;
    private static final int PAGES = 8;
    /** For a command that takes several cycles. */
    private static final int PATIENCE = 10_000;

    private static final long READ_ONLY = 0x20_0000;
    private static final long UNMAPPED = 0x21_0000;
    private static final long REMOTE = 0x22_0000;
    private static final long NOWHERE = 0x7777_7777_7000L;
    private static final long PATTERN = 0xa5a5_5a5a_1234_4321L;

    private static AdminFuzz target;

    private final LoggedBugs bugs = LoggedBugs.capture();
    private final ControllerRig rig;
    private final Set<Integer> outstanding = new HashSet<>();
    private int ioTail;
    private int ioEntries;

    private AdminFuzz() throws Exception {
        rig = new ControllerRig(
                ControllerConfig.of("fuzz", "SN1").withLimits(4, 64, 1 << 15),
                new MemoryStorage(new Namespace(1, 64, 512, 0, 0, 0, false)));
        for (long page : new long[] {READ_ONLY, UNMAPPED, REMOTE}) {
            for (int at = 0; at < ControllerRig.PAGE; at += Long.BYTES) {
                Memory.putLong(rig.guest.hva(page) + at, PATTERN);
            }
        }
        rig.guest.mapPage(READ_ONLY, READ_ONLY, Translator.READ);
        rig.guest.unmapPage(UNMAPPED);
        rig.guest.makePageRemote(REMOTE);
    }

    /** Begins; what the product logs is looked at and not printed, until {@link #end}. */
    public static void fuzzerInitialize() throws Exception {
        target = new AdminFuzz();
    }

    public static void fuzzerTestOneInput(byte[] bytes) throws Exception {
        target.run(new Input(bytes));
    }

    public static void end() {
        target.rig.close();
        target.bugs.release();
    }

    private void run(Input input) throws Exception {
        start();
        for (int i = 0; i < MOST_RECORDS && input.hasMore(); i++) {
            int what = input.u8();
            switch (what & 7) {
                case 0, 1, 2 -> admin(input);
                case 3 -> io(input, what >= 0x80);
                case 4 -> Memory.putLong(rig.guest.hva(page(input.u8())) + 8L * input.u16() % 4096, address(input));
                case 5 -> rights(input.u8(), what >> 3);
                case 6 -> doorbell(input, what >> 3);
                default -> disturb(input, what >> 3);
            }
            rig.controller.doWork();
        }
        check();
    }

    private void start() throws Exception {
        for (int page = 0; page < PAGES; page++) {
            rights(page, 3);
            Memory.fill(rig.guest.hva(page(page)), ControllerRig.PAGE, (byte) 0);
        }
        rig.reconnect();
        enable();
        createQueues();
    }

    private void enable() throws Exception {
        outstanding.clear();
        rig.enable(ENTRIES);
    }

    private void createQueues() {
        ioEntries = ENTRIES;
        ioTail = 0;
        Memory.fill(rig.guest.hva(ControllerRig.cqGpa(QUEUE)), ControllerRig.PAGE, (byte) 0);
        require(rig.createCq(QUEUE, ioEntries, -1).code() == Status.OK, "no completion queue");
        require(rig.createSq(QUEUE, ioEntries, QUEUE).code() == Status.OK, "no submission queue");
    }

    // ---- commands

    private static long page(int index) {
        return ControllerRig.DATA + (long) (index % PAGES) * ControllerRig.PAGE;
    }

    /** One of those that commands may have in common, or any. */
    private static long address(Input input) {
        int what = input.u8();
        long page = page(what & 7);
        return switch (what >> 3 & 15) {
            case 0, 8, 9, 10 -> page;
            case 1 -> page + 4;
            case 2 -> page + 8L * (input.u8() & 0x1ff);
            case 3 -> page + 0xff8;
            case 4 -> READ_ONLY;
            case 5 -> UNMAPPED;
            case 6 -> REMOTE;
            case 7 -> NOWHERE;
            case 11 -> 0;
            case 12 -> input.u32();
            default -> input.u64();
        };
    }

    private static void fill(long sqe, Input input) {
        Sqe.setPsdt(sqe, input.u8() & 3);
        int nsid = input.u8();
        Sqe.setNsid(sqe, nsid == 0xff ? -1 : nsid == 0xfe ? input.u32() : nsid);
        Sqe.setPrp1(sqe, address(input));
        Sqe.setPrp2(sqe, address(input));
        int dwords = input.u8();
        for (int i = 0; i < 6; i++) {
            if ((dwords >> i & 1) != 0) {
                Memory.putInt(sqe + 40 + 4L * i, input.u32());
            }
        }
        if (dwords >= 0x80) {
            Sqe.setFuse(sqe, dwords >> 6);
        }
    }

    private void admin(Input input) throws Exception {
        if (!takesCommands() || outstanding.size() + 1 >= ENTRIES) {
            return;
        }
        int opcode = input.u8();
        int cid = rig.submit(opcode, sqe -> fill(sqe, input));
        outstanding.add(cid);
        boolean parks = opcode == AdminOpcode.ASYNC_EVENT_REQUEST;
        for (int i = 0; i < PATIENCE; i++) {
            take();
            if (parks || !outstanding.contains(cid) || !takesCommands()) {
                break;
            }
        }
        if (!parks && outstanding.contains(cid) && takesCommands()) {
            throw new AssertionError("admin command " + Integer.toHexString(opcode) + "h has not ended");
        }
    }

    private boolean takesCommands() throws Exception {
        int csts = rig.csts();
        return Csts.ready(csts) && !Csts.fatal(csts) && Csts.shst(csts) == Csts.SHST_NORMAL;
    }

    private void take() {
        ControllerRig.Completion completion = rig.next();
        while (completion != null) {
            if (!outstanding.remove(completion.cid())) {
                throw new AssertionError("a completion that nothing waits for: " + completion);
            }
            completion = rig.next();
        }
    }

    private void io(Input input, boolean ring) {
        long sqe = rig.guest.hva(ControllerRig.sqGpa(QUEUE)) + (long) ioTail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, input.u8() & 0x1f, ioTail);
        fill(sqe, input);
        ioTail = (ioTail + 1) % ioEntries;
        if (ring) {
            rig.ring(Doorbells.sqTailDoorbell(QUEUE), ioTail);
            rig.step();
            rig.ring(Doorbells.cqHeadDoorbell(QUEUE), ioTail);
        }
    }

    // ---- the rest

    private void rights(int index, int how) {
        long gpa = page(index);
        switch (how & 3) {
            case 0 -> rig.guest.unmapPage(gpa);
            case 1 -> rig.guest.makePageRemote(gpa);
            case 2 -> rig.guest.mapPage(gpa, gpa, Translator.READ);
            default -> rig.guest.mapPage(gpa, gpa, Translator.READ | Translator.WRITE);
        }
    }

    /** Not of the admin queue: what became of its commands could not be said any more. */
    private void doorbell(Input input, int how) {
        int offset = Doorbells.OFFSET + 4 * (2 + input.u8() % 8);
        if ((how & 1) == 0) {
            rig.ring(offset, input.u8());
        } else {
            rig.ringByMessage(offset, (how & 2) == 0 ? input.u8() : input.u32());
        }
    }

    private void disturb(Input input, int how) throws Exception {
        switch (how & 7) {
            case 0 -> rig.nanos += Integer.toUnsignedLong(input.u32());
            case 1 -> {
                rig.setBusMaster(false);
                rig.step();
                rig.setBusMaster(true);
            }
            case 2 -> restart();
            case 3 -> {
                rig.controller.reset();
                rig.setBusMaster(true);
                enable();
                createQueues();
            }
            default -> {
                rig.step();
                take();
            }
        }
    }

    private void restart() throws Exception {
        rig.write(Registers.CC, ControllerRig.cc(false));
        for (int i = 0; i < PATIENCE && Csts.ready(rig.csts()); i++) {
            rig.step();
        }
        require(!Csts.ready(rig.csts()), "still ready after CC.EN = 0");
        enable();
    }

    private void check() throws Exception {
        rig.step();
        take();
        bugs.check();
        for (long page : new long[] {READ_ONLY, UNMAPPED, REMOTE}) {
            for (int at = 0; at < ControllerRig.PAGE; at += Long.BYTES) {
                if (Memory.getLong(rig.guest.hva(page) + at) != PATTERN) {
                    throw new AssertionError("written at " + Long.toHexString(page + at));
                }
            }
        }
        rights(0, 3);
        rig.reconnect();
        rig.enable(ENTRIES);
        require(rig.identify(Cns.CONTROLLER, 0).status() == Status.OK, "Identify fails after a bring-up");
        bugs.check();
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
