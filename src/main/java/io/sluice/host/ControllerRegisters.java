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
        // In long arithmetic: DSTRD can be 15, and a queue's number 65535.
        long stride = (long) Doorbells.BYTES << Cap.dstrd(cap());
        long end = Doorbells.OFFSET + (2L * qid + 1) * stride + Doorbells.BYTES;
        return end <= Math.min(bar.bytes(), Integer.MAX_VALUE);
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

    /** Sets CC.EN to 0, if it is not, and waits until CSTS.RDY says so; parameters as for {@link #awaitReady}. */
    void disable(String step) throws IOException {
        int cc = cc();
        if (Cc.enabled(cc)) {
            write(Registers.CC, Cc.withShn(Cc.withEnabled(cc, false), Cc.SHN_NONE));
        }
        awaitReady(false, step);
    }

    /**
     * Waits until CSTS.RDY has a value, for as long as CAP.TO allows.
     *
     * @param step what is being done, for messages: "enable"
     * @throws DeviceFailure on timeout, or if CSTS.CFS comes up while waiting for RDY = 1
     */
    void awaitReady(boolean ready, String step) throws IOException {
        int timeoutMillis = timeoutMillis();
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
            clock.checkPatience();
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
            clock.checkPatience();
            clock.pause();
        }
    }
}
