package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Memfd;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Thousands of spaces that come, change, fail and go. The kernel says what is left of them. */
class DmaLeakTest {
    private static final String NAME = "leak-test";
    private static final long PAGE = GuestFile.PAGE;
    private static final long MIB = GuestFile.MIB;
    private static final int RW = Translator.READ | Translator.WRITE;

    /** More than any test machine has set aside as huge pages. */
    private static final long HUGE_FILE_BYTES = 1L << 40;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private int refused;
    private int failedMmaps;

    @Test
    void shouldLeaveNothingWhenSpacesComeAndGo() throws Exception {
        System.out.println("DmaLeakTest: seed " + seed);
        List<Fd> files = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            files.add(Memfd.create(NAME, (1 + i) * MIB));
        }
        for (int round = 0; round < 2000; round++) {
            liveOnce(files);
            if (round % 100 == 0) {
                assertEquals(0, ProcSelf.mappings(NAME), () -> "seed " + seed);
                assertEquals(files.size(), ProcSelf.descriptors(NAME), () -> "seed " + seed);
            }
        }
        files.forEach(Fd::close);
        assertEquals(0, ProcSelf.mappings(NAME), () -> "seed " + seed);
        assertEquals(0, ProcSelf.descriptors(NAME), () -> "seed " + seed);
        assertTrue(refused > 1000, "refused " + refused);
        assertTrue(failedMmaps > 100, "failed mmaps " + failedMmaps);
    }

    private void liveOnce(List<Fd> files) throws Exception {
        DmaLimits limits = new DmaLimits(12, 3, 4, random.nextBoolean() ? 12 * MIB : 16 * HUGE_FILE_BYTES);
        DmaSpace space = new DmaSpace("guest", limits, Optional.empty(), 0, System::nanoTime);
        DmaReader reader = random.nextInt(4) == 0 ? space.register("stalled", () -> {}) : null;
        int transactions = random.nextInt(5);
        for (int i = 0; i < transactions; i++) {
            Transaction transaction = space.begin();
            int changes = random.nextInt(8);
            for (int j = 0; j < changes; j++) {
                change(transaction, files);
            }
            if (i + 1 < transactions || random.nextBoolean()) {
                transaction.commit();
            }
        }
        if (reader != null && random.nextBoolean()) {
            reader.acknowledge(reader.current());
        }
        if (reader != null) {
            reader.close();
        }
        space.close();
        assertEquals(0, space.backings().extents(), () -> "seed " + seed);
        assertEquals(0, space.backings().virtualBytes(), () -> "seed " + seed);
        assertEquals(0, space.backings().descriptors(), () -> "seed " + seed);
        assertEquals(0, space.regionCount(), () -> "seed " + seed);
    }

    private void change(Transaction transaction, List<Fd> files) throws Exception {
        try {
            if (random.nextInt(3) == 0) {
                transaction.unmap(random.nextInt(16) * PAGE, (1 + random.nextInt(8)) * PAGE);
            } else {
                long offset = random.nextInt(300) * PAGE;
                transaction.map(
                        random.nextInt(16) * PAGE, (1 + random.nextInt(3)) * PAGE, RW, descriptor(files), offset);
            }
        } catch (DmaRefused e) {
            refused++;
            failedMmaps += e.getCause() instanceof LinuxException failed
                            && failed.call().equals("mmap")
                    ? 1
                    : 0;
        }
    }

    /** A file, or something that is refused late: not a file, closed, or one that the kernel will not map. */
    private Fd descriptor(List<Fd> files) throws LinuxException {
        return switch (random.nextInt(10)) {
            case 0 -> EventFd.create().fd();
            case 1 -> closed();
            // More huge pages than there are: mmap says ENOMEM.
            case 2 -> Memfd.createHuge(NAME, HUGE_FILE_BYTES);
            case 3 -> null;
            default -> files.get(random.nextInt(files.size())).duplicate();
        };
    }

    private static Fd closed() throws LinuxException {
        Fd fd = Memfd.create(NAME, PAGE);
        fd.close();
        return fd;
    }
}
