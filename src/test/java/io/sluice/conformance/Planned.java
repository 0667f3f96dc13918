package io.sluice.conformance;

import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A random command, whose fields are now and then nonsense, and what the specification allows for it: if there is nothing wrong with it,
 * that it is done; if there is, one of the statuses for what is wrong, and nothing changed.
 */
abstract class Planned {
    static final int PAGE = 4096;
    static final int MOST_PAGES = 8;

    /** Where there is no memory. */
    static final long NOWHERE = 0x7777_0000_0000L;

    private static final int TYPE = 0x100;
    private static final int FUSE_OR_PSDT = 50;

    final Host host;
    final Random random;
    final Slot slot;
    Command command;
    private final Set<Integer> wrong = new TreeSet<>();

    /** A command's own memory in the host: pages for its data, one more behind them, and a page for a list. */
    record Slot(long data, long list) {
        static final int COUNT = 128;
        private static final int DATA_PAGES = 12;

        static Slot of(int index) {
            return new Slot(Host.DATA + (long) index * DATA_PAGES * PAGE, Host.LISTS + (long) index * PAGE);
        }
    }

    Planned(Host host, Random random, Slot slot) {
        this.host = host;
        this.random = random;
        this.slot = slot;
    }

    /** What a good one has done: now it is compared, or the reference does the same. */
    abstract void done(Completion completion);

    final boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    final void wrong(int type, int code) {
        wrong.add(type * TYPE + code);
    }

    final void nothingIsWrong() {
        wrong.clear();
    }

    final boolean isGood() {
        return wrong.isEmpty();
    }

    /** Compares. */
    final void ended(Completion completion) {
        int status = completion.type() * TYPE + completion.code();
        if (wrong.isEmpty() ? status != 0 : !wrong.contains(status)) {
            String allowed = wrong.isEmpty()
                    ? "success"
                    : wrong.stream().map(Planned::text).collect(Collectors.joining(" or "));
            throw new AssertionError("%s: allowed is %s, found %s".formatted(text(), allowed, text(status)));
        }
        if (wrong.isEmpty()) {
            done(completion);
        }
    }

    private static String text(int status) {
        return "%xh/%02xh".formatted(status / TYPE, status % TYPE);
    }

    final String text() {
        StringBuilder text = new StringBuilder("command");
        for (int dword : command.dwords) {
            text.append(" %08x".formatted(dword));
        }
        return text.toString();
    }

    final void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(text() + ": " + what);
        }
    }

    /** NVMe 1.4, 4.2: no admin command is fused, and over PCIe all have PRPs. */
    final void chooseAdminFlags() {
        if (chance(FUSE_OR_PSDT)) {
            command.fuse(1 + random.nextInt(3));
            wrong(0, 0x02);
        } else if (chance(FUSE_OR_PSDT)) {
            command.psdt(1 + random.nextInt(3));
            wrong(0, 0x02);
        }
    }

    // ---- where data is

    final long data(int page) {
        return slot.data() + (long) page * PAGE;
    }

    /** From the slot's first page on; now and then with an address in it that cannot be. */
    final void choosePrps(int bytes) {
        int pages = Math.ceilDiv(bytes, PAGE);
        command.prp1(Host.gpa(data(0))).prp2(pages == 2 ? Host.gpa(data(1)) : 0);
        if (pages > 2) {
            long list = slot.list() + random.nextInt(64) * 8L;
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
}
