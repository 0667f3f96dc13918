package io.sluice.conformance;

import java.io.IOException;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/**
 * Random Get and Set Features of features that are more than a number, or a number that the controller rounds: Temperature Threshold,
 * Timestamp, Keep Alive Timer, Host Identifier; and the command Keep Alive. NVMe 1.4, 5.16 and 5.21.1.
 */
final class RandomFeatures {
    private static final int TEMPERATURE = 0x04;
    private static final int TIMESTAMP = 0x0e;
    private static final int KEEP_ALIVE = 0x0f;
    private static final int HOST_ID = 0x81;
    private static final int[] FEATURES = {TEMPERATURE, TIMESTAMP, KEEP_ALIVE, HOST_ID};

    private static final int SUPPORTED = 3;
    private static final int CHANGEABLE = 4;
    private static final long TIME_MASK = 0xffff_ffff_ffffL;

    /** So long that the controller does not fail between two commands. */
    private static final long LEAST_KEEP_ALIVE_MILLIS = 600_000;

    private final Host host;
    private final Random random;

    /** Features that a command of the batch is about, so that no other one may be. */
    private final Set<Integer> claimed = new HashSet<>();

    /** Over and under: now, and by default. */
    private final int[] thresholds = new int[2];

    private final int[] defaultThresholds = new int[2];

    /** In milliseconds. */
    private final long keepAliveUnit;

    private long keepAlive;

    /** What was set, between which times of {@link System#nanoTime}. */
    private long timestamp;

    private long setAfter;
    private long setBefore;

    private long hostIdLow;
    private long hostIdHigh;

    /** Asks what a controller may decide for itself, and sets what else it has. */
    RandomFeatures(Host host, Random random) throws IOException {
        this.host = host;
        this.random = random;
        for (int under = 0; under < 2; under++) {
            Command get = Conformance.getFeature(TEMPERATURE, 1).dw(11, under << 20);
            defaultThresholds[under] = host.admin(get).good().dw0();
            Command set = Conformance.setFeature(TEMPERATURE, under << 20 | defaultThresholds[under]);
            host.admin(set).good();
            thresholds[under] = defaultThresholds[under];
        }
        host.admin(new Command(0x06).prp1(Host.gpa(Host.DATA)).dw(10, 1)).good();
        keepAliveUnit = 100L * host.word(Host.DATA + 320);
        host.admin(Conformance.setFeature(KEEP_ALIVE, 0)).good();
        host.fill(Host.DATA, 16, 0);
        setAfter = System.nanoTime();
        host.admin(Conformance.setFeature(TIMESTAMP, 0).prp1(Host.gpa(Host.DATA)))
                .good();
        setBefore = System.nanoTime();
        host.admin(Conformance.setFeature(HOST_ID, 0).prp1(Host.gpa(Host.DATA))).good();
    }

    void beginBatch() {
        claimed.clear();
    }

    /** Null if what came out cannot go with the others of the batch. */
    Planned plan(Planned.Slot slot) {
        if (random.nextInt(6) == 0) {
            return new KeepAlive(slot);
        }
        int feature = FEATURES[random.nextInt(FEATURES.length)];
        if (!claimed.add(feature)) {
            return null;
        }
        return random.nextBoolean() ? new Get(slot, feature) : new SetOne(slot, feature);
    }

    private final class KeepAlive extends Planned {
        KeepAlive(Slot slot) {
            super(RandomFeatures.this.host, RandomFeatures.this.random, slot);
            command = new Command(0x18);
            chooseAdminFlags();
        }

        @Override
        void done(Completion completion) {}
    }

    private final class Get extends Planned {
        private final int feature;
        private final int select;
        private final int value;
        private final long planned = System.nanoTime();

        Get(Slot slot, int feature) {
            super(RandomFeatures.this.host, RandomFeatures.this.random, slot);
            this.feature = feature;
            select = chance(15) ? 4 + random.nextInt(4) : random.nextInt(4);
            value = feature == TEMPERATURE ? selector() : feature == HOST_ID ? random.nextInt(2) : 0;
            command = new Command(0x0a).dw(10, feature | select << 8).dw(11, value);
            host.fill(data(0), PAGE, 0xa5);
            if (select < SUPPORTED) {
                chooseWrong();
            } else if (select > SUPPORTED) {
                wrong(0, 0x02);
            }
            chooseAdminFlags();
        }

        /** Of the composite temperature mostly. */
        private int selector() {
            return (chance(8) ? random.nextInt(4) : random.nextInt(2)) << 20
                    | (chance(8) ? random.nextInt(16) : 0) << 16
                    | random.nextInt(0x1_0000);
        }

        private void chooseWrong() {
            if (feature == TIMESTAMP || feature == HOST_ID) {
                choosePrps(bytes());
            }
            if (feature == TEMPERATURE && ((value >>> 16 & 0xf) != 0 || value >>> 20 > 1)) {
                wrong(0, 0x02);
            }
            if (feature == HOST_ID && select == 0 && value == 0 && hostIdHigh != 0) {
                wrong(0, 0x18);
            }
        }

        private int bytes() {
            return feature == HOST_ID && value == 1 ? 16 : 8;
        }

        @Override
        void done(Completion completion) {
            boolean current = select == 0;
            boolean hasData = select != SUPPORTED && (feature == TIMESTAMP || feature == HOST_ID);
            check(host.octet(data(0) + (hasData ? bytes() : 0)) == 0xa5, "has written more than its data");
            if (select == SUPPORTED) {
                check(completion.dw0() == CHANGEABLE, "capabilities " + completion.dw0());
                return;
            }
            switch (feature) {
                case TEMPERATURE -> {
                    int expected = (current ? thresholds : defaultThresholds)[value >>> 20];
                    check(completion.dw0() == expected, "threshold " + completion.dw0() + ", not " + expected);
                }
                case KEEP_ALIVE -> {
                    long found = Integer.toUnsignedLong(completion.dw0());
                    check(found == (current ? keepAlive : 0), "timeout " + found + ", not " + keepAlive);
                }
                case TIMESTAMP -> checkTime(current);
                default -> {
                    check(host.qword(data(0)) == (current ? hostIdLow : 0), "identifier");
                    check(value == 0 || host.qword(data(0) + 8) == (current ? hostIdHigh : 0), "identifier's end");
                }
            }
        }

        /** Since it was set, as much has passed as here, to the millisecond that each end is rounded by. */
        private void checkTime(boolean current) {
            long found = host.qword(data(0));
            if (!current) {
                check(found == 0, "by default it is " + found);
                return;
            }
            long passed = (found - timestamp) & TIME_MASK;
            long least = (planned - setBefore) / 1_000_000 - 1;
            long most = (System.nanoTime() - setAfter) / 1_000_000 + 1;
            check(passed >= least && passed <= most, passed + " ms have passed, not " + least + " to " + most);
            check(found >>> 48 == 2, "set by the host, without a stop: " + (found >>> 48));
        }
    }

    private final class SetOne extends Planned {
        private final int feature;
        private int value;
        private final long low = random.nextLong();
        private final long high = 1 + random.nextLong(Long.MAX_VALUE);
        private final long planned = System.nanoTime();

        SetOne(Slot slot, int feature) {
            super(RandomFeatures.this.host, RandomFeatures.this.random, slot);
            this.feature = feature;
            command = new Command(0x09).dw(10, feature);
            switch (feature) {
                case TEMPERATURE -> chooseThreshold();
                case KEEP_ALIVE -> chooseTimeout();
                case TIMESTAMP -> choosePrps(8);
                default -> {
                    value = random.nextInt(2);
                    choosePrps(8 + 8 * value);
                }
            }
            host.putQword(data(0), low);
            host.putQword(data(0) + 8, high);
            command.dw(11, value);
            if (chance(20)) {
                command.dw(10, feature | 1 << 31); // save
                wrong(1, 0x0d);
            } else if (chance(20)) {
                command.nsid(1 + random.nextInt(2));
                wrong(1, 0x0f);
            }
            chooseAdminFlags();
        }

        private void chooseThreshold() {
            int sensor = chance(4) ? random.nextInt(16) : 0;
            int type = chance(8) ? random.nextInt(4) : random.nextInt(2);
            value = type << 20 | sensor << 16 | random.nextInt(0x1_0000);
            if (type > 1 || (sensor != 0 && sensor != 0xf)) {
                wrong(0, 0x02);
            }
        }

        /** One that would be too long when it is rounded up is refused. */
        private void chooseTimeout() {
            long millis = switch (random.nextInt(4)) {
                case 0 -> 0;
                case 1 -> 0xffff_ffffL - random.nextInt(200_000);
                default -> LEAST_KEEP_ALIVE_MILLIS + random.nextInt(Integer.MAX_VALUE);
            };
            value = (int) millis;
            if (roundedUp(millis) > 0xffff_ffffL) {
                wrong(0, 0x1a);
            }
        }

        private long roundedUp(long millis) {
            return Math.ceilDiv(millis, keepAliveUnit) * keepAliveUnit;
        }

        @Override
        void done(Completion completion) {
            switch (feature) {
                case TEMPERATURE -> thresholds[value >>> 20] = value & 0xffff;
                case KEEP_ALIVE -> keepAlive = roundedUp(Integer.toUnsignedLong(value));
                case TIMESTAMP -> {
                    timestamp = low & TIME_MASK;
                    setAfter = planned;
                    setBefore = System.nanoTime();
                }
                default -> {
                    hostIdLow = low;
                    hostIdHigh = value == 1 ? high : 0;
                }
            }
        }
    }
}
