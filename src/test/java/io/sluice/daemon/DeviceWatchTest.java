package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciDevice;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceWatchTest {
    private final WatchedDevice device = new WatchedDevice();
    private final CountDownLatch lost = new CountDownLatch(1);
    private final AtomicInteger losses = new AtomicInteger();

    @AfterEach
    void theKernelLetsGo() {
        device.close();
    }

    private DeviceWatch start() throws IOException {
        return DeviceWatch.start(device, () -> {
            losses.incrementAndGet();
            lost.countDown();
        });
    }

    @ParameterizedTest
    @CsvSource({
        "REQ, WARN 0000:01:00.0: the host asks for it back; letting go of it",
        "ERR, ERROR 0000:01:00.0: it has failed on its bus; letting go of it. The kernel's log has the cause"
    })
    void shouldTellOnceWhenTheDeviceIsAskedForOrHasFailed(InterruptKind kind, String message) throws Exception {
        CapturedLog log = new CapturedLog();
        DeviceWatch watch = start();
        try (log;
                watch) {
            device.raise(kind);
            assertTrue(lost.await(10, TimeUnit.SECONDS), "nobody was told");
            device.raise(kind);
            assertEquals(1, log.count(message), log::toString);
        }

        assertEquals(1, losses.get());
    }

    @Test
    void shouldTellNobodyWhenItIsClosed() throws Exception {
        start().close();
        device.raise(InterruptKind.REQ);

        assertFalse(lost.await(50, TimeUnit.MILLISECONDS));
        assertEquals(0, losses.get());
    }

    @Test
    void shouldWatchADeviceThatHasOnlyOneOfTheTwo() throws Exception {
        device.kinds.remove(InterruptKind.ERR);
        DeviceWatch watch = start();
        try (watch) {
            device.raise(InterruptKind.REQ);

            assertTrue(lost.await(10, TimeUnit.SECONDS), "nobody was told");
            assertEquals(Set.of(InterruptKind.REQ), device.targets.keySet());
        }
    }

    @Test
    void shouldLetItselfBeClosedByWhomItTells() throws Exception {
        DeviceWatch[] watch = new DeviceWatch[1];
        CountDownLatch started = new CountDownLatch(1);
        watch[0] = DeviceWatch.start(device, () -> {
            assertDoesNotThrow(() -> started.await(10, TimeUnit.SECONDS));
            watch[0].close();
            lost.countDown();
        });
        started.countDown();
        device.raise(InterruptKind.REQ);

        assertTrue(lost.await(10, TimeUnit.SECONDS), "it does not end");
        watch[0].close();
    }

    @Test
    void shouldLeaveNoDescriptorsWhenTheDeviceRefuses() throws Exception {
        device.refuses = true;
        int before = eventFds();

        assertThrows(IOException.class, this::start);

        assertEquals(before, eventFds());
    }

    private static int eventFds() throws IOException {
        int found = 0;
        try (var files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path file : files) {
                found += Files.isSymbolicLink(file) && linkOf(file).contains("eventfd") ? 1 : 0;
            }
        }
        return found;
    }

    private static String linkOf(Path file) {
        try {
            return Files.readSymbolicLink(file).toString();
        } catch (IOException closedMeanwhile) {
            return "";
        }
    }

    /** A device that has interrupts and nothing else; as the kernel does, it holds on to the eventfds that it was given. */
    private static final class WatchedDevice implements PciDevice {
        final Set<InterruptKind> kinds = EnumSet.of(InterruptKind.REQ, InterruptKind.ERR);
        final Map<InterruptKind, EventFd> targets = new EnumMap<>(InterruptKind.class);
        boolean refuses;

        void raise(InterruptKind kind) {
            targets.get(kind).signal();
        }

        @Override
        public String name() {
            return "0000:01:00.0";
        }

        @Override
        public int interruptCount(InterruptKind kind) {
            return kinds.contains(kind) ? 1 : 0;
        }

        @Override
        public void setInterruptTargets(InterruptKind kind, int start, List<EventFd> events) throws IOException {
            if (refuses) {
                throw new IOException("no");
            }
            targets.put(kind, EventFd.adopt(events.get(0).fd().duplicate()));
        }

        @Override
        public void close() {
            targets.values().forEach(EventFd::close);
        }

        @Override
        public int readConfig(int offset, int bytes) {
            throw new AssertionError("not the watch's business");
        }

        @Override
        public void writeConfig(int offset, int bytes, int value) {
            throw new AssertionError("not the watch's business");
        }

        @Override
        public Bar openBar(int index) {
            throw new AssertionError("not the watch's business");
        }

        @Override
        public void disableInterrupts(InterruptKind kind) {
            throw new AssertionError("not the watch's business");
        }

        @Override
        public void unmaskInterrupts(InterruptKind kind, int start, int count) {
            throw new AssertionError("not the watch's business");
        }

        @Override
        public void mapDma(Fd memory, long offset, long bytes, long iova, int access) {
            throw new AssertionError("not the watch's business");
        }

        @Override
        public void unmapDma(long iova, long bytes) {
            throw new AssertionError("not the watch's business");
        }

        @Override
        public void reset() {
            throw new AssertionError("not the watch's business");
        }
    }
}
