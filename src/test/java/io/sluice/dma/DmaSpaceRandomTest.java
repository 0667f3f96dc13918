package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Random transactions against a plain TreeMap; every answer, and every byte that it leads to, is compared. */
class DmaSpaceRandomTest {
    private static final String NAME = "random-test";
    private static final long PAGE = GuestFile.PAGE;
    private static final int FILE_PAGES = 2048;

    /** Where the interesting things are: each is the middle of a range of addresses in use. */
    private static final long[] CORNERS = {
        0, // also just below 2^64
        2 << 20,
        1L << 32,
        1L << 40,
        0x2000_0000_0000L,
        0xffff_ffff_f000L,
        1L << 48,
        Long.MIN_VALUE,
        -(2L << 20)
    };

    private record Model(long last, int access, GuestFile file, long offset) {}

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final List<GuestFile> files = new ArrayList<>();
    private TreeMap<Long, Model> model = new TreeMap<>(Long::compareUnsigned);
    private DmaSpace space;
    private Translator view;
    private String where = "";

    @BeforeEach
    void open() throws Exception {
        for (int id = 1; id <= 4; id++) {
            files.add(GuestFile.create(NAME, id, FILE_PAGES * PAGE));
        }
        // Three files at a time, not four: the limit is met now and then, and so is that of regions.
        space = new DmaSpace("guest", new DmaLimits(60, 3, 3, 1L << 30));
        view = space.hostView();
    }

    @AfterEach
    void nothingLeaks() throws Exception {
        space.close();
        files.forEach(GuestFile::close);
        assertEquals(0, ProcSelf.mappings(NAME), where);
        assertEquals(0, ProcSelf.descriptors(NAME), where);
    }

    @Test
    void shouldAgreeWithATreeMapWhenTransactionsAreRandom() throws Exception {
        for (int round = 0; round < 3000; round++) {
            where = "seed " + seed + " round " + round;
            TreeMap<Long, Model> committed = new TreeMap<>(model);
            Transaction transaction = space.begin();
            int changes = random.nextInt(6);
            for (int i = 0; i < changes; i++) {
                change(transaction);
            }
            TreeMap<Long, Model> pending = model;
            model = committed;
            translateSome(5);
            model = pending;
            transaction.commit();
            assertEquals(model.size(), space.regionCount(), where);
            translateSome(40);
        }
        System.out.println("DmaSpaceRandomTest: seed " + seed);
    }

    private void change(Transaction transaction) throws Exception {
        int what = random.nextInt(100);
        if (what < 60) {
            map(transaction);
        } else if (what < 97) {
            unmap(transaction);
        } else {
            long sum = model.entrySet().stream()
                    .mapToLong(entry -> entry.getValue().last - entry.getKey() + 1)
                    .sum();
            assertEquals(sum, transaction.unmapAll(), where);
            model.clear();
        }
    }

    /** An address near a corner, at a page. */
    private long address() {
        long corner = CORNERS[random.nextInt(CORNERS.length)];
        return corner + (random.nextInt(4) == 0 ? random.nextInt(2048) - 1024 : random.nextInt(16) - 8) * PAGE;
    }

    /** A length: some pages, or whole granules. */
    private long length() {
        return random.nextInt(3) == 0 ? (1 + random.nextInt(3)) * Entry.GRANULE_BYTES : (1 + random.nextInt(9)) * PAGE;
    }

    private void map(Transaction transaction) throws Exception {
        long gpa = random.nextInt(3) == 0 ? address() & -Entry.GRANULE_BYTES : address();
        long bytes = length();
        int access = random.nextInt(4);
        GuestFile file = random.nextInt(8) == 0 ? null : files.get(random.nextInt(files.size()));
        long offset = random.nextInt(FILE_PAGES - 1600) * PAGE;
        if (random.nextInt(20) == 0) {
            mapBadly(transaction, gpa);
            return;
        }
        int expected = expectedOfMap(gpa, bytes);
        try {
            transaction.map(gpa, bytes, access, file == null ? null : file.give(), offset);
            assertEquals(0, expected, where);
            model.put(gpa, new Model(gpa + bytes - 1, access, file, offset));
        } catch (DmaRefused refused) {
            // A fourth file is the one thing that the model does not keep an account of.
            if (refused.errno() != Errno.ENOSPC || model.size() == 60) {
                assertEquals(expected, refused.errno(), () -> where + ": " + refused.getMessage());
            }
        }
    }

    private int expectedOfMap(long gpa, long bytes) {
        long last = gpa + bytes - 1;
        if (Long.compareUnsigned(last, gpa) < 0) {
            return Errno.EINVAL;
        }
        Map.Entry<Long, Model> before = model.floorEntry(last);
        if (before != null && Long.compareUnsigned(before.getValue().last, gpa) >= 0) {
            return Errno.EEXIST;
        }
        return model.size() == 60 ? Errno.ENOSPC : 0;
    }

    private void mapBadly(Transaction transaction, long gpa) throws Exception {
        Fd fd = random.nextBoolean() ? files.get(0).give() : EventFd.create().fd();
        try {
            transaction.map(gpa, PAGE, 3, fd, FILE_PAGES * PAGE);
            fail(where);
        } catch (DmaRefused refused) {
            assertTrue(
                    List.of(Errno.EINVAL, Errno.EEXIST, Errno.ENOSPC).contains(refused.errno()),
                    () -> where + ": " + refused.getMessage());
        }
        assertEquals(false, fd.isOpen(), where);
    }

    private void unmap(Transaction transaction) {
        long gpa = address();
        long bytes = length();
        if (!model.isEmpty() && random.nextInt(3) != 0) {
            Map.Entry<Long, Model> one = model.ceilingEntry(gpa);
            one = one == null ? model.lastEntry() : one;
            gpa = one.getKey();
            bytes = one.getValue().last - gpa + 1 + (random.nextInt(3) == 0 ? random.nextInt(4) * PAGE : 0);
        }
        List<Long> inside = new ArrayList<>();
        int expected = expectedOfUnmap(gpa, gpa + bytes - 1, inside);
        long sum =
                inside.stream().mapToLong(key -> model.get(key).last - key + 1).sum();
        try {
            assertEquals(sum, transaction.unmap(gpa, bytes), where);
            assertEquals(0, expected, where);
            inside.forEach(model::remove);
        } catch (DmaRefused refused) {
            assertEquals(expected, refused.errno(), () -> where + ": " + refused.getMessage());
        }
    }

    private int expectedOfUnmap(long gpa, long last, List<Long> inside) {
        if (Long.compareUnsigned(last, gpa) < 0) {
            return Errno.EINVAL;
        }
        for (Map.Entry<Long, Model> entry : model.entrySet()) {
            boolean overlaps = Long.compareUnsigned(entry.getKey(), last) <= 0
                    && Long.compareUnsigned(entry.getValue().last, gpa) >= 0;
            boolean whole = Long.compareUnsigned(entry.getKey(), gpa) >= 0
                    && Long.compareUnsigned(entry.getValue().last, last) <= 0;
            if (overlaps && !whole) {
                return Errno.EINVAL;
            }
            if (overlaps) {
                inside.add(entry.getKey());
            }
        }
        return 0;
    }

    private void translateSome(int count) {
        for (int i = 0; i < count; i++) {
            long gpa = address() + (random.nextBoolean() ? 0 : random.nextInt(4096));
            int inPage = 4096 - (int) (gpa & 4095);
            checkPage(gpa, 1 + random.nextInt(inPage), 1 + random.nextInt(3));
            checkSpan(
                    gpa & -PAGE, (2 + random.nextInt(random.nextInt(4) == 0 ? 1500 : 6)) * 4096, 1 + random.nextInt(3));
        }
    }

    /** What the model says of a span inside one page: a stamp, or a negative code. */
    private long expected(long gpa, int access) {
        Map.Entry<Long, Model> entry = model.floorEntry(gpa);
        if (entry == null || Long.compareUnsigned(entry.getValue().last, gpa) < 0) {
            return Translator.NOT_MAPPED;
        }
        Model region = entry.getValue();
        if ((region.access & access) != access) {
            return Translator.NO_ACCESS;
        }
        long offset = region.offset + ((gpa & -PAGE) - entry.getKey());
        return region.file == null ? Translator.NOT_LOCAL : region.file.stampAt(offset);
    }

    private void checkPage(long gpa, int bytes, int access) {
        long answer = view.translate(gpa, bytes, access);
        long got = answer < 0 ? answer : Memory.getLong(answer - (gpa & (PAGE - 1)));
        assertEquals(expected(gpa, access), got, () -> where + ": gpa " + Long.toHexString(gpa));
    }

    private void checkSpan(long gpa, int bytes, int access) {
        long answer = view.translate(gpa, bytes, access);
        String what = where + ": gpa " + Long.toHexString(gpa) + " bytes " + bytes + " answer " + answer;
        boolean wraps = Long.compareUnsigned(gpa + bytes - 1, gpa) < 0;
        boolean agrees = answer == Translator.SPLIT || (answer == Translator.NOT_MAPPED && wraps);
        for (long offset = 0; offset < bytes; offset += PAGE) {
            long page = expected(gpa + offset, access);
            if (answer > 0) {
                assertEquals(page, Memory.getLong(answer + offset), what);
            } else {
                agrees |= page == answer;
            }
        }
        Map.Entry<Long, Model> begin = model.floorEntry(gpa);
        boolean oneRegion = begin != null
                && Long.compareUnsigned(begin.getValue().last, gpa) >= 0
                && !wraps
                && Long.compareUnsigned(begin.getValue().last, gpa + bytes - 1) >= 0;
        assertTrue(answer > 0 || agrees, what);
        assertTrue(!oneRegion || answer != Translator.SPLIT, what);
        assertTrue(!wraps || answer < 0, what);
    }
}
