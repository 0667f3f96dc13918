package io.sluice.host;

import io.sluice.dma.IovaAllocator;
import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.mem.Translator;
import io.sluice.nvme.Csts;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** A driver in virtual time, on a device that does with commands what a test says: for tests of other rooms. */
public final class DriverOnFake implements AutoCloseable {
    /** What the device does with commands. */
    public enum Mood {
        WELL,
        /** It keeps them until {@link #finish}, or an Abort. */
        SLOW,
        /** It keeps them, and heeds no Abort. */
        STUCK,
        /** It ends them in an error. */
        FAILING
    }

    private final FaultyNvme device = new FaultyNvme();
    private final VirtualClock clock = new VirtualClock();
    private final DmaArea data;
    private Mood mood = Mood.WELL;
    public final NvmeDriver driver;

    /** A device that has a volatile cache and the optional commands, with its limits for them by {@code change}. */
    public DriverOnFake(int queuePairs, int entries, Consumer<Limits> change) throws IOException {
        device.grantedQueues = queuePairs;
        device.optionalCommands = 0x0c;
        device.volatileWriteCache = true;
        Limits limits = new Limits();
        change.accept(limits);
        device.version = limits.version;
        device.nvmLimits = limits;
        device.refusedCns = limits.refused ? 6 : -1;
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 ? Fate.DONE : DriverOnFake.this.fate();
            }

            @Override
            public boolean abortWorks() {
                return mood != Mood.STUCK;
            }
        };
        driver = NvmeDriver.start(
                device,
                new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL))),
                DriverOptions.polled(queuePairs, entries)
                        .withTimeouts(RecoveryFixture.TIMEOUTS)
                        .withClock(clock));
        data = driver.allocate("guests' data", 4096);
    }

    public DriverOnFake(int queuePairs, int entries) throws IOException {
        this(queuePairs, entries, limits -> {});
    }

    /** What it says of itself by Identify with CNS 06h: NVM Command Set 1.0, 4.1.5.4. */
    public static final class Limits {
        public int version = 0x0001_0400;
        public boolean refused;
        public int wzsl;
        public int dmrl;
        public int dmrsl;
        public long dmsl;
    }

    private Fate fate() {
        return switch (mood) {
            case WELL -> Fate.DONE;
            case SLOW -> Fate.LATE;
            case STUCK -> Fate.LOST;
            case FAILING -> Fate.FAILED;
        };
    }

    public void setMood(Mood newMood) {
        mood = newMood;
    }

    /** All data of all guests is here. */
    public Translator dataView() {
        return (gpa, bytes, access) -> data.iova() + gpa % 4096;
    }

    /** The device ends what it has kept. */
    public void finish() {
        device.step();
    }

    /** Only a reset helps from now on. */
    public void breakDown() {
        device.csts = Csts.withFatal(device.csts, true);
    }

    /** It is gone from its bus, and nobody can tell what it does. */
    public void vanish() {
        device.gone = true;
    }

    public void supervise() {
        driver.supervise(clock.nanoTime());
    }

    public void passMillis(long millis) {
        clock.advanceMillis(millis);
    }

    public long nanoTime() {
        return clock.nanoTime();
    }

    /** How many I/O commands it has got. */
    public int taken() {
        return device.commandsTaken;
    }

    public int aborts() {
        return device.aborts;
    }

    @Override
    public void close() {
        device.gone = false;
        driver.close();
        device.close();
    }
}
