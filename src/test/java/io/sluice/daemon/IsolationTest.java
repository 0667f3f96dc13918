package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.mem.Memory;
import io.sluice.storage.MemoryStorage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A hostile guest between two others that work, all of them at sockets of one daemon. Nothing of theirs is read, written, trimmed
 * or leaked, and they notice nothing; nothing outside of what the guest has mapped is touched. A watch in the device, marks in
 * all memory and in all blocks, and what the others know to have written say so.
 *
 * <pre>
 *   the device:  | nobody's | neighbour | the hostile guest's | neighbour | nobody's |
 * </pre>
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES) // a hang, not a measure
class IsolationTest {
    private static final int SLICES = 5;
    private static final int FIRST = 1;
    private static final int HOSTILE = 2;
    private static final int LAST = 3;
    private static final int[] NOBODYS = {0, 4};

    /** Upper halves of every word of a neighbour's memory and blocks, and of nobody's blocks. */
    private static final int FIRST_MARK = 0x5ec1_2e75;

    private static final int LAST_MARK = 0x7a3d_91c6;
    private static final int NOBODYS_MARK = 0x4b1e_d83f;
    private static final int[] MARKS = {FIRST_MARK, LAST_MARK, NOBODYS_MARK};

    /** The guests' addresses are the same, as those of guests mostly are. */
    private static final long NEIGHBOURS_QUEUES = 0x6969_6960_0000L;

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final long commands = Long.getLong("sluice.isolation.commands", 100_000);
    private final List<Neighbour> neighbours = new ArrayList<>();
    private volatile boolean enough;
    private volatile Throwable failure;

    @Test
    void shouldKeepAHostileGuestInItsSliceAndInItsMemory() throws Exception {
        System.out.println("IsolationTest seed " + seed + ", " + commands
                + " commands (repeat with -Dsluice.seed=, more with -Dsluice.isolation.commands=)");
        Random random = new Random(seed);
        Namespace namespace =
                new Namespace(1, SLICES * IsolationRig.BLOCKS_EACH, MediatedRig.BLOCK_BYTES, 0, 0, 0, false);
        var slow = new DelayingStorage(new MemoryStorage(namespace), random.nextLong());
        var storage = new WatchedStorage(slow, SLICES, IsolationRig.BLOCKS_EACH);
        try (IsolationRig rig = new IsolationRig(folder, storage)) {
            for (int slice : NOBODYS) {
                rig.writeSlice(slice, (address, block) -> fill(address, slice, block));
            }
            long[] before = {storage.reached(NOBODYS[0]), storage.reached(NOBODYS[1])};
            rig.serve(FIRST, HOSTILE, LAST);
            attackBetweenNeighbours(rig, slow, storage, random.nextLong());
            rig.stopServing();

            assertNull(storage.violation, "seed " + seed);
            assertEquals(before[0], storage.reached(NOBODYS[0]), "nobody's blocks, seed " + seed);
            assertEquals(before[1], storage.reached(NOBODYS[1]), "nobody's blocks, seed " + seed);
            assertNeighboursAlone(storage);
            assertOnDevice(rig);
        }
    }

    private void attackBetweenNeighbours(
            IsolationRig rig, DelayingStorage slow, WatchedStorage storage, long hostileSeed) throws Exception {
        try (Neighbour first = neighbour(rig, FIRST, FIRST_MARK);
                Neighbour last = neighbour(rig, LAST, LAST_MARK)) {
            neighbours.addAll(List.of(first, last));
            while (!first.hasFilled() || !last.hasFilled()) {
                neighbours.forEach(neighbour -> neighbour.step(false));
            }
            long[] before = {first.verified(), last.verified()};
            Thread work = Thread.ofPlatform().name("neighbours").start(this::work);
            try {
                attack(rig, slow, storage, hostileSeed, first.address(), last.address());
            } finally {
                enough = true;
                work.join();
            }
            assertNoFailure();
            neighbours.forEach(Neighbour::sweep);
            assertGotOn(first, before[0]);
            assertGotOn(last, before[1]);
        }
    }

    private static Neighbour neighbour(IsolationRig rig, int slice, int mark) throws Exception {
        return new Neighbour(rig.socket(slice), mark, IsolationRig.BLOCKS_EACH, NEIGHBOURS_QUEUES, HostileMemory.GPA);
    }

    private void attack(
            IsolationRig rig, DelayingStorage slow, WatchedStorage storage, long hostileSeed, long... others)
            throws Exception {
        long before = storage.commands - neighboursOf(storage);
        long[] tried = {others[0], others[1], IsolationRig.DEVICE_ADDRESSES, IsolationRig.DEVICE_ADDRESSES + (1 << 20)};
        try (HostileGuest guest = new HostileGuest(rig.socket(HOSTILE), MARKS, slow, hostileSeed, tried)) {
            long start = System.nanoTime();
            guest.attack(commands, () -> {
                assertNull(storage.violation);
                assertNoFailure();
            });
            long through = storage.commands - neighboursOf(storage) - before;
            System.out.printf("%s%n", guest.summary());
            System.out.printf(
                    "%d were good enough for the device; %.0f s%n", through, (System.nanoTime() - start) / 1e9);
            assertTrue(through > guest.sent() / 20, "too few got through to show anything: " + through);
            assertTrue(guest.exactlyKnown() > guest.sent() / 20, "too few were known: " + guest.exactlyKnown());
        } catch (Exception | AssertionError e) {
            throw new AssertionError(e.getMessage() + ", seed " + seed, e);
        }
    }

    private static void assertGotOn(Neighbour neighbour, long before) {
        long more = neighbour.verified() - before;
        System.out.println(neighbour + " has verified " + more + " reads meanwhile");
        assertTrue(more > 0, neighbour + " did not get on");
    }

    /** How many commands were theirs, but for a few of this moment. */
    private static long neighboursOf(WatchedStorage storage) {
        return storage.reached(FIRST) + storage.reached(LAST);
    }

    /** The neighbours' thread. */
    private void work() {
        try {
            while (!enough || neighbours.stream().anyMatch(Neighbour::isBusy)) {
                boolean rest = enough;
                neighbours.forEach(neighbour -> neighbour.step(rest));
                LockSupport.parkNanos(50_000); // there are others who need a processor
            }
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }

    private void assertNoFailure() {
        if (failure != null) {
            throw new AssertionError("a neighbour noticed something, seed " + seed, failure);
        }
    }

    /** What has reached their blocks is what they sent, and not a command more. */
    private void assertNeighboursAlone(WatchedStorage storage) {
        assertEquals(neighbours.get(0).submitted(), storage.reached(FIRST), "commands of " + neighbours.get(0));
        assertEquals(neighbours.get(1).submitted(), storage.reached(LAST), "commands of " + neighbours.get(1));
    }

    private void assertOnDevice(IsolationRig rig) throws Exception {
        for (int slice : NOBODYS) {
            rig.readSlice(slice, (address, block) -> assertWhole(address, slice, block));
        }
        for (Neighbour neighbour : neighbours) {
            int blocksPerUnit = Neighbour.UNIT_BYTES / MediatedRig.BLOCK_BYTES;
            rig.readSlice(neighbour == neighbours.get(0) ? FIRST : LAST, (address, block) -> {
                for (int at = 0; at < IsolationRig.CHUNK_BYTES; at += Neighbour.UNIT_BYTES) {
                    int unit = (int) block / blocksPerUnit + at / Neighbour.UNIT_BYTES;
                    neighbour.assertUnit("on the device, seed " + seed, address + at, unit);
                }
            });
        }
        rig.readSliceWherePossible(
                HOSTILE,
                (address, block) -> assertEquals(
                        0,
                        Painted.count(address, IsolationRig.CHUNK_BYTES, MARKS),
                        "leaked to its blocks, seed " + seed));
    }

    private static long word(int slice, long block, int at) {
        return (long) NOBODYS_MARK << Integer.SIZE
                | (slice * IsolationRig.BLOCKS_EACH + block) * MediatedRig.BLOCK_BYTES + at;
    }

    private static void fill(long address, int slice, long block) {
        for (int at = 0; at < IsolationRig.CHUNK_BYTES; at += Long.BYTES) {
            Memory.putLong(address + at, word(slice, block, at));
        }
    }

    private void assertWhole(long address, int slice, long block) {
        for (int at = 0; at < IsolationRig.CHUNK_BYTES; at += Long.BYTES) {
            long found = Memory.getLong(address + at);
            if (found != word(slice, block, at)) {
                assertEquals(
                        Long.toHexString(word(slice, block, at)),
                        Long.toHexString(found),
                        "nobody's slice " + slice + ", chunk at " + block + ", seed " + seed);
            }
        }
    }
}
