package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PollSetTest {
    @Test
    void shouldTellWhichAreReady() throws Exception {
        UnixConnection[] pair = UnixConnection.pair();
        try (EventFd event = EventFd.create();
                UnixConnection left = pair[0];
                UnixConnection right = pair[1]) {
            PollSet set = new PollSet(3);
            assertEquals(0, set.add(event.fd(), PollSet.IN));
            assertEquals(1, set.add(left.fd(), PollSet.IN | PollSet.OUT));
            assertEquals(2, set.add(right.fd(), PollSet.IN));
            assertEquals(3, set.size());
            assertEquals(1, set.await(-1));
            assertEquals(0, set.ready(0));
            assertEquals(PollSet.OUT, set.ready(1));
            event.signal();
            left.send(ByteBuffer.allocate(1), List.of());
            assertEquals(3, set.await(0));
            assertEquals(PollSet.IN, set.ready(0));
            assertEquals(PollSet.IN, set.ready(2));
        }
    }

    @Test
    void shouldReportThePeersEnd() throws Exception {
        UnixConnection[] pair = UnixConnection.pair();
        try (UnixConnection left = pair[0]) {
            PollSet set = new PollSet(1);
            set.add(left.fd(), PollSet.IN);
            pair[1].close();
            assertEquals(1, set.await(-1));
            assertEquals(PollSet.IN | PollSet.HUP, set.ready(0));
        }
    }

    @Test
    void shouldReturnWhenTheTimeIsOver() throws Exception {
        try (EventFd event = EventFd.create()) {
            PollSet set = new PollSet(1);
            set.add(event.fd(), PollSet.IN);
            assertEquals(0, set.await(0));
            assertEquals(0, set.await(2));
            assertEquals(0, set.ready(0));
        }
    }

    @Test
    void shouldWakeWhenAnotherThreadSignals() throws Exception {
        try (EventFd event = EventFd.create()) {
            PollSet set = new PollSet(1);
            set.add(event.fd(), PollSet.IN);
            CompletableFuture<Boolean> signaller = CompletableFuture.supplyAsync(event::signal);
            assertEquals(1, set.await(-1));
            assertTrue(signaller.join());
        }
    }

    @Test
    void shouldReportClosedDescriptorsAtOnce() throws Exception {
        EventFd gone = EventFd.create();
        try (EventFd quiet = EventFd.create()) {
            PollSet set = new PollSet(2);
            set.add(quiet.fd(), PollSet.IN);
            set.add(gone.fd(), PollSet.IN);
            gone.close();
            assertEquals(1, set.await(-1));
            assertEquals(0, set.ready(0));
            assertEquals(PollSet.NVAL, set.ready(1));
        }
    }

    @Test
    void shouldCloseOnlyAfterwardsWhenADescriptorIsClosedDuringTheWait() throws Exception {
        long before = Descriptors.count();
        EventFd waited = EventFd.create();
        EventFd wake = EventFd.create();
        PollSet set = new PollSet(2);
        set.add(waited.fd(), PollSet.IN);
        set.add(wake.fd(), PollSet.IN);
        CompletableFuture<Void> closer = CompletableFuture.runAsync(() -> {
            waited.close();
            wake.signal();
        });
        assertTrue(set.await(-1) > 0);
        closer.join();
        wake.close();
        assertEquals(before, Descriptors.count());
    }

    @Test
    void shouldStartAgainWhenCleared() throws Exception {
        try (EventFd event = EventFd.create()) {
            PollSet set = new PollSet(1);
            set.add(event.fd(), PollSet.IN);
            assertThrows(IllegalStateException.class, () -> set.add(event.fd(), PollSet.IN));
            set.clear();
            assertThrows(IndexOutOfBoundsException.class, () -> set.ready(0));
            assertEquals(0, set.add(event.fd(), PollSet.IN));
        }
    }
}
