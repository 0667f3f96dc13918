package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EventFdTest {
    /** One less than the largest counter; adding 1 to it would block. */
    private static final long FULL = 0xffff_ffff_ffff_fffeL;

    private static long write(Fd fd, long value) {
        long memory = Scratch.memory();
        Bytes.putLong(memory, value);
        return Syscalls.write(fd.number(), memory, Long.BYTES);
    }

    /** An eventfd as a peer makes it: blocking. */
    private static Fd blocking() throws LinuxException {
        return Fd.fromResult(Syscalls.eventfd(0, EventFd.EFD_CLOEXEC), "eventfd", "");
    }

    @Test
    void shouldCountSignalsUntilDrained() throws Exception {
        try (EventFd event = EventFd.create()) {
            assertEquals(0, event.drain());
            assertTrue(event.signal());
            assertTrue(event.signal());
            assertEquals(2, event.drain());
            assertEquals(0, event.drain());
            assertTrue(Descriptors.isCloseOnExec(event.fd()));
        }
    }

    @Test
    void shouldNotBlockWhenTheCounterIsFull() throws Exception {
        try (EventFd event = EventFd.adopt(blocking())) {
            assertEquals(Long.BYTES, write(event.fd(), FULL));
            assertTrue(event.signal());
            assertEquals(FULL, event.drain());
            assertTrue(event.signal());
            assertEquals(1, event.drain());
        }
    }

    @Test
    void shouldFreeWhoSignalsWhenThePeerHasMadeItBlockAndFull() throws Exception {
        AtomicInteger blocked = new AtomicInteger();
        EventFdSender sender = new EventFdSender(blocked::incrementAndGet);
        try (EventFd event = EventFd.adopt(blocking(), sender);
                EventFd other = EventFd.adopt(blocking(), sender)) {
            FullEventFd.makeBlocking(event);
            FullEventFd.fill(event);

            assertFalse(event.signal(), "it was held up, and is let go of");

            assertTrue(sender.isDistrusted());
            assertEquals(1, blocked.get());
            assertFalse(event.signal());
            assertFalse(other.signal(), "nor is any other one of that sender signalled");
            assertEquals(1, blocked.get());
        }
    }

    @Test
    void shouldFreeWhoSignalsWhenThePeerFillsItAgainAndAgain() throws Exception {
        EventFdSender sender = new EventFdSender(() -> {});
        try (EventFd event = EventFd.adopt(blocking(), sender)) {
            Thread hostile = Thread.ofPlatform().start(() -> FullEventFd.refillUntilInterrupted(event));
            long start = System.nanoTime();
            // Whether it is held up is a race between the two; that it comes back is not.
            while (!sender.isDistrusted() && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(2)) {
                event.signal();
            }
            hostile.interrupt();
            hostile.join();
        }
    }

    @Test
    void shouldFreeWhoDrainsWhenThePeerHasMadeItBlock() throws Exception {
        assertDrainComesBack();
    }

    @Test
    void shouldFreeWhoDrainsWhenNobodyHasUsedAnEventFdForLong() throws Exception {
        try (EventFd quiet = EventFd.create()) {
            quiet.signal();
            Thread.sleep(2_000); // by now the thread that watches sleeps until it is woken
            assertDrainComesBack();
        }
    }

    private static void assertDrainComesBack() throws LinuxException {
        EventFdSender sender = new EventFdSender(() -> {});
        try (EventFd event = EventFd.adopt(blocking(), sender)) {
            FullEventFd.makeBlocking(event);

            assertEquals(0, event.drain());

            assertTrue(sender.isDistrusted());
        }
    }

    @Test
    void shouldReachThePeersDescriptorWhenAdopted() throws Exception {
        try (Fd peers = blocking();
                EventFd ours = EventFd.adopt(peers.duplicate())) {
            ours.signal();
            long memory = Scratch.memory();
            assertEquals(Long.BYTES, Syscalls.read(peers.number(), memory, Long.BYTES));
            assertEquals(1, Bytes.getLong(memory));
        }
    }

    @Test
    void shouldRefuseEverythingThatIsNotAnEventFd() throws Exception {
        long before = Descriptors.count();
        List<Fd> others = new ArrayList<>();
        others.add(Memfd.create("eventfd-count: 1", 4096));
        others.add(FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR));
        others.add(FileIo.open(Path.of("/proc/self/fdinfo"), FileIo.O_DIRECTORY));
        UnixConnection[] sockets = UnixConnection.pair();
        others.add(sockets[0].fd());
        others.add(sockets[1].fd());
        others.addAll(Pipe.open());
        for (Fd other : others) {
            assertFalse(EventFd.isEventFd(other), other.describe());
            LinuxException refused = assertThrows(LinuxException.class, () -> EventFd.adopt(other));
            assertEquals(Errno.EINVAL, refused.errno());
            assertTrue(other.isOpen(), "a refused descriptor stays the caller's");
            other.close();
        }
        assertEquals(before, Descriptors.count());
    }

    @Test
    void shouldDoNothingWhenClosed() throws Exception {
        EventFd event = EventFd.create();
        event.close();
        assertFalse(event.signal());
        assertEquals(0, event.drain());
        assertFalse(EventFd.isEventFd(event.fd()));
        event.close();
    }

    @Test
    void shouldAllocateNothingWhenSignalledAgainAndAgain() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (EventFd event = EventFd.create()) {
            signalAndDrain(event, 50_000);
            long least = Long.MAX_VALUE;
            for (int attempt = 0; attempt < 300 && least > 0; attempt++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                signalAndDrain(event, 10_000);
                // Asking costs nothing itself only once it is compiled, and a JIT may still be at work: the least
                // counts.
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertEquals(0, least, "bytes allocated in 10,000 signals and drains");
        }
    }

    private static void signalAndDrain(EventFd event, int times) {
        for (int i = 0; i < times; i++) {
            event.signal();
            event.drain();
        }
    }
}
