package io.sluice.conformance;

import java.io.IOException;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/** Random admin commands that leave queues alone: Identify, Get Log Page, Get and Set Features, Abort, and what is not defined. */
final class RandomAdmin {
    private static final int MAX_NSID = 16;
    private static final int VECTORS = 17;

    /** NVMe 1.4, figure 139, without what identifies itself as there. */
    private static final int[] NOT_DEFINED = {
        0x03, 0x07, 0x0b, 0x0e, 0x0f, 0x12, 0x13, 0x16, 0x17, 0x1b, 0x1f, 0x7b, 0xbf
    };

    /** Of these logs nothing changes; what they are is known from the beginning. */
    private static final int[] CONSTANT_LOGS = {0x00, 0x03, 0x05};

    /** Features of one number, and those bits of it that a host may set as it likes. */
    private static final int[][] FEATURES = {
        {0x01, 0xffff_ff07}, {0x02, 0}, {0x05, 0xffff}, {0x06, 1}, {0x08, 0xffff}, {0x0a, 1}, {0x0b, 0}
    };

    private static final int CURRENT = 0;
    private static final int DEFAULT = 1;
    private static final int SUPPORTED = 3;

    private final Host host;
    private final Random random;
    private final ReferenceDrive[] drives;

    /** Contents of {@link #CONSTANT_LOGS}, and how long each log is. */
    private final byte[][] contents = new byte[6][];

    private final int[] logBytes = new int[6];

    /** By feature and namespace (0 where it has none): now, by default, capabilities. */
    private final int[][] values = new int[3][0x10 * (MAX_NSID + 1)];

    private final boolean[] coalescingDisabled = new boolean[VECTORS];

    /** Features that a command of the batch is about, so that no other one may be. */
    private final Set<Integer> claimed = new HashSet<>();

    /** Asks what a controller may decide for itself: lengths of logs, defaults. */
    RandomAdmin(Host host, Random random, ReferenceDrive... drives) throws IOException {
        this.host = host;
        this.random = random;
        this.drives = drives;
        host.admin(new Command(0x06).prp1(Host.gpa(Host.DATA)).dw(10, 1)).good();
        int errorEntries = host.octet(Host.DATA + 262) + 1;
        int[] lengths = {1024, 64 * errorEntries, 512, 512, 4096, 4096};
        System.arraycopy(lengths, 0, logBytes, 0, lengths.length);
        for (int log : CONSTANT_LOGS) {
            host.admin(Conformance.getLog(log, logBytes[log])).good();
            contents[log] = host.bytes(Host.DATA, logBytes[log]);
        }
        for (int[] feature : FEATURES) {
            learn(feature[0], 0);
        }
        for (ReferenceDrive drive : drives) {
            learn(0x05, drive.nsid);
        }
    }

    private void learn(int feature, int nsid) throws IOException {
        if (feature == 0x05 && nsid == 0) {
            return;
        }
        int[] selects = {CURRENT, DEFAULT, SUPPORTED};
        for (int i = 0; i < selects.length; i++) {
            values[i][feature * MAX_NSID + nsid] = host.admin(
                            Conformance.getFeature(feature, selects[i]).nsid(nsid))
                    .good()
                    .dw0();
        }
    }

    void beginBatch() {
        claimed.clear();
    }

    /** Null if what came out cannot go with the others of the batch. */
    Planned plan(Planned.Slot slot) {
        return switch (random.nextInt(7)) {
            case 0, 1 -> new Identify(slot);
            case 2, 3 -> new GetLog(slot);
            case 4 -> claimedOrNull(new GetFeature(slot));
            case 5 -> claimedOrNull(new SetFeature(slot));
            default -> new Other(slot);
        };
    }

    private Planned claimedOrNull(OfFeature command) {
        return claimed.add(command.feature) ? command : null;
    }

    private boolean isActive(int nsid) {
        for (ReferenceDrive drive : drives) {
            if (drive.nsid == nsid) {
                return true;
            }
        }
        return false;
    }

    private abstract class Admin extends Planned {
        Admin(Slot slot) {
            super(RandomAdmin.this.host, RandomAdmin.this.random, slot);
        }

        final int anyNsid() {
            int[] some = {1, 2, 1, 2, 0, 3 + random.nextInt(MAX_NSID - 2), MAX_NSID + 1, random.nextInt(), -1, -2};
            return some[random.nextInt(some.length)];
        }

        final boolean isPossible(int nsid) {
            return nsid >= 1 && nsid <= MAX_NSID;
        }
    }

    /** NVMe 1.4, 5.15; 05h to 08h and 1Ch as in 2.0. */
    private final class Identify extends Admin {
        private final int cns;
        private final int nsid;

        Identify(Slot slot) {
            super(slot);
            int[] some = {0x00, 0x01, 0x02, 0x03, 0x10, 0x11, 0x05, 0x06, 0x07, 0x08, 0x1c};
            cns = chance(15) ? 0x20 + random.nextInt(0xe0) : some[random.nextInt(some.length)];
            nsid = anyNsid();
            command = new Command(0x06).nsid(nsid).dw(10, cns);
            switch (cns) {
                case 0x00, 0x11, 0x05, 0x08 -> wrongIf(!isPossible(nsid), 0x0b);
                case 0x03 -> {
                    wrongIf(!isPossible(nsid), 0x0b);
                    wrongIf(isPossible(nsid) && !isActive(nsid), 0x02);
                }
                case 0x02, 0x10, 0x07 -> wrongIf(nsid == -1 || nsid == -2, 0x0b);
                case 0x01, 0x06 -> {}
                case 0x1c -> command.dw(10, cns | 0xffff << 16);
                default -> wrong(0, 0x02);
            }
            if ((cns >= 0x05 && cns <= 0x07) && chance(10)) {
                command.dw(11, (1 + random.nextInt(0xff)) << 24); // of a command set that there is not
                wrong(0, 0x02);
            }
            host.fill(data(0), 2 * PAGE, 0xa5);
            choosePrps(PAGE);
            chooseAdminFlags();
        }

        private void wrongIf(boolean is, int code) {
            if (is) {
                wrong(0, code);
            }
        }

        @Override
        void done(Completion completion) {
            check(host.octet(data(1)) == 0xa5, "has written behind its data");
            switch (cns) {
                case 0x00, 0x11 -> check(host.qword(data(0)) == blocks(), "NSZE");
                case 0x01 -> check(host.dword(data(0) + 516) == MAX_NSID, "NN");
                case 0x02, 0x07, 0x10 -> checkList();
                default -> {}
            }
        }

        private long blocks() {
            for (ReferenceDrive drive : drives) {
                if (drive.nsid == nsid) {
                    return drive.blockCount;
                }
            }
            return 0;
        }

        private void checkList() {
            int at = 0;
            for (ReferenceDrive drive : drives) {
                if (Integer.compareUnsigned(drive.nsid, nsid) > 0) {
                    check(host.dword(data(0) + 4L * at++) == drive.nsid, "a namespace is not listed");
                }
            }
            check(host.dword(data(0) + 4L * at) == 0, "the list does not end");
        }
    }

    /** NVMe 1.4, 5.14. */
    private final class GetLog extends Admin {
        private final int log;
        private final int bytes;
        private final int offset;

        GetLog(Slot slot) {
            super(slot);
            log = chance(15) ? 0x20 + random.nextInt(0x60) : random.nextInt(logBytes.length);
            bytes = 4 * (1 + random.nextInt(chance(2) ? 128 : MOST_PAGES * PAGE / 4));
            int length = log < logBytes.length ? logBytes[log] : PAGE;
            offset = chance(2) ? 0 : 4 * random.nextInt(length / 4 + 1);
            int nsid = chance(2) ? 0 : -1;
            long from = offset;
            if (chance(30)) {
                nsid = 1 + random.nextInt(20);
                wrong(0, 0x02);
            } else if (chance(30)) {
                from += chance(2) ? 1 + random.nextInt(3) : length - offset + 4 + 4L * random.nextInt();
                wrong(0, 0x02);
            }
            if (log >= logBytes.length) {
                wrong(1, 0x09);
            }
            int dwords0 = bytes / 4 - 1;
            if (chance(60)) {
                dwords0 |= 1 << (18 + random.nextInt(13)); // beyond MDTS, 1 MiB
                wrong(0, 0x02);
            }
            command = new Command(0x02)
                    .nsid(nsid)
                    .dw(10, log | random.nextInt(2) << 15 | dwords0 << 16)
                    .dw(11, dwords0 >>> 16)
                    .dw(12, (int) from)
                    .dw(13, (int) (from >>> 32));
            host.fill(data(0), bytes + 4, 0xa5);
            choosePrps(bytes);
            chooseAdminFlags();
        }

        @Override
        void done(Completion completion) {
            check(host.dword(data(0) + bytes) == 0xa5a5_a5a5, "has written behind its data");
            byte[] content = contents[log];
            for (int i = 0; content != null && i < bytes && offset + i < content.length; i += 16) {
                check(host.octet(data(0) + i) == Byte.toUnsignedInt(content[offset + i]), "byte " + i + " of the log");
            }
        }
    }

    private abstract class OfFeature extends Admin {
        int feature;
        int mask;
        int nsid;
        int vector = -1;

        OfFeature(Slot slot) {
            super(slot);
        }

        final void chooseFeature() {
            int index = random.nextInt(FEATURES.length + 2);
            if (index < FEATURES.length) {
                feature = FEATURES[index][0];
                mask = FEATURES[index][1];
            } else if (index == FEATURES.length) {
                feature = 0x09;
                vector = chance(10) ? VECTORS + random.nextInt(0x1_0000 - VECTORS) : random.nextInt(VECTORS);
                if (vector >= VECTORS) {
                    wrong(0, 0x02);
                }
            } else {
                feature = 0x19 + random.nextInt(0x5f); // to 77h: reserved
                wrong(0, 0x02);
            }
            if (feature == 0x05) {
                nsid = 1 + random.nextInt(2);
                if (chance(15)) {
                    boolean possible = chance(2);
                    nsid = possible ? 3 + random.nextInt(MAX_NSID - 2) : MAX_NSID + 1 + random.nextInt(1 << 30);
                    wrong(0, possible ? 0x02 : 0x0b);
                }
            }
        }

        final int index() {
            return feature * MAX_NSID + nsid;
        }
    }

    /** NVMe 1.4, 5.13. */
    private final class GetFeature extends OfFeature {
        private final int select;

        GetFeature(Slot slot) {
            super(slot);
            chooseFeature();
            select = chance(15) ? 4 + random.nextInt(4) : random.nextInt(4);
            if (select > SUPPORTED) {
                wrong(0, 0x02);
            } else if (select == SUPPORTED && (nsid > 2 || vector >= VECTORS)) {
                nothingIsWrong(); // what can be said of a feature does not depend on these
            }
            command = new Command(0x0a).nsid(nsid).dw(10, feature | select << 8).dw(11, Math.max(vector, 0));
            chooseAdminFlags();
        }

        @Override
        void done(Completion completion) {
            if (nsid > 2 || vector >= VECTORS) {
                return;
            }
            if (feature == 0x09) {
                int disabled = select == CURRENT && coalescingDisabled[vector] ? 1 << 16 : 0;
                check(select == SUPPORTED || completion.dw0() == (vector | disabled), "vector configuration");
                return;
            }
            int kind = select == CURRENT ? 0 : select == SUPPORTED ? 2 : 1; // nothing is saved: the default is
            check(completion.dw0() == values[kind][index()], "value " + completion.dw0());
        }
    }

    /** NVMe 1.4, 5.21. */
    private final class SetFeature extends OfFeature {
        private int value;

        SetFeature(Slot slot) {
            super(slot);
            chooseFeature();
            value = random.nextInt() & mask;
            if (chance(4)) {
                value = values[1][feature < 0x10 && nsid <= 2 ? index() : 0]; // as it was in the beginning
            }
            if (feature == 0x09) {
                value = random.nextInt(2) << 16 | vector;
            } else if (feature == 0x02 && chance(4)) {
                value = 1 + random.nextInt(31); // there is state 0 only
                wrong(0, 0x02);
            }
            command = new Command(0x09).nsid(nsid).dw(10, feature).dw(11, value);
            if (chance(20)) {
                command.dw(10, feature | 1 << 31); // save
                wrong(1, 0x0d);
            } else if (feature != 0x05 && chance(20)) {
                command.nsid(1 + random.nextInt(2));
                wrong(1, 0x0f);
            } else if (chance(30)) {
                feature = 0x07; // there are queues
                command.dw(10, feature).dw(11, random.nextInt());
                nothingIsWrong();
                command.nsid(0);
                wrong(0, 0x0c);
                wrong(0, 0x02);
            }
            chooseAdminFlags();
        }

        @Override
        void done(Completion completion) {
            if (feature == 0x09) {
                coalescingDisabled[vector] = value >>> 16 != 0;
            } else {
                values[0][index()] = value;
            }
        }
    }

    /** Abort of what is not there (NVMe 1.4, 5.1), and opcodes that are not defined. */
    private final class Other extends Admin {
        private final boolean aborts;

        Other(Slot slot) {
            super(slot);
            aborts = chance(2);
            if (aborts) {
                command = new Command(0x08).dw(10, (0x8000 | random.nextInt(0x8000)) << 16 | random.nextInt(2));
                if (chance(10)) {
                    command.dw(10, (command.dwords[10] & ~0xffff) | (17 + random.nextInt(0x8000)));
                    wrong(0, 0x02);
                }
            } else {
                command = new Command(chance(2) ? 0xc0 + random.nextInt(0x40) : NOT_DEFINED[random.nextInt(13)]);
                for (int i = 1; i < command.dwords.length; i++) {
                    command.dw(i, random.nextInt());
                }
                wrong(0, 0x01);
            }
            chooseAdminFlags();
        }

        @Override
        void done(Completion completion) {
            check(!aborts || completion.dw0() == 1, "says that it has aborted what was not there");
        }
    }
}
