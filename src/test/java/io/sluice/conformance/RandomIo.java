package io.sluice.conformance;

import io.sluice.mem.Memory;
import java.util.Random;
import java.util.stream.IntStream;

/** A random I/O command. It is not one that touches blocks which another one of its batch changes, or the other way round. */
final class RandomIo extends Planned {
    private static final int[] OPCODES = {
        0x00, 0x01, 0x01, 0x01, 0x02, 0x02, 0x02, 0x04, 0x05, 0x05, 0x08, 0x09, 0x0c, 0x19
    };
    private static final int MAX_NSID = 16;

    private final ReferenceDrive[] drives;
    private final ReferenceDrive.Tags tags;

    private int opcode;
    private ReferenceDrive drive;
    private long slba;
    private int count;
    private int firstTag;
    private int fill;
    private int[] from = {};
    private int[] counts = {};
    private boolean conflicts;

    RandomIo(Host host, Random random, Slot slot, ReferenceDrive[] drives, ReferenceDrive.Tags tags) {
        super(host, random, slot);
        this.drives = drives;
        this.tags = tags;
        for (ReferenceDrive each : drives) {
            each.beginCommand();
        }
    }

    /** Returns null if what came out cannot go with the others of the batch. */
    RandomIo plan() {
        opcode = chance(40) ? 1 + random.nextInt(0x7f) : OPCODES[random.nextInt(OPCODES.length)];
        command = new Command(opcode);
        if (!isDefined(opcode)) {
            scramble();
            wrong(0, 0x01);
        } else {
            chooseNamespace();
            chooseFlags();
            choose();
        }
        return conflicts ? null : this;
    }

    /** A Compare, the first of two fused ones; {@link #planSecond} makes the other. */
    RandomIo planFirst() {
        opcode = 0x05;
        command = new Command(opcode).fuse(1);
        drive = drives[random.nextInt(drives.length)];
        command.nsid(drive.nsid);
        count = 1 + random.nextInt(MOST_PAGES);
        slba = random.nextInt((int) drive.blockCount - count + 1);
        command.blocks(slba, count);
        claim(slba, count, true);
        if (drive.isBad(slba, count)) {
            wrong(2, 0x81);
        }
        compareData();
        choosePrps(count * drive.blockBytes);
        return conflicts ? null : this;
    }

    /** NVMe 1.4, 6.2: if either fails, the other is aborted. */
    RandomIo planSecond(RandomIo first) {
        opcode = 0x01;
        drive = first.drive;
        slba = first.slba;
        count = first.count;
        command = new Command(opcode).fuse(2).nsid(drive.nsid).blocks(slba, count);
        firstTag = tags.take(count);
        fillTags(count * drive.blockBytes);
        choosePrps(count * drive.blockBytes);
        boolean fails = !isGood();
        if (!first.isGood()) {
            wrong(0, 0x09);
        }
        if (fails) {
            first.wrong(0, 0x09);
        }
        return this;
    }

    private void claim(long lba, int blocks, boolean changes) {
        conflicts |= !drive.claim(lba, blocks, changes);
    }

    private static boolean isDefined(int opcode) {
        return opcode < 0x20
                && (1 << opcode & (1 << 0 | 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 0xc | 1 << 0x19))
                        != 0;
    }

    private void scramble() {
        for (int i = 1; i < command.dwords.length; i++) {
            command.dw(i, random.nextInt());
        }
    }

    private void chooseNamespace() {
        drive = drives[random.nextInt(drives.length)];
        command.nsid(drive.nsid);
        if (!chance(30)) {
            return;
        }
        switch (random.nextInt(3)) {
            case 0 -> {
                command.nsid(3 + random.nextInt(MAX_NSID - 2));
                wrong(0, 0x02);
            }
            case 1 -> {
                command.nsid(chance(2) ? 0 : MAX_NSID + 1 + random.nextInt(1 << 30));
                wrong(0, 0x0b);
            }
            default -> {
                command.nsid(-1);
                if (opcode != 0x00) {
                    wrong(0, 0x0b);
                }
            }
        }
    }

    private void chooseFlags() {
        if (chance(100)) {
            command.fuse(chance(2) ? 2 : 3);
            wrong(0, (command.dwords[0] & 0x300) == 0x200 ? 0x0a : 0x02);
        } else if (chance(100)) {
            command.psdt(3);
            wrong(0, 0x02);
        }
    }

    private void choose() {
        switch (opcode) {
            case 0x00 -> {}
            case 0x01, 0x02, 0x05 -> {
                chooseBlocks(MOST_PAGES * PAGE / drive.blockBytes);
                chooseData();
            }
            case 0x04 -> chooseBlocks(20); // else most reads would fail
            case 0x09 -> chooseDeallocation();
            case 0x19 -> chooseCopy();
            default -> chooseBlocks((int) Math.min(drive.blockCount, 300));
        }
    }

    private void chooseBlocks(int most) {
        count = 1 + random.nextInt(most);
        slba = random.nextInt((int) drive.blockCount - count + 1);
        if (chance(30)) {
            slba = switch (random.nextInt(5)) {
                case 0 -> drive.blockCount - count + 1;
                case 1 -> drive.blockCount;
                case 2 -> -1L;
                case 3 -> Long.MIN_VALUE + random.nextInt(100);
                default -> random.nextLong();
            };
        }
        command.blocks(slba, count);
        boolean inside = drive.has(slba, count);
        if (!inside) {
            wrong(0, 0x80);
        }
        boolean reads = opcode == 0x02 || opcode == 0x05 || opcode == 0x0c;
        if (inside) {
            claim(slba, count, !reads);
        }
        if (inside && reads && drive.isBad(slba, count)) {
            wrong(2, 0x81);
        }
        if (opcode == 0x01 && chance(100)) {
            command.dw(12, command.dwords[12] | (1 + random.nextInt(15)) << 20);
            wrong(0, 0x02);
        }
    }

    // ---- data: PRPs, or an SGL with pieces of any length

    private void chooseData() {
        int bytes = count * drive.blockBytes;
        if (opcode == 0x01) {
            firstTag = tags.take(count);
            fillTags(bytes);
        } else if (opcode == 0x05) {
            compareData();
        } else {
            fill = random.nextInt();
            Memory.fill(host.address(slot.data()), bytes + PAGE, (byte) fill);
        }
        if ((command.dwords[0] & 0xc000) == 0 && chance(3)) {
            chooseSgl(bytes);
        } else {
            choosePrps(bytes);
        }
    }

    private void fillTags(int bytes) {
        for (int at = 0; at < bytes; at += Integer.BYTES) {
            host.putDword(slot.data() + at, firstTag + at / drive.blockBytes);
        }
    }

    /** What is stored, or that but for one word. */
    private void compareData() {
        if (!drive.has(slba, count)) {
            return;
        }
        int bytes = count * drive.blockBytes;
        for (int at = 0; at < bytes; at += Integer.BYTES) {
            host.putDword(slot.data() + at, drive.tag(slba + at / drive.blockBytes));
        }
        if (chance(3)) {
            int at = random.nextInt(bytes / 4) * 4;
            host.putDword(slot.data() + at, host.dword(slot.data() + at) ^ 1 << random.nextInt(32));
            wrong(2, 0x85);
        }
    }

    private void chooseSgl(int bytes) {
        long list = slot.list();
        int descriptors = 0;
        int at = 0;
        while (at < bytes) {
            int piece = chance(2) ? bytes - at : Math.min(bytes - at, 1 + random.nextInt(2 * PAGE));
            descriptor(list, descriptors++, Host.gpa(slot.data() + at), piece, 0x00);
            at += piece;
        }
        if (chance(30)) {
            int bad = random.nextInt(descriptors);
            spoil(list, bad);
        }
        if (descriptors == 1 && chance(2)) {
            command.psdt(1);
            copyDescriptor(list);
        } else {
            command.psdt(1 + random.nextInt(2))
                    .prp1(Host.gpa(list))
                    .dw(8, 16 * descriptors)
                    .dw(9, 0x30 << 24);
        }
    }

    private void copyDescriptor(long list) {
        for (int i = 0; i < 4; i++) {
            command.dw(6 + i, host.dword(list + 4L * i));
        }
    }

    private void descriptor(long list, int index, long gpa, int bytes, int type) {
        host.putQword(list + 16L * index, gpa);
        host.putDword(list + 16L * index + 8, bytes);
        host.putDword(list + 16L * index + 12, type << 24);
    }

    private void spoil(long list, int index) {
        long at = list + 16L * index;
        switch (random.nextInt(3)) {
            case 0 -> {
                host.putQword(at, NOWHERE);
                wrong(0, 0x04);
            }
            case 1 -> {
                host.putDword(at + 8, host.dword(at + 8) - 1);
                wrong(0, 0x0f);
                wrong(0, 0x1e);
            }
            default -> {
                host.putDword(at + 12, (0x50 + random.nextInt(0x90)) << 24);
                wrong(0, 0x11);
            }
        }
    }

    // ---- ranges

    private void chooseDeallocation() {
        chooseRanges(16);
        for (int i = 0; i < from.length; i++) {
            claim(from[i], counts[i], true);
        }
        command.prp1(Host.gpa(data(0))).dw(10, from.length - 1).dw(11, 4);
        putRanges(0x10);
    }

    /** Not of bad blocks, nor over its own sources: what is in the destination then is left open. */
    private void chooseCopy() {
        chooseRanges(8);
        int sum = IntStream.of(counts).sum();
        slba = random.nextInt((int) drive.blockCount - sum + 1);
        for (int i = 0; i < from.length; i++) {
            boolean overlaps = from[i] < slba + sum && slba < from[i] + counts[i];
            if (overlaps || drive.isBad(from[i], counts[i])) {
                becomeFlush();
                return;
            }
        }
        for (int i = 0; i < from.length; i++) {
            claim(from[i], counts[i], false);
        }
        claim(slba, sum, true);
        if (chance(50)) {
            slba = drive.blockCount - sum + 1;
            wrong(0, 0x80);
        }
        command.prp1(Host.gpa(data(0)))
                .dw(10, (int) slba)
                .dw(11, (int) (slba >>> 32))
                .dw(12, from.length - 1);
        putRanges(0x20);
    }

    private void becomeFlush() {
        opcode = 0x00;
        command.dw(0, command.dwords[0] & ~0xff);
        nothingIsWrong();
        conflicts = false;
        command.nsid(drive.nsid).fuse(0).psdt(0);
    }

    private void chooseRanges(int most) {
        int ranges = 1 + random.nextInt(most);
        from = new int[ranges];
        counts = new int[ranges];
        for (int i = 0; i < ranges; i++) {
            counts[i] = 1 + random.nextInt(20);
            from[i] = random.nextInt((int) drive.blockCount - counts[i] + 1);
        }
    }

    private void putRanges(int bytes) {
        for (int i = 0; i < from.length; i++) {
            long start = from[i];
            if (chance(300)) {
                start = drive.blockCount - counts[i] + 1;
                wrong(0, 0x80);
            }
            putRange(bytes, i, start);
        }
    }

    private void putRange(int bytes, int index, long start) {
        long at = slot.data() + (long) bytes * index;
        Memory.fill(host.address(at), bytes, (byte) 0);
        if (bytes == 0x10) {
            host.putDword(at + 4, counts[index]);
            host.putQword(at + 8, start);
        } else {
            host.putQword(at + 8, start);
            host.putDword(at + 16, counts[index] - 1);
        }
    }

    // ---- effects

    @Override
    void done(Completion completion) {
        switch (opcode) {
            case 0x01 -> drive.writeEach(slba, count, firstTag);
            case 0x02 -> compareWithRead();
            case 0x04 -> drive.spoil(slba, count);
            case 0x08 -> drive.write(slba, count, 0);
            case 0x09 -> deallocate();
            case 0x19 -> copy();
            default -> {}
        }
    }

    private void deallocate() {
        for (int i = 0; i < from.length; i++) {
            drive.write(from[i], counts[i], 0);
        }
    }

    private void copy() {
        long to = slba;
        for (int i = 0; i < from.length; i++) {
            drive.copy(from[i], to, counts[i]);
            to += counts[i];
        }
    }

    private void compareWithRead() {
        int bytes = count * drive.blockBytes;
        for (int at = 0; at < bytes; at += Integer.BYTES) {
            int expected = drive.tag(slba + at / drive.blockBytes);
            int found = host.dword(slot.data() + at);
            if (found != expected) {
                throw new AssertionError("%s: byte %d is of %08x, not %08x".formatted(text(), at, found, expected));
            }
        }
        byte beyond = Memory.getByte(host.address(slot.data() + bytes));
        if (beyond != (byte) fill) {
            throw new AssertionError(text() + ": has written behind its data");
        }
    }
}
