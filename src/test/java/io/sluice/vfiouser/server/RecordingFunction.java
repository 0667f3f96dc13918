package io.sluice.vfiouser.server;

import io.sluice.device.AccessRefused;
import io.sluice.device.InterruptKind;
import io.sluice.device.PciFunction;
import io.sluice.device.Region;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Memfd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A function that only takes notes, and checks that the server keeps its side of the port.
 *
 * <pre>
 *   BAR0  16 KiB, its second page mappable     BAR4  4 KiB     ROM  2 KiB     config space  4 KiB
 *   accesses of 3 bytes are refused            1 INTx, 8 MSI-X, 1 ERR, 1 REQ
 * </pre>
 */
final class RecordingFunction implements PciFunction, AutoCloseable {
    static final int MSIX_COUNT = 8;
    static final int BAR0_BYTES = 0x4000;
    static final int MAPPABLE_OFFSET = 0x1000;
    static final int MAPPABLE_BYTES = 0x1000;

    /** What was called, in order: {@code "attach"}, {@code "write 0 0x1000 4"}. */
    final List<String> calls = new CopyOnWriteArrayList<>();

    /** What the server did that the port forbids. */
    final List<String> violations = new CopyOnWriteArrayList<>();

    /** Runs inside of each register write, on the server's thread. */
    volatile Runnable onWrite = () -> {};

    /** Runs at the end of attach, on the server's thread. */
    volatile Runnable onAttach = () -> {};

    volatile Runnable onDetach = () -> {};

    /** What a client finds; to be set before it connects. */
    volatile Optional<DeviceMemory> device = Optional.empty();

    volatile GuestMemory memory;

    private final Fd bar0 = Memfd.create("test-doorbells", BAR0_BYTES);
    private final Map<Integer, byte[]> contents = Map.of(
            Region.BAR0,
            new byte[BAR0_BYTES],
            4,
            new byte[0x1000],
            Region.ROM,
            new byte[0x800],
            Region.CONFIG,
            new byte[0x1000]);
    private final Map<InterruptKind, EventFd[]> targets = new EnumMap<>(InterruptKind.class);
    private volatile Thread caller;

    RecordingFunction() throws LinuxException {
        for (InterruptKind kind : InterruptKind.values()) {
            targets.put(kind, new EventFd[interruptCount(kind)]);
        }
    }

    /** The bytes of a region, to look at or to fill. */
    byte[] contents(int region) {
        return contents.get(region);
    }

    Fd bar0() {
        return bar0;
    }

    synchronized EventFd target(InterruptKind kind, int index) {
        return targets.get(kind)[index];
    }

    private void record(String call) {
        Thread now = Thread.currentThread();
        if (caller == null) {
            caller = now;
        } else if (caller != now) {
            violations.add(call + " from a second thread");
        }
        if (memory == null && !call.equals("attach")) {
            violations.add(call + " while detached");
        }
        calls.add(call);
    }

    private void check(boolean holds, String what) {
        if (!holds) {
            violations.add(what);
        }
    }

    @Override
    public String name() {
        return "test function";
    }

    @Override
    public Region region(int index) {
        check(index >= 0 && index < Region.COUNT, "region(" + index + ")");
        if (index == Region.BAR0) {
            return new Region(
                    index, BAR0_BYTES, Optional.of(new Region.Mappable(bar0, MAPPABLE_OFFSET, MAPPABLE_BYTES)));
        }
        byte[] bytes = contents.get(index);
        return bytes == null ? Region.absent(index) : Region.plain(index, bytes.length);
    }

    @Override
    public int interruptCount(InterruptKind kind) {
        return switch (kind) {
            case INTX, ERR, REQ -> 1;
            case MSI -> 0;
            case MSIX -> MSIX_COUNT;
        };
    }

    @Override
    public Optional<DeviceMemory> deviceMemory() {
        return device;
    }

    @Override
    public void attach(GuestMemory newMemory) {
        check(memory == null, "attached twice");
        caller = null;
        memory = newMemory;
        record("attach");
        onAttach.run();
    }

    @Override
    public void detach() {
        record("detach");
        memory = null;
        for (InterruptKind kind : InterruptKind.values()) {
            closeTargets(kind, 0, interruptCount(kind));
        }
        onDetach.run();
    }

    private synchronized void closeTargets(InterruptKind kind, int start, int count) {
        EventFd[] all = targets.get(kind);
        for (int i = start; i < start + count; i++) {
            if (all[i] != null) {
                all[i].close();
                all[i] = null;
            }
        }
    }

    private byte[] checkAccess(int region, long offset, int length) throws AccessRefused {
        byte[] bytes = contents.get(region);
        check(
                bytes != null && length > 0 && offset >= 0 && offset <= bytes.length - length,
                "access of " + length + " bytes at " + offset + " of region " + region);
        if (length == 3) {
            throw new AccessRefused("this function has no registers of 3 bytes");
        }
        return bytes;
    }

    @Override
    public void read(int region, long offset, byte[] target) throws AccessRefused {
        record("read " + region + " 0x" + Long.toHexString(offset) + " " + target.length);
        System.arraycopy(checkAccess(region, offset, target.length), (int) offset, target, 0, target.length);
    }

    @Override
    public void write(int region, long offset, byte[] source) throws AccessRefused {
        record("write " + region + " 0x" + Long.toHexString(offset) + " " + source.length);
        System.arraycopy(source, 0, checkAccess(region, offset, source.length), (int) offset, source.length);
        onWrite.run();
    }

    private void checkRange(String what, InterruptKind kind, int start, int count) {
        check(
                start >= 0 && count > 0 && start <= interruptCount(kind) - count,
                what + " of " + kind + " " + start + ", " + count);
    }

    @Override
    public synchronized void setInterruptTargets(InterruptKind kind, int start, List<EventFd> newTargets) {
        List<String> set = new ArrayList<>();
        newTargets.forEach(target -> set.add(target == null ? "-" : "e"));
        record("targets " + kind + " " + start + " " + String.join("", set));
        checkRange("targets", kind, start, newTargets.size());
        closeTargets(kind, start, newTargets.size());
        for (int i = 0; i < newTargets.size(); i++) {
            targets.get(kind)[start + i] = newTargets.get(i);
        }
    }

    @Override
    public void maskInterrupts(InterruptKind kind, int start, int count) {
        record("mask " + kind + " " + start + " " + count);
        checkRange("mask", kind, start, count);
    }

    @Override
    public void unmaskInterrupts(InterruptKind kind, int start, int count) {
        record("unmask " + kind + " " + start + " " + count);
        checkRange("unmask", kind, start, count);
    }

    @Override
    public synchronized void triggerInterrupts(InterruptKind kind, int start, int count) {
        record("trigger " + kind + " " + start + " " + count);
        checkRange("trigger", kind, start, count);
        Arrays.stream(targets.get(kind), start, start + count)
                .filter(target -> target != null)
                .forEach(EventFd::signal);
    }

    @Override
    public void reset() {
        record("reset");
    }

    @Override
    public void close() {
        bar0.close();
    }
}
