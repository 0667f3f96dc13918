package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.FileStatus;
import io.sluice.mem.Translator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Random transactions, with a client that punches a hole into its files wherever no region is, against a model that knows
 * nothing of pins: whatever the device view says leads to that very page, with those rights, and was mapped after the page's
 * last hole. Some maps fail, and sometimes a reader stalls.
 */
class PinRandomTest extends PinFixture {
    private static final int ROUNDS = 1200;
    private static final int FILE_PAGES = (int) (FILE_BYTES / PAGE);

    /** Each has room for 8 MiB. */
    private static final long[] PLACES = new long[20];

    static {
        long[] corners = {0, 1L << 32, 1L << 40, 0xffff_ffff_0000L, Long.MIN_VALUE};
        for (int i = 0; i < PLACES.length; i++) {
            PLACES[i] = i == 0 ? -8 * MIB : corners[i % corners.length] + (i / corners.length) * (8L * MIB);
        }
    }

    private record Model(long bytes, int access, int file, long offset) {}

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final List<GuestFile> files = new ArrayList<>();
    private final long[] inodes = new long[2];

    /** Per page of each file: how many maps there had been when its last hole was punched. */
    private final long[][] punchedAt = new long[2][FILE_PAGES];

    private final TreeMap<Long, Model> model = new TreeMap<>(Long::compareUnsigned);
    private final Map<PendingMap, Long> maps = new HashMap<>();
    private String where = "";

    @BeforeEach
    void openFiles() throws Exception {
        files.add(file);
        files.add(GuestFile.create(NAME, 2, FILE_BYTES));
        for (int i = 0; i < 2; i++) {
            inodes[i] = FileStatus.of(files.get(i).fd).inode();
        }
    }

    @AfterEach
    void closeFile() {
        files.get(1).close();
    }

    @Test
    void shouldLeadToFreshPagesOnlyWhenTransactionsAreRandom() throws Exception {
        int refused = 0;
        int stalls = 0;
        for (int round = 0; round < ROUNDS; round++) {
            where = "seed " + seed + " round " + round;
            DmaReader stalled = random.nextInt(8) == 0 ? space.register("stalled", () -> {}) : null;
            stalls += stalled == null ? 0 : 1;
            passing = stalled != null;
            // Not both at a time: the model does not know what a stalled reader made the device lose.
            failSome(stalled == null && random.nextInt(8) == 0);
            refused += transact();
            passing = false;
            iommu.before = call -> {};
            awaitPins();
            checkAll();
            punch();
            if (stalled != null) {
                stalled.close();
            }
            iommu.takeCalls();
        }
        assertTrue(refused > 0 && stalls > 0, where);
        assertEquals(List.of(), errors(), where);
        System.out.println("PinRandomTest: seed " + seed + ", " + refused + " refused, " + stalls + " stalls");
    }

    private void failSome(boolean fail) {
        AtomicInteger left = new AtomicInteger(fail ? random.nextInt(4) : Integer.MAX_VALUE);
        iommu.before = call -> {
            if (call.startsWith("map") && left.getAndDecrement() <= 0) {
                throw new IOException("by chance");
            }
        };
    }

    private int transact() throws Exception {
        Transaction transaction = space.begin();
        maps.clear();
        int changes = 1 + random.nextInt(5);
        for (int i = 0; i < changes; i++) {
            long place = PLACES[random.nextInt(PLACES.length)];
            if (random.nextInt(30) == 0) {
                transaction.unmapAll();
                model.clear();
            } else if (unmap(transaction, place) == null) {
                mapAnything(transaction, place);
            }
        }
        transaction.commit();
        int refused = 0;
        for (Map.Entry<PendingMap, Long> map : maps.entrySet()) {
            try {
                map.getKey().confirm();
            } catch (DmaRefused e) {
                // It may have been replaced in the same transaction, and then it was never tried.
                model.remove(map.getValue());
                refused++;
            }
        }
        return refused;
    }

    /** Takes away what is at a place; sometimes maps it again, in two pieces or elsewhere too. */
    private Model unmap(Transaction transaction, long place) throws Exception {
        Long gpa = model.ceilingKey(place);
        if (gpa == null || gpa - place >= 8 * MIB || gpa - place < 0) {
            return null;
        }
        Model region = model.get(gpa);
        transaction.unmap(gpa, region.bytes);
        model.remove(gpa);
        if (random.nextInt(3) == 0) {
            long half = region.bytes / PAGE / 2 * PAGE;
            if (half > 0) {
                map(transaction, gpa, new Model(half, region.access, region.file, region.offset));
            }
            map(
                    transaction,
                    gpa + half,
                    new Model(region.bytes - half, region.access, region.file, region.offset + half));
        }
        return region;
    }

    private void mapAnything(Transaction transaction, long place) throws Exception {
        long bytes = random.nextBoolean() ? (1 + random.nextInt(4)) * (2L * MIB) : (1L + random.nextInt(5)) * PAGE;
        long offset = random.nextBoolean()
                ? random.nextInt(9) * MIB
                : random.nextInt(FILE_PAGES - (int) (8 * MIB / PAGE)) * PAGE;
        int access = random.nextInt(3) == 0 ? random.nextInt(4) : RW;
        map(transaction, place, new Model(bytes, access, random.nextInt(9) == 0 ? -1 : random.nextInt(2), offset));
    }

    private void map(Transaction transaction, long gpa, Model region) throws Exception {
        var memory = region.file < 0 ? null : files.get(region.file).give();
        maps.put(transaction.map(gpa, region.bytes, region.access, memory, region.offset), gpa);
        model.put(gpa, region);
    }

    private static boolean isForDevice(Model region) {
        return region.file >= 0 && region.access != 0;
    }

    /** What shared a pin that a stalled reader cost is pinned anew behind the answer's back. */
    private void awaitPins() {
        model.forEach((gpa, region) -> {
            if (isForDevice(region)) {
                await(where + " 0x" + Long.toHexString(gpa), () -> iova(gpa, region.access) > 0);
            }
        });
    }

    private void checkAll() {
        assertEquals(model.size(), space.regionCount(), where);
        assertEquals(space.pins().entries(), iommu.pieces(), where);
        assertEquals(space.pins().pinnedBytes(), iommu.bytes(), where);
        long reachable = 0;
        for (Map.Entry<Long, Model> entry : model.entrySet()) {
            Model region = entry.getValue();
            reachable += isForDevice(region) ? 1 : 0;
            check(entry.getKey(), region, 0);
            check(entry.getKey(), region, region.bytes - PAGE);
            for (int i = 0; i < 20; i++) {
                check(entry.getKey(), region, random.nextInt((int) (region.bytes / PAGE)) * PAGE);
            }
        }
        assertTrue(reachable > 0 || iommu.pieces() == 0, where);
        long place = PLACES[random.nextInt(PLACES.length)] + random.nextInt(8 << 8) * PAGE;
        if (space.hostView().translate(place, 8, 0) == Translator.NOT_MAPPED) {
            assertEquals(Translator.NOT_MAPPED, iova(place, READ), where);
        }
    }

    private void check(long gpa, Model region, long at) {
        String what = where + " 0x" + Long.toHexString(gpa + at) + " " + region;
        if (!isForDevice(region)) {
            assertEquals(
                    region.access == RW || region.access == READ ? Translator.NOT_LOCAL : Translator.NO_ACCESS,
                    iova(gpa + at, READ),
                    what);
            return;
        }
        long iova = iova(gpa + at, region.access);
        long offset = region.offset + at;
        assertEquals(new FakeIommu.Page(inodes[region.file], offset, region.access), iommu.at(iova), what);
        assertTrue(iommu.mappedAt(iova) > punchedAt[region.file][(int) (offset / PAGE)], () -> "stale: " + what);
        if (region.access != RW) {
            assertEquals(Translator.NO_ACCESS, iova(gpa + at, RW), what);
        }
    }

    /** The client punches holes wherever it has no region. */
    private void punch() {
        boolean[][] used = new boolean[2][FILE_PAGES];
        model.values().stream().filter(region -> region.file >= 0).forEach(region -> {
            int first = (int) (region.offset / PAGE);
            Arrays.fill(used[region.file], first, first + (int) (region.bytes / PAGE), true);
        });
        for (int i = 0; i < 2; i++) {
            for (int page = 0; page < FILE_PAGES; page++) {
                if (!used[i][page]) {
                    punchedAt[i][page] = iommu.maps();
                }
            }
        }
    }
}
