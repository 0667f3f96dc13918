package io.sluice.conformance;

import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Random I/O commands, whose fields are now and then nonsense, one after another; and what the specification allows for each: if there is
 * nothing wrong with it, that it is done; if there is, one of the statuses for what is wrong, and nothing changed.
 */
final class RandomStream {
    private static final int PAGE = 4096;
    private static final int[] OPCODES = {
        0x00, 0x01, 0x01, 0x01, 0x02, 0x02, 0x02, 0x04, 0x05, 0x05, 0x08, 0x09, 0x0c, 0x19
    };
    private static final int MOST_PAGES = 8;
    private static final int MAX_NSID = 16;

    /** Where there is no memory. */
    private static final long NOWHERE = 0x7777_0000_0000L;

    private final Host host;
    private final Random random;
    private final ReferenceDrive[] drives;

    // The command in hand.
    private final Set<String> wrong = new TreeSet<>();
    private Command command;
    private int opcode;
    private ReferenceDrive drive;
    private long slba;
    private int count;
    private int firstTag;
    private int nextTag = 1;
    private int fill;
    private int[] from = {};
    private int[] counts = {};
    private long refused;

    RandomStream(Host host, Random random, ReferenceDrive... drives) {
        this.host = host;
        this.random = random;
        this.drives = drives;
    }

    /** How many commands had something wrong with them. */
    long refused() {
        return refused;
    }

    private boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    private void wrong(int type, int code) {
        wrong.add("%xh/%02xh".formatted(type, code));
    }

    /** Runs one command by a queue, and compares. */
    void next(HostQueue queue) throws IOException {
        wrong.clear();
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
        Completion completion = queue.run(command);
        String status = "%xh/%02xh".formatted(completion.type(), completion.code());
        if (wrong.isEmpty() ? !status.equals("0h/00h") : !wrong.contains(status)) {
            throw new AssertionError(
                    "%s: allowed is %s, found %s".formatted(text(), wrong.isEmpty() ? "success" : wrong, status));
        }
        if (wrong.isEmpty()) {
            apply();
        } else {
            refused++;
        }
    }

    private String text() {
        StringBuilder text = new StringBuilder("command");
        for (int dword : command.dwords) {
            text.append(" %08x".formatted(dword));
        }
        return text.toString();
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
        firstTag = nextTag;
        if (opcode == 0x01) {
            nextTag += count;
            fillTags(bytes);
        } else if (opcode == 0x05) {
            compareData();
        } else {
            fill = random.nextInt();
            fillAll();
        }
        if ((command.dwords[0] & 0xc000) == 0 && chance(3)) {
            chooseSgl(bytes);
        } else {
            choosePrps(bytes);
        }
    }

    private long data(int page) {
        return Host.DATA + (long) page * PAGE;
    }

    private void fillAll() {
        Memory.fill(host.address(Host.DATA), (MOST_PAGES + 1) * PAGE, (byte) fill);
    }

    private void fillTags(int bytes) {
        for (int at = 0; at < bytes; at += Integer.BYTES) {
            host.putDword(Host.DATA + at, firstTag + at / drive.blockBytes);
        }
    }

    /** What is stored, or that but for one word. */
    private void compareData() {
        if (!drive.has(slba, count)) {
            return;
        }
        int bytes = count * drive.blockBytes;
        for (int at = 0; at < bytes; at += Integer.BYTES) {
            host.putDword(Host.DATA + at, drive.tag(slba + at / drive.blockBytes));
        }
        if (chance(3)) {
            int at = random.nextInt(bytes / 4) * 4;
            host.putDword(Host.DATA + at, host.dword(Host.DATA + at) ^ 1 << random.nextInt(32));
            wrong(2, 0x85);
        }
    }

    private void choosePrps(int bytes) {
        int pages = Math.ceilDiv(bytes, PAGE);
        command.prp1(Host.gpa(data(0))).prp2(pages == 2 ? Host.gpa(data(1)) : 0);
        if (pages > 2) {
            long list = Host.LISTS + random.nextInt(64) * 8L;
            command.prp2(Host.gpa(list));
            for (int i = 1; i < pages; i++) {
                host.putQword(list + 8L * (i - 1), Host.gpa(data(i)));
            }
            if (chance(40)) {
                int at = random.nextInt(pages - 1);
                boolean nowhere = chance(2);
                host.putQword(list + 8L * at, nowhere ? NOWHERE : Host.gpa(data(0)) + 1 + random.nextInt(PAGE - 1));
                wrong(0, nowhere ? 0x04 : 0x13);
            }
        }
        if (chance(60)) {
            command.prp1(NOWHERE);
            wrong(0, 0x04);
        } else if (chance(60)) {
            command.prp1(Host.gpa(data(0)) + 1 + random.nextInt(3));
            wrong(0, 0x13);
        }
    }

    private void chooseSgl(int bytes) {
        long list = Host.LISTS;
        int descriptors = 0;
        int at = 0;
        while (at < bytes) {
            int piece = chance(2) ? bytes - at : Math.min(bytes - at, 1 + random.nextInt(2 * PAGE));
            descriptor(list, descriptors++, Host.gpa(Host.DATA + at), piece, 0x00);
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
        wrong.clear();
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
        long at = Host.DATA + (long) bytes * index;
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

    private void apply() {
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
            int found = host.dword(Host.DATA + at);
            if (found != expected) {
                throw new AssertionError("%s: byte %d is of %08x, not %08x".formatted(text(), at, found, expected));
            }
        }
        byte beyond = Memory.getByte(host.address(Host.DATA + bytes));
        if (beyond != (byte) fill) {
            throw new AssertionError(text() + ": has written behind its data");
        }
    }
}
