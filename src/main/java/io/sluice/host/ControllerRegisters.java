package io.sluice.host;

import io.sluice.device.PciDevice.Bar;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.DoorbellBuffer;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** The controller's registers in BAR0, and waiting for them. Knows a device that is gone by its reads of all ones. */
final class ControllerRegisters {
    private static final int ALL_ONES = -1;

    /** CAP.TO of 0 is seen on real devices, which then take up to a unit of it all the same. */
    private static final int MIN_TIMEOUT_MILLIS = 500;

    private final String device;
    private final Bar bar;
    private final DriverClock clock;
    private long cap = ALL_ONES;
    private volatile String abandoned;

    ControllerRegisters(String device, Bar bar, DriverClock clock) {
        this.device = device;
        this.bar = bar;
        this.clock = clock;
    }

    /** CAP; read once, it is constant. */
    long cap() throws IOException {
        if (cap == ALL_ONES) {
            cap = readCap();
        }
        if (cap == ALL_ONES) {
            throw gone("CAP");
        }
        return cap;
    }

    // ---- waits that somebody else ends

    /** Has every wait for the controller end at once with a {@link DeviceFailure}, on whichever thread, now and later. */
    void abandon(String why) {
        abandoned = why;
    }

    /** Whoever had the waits abandoned may now wait itself. */
    void waitAgain() {
        abandoned = null;
    }

    /** @param what is waited for, for messages */
    void checkAbandoned(String what) throws DeviceFailure {
        clock.checkPatience();
        String why = abandoned;
        if (why != null) {
            throw new DeviceFailure(what + " was not waited for any longer: " + device + " " + why);
        }
    }

    // ---- registers

    private int timeoutMillis() throws IOException {
        return Math.max(Cap.timeoutMillis(cap()), MIN_TIMEOUT_MILLIS);
    }

    int vs() throws IOException {
        return read(Registers.VS);
    }

    int cc() throws IOException {
        return read(Registers.CC);
    }

    /** CSTS, of a controller that is there. */
    int csts() throws IOException {
        return read(Registers.CSTS);
    }

    private int read(Registers register) throws IOException {
        int value;
        try {
            value = bar.readInt(register.offset());
        } catch (InternalError e) {
            throw notDecoded(register, e);
        }
        if (value == ALL_ONES) {
            throw gone(register.name());
        }
        return value;
    }

    private long readCap() throws IOException {
        try {
            return bar.readLong(Registers.CAP.offset());
        } catch (InternalError e) {
            throw notDecoded(Registers.CAP, e);
        }
    }

    void write(Registers register, int value) throws IOException {
        try {
            bar.writeInt(register.offset(), value);
        } catch (InternalError e) {
            throw notDecoded(register, e);
        }
    }

    void writeLong(Registers register, long value) throws IOException {
        try {
            bar.writeLong(register.offset(), value);
        } catch (InternalError e) {
            throw notDecoded(register, e);
        }
    }

    /** A bus error (SIGBUS) in a mapped BAR, which Java tells as an InternalError, sometimes a little late. */
    private DeviceFailure notDecoded(Registers register, InternalError cause) {
        return new DeviceFailure(
                device + ": register " + register.name()
                        + " cannot be accessed: the device does not decode its memory, or it was taken away; reset the device",
                cause);
    }

    private DeviceFailure gone(String register) {
        return new DeviceFailure(
                device + ": register " + register
                        + " reads all ones: the device has been removed, or does not decode its memory; look for it on its bus");
    }

    /** Size of BAR 0 in bytes. */
    long bytes() {
        return bar.bytes();
    }

    /** Whether BAR 0 has the doorbells of all queues up to this one. */
    boolean hasDoorbells(int qid) throws IOException {
        return qid <= queuePairsWithDoorbells();
    }

    /** How many I/O queue pairs have doorbells in BAR 0; negative if not even the admin queue has. */
    int queuePairsWithDoorbells() throws IOException {
        // In long arithmetic: DSTRD can be 15. Each pair has two, and the last one takes no more than a register.
        long stride = (long) Doorbells.BYTES << Cap.dstrd(cap());
        long room = Math.min(bar.bytes(), Integer.MAX_VALUE) - Doorbells.OFFSET - Doorbells.BYTES;
        return (int) (Math.floorDiv(room, stride) - 1) / 2;
    }

    Doorbell sqTailDoorbell(int qid, ShadowDoorbells shadows) throws IOException {
        long offset = Doorbells.sqTailDoorbell(qid, Cap.dstrd(cap()));
        if (shadows == null) {
            return new Doorbell(bar, offset);
        }
        int entry = DoorbellBuffer.sqTailOffset(qid);
        return new Doorbell(bar, offset, shadows.doorbell(entry), shadows.eventIdx(entry));
    }

    Doorbell cqHeadDoorbell(int qid, ShadowDoorbells shadows) throws IOException {
        long offset = Doorbells.cqHeadDoorbell(qid, Cap.dstrd(cap()));
        if (shadows == null) {
            return new Doorbell(bar, offset);
        }
        int entry = DoorbellBuffer.cqHeadOffset(qid);
        return new Doorbell(bar, offset, shadows.doorbell(entry), shadows.eventIdx(entry));
    }

    /**
     * Waits until a controller that is being enabled has become ready, or has failed: to disable it before is not defined
     * (NVMe 1.4, 3.1.5, CC.EN).
     *
     * @return false if it has done neither within CAP.TO: only a reset of the function helps
     */
    boolean awaitSettled(String step) throws IOException {
        return awaitSettled(step, timeoutMillis());
    }

    private boolean awaitSettled(String step, int timeoutMillis) throws IOException {
        long deadline = clock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        while (Cc.enabled(cc())) {
            boolean late = clock.nanoTime() - deadline >= 0;
            int csts = csts();
            if (Csts.ready(csts) || Csts.fatal(csts)) {
                return true;
            }
            if (late) {
                return false;
            }
            checkAbandoned(step);
            clock.pause();
        }
        return true;
    }

    /** Sets CC.EN to 0, if it is not, and waits until CSTS.RDY says so; parameters as for {@link #awaitReady}. */
    void disable(String step) throws IOException {
        disable(step, timeoutMillis());
    }

    private void disable(String step, int timeoutMillis) throws IOException {
        int cc = cc();
        if (Cc.enabled(cc)) {
            write(Registers.CC, Cc.withShn(Cc.withEnabled(cc, false), Cc.SHN_NONE));
        }
        awaitReady(false, step, timeoutMillis);
    }

    /**
     * The same for who cannot wait as long as CAP.TO may say.
     *
     * @throws DeviceFailure if it takes longer, or the controller may not be disabled now
     */
    void disableWithin(int millis, String step) throws IOException {
        int each = Math.min(millis / 2, timeoutMillis());
        if (!awaitSettled(step, each)) {
            throw new DeviceFailure(device + " was not disabled to " + step + ": it is still becoming ready");
        }
        disable(step, each);
    }

    /** Leaves it disabled for whoever comes next, if that can be had, and whatever it does: it can do no DMA any more. */
    void forceDisable() {
        try {
            write(Registers.CC, Cc.withEnabled(cc(), false));
        } catch (IOException | RuntimeException gone) {
            // There is nobody to disable.
        }
    }

    /**
     * Waits until CSTS.RDY has a value, for as long as CAP.TO allows.
     *
     * @param step what is being done, for messages: "enable"
     * @throws DeviceFailure on timeout, or if CSTS.CFS comes up while waiting for RDY = 1
     */
    void awaitReady(boolean ready, String step) throws IOException {
        awaitReady(ready, step, timeoutMillis());
    }

    private void awaitReady(boolean ready, String step, int timeoutMillis) throws IOException {
        long deadline = clock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        while (true) {
            boolean late = clock.nanoTime() - deadline >= 0;
            int csts = csts();
            if (ready && Csts.fatal(csts)) {
                throw new DeviceFailure(device + " failed to " + step
                        + ": it reports a fatal error (CSTS.CFS = 1); reset it or cycle its power");
            }
            if (Csts.ready(csts) == ready) {
                return;
            }
            if (late) {
                throw new DeviceFailure(device + " failed to " + step + ": CSTS.RDY did not become " + (ready ? 1 : 0)
                        + " within " + timeoutMillis + " ms (CC 0x" + Integer.toHexString(cc()) + ", CSTS 0x"
                        + Integer.toHexString(csts) + "); reset it or cycle its power");
            }
            checkAbandoned("to " + step);
            clock.pause();
        }
    }

    /** Asks for a normal shutdown and waits until it is complete; NVMe 1.4, 7.6.2. */
    void shutDown(int timeoutMillis) throws IOException {
        write(Registers.CC, Cc.withShn(cc(), Cc.SHN_NORMAL));
        long deadline = clock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        while (Csts.shst(csts()) != Csts.SHST_COMPLETE) {
            if (clock.nanoTime() - deadline >= 0) {
                throw new DeviceFailure(device + " did not finish its shutdown within " + timeoutMillis
                        + " ms (CSTS.SHST is not 10b); data in its volatile cache may be lost");
            }
            checkAbandoned("its shutdown");
            clock.pause();
        }
    }
}
