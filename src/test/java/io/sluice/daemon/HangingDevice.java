package io.sluice.daemon;

import io.sluice.device.InterruptKind;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import io.sluice.host.DriverClock;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The software model as a device of this host would be, in one process: the host can ask for it back, it takes two minutes for
 * whatever it may take two minutes for, and it hangs where a test wants it to.
 */
final class HangingDevice implements PciDevice {
    /** Where it hangs. */
    enum Hang {
        NOWHERE,
        /** CSTS.RDY does not become 1. */
        ENABLE,
        /** No admin command ends. */
        ADMIN,
        /** No I/O command ends. */
        IO,
        /** CSTS.RDY does not become 0. */
        DISABLE,
        /** CSTS.SHST does not become 10b. */
        SHUTDOWN,
        /** Whoever rings an I/O doorbell does not come back until {@link #release}. */
        RING,
        /** Who takes memory from the device does not come back until then. */
        UNMAP
    }

    private static final int LONGEST_TIMEOUT_MILLIS = 127_000;

    private final SoftwareModel model;
    private final Loopback loopback;
    private EventFd request;
    volatile Hang hang = Hang.NOWHERE;
    int unmapped;
    volatile boolean askedToShutDown;
    volatile boolean closed;
    private final CountDownLatch released = new CountDownLatch(1);
    final CountDownLatch stuck = new CountDownLatch(1);

    HangingDevice(SoftwareModel model) {
        this.model = model;
        loopback = new Loopback(model.function());
    }

    /** Whether somebody who waits now may be waiting for what does not come. */
    boolean hangs() {
        return hang == Hang.SHUTDOWN ? askedToShutDown : hang != Hang.NOWHERE; // its queues are deleted before
    }

    /** Whoever is stuck goes on. */
    void release() {
        released.countDown();
    }

    private void stick() {
        stuck.countDown();
        boolean interrupted = false;
        while (true) {
            try {
                released.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // as in the kernel
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The host asks for it. */
    void request() {
        request.signal();
    }

    /**
     * A clock whose time flies while the device hangs: 10 ms with each pause. In the first of them the host asks for the device,
     * and the pause lasts until that has been heard.
     */
    final class FlyingClock implements DriverClock {
        static final long PAUSE_NANOS = 10_000_000;

        private final CountDownLatch heard = new CountDownLatch(1);
        private boolean asked;
        int pausesAfterLoss;
        private long skew;

        /** To be called when the loss is heard of. */
        void heard() {
            heard.countDown();
        }

        @Override
        public long nanoTime() {
            return System.nanoTime() + skew;
        }

        @Override
        public void pause() {
            LockSupport.parkNanos(20_000);
            if (hang == Hang.NOWHERE) {
                return;
            }
            if (!asked) {
                asked = true;
                request();
                await();
            }
            pausesAfterLoss++;
            skew += PAUSE_NANOS;
        }

        private void await() {
            try {
                if (!heard.await(60, TimeUnit.SECONDS)) {
                    throw new AssertionError("nobody hears that the host asks for it");
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public String name() {
        return "0000:01:00.0";
    }

    @Override
    public Bar openBar(int index) throws IOException {
        Bar bar = loopback.openBar(index);
        return new Bar() {
            @Override
            public long bytes() {
                return bar.bytes();
            }

            @Override
            public int readInt(long offset) throws IOException {
                int value = bar.readInt(offset);
                return offset == Registers.CSTS.offset() ? status(value) : value;
            }

            @Override
            public long readLong(long offset) throws IOException {
                long value = bar.readLong(offset);
                return offset == Registers.CAP.offset() ? Cap.withTimeoutMillis(value, LONGEST_TIMEOUT_MILLIS) : value;
            }

            @Override
            public void writeInt(long offset, int value) throws IOException {
                boolean io = offset > Doorbells.cqHeadDoorbell(0);
                boolean admin = offset >= Doorbells.OFFSET && !io;
                askedToShutDown |= offset == Registers.CC.offset() && Cc.shn(value) != Cc.SHN_NONE;
                if (hang == Hang.RING && io) {
                    stick();
                }
                if (!(hang == Hang.ADMIN && admin) && !(hang == Hang.IO && io)) {
                    bar.writeInt(offset, value);
                }
            }

            @Override
            public void writeLong(long offset, long value) throws IOException {
                bar.writeLong(offset, value);
            }

            @Override
            public long mappedAddress(long offset, long bytes) {
                return 0; // every doorbell comes by here
            }
        };
    }

    private int status(int csts) {
        return switch (hang) {
            case ENABLE -> Csts.withReady(csts, false);
            case DISABLE -> Csts.withReady(csts, true);
            case SHUTDOWN -> Csts.withShst(csts, Csts.SHST_OCCURRING);
            default -> csts;
        };
    }

    @Override
    public int interruptCount(InterruptKind kind) throws IOException {
        return kind == InterruptKind.REQ ? 1 : loopback.interruptCount(kind);
    }

    @Override
    public void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets) throws IOException {
        if (kind == InterruptKind.REQ) {
            request = EventFd.adopt(targets.getFirst().fd().duplicate());
        } else {
            loopback.setInterruptTargets(kind, start, targets);
        }
    }

    @Override
    public int readConfig(int offset, int bytes) throws IOException {
        return loopback.readConfig(offset, bytes);
    }

    @Override
    public void writeConfig(int offset, int bytes, int value) throws IOException {
        loopback.writeConfig(offset, bytes, value);
    }

    @Override
    public void disableInterrupts(InterruptKind kind) throws IOException {
        loopback.disableInterrupts(kind);
    }

    @Override
    public void unmaskInterrupts(InterruptKind kind, int start, int count) throws IOException {
        loopback.unmaskInterrupts(kind, start, count);
    }

    @Override
    public void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        loopback.mapDma(memory, offset, bytes, iova, access);
    }

    @Override
    public void unmapDma(long iova, long bytes) throws IOException {
        if (hang == Hang.UNMAP) {
            stick();
        }
        unmapped++;
        loopback.unmapDma(iova, bytes);
    }

    @Override
    public void reset() throws IOException {
        loopback.reset();
    }

    @Override
    public void close() {
        closed = true;
        loopback.close();
        if (request != null) {
            request.close();
        }
        model.close();
    }
}
