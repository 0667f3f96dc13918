package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Readers that translate and touch memory while it is mapped and unmapped under them. An access to an address that has been
 * unmapped ends the JVM, and with it this test; one to memory that has become something else finds a wrong stamp.
 */
class DmaReadersTest {
    private static final String NAME = "readers-test";
    private static final long PAGE = GuestFile.PAGE;
    private static final long MIB = GuestFile.MIB;
    private static final int RW = Translator.READ | Translator.WRITE;

    /** Where the files come and go: in the direct table, in the hash by granule, in the hash by page, in the index. */
    private static final long[] PLACES = {4 * MIB, 0x2000_0000_0000L, 0xffff_ffff_0000L, 0x8000_0000_0000_1000L};

    private static final long[] LENGTHS = {4 * MIB, 4 * MIB, 16 * PAGE, 100 * PAGE};
    private static final long STABLE = 1L << 32;

    private final List<GuestFile> files = new ArrayList<>();
    private GuestFile stable;
    private DmaSpace space;

    @BeforeEach
    void open() throws Exception {
        for (int id = 1; id <= PLACES.length; id++) {
            files.add(GuestFile.create(NAME, id, 4 * MIB));
        }
        stable = GuestFile.create(NAME, 99, 8 * MIB);
        space = new DmaSpace("guest", DmaLimits.DEFAULT);
    }

    @AfterEach
    void nothingLeaks() throws Exception {
        space.close();
        stable.close();
        files.forEach(GuestFile::close);
        assertEquals(0, ProcSelf.mappings(NAME));
        assertEquals(0, ProcSelf.descriptors(NAME));
    }

    /** One poller: duty cycles of translations and touches. */
    private final class Poller implements Runnable {
        private final long seed;
        private final CountDownLatch started;
        private final AtomicReference<Throwable> failure;
        private volatile boolean stop;
        private long touched;

        Poller(long seed, CountDownLatch started, AtomicReference<Throwable> failure) {
            this.seed = seed;
            this.started = started;
            this.failure = failure;
        }

        @Override
        public void run() {
            Random random = new Random(seed);
            Translator view = space.hostView();
            try (DmaReader reader = space.register("poller", () -> {})) {
                started.countDown();
                while (!stop) {
                    long now = reader.current();
                    for (int i = 0; i < 50; i++) {
                        touchStable(view, random);
                        touchFleeting(view, random);
                    }
                    reader.acknowledge(now);
                }
            } catch (Throwable e) {
                failure.set(e);
            }
        }

        private void touchStable(Translator view, Random random) {
            long offset = random.nextInt(2048) * PAGE;
            long hva = view.translate(STABLE + offset, 4096, RW);
            assertTrue(hva > 0, () -> "a page that is always mapped was seen unmapped: " + hva);
            stable.assertPage(offset, hva);
        }

        private void touchFleeting(Translator view, Random random) {
            int place = random.nextInt(PLACES.length);
            long offset = random.nextLong(LENGTHS[place] / PAGE) * PAGE;
            long hva = view.translate(PLACES[place] + offset, 4096, RW);
            if (hva < 0) {
                assertEquals(Translator.NOT_MAPPED, hva);
                return;
            }
            files.get(place).assertPage(offset, hva);
            Memory.putLong(hva + 8, seed);
            touched++;
        }
    }

    @Test
    void shouldNeverTouchUnmappedMemoryWhenRegionsComeAndGo() throws Exception {
        long seed = System.nanoTime();
        System.out.println("DmaReadersTest: seed " + seed);
        Random random = new Random(seed);
        mapStable(space.begin()).commit();
        CountDownLatch started = new CountDownLatch(2);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Poller> pollers = List.of(new Poller(seed, started, failure), new Poller(seed + 1, started, failure));
        List<Thread> threads = pollers.stream().map(Thread::new).toList();
        threads.forEach(Thread::start);
        started.await();
        boolean[] mapped = new boolean[PLACES.length];
        for (int round = 0; round < 4000 && failure.get() == null; round++) {
            Transaction transaction = space.begin();
            toggle(transaction, mapped, random);
            if (random.nextInt(3) == 0) {
                toggle(transaction, mapped, random);
            }
            if (random.nextInt(4) == 0) {
                transaction.unmap(STABLE, 8 * MIB);
                mapStable(transaction);
            }
            transaction.commit();
        }
        pollers.forEach(poller -> poller.stop = true);
        for (Thread thread : threads) {
            thread.join();
        }
        assertNull(failure.get(), () -> "seed " + seed + ": " + failure.get());
        assertTrue(
                pollers.stream().allMatch(poller -> poller.touched > 1000), "the pollers have had something to touch");
    }

    /** The same bytes at the same place, in one piece or in pieces, whose borders are not always those of granules. */
    private Transaction mapStable(Transaction transaction) throws Exception {
        long[] borders = {0, 8 * MIB, 8 * MIB};
        if (space.regionCount() % 2 == 0) {
            borders[1] = 3 * MIB + PAGE;
        }
        for (int i = 0; i + 1 < borders.length; i++) {
            if (borders[i] != borders[i + 1]) {
                transaction.map(STABLE + borders[i], borders[i + 1] - borders[i], RW, stable.give(), borders[i]);
            }
        }
        return transaction;
    }

    private void toggle(Transaction transaction, boolean[] mapped, Random random) throws Exception {
        int place = random.nextInt(PLACES.length);
        if (mapped[place]) {
            transaction.unmap(PLACES[place], LENGTHS[place]);
        } else {
            transaction.map(PLACES[place], LENGTHS[place], RW, files.get(place).give(), 0);
        }
        mapped[place] = !mapped[place];
    }

    @Test
    void shouldWakeAParkedReaderWhenSomethingGoes() throws Exception {
        mapStable(space.begin()).commit();
        CountDownLatch acknowledged = new CountDownLatch(1);
        CountDownLatch registered = new CountDownLatch(1);
        Thread parked = new Thread(() -> {
            Thread self = Thread.currentThread();
            try (DmaReader reader = space.register("parked", () -> LockSupport.unpark(self))) {
                long before = reader.current();
                registered.countDown();
                while (reader.current() == before) {
                    LockSupport.park(this);
                }
                reader.acknowledge(reader.current());
                acknowledged.countDown();
            }
        });
        parked.start();
        registered.await();
        Transaction transaction = space.begin();
        transaction.unmapAll();
        transaction.commit();
        assertEquals(0, acknowledged.getCount(), "the commit has waited for it");
        assertEquals(0, space.backings().extents());
        parked.join();
    }

    @Test
    void shouldNotWaitForAReaderWhenItIsClosedOrNothingGoes() throws Exception {
        // A clock that stands still: a wait that does not end by acknowledgement never ends.
        try (DmaSpace still = new DmaSpace("still", DmaLimits.DEFAULT, Optional.empty(), 1, () -> 0)) {
            DmaReader reader = still.register("reader", () -> {
                throw new AssertionError("woken for nothing");
            });
            Transaction map = still.begin();
            map.map(0, PAGE, RW, stable.give(), 0);
            map.commit();
            assertTrue(reader.acknowledged() < reader.current(), "a new epoch all the same");
            reader.close();
            Transaction unmap = still.begin();
            unmap.unmap(0, PAGE);
            unmap.commit();
            assertEquals(0, still.backings().extents());
            assertFalse(reader.acknowledged() < reader.current());
        }
    }

    @Test
    void shouldNotWaitForANewReaderWhenItHasTranslatedNothing() throws Exception {
        try (DmaSpace still = new DmaSpace("still", DmaLimits.DEFAULT, Optional.empty(), 1, () -> 0)) {
            Transaction map = still.begin();
            map.map(0, PAGE, RW, null, 0);
            map.commit();
            DmaReader reader = still.register("new", () -> {});
            assertEquals(reader.current(), reader.acknowledged());
            reader.close();
        }
    }
}
