package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.linux.SocketOptions;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.client.VfioUserClient;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * 64 guests with 512 queues on one poller, over sockets, that write and check their volumes all the time; beside them others
 * that come and go in the middle of their commands, and memory that is mapped and unmapped.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ManyGuestsTest {
    private static final int GUESTS = 64;
    private static final int QUEUES = 8;
    private static final int VISITED = 8;
    private static final int MAPPERS = 16;
    private static final int SLOTS = 4;
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final int UNIT = Memory.PAGE_BYTES;
    private static final int BLOCKS_PER_UNIT = UNIT / BLOCK;
    private static final long BLOCKS_EACH = (long) QUEUES * SLOTS * BLOCKS_PER_UNIT;
    private static final int QUEUE_ENTRIES = 8;
    private static final int ROUNDS = 10;
    private static final long EXTRA_IOVA = 0x7000_0000_0000L;
    private static final long EXTRA_BYTES = 64 << 10;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final int maps = Integer.getInteger("sluice.many.maps", 2_000);
    private final int visits = Integer.getInteger("sluice.many.visits", 60);
    private final WatchedMaps watch = new WatchedMaps(0);
    private final List<VfioUserServer> servers = new ArrayList<>();
    private volatile Throwable failure;
    private volatile boolean enough;

    /** One that stays: what it wrote last to each of its units is known. */
    private static final class Guest implements AutoCloseable {
        private final VfioUserClient client;
        final NvmeDriver driver;
        final DmaArea area;
        final int number;
        final int[][] written = new int[QUEUES][SLOTS];
        final boolean[][] reading = new boolean[QUEUES][SLOTS];
        final boolean[][] busy = new boolean[QUEUES][SLOTS];
        long ended;

        Guest(Path socket, int number, int queues) throws IOException {
            this.number = number;
            client = VfioUserClient.connect(socket);
            IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, EXTRA_IOVA - 1)));
            driver = NvmeDriver.start(client, iovas, DriverOptions.polled(queues, QUEUE_ENTRIES));
            area = driver.allocate("data", (long) QUEUES * SLOTS * UNIT);
            assertEquals(queues, driver.queuePairs().size());
        }

        private long offset(int queue, int slot) {
            return ((long) queue * SLOTS + slot) * UNIT;
        }

        static long word(int guest, long unit, int generation) {
            return (long) guest << 48 | unit << 32 | generation;
        }

        /** Takes what has ended, and submits something for each slot that is free, unless it is to rest. */
        void step(int queue, boolean rest) throws IOException {
            QueuePair pair = driver.queuePairs().get(queue);
            pair.poll((token, status, dw0) -> ended(queue, (int) token, status), SLOTS);
            boolean submitted = false;
            for (int slot = 0; slot < SLOTS && !rest; slot++) {
                if (!busy[queue][slot]) {
                    submit(pair, queue, slot);
                    submitted = true;
                }
            }
            if (submitted) {
                pair.ring();
            }
        }

        private void submit(QueuePair pair, int queue, int slot) {
            long address = area.address() + offset(queue, slot);
            long iova = area.iova() + offset(queue, slot);
            long unit = (long) queue * SLOTS + slot;
            boolean read = reading[queue][slot];
            if (!read) {
                written[queue][slot]++;
            }
            for (int at = 0; at < UNIT; at += BLOCK) {
                Memory.putLong(address + at, read ? -1 : word(number, unit, written[queue][slot]));
            }
            busy[queue][slot] = true;
            assertTrue(
                    read
                            ? pair.read(1, unit * BLOCKS_PER_UNIT, BLOCKS_PER_UNIT, iova, UNIT, slot)
                            : pair.write(1, unit * BLOCKS_PER_UNIT, BLOCKS_PER_UNIT, iova, UNIT, slot));
        }

        private void ended(int queue, int slot, int status) {
            assertEquals(Status.OK, status, () -> "guest " + number + ", queue " + queue);
            assertTrue(busy[queue][slot], "ended twice");
            busy[queue][slot] = false;
            ended++;
            if (reading[queue][slot]) {
                long address = area.address() + offset(queue, slot);
                long unit = (long) queue * SLOTS + slot;
                for (int at = 0; at < UNIT; at += BLOCK) {
                    assertEquals(word(number, unit, written[queue][slot]), Memory.getLong(address + at));
                }
            }
            reading[queue][slot] = !reading[queue][slot];
        }

        boolean isBusy() {
            for (boolean[] queue : busy) {
                for (boolean slot : queue) {
                    if (slot) {
                        return true;
                    }
                }
            }
            return false;
        }

        /** The least that any of its units was written. */
        int rounds() {
            int least = Integer.MAX_VALUE;
            for (int[] queue : written) {
                for (int times : queue) {
                    least = Math.min(least, times);
                }
            }
            return least;
        }

        @Override
        public void close() {
            driver.close();
            client.close();
        }
    }

    @Test
    void shouldLoseAndLeakNothingWithManyGuestsThatComeAndGo() throws Exception {
        System.out.println("ManyGuestsTest seed " + seed + ", " + maps + " maps, " + visits + " visits");
        long[] blocks = new long[GUESTS + VISITED];
        java.util.Arrays.fill(blocks, BLOCKS_EACH);
        Namespace namespace = new Namespace(1, BLOCKS_EACH * blocks.length, BLOCK, 0, 0, 0, false);
        try (MediatedRig rig = new MediatedRig(new MemoryStorage(namespace), DriverOptions.polled(32, 256), watch)) {
            List<NvmeController> controllers = rig.share(blocks);
            for (int i = 0; i < blocks.length; i++) {
                servers.add(new VfioUserServer(
                        folder.resolve("s" + i), SocketOptions.PRIVATE, controllers.get(i), ServerLimits.DEFAULT));
            }
            try {
                visit(new Random(seed), 0); // what is made once is made
                awaitRest(watch.count(), descriptors());
                int mappings = watch.count();
                long descriptors = descriptors();
                List<int[][]> written = runAll();
                awaitRest(mappings, descriptors);
                servers.forEach(VfioUserServer::close);
                rig.stopSharing();
                assertOnDevice(rig, written);
            } finally {
                servers.forEach(VfioUserServer::close);
            }
        }
    }

    /** Returns what each guest has written to each of its units. */
    private List<int[][]> runAll() throws Exception {
        List<Guest> guests = new ArrayList<>();
        try {
            for (int i = 0; i < GUESTS; i++) {
                guests.add(new Guest(folder.resolve("s" + i), i + 1, QUEUES));
            }
            Thread visitors = start("visitors", this::comeAndGo);
            List<Thread> mappers = new ArrayList<>();
            long start = System.nanoTime();
            for (int i = 0; i < MAPPERS; i++) {
                int first = i;
                mappers.add(start("mapper-" + i, () -> mapAndUnmap(guests, first)));
            }
            Thread ender = start("ender", () -> {
                for (Thread mapper : mappers) {
                    mapper.join();
                }
                System.out.printf("%.0f maps and unmaps a second%n", maps * 1e9 / (System.nanoTime() - start));
                visitors.join();
                enough = true;
            });
            load(guests);
            ender.join();
            System.out.printf(
                    "%d commands in %.1f s%n",
                    guests.stream().mapToLong(guest -> guest.ended).sum(), (System.nanoTime() - start) / 1e9);
            return guests.stream().map(guest -> guest.written).toList();
        } finally {
            guests.forEach(Guest::close);
        }
    }

    /** A thread's part that may fail. */
    private interface Part {
        void run() throws Exception;
    }

    private Thread start(String name, Part part) {
        return Thread.ofPlatform().name(name).start(() -> {
            try {
                part.run();
            } catch (Throwable e) {
                failure = e;
            }
        });
    }

    private void assertNoFailure() {
        if (failure != null) {
            throw new AssertionError("seed " + seed, failure);
        }
    }

    /** All queues of all guests in turn, until there was enough; each must get on. */
    private void load(List<Guest> guests) throws IOException {
        long progress = System.nanoTime();
        int rounds = 0;
        boolean rest = false;
        while (!rest || guests.stream().anyMatch(Guest::isBusy)) {
            for (Guest guest : guests) {
                for (int queue = 0; queue < QUEUES; queue++) {
                    guest.step(queue, rest);
                }
            }
            assertNoFailure();
            LockSupport.parkNanos(
                    1_000_000); // there are threads enough that have something to do, and perhaps two processors
            int slowest = guests.stream().mapToInt(Guest::rounds).min().orElseThrow();
            rest = rest || (enough && slowest >= ROUNDS);
            if (slowest > rounds) {
                rounds = slowest;
                progress = System.nanoTime();
            }
            assertTrue(
                    System.nanoTime() - progress < PATIENCE_NANOS,
                    () -> "stuck: " + guests.stream().map(Guest::rounds).toList());
        }
    }

    private void comeAndGo() throws Exception {
        Random random = new Random(seed);
        for (int i = 0; i < visits; i++) {
            visit(random, GUESTS + i % VISITED);
        }
    }

    /** Connects, gives commands, and leaves in one way or another, in the middle of them or not. */
    private void visit(Random random, int volume) throws IOException {
        int at = volume == 0 ? GUESTS : volume;
        Guest visitor = new Guest(folder.resolve("s" + at), at + 1, 2);
        visitor.step(0, false);
        visitor.step(1, false);
        switch (random.nextInt(3)) {
            case 0 -> {
                while (visitor.isBusy()) {
                    visitor.step(0, true);
                    visitor.step(1, true);
                }
                visitor.driver.shutDown();
            }
            case 1 -> visitor.client.close(); // as if it had been killed
            default -> {} // disables its controller
        }
        visitor.close();
    }

    /** Each time another guest of those that are this thread's. */
    private void mapAndUnmap(List<Guest> guests, int first) throws IOException {
        try (Fd memory = Memfd.create("extra", EXTRA_BYTES)) {
            for (int i = first; i < maps; i += MAPPERS) {
                VfioUserClient client = guests.get(i % GUESTS).client;
                client.mapDma(memory, 0, EXTRA_BYTES, EXTRA_IOVA, Translator.READ | Translator.WRITE);
                client.unmapDma(EXTRA_IOVA, EXTRA_BYTES);
            }
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    /** Servers clean up when their client has gone, which takes them a moment. */
    private void awaitRest(int mappings, long descriptors) throws IOException {
        long start = System.nanoTime();
        while (watch.count() > mappings || descriptors() > descriptors) {
            assertTrue(
                    System.nanoTime() - start < PATIENCE_NANOS / 6,
                    watch.count() + " mappings of " + mappings + ", " + descriptors() + " descriptors of "
                            + descriptors);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300)); // at first: until the count is one of rest
    }

    private void assertOnDevice(MediatedRig rig, List<int[][]> written) throws IOException {
        QueuePair pair = rig.session.driver().queuePairs().getFirst();
        try (DmaArea area = rig.session.driver().allocate("proof", UNIT)) {
            for (int guest = 0; guest < GUESTS; guest++) {
                for (int unit = 0; unit < QUEUES * SLOTS; unit++) {
                    long slba = guest * BLOCKS_EACH + (long) unit * BLOCKS_PER_UNIT;
                    read(pair, slba, area);
                    long word = Guest.word(guest + 1, unit, written.get(guest)[unit / SLOTS][unit % SLOTS]);
                    for (int at = 0; at < UNIT; at += BLOCK) {
                        assertEquals(word, Memory.getLong(area.address() + at), "guest " + guest + ", unit " + unit);
                    }
                }
            }
        }
    }

    private static void read(QueuePair pair, long slba, DmaArea area) throws IOException {
        assertTrue(pair.read(1, slba, BLOCKS_PER_UNIT, area.iova(), UNIT, 0));
        pair.ring();
        int[] end = {-1};
        while (end[0] < 0) {
            pair.poll((token, status, dw0) -> end[0] = status, 1);
        }
        assertEquals(Status.OK, end[0]);
    }
}
