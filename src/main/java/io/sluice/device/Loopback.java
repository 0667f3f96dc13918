package io.sluice.device;

import io.sluice.dma.DmaLimits;
import io.sluice.dma.DmaRefused;
import io.sluice.dma.DmaSpace;
import io.sluice.dma.PendingMap;
import io.sluice.dma.Transaction;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Joins a function and a driver in one process: what a vfio-user server and its client do over a socket, done by calls.
 *
 * <pre>
 *   driver ──▶ PciDevice │ Loopback │ PciFunction ──▶ controller
 *                        │          │
 *        memfd ──────────┴─ DmaSpace┴──────▶ its own mapping of the same file
 *        eventfd ────────── duplicate ─────▶ signalled
 *        BAR pages ◀─────── mapping of ───── the function's doorbell memory
 * </pre>
 *
 * <p>Thread-safe: the function is called by one thread at a time. The driver and the function may poll on two threads, or be
 * stepped by hand on one.
 */
public final class Loopback implements PciDevice {
    private final PciFunction function;
    private final DmaSpace space;
    private final List<MappedBar> bars = new ArrayList<>();
    private boolean closed;

    /** Attaches to a function, which nobody else may be attached to. */
    public Loopback(PciFunction function) {
        this.function = function;
        this.space = new DmaSpace("loopback to " + function.name(), DmaLimits.DEFAULT, function.deviceMemory());
        function.attach(space);
    }

    @Override
    public String name() {
        return function.name();
    }

    @Override
    public int readConfig(int offset, int bytes) throws IOException {
        return (int) read(Region.CONFIG, offset, bytes);
    }

    @Override
    public void writeConfig(int offset, int bytes, int value) throws IOException {
        write(Region.CONFIG, offset, bytes, value);
    }

    private synchronized long read(int region, long offset, int width) throws IOException {
        requireOpen();
        ByteBuffer data = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        byte[] target = new byte[width];
        try {
            requireInside(region, offset, width);
            function.read(region, offset, target);
        } catch (AccessRefused e) {
            throw refused("reading", region, offset, e);
        }
        return data.put(0, target).getLong(0);
    }

    private synchronized void write(int region, long offset, int width, long value) throws IOException {
        requireOpen();
        byte[] source = new byte[width];
        ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0, value)
                .get(0, source);
        try {
            requireInside(region, offset, width);
            function.write(region, offset, source);
        } catch (AccessRefused e) {
            throw refused("writing", region, offset, e);
        }
    }

    private void requireInside(int region, long offset, int width) throws AccessRefused {
        long bytes = function.region(region).bytes();
        if (offset < 0 || offset > bytes - width) {
            throw new AccessRefused("the region has " + bytes + " bytes");
        }
    }

    private IOException refused(String what, int region, long offset, AccessRefused why) {
        return new IOException(
                what + " at 0x" + Long.toHexString(offset) + " of region " + region + " of " + name() + ": "
                        + why.getMessage(),
                why);
    }

    private void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("the loopback to " + name() + " is closed");
        }
    }

    @Override
    public synchronized Bar openBar(int index) throws IOException {
        requireOpen();
        if (index < Region.BAR0 || index > Region.BAR5) {
            throw new IllegalArgumentException("BARs are 0 to 5, not " + index);
        }
        Region region = function.region(index);
        if (region.bytes() == 0) {
            throw new IOException(name() + " has no BAR " + index);
        }
        List<MappedBar.Piece> pieces = new ArrayList<>();
        if (region.mappable().isPresent()) {
            Region.Mappable part = region.mappable().get();
            int protection = Mapping.PROT_READ + Mapping.PROT_WRITE;
            Mapping mapping = Mapping.shared(part.memory(), part.offset(), part.bytes(), protection);
            pieces.add(new MappedBar.Piece(part.offset(), mapping));
        }
        MappedBar bar = new MappedBar("BAR " + index + " of " + name(), region.bytes(), pieces, byCall(index));
        bars.add(bar);
        return bar;
    }

    private MappedBar.Fallback byCall(int region) {
        return new MappedBar.Fallback() {
            @Override
            public long read(long offset, int width) throws IOException {
                return Loopback.this.read(region, offset, width);
            }

            @Override
            public void write(long offset, int width, long value) throws IOException {
                Loopback.this.write(region, offset, width, value);
            }
        };
    }

    @Override
    public int interruptCount(InterruptKind kind) {
        return function.interruptCount(kind);
    }

    @Override
    public synchronized void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets)
            throws IOException {
        requireOpen();
        requireInterrupts(kind, start, targets.size());
        List<EventFd> duplicates = new ArrayList<>();
        try {
            for (EventFd target : targets) {
                duplicates.add(target == null ? null : EventFd.adopt(target.fd().duplicate()));
            }
        } catch (IOException e) {
            duplicates.stream().filter(each -> each != null).forEach(EventFd::close);
            throw e;
        }
        function.setInterruptTargets(kind, start, duplicates);
    }

    @Override
    public synchronized void disableInterrupts(InterruptKind kind) throws IOException {
        requireOpen();
        List<EventFd> none = new ArrayList<>();
        for (int i = 0; i < function.interruptCount(kind); i++) {
            none.add(null);
        }
        function.setInterruptTargets(kind, 0, none);
    }

    @Override
    public synchronized void unmaskInterrupts(InterruptKind kind, int start, int count) throws IOException {
        requireOpen();
        requireInterrupts(kind, start, count);
        function.unmaskInterrupts(kind, start, count);
    }

    private void requireInterrupts(InterruptKind kind, int start, int count) throws IOException {
        int there = function.interruptCount(kind);
        if (start < 0 || count < 0 || start > there - count) {
            throw new IOException(name() + " has " + there + " interrupts of kind " + kind + "; there are none from "
                    + start + " to " + ((long) start + count - 1));
        }
    }

    @Override
    public synchronized void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        requireOpen();
        Fd duplicate = memory.duplicate();
        Transaction change = space.begin();
        PendingMap map;
        try {
            map = change.map(iova, bytes, access, duplicate, offset);
        } catch (DmaRefused e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            change.commit();
        }
        try {
            map.confirm();
        } catch (DmaRefused e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public synchronized void unmapDma(long iova, long bytes) throws IOException {
        requireOpen();
        Transaction change = space.begin();
        try {
            change.unmap(iova, bytes);
        } catch (DmaRefused e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            change.commit();
        }
    }

    /** The function has its own mapping of it still. */
    @Override
    public synchronized void adoptDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        requireOpen();
        if (space.hostView().translate(iova, Integer.BYTES, access) < 0) {
            throw new IOException(bytes + " bytes at 0x" + Long.toHexString(iova) + " are not mapped for " + name());
        }
    }

    @Override
    public void dropDma(long iova, long bytes) throws IOException {
        unmapDma(iova, bytes);
    }

    @Override
    public synchronized void reset() throws IOException {
        requireOpen();
        function.reset();
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        function.detach();
        space.close();
        bars.forEach(MappedBar::close);
    }
}
