package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random transfers. The model never walks: it chooses where each byte of the data shall be, writes PRPs that say so, and
 * compares page by page.
 */
class PrpWalkerRandomTest {
    private static final int SMALL = 4096;
    private static final int HOST_PAGES = 1024;
    private static final int LISTS_FROM = HOST_PAGES - 64;

    /** One memory page that the data uses: where its first byte is, how many bytes. */
    private record Span(long gpa, int bytes) {}

    private static Random random(String test) {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("PrpWalkerRandomTest." + test + " seed " + seed);
        return new Random(seed);
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 8192, 65_536})
    void shouldFindEveryByteOfRandomTransfers(int pageBytes) {
        Random random = random("shouldFindEveryByteOfRandomTransfers");
        int max = Math.max(1 << 20, 600 * pageBytes);
        Pieces pieces = new Pieces(Pieces.capacityFor(max));
        for (int round = 0; round < 200; round++) {
            Transfer transfer = new Transfer(random, pageBytes, max);
            PrpWalker walker = new PrpWalker(transfer.guest, pageBytes, max);
            int status = walker.walk(transfer.prp1, transfer.prp2, transfer.bytes, Translator.WRITE, pieces);
            assertEquals(Status.OK, status, () -> Status.describe(status) + " for " + transfer);
            assertEquals(transfer.expected(), flat(pieces), transfer::toString);
        }
    }

    @Test
    void shouldRefuseWhenOnePageOfTheDataIsMissing() {
        Random random = random("shouldRefuseWhenOnePageOfTheDataIsMissing");
        Pieces pieces = new Pieces(Pieces.capacityFor(1 << 20));
        for (int round = 0; round < 200; round++) {
            Transfer transfer = new Transfer(random, SMALL, 1 << 20);
            Span victim = transfer.spans.get(random.nextInt(transfer.spans.size()));
            long code = -1L - random.nextInt(3);
            transfer.guest.refuse(victim.gpa & -SMALL, Translator.WRITE, code);
            PrpWalker walker = new PrpWalker(transfer.guest, SMALL, 1 << 20);
            int status = walker.walk(transfer.prp1, transfer.prp2, transfer.bytes, Translator.WRITE, pieces);
            assertEquals(Status.DATA_TRANSFER_ERROR.code(), status, transfer::toString);
            assertEquals(code, walker.fault());
            assertEquals(victim.gpa & -SMALL, walker.faultGpa() & -SMALL);
        }
    }

    @Test
    void shouldStayInsideMappedMemoryWhenTheGuestSendsGarbage() {
        Random random = random("shouldStayInsideMappedMemoryWhenTheGuestSendsGarbage");
        int max = 1 << 21;
        Pieces pieces = new Pieces(Pieces.capacityFor(max));
        GuestMemory guest = new GuestMemory(16);
        for (int i = 0; i < 16; i++) {
            guest.map((long) i * SMALL, i);
        }
        int[] outcomes = new int[2];
        for (int round = 0; round < 10_000; round++) {
            guest.write(8L * random.nextInt(16 * 512), garbage(random));
            guest.asked().clear();
            PrpWalker walker = new PrpWalker(guest, SMALL, max);
            int bytes = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(max + 2);
            int status = walker.walk(garbage(random), garbage(random), bytes, Translator.READ, pieces);
            outcomes[status == Status.OK ? 0 : 1]++;
            if (status == Status.OK) {
                assertEquals(bytes, pieces.totalBytes());
                assertInside(guest, pieces);
            }
            assertTrue(guest.asked().size() <= max / SMALL + 12, "more look-ups than pages");
        }
        assertTrue(outcomes[0] > 100 && outcomes[1] > 100, "both outcomes must be exercised");
    }

    private static long garbage(Random random) {
        long aligned = (long) random.nextInt(17) * SMALL;
        return switch (random.nextInt(40)) {
            case 0 -> random.nextLong();
            case 1 -> aligned + random.nextInt(SMALL);
            case 2 -> aligned + 8L * random.nextInt(512);
            default -> (long) random.nextInt(16) * SMALL;
        };
    }

    @Test
    void shouldStayInsideMappedMemoryWhenTheListIsRewrittenMeanwhile() throws InterruptedException {
        Random random = random("shouldStayInsideMappedMemoryWhenTheListIsRewrittenMeanwhile");
        int max = 1 << 20;
        GuestMemory guest = new GuestMemory(16);
        for (int i = 0; i < 16; i++) {
            guest.map((long) i * SMALL, i);
        }
        AtomicBoolean stop = new AtomicBoolean();
        long rewriterSeed = random.nextLong();
        long listsHva = guest.hva(0);
        Thread rewriter = new Thread(() -> {
            Random own = new Random(rewriterSeed);
            while (!stop.get()) {
                long slot = listsHva + 8L * own.nextInt(1024);
                Memory.putLongOpaque(slot, own.nextInt(2000) == 0 ? own.nextLong() : (long) own.nextInt(16) * SMALL);
            }
        });
        rewriter.start();
        try {
            PrpWalker walker = new PrpWalker(guest, SMALL, max);
            Pieces pieces = new Pieces(Pieces.capacityFor(max));
            for (int round = 0; round < 20_000; round++) {
                guest.asked().clear();
                if (walker.walk(0, SMALL, max, Translator.READ, pieces) == Status.OK) {
                    assertEquals(max, pieces.totalBytes());
                    assertInside(guest, pieces);
                }
                assertTrue(guest.asked().size() <= max / SMALL + 12, "more look-ups than pages");
            }
        } finally {
            stop.set(true);
            rewriter.join();
        }
    }

    private static void assertInside(GuestMemory guest, Pieces pieces) {
        long end = guest.hva(16);
        for (int i = 0; i < pieces.count(); i++) {
            long address = pieces.address(i);
            assertTrue(address >= guest.hva(0) && address + pieces.bytes(i) <= end, "piece outside the guest's memory");
        }
    }

    /** The pieces cut at the host's small pages, so that merging and splitting do not matter. */
    private static List<Span> flat(Pieces pieces) {
        List<Span> flat = new ArrayList<>();
        for (int i = 0; i < pieces.count(); i++) {
            cut(pieces.address(i), pieces.bytes(i), flat);
        }
        return flat;
    }

    private static void cut(long address, int bytes, List<Span> into) {
        int done = 0;
        while (done < bytes) {
            int step = (int) Math.min(bytes - done, SMALL - ((address + done) & (SMALL - 1)));
            into.add(new Span(address + done, step));
            done += step;
        }
    }

    /** A random transfer and the guest memory that describes it. */
    private static final class Transfer {
        final GuestMemory guest = new GuestMemory(HOST_PAGES);
        final List<Span> spans = new ArrayList<>();
        final int pageBytes;
        final int bytes;
        final long prp1;
        final long prp2;
        private int listPages;

        Transfer(Random random, int pageBytes, int max) {
            this.pageBytes = pageBytes;
            this.bytes = 1 + random.nextInt(random.nextBoolean() ? max : Math.min(max, 4 * pageBytes));
            int offset = random.nextBoolean() ? 0 : 4 * random.nextInt(pageBytes / 4);
            int done = 0;
            while (done < bytes) {
                int inPage = done == 0 ? offset : 0;
                int step = Math.min(bytes - done, pageBytes - inPage);
                spans.add(new Span(mapDataPage(random) + inPage, step));
                done += step;
            }
            prp1 = spans.getFirst().gpa;
            prp2 = switch (spans.size()) {
                case 1 -> random.nextLong();
                case 2 -> spans.get(1).gpa;
                default -> writeLists(random);
            };
        }

        /** A new guest page, at an address of which only the alignment is sure, on host pages in random order. */
        private long mapDataPage(Random random) {
            long gpa = random.nextLong() & -pageBytes;
            boolean contiguous = random.nextBoolean();
            int hostPage = random.nextInt(LISTS_FROM - pageBytes / SMALL);
            for (int i = 0; i < pageBytes / SMALL; i++) {
                guest.map(gpa + (long) i * SMALL, contiguous ? hostPage + i : random.nextInt(LISTS_FROM));
            }
            return gpa;
        }

        private long writeLists(Random random) {
            long first = mapListPage(random) + 8L * random.nextInt(pageBytes / 8);
            long at = first;
            for (int i = 1; i < spans.size(); i++) {
                boolean lastSlot = (at & (pageBytes - 1)) == pageBytes - 8;
                if (lastSlot && i < spans.size() - 1) {
                    long next = mapListPage(random);
                    guest.write(at, next);
                    at = next;
                }
                guest.write(at, spans.get(i).gpa);
                at += 8;
            }
            return first;
        }

        /** A list page with host pages of its own; a transfer needs three at the most. */
        private long mapListPage(Random random) {
            long gpa = random.nextLong() & -pageBytes;
            int pages = pageBytes / SMALL;
            for (int i = 0; i < pages; i++) {
                guest.map(gpa + (long) i * SMALL, LISTS_FROM + listPages + i);
            }
            listPages += pages;
            return gpa;
        }

        List<Span> expected() {
            List<Span> flat = new ArrayList<>();
            for (Span span : spans) {
                List<Span> guestSpans = new ArrayList<>();
                cut(span.gpa, span.bytes, guestSpans);
                for (Span part : guestSpans) {
                    flat.add(new Span(guest.translate(part.gpa, part.bytes, Translator.WRITE), part.bytes));
                }
            }
            return flat;
        }

        @Override
        public String toString() {
            return bytes + " bytes from " + Long.toHexString(prp1) + ", PRP2 " + Long.toHexString(prp2) + ", pages of "
                    + pageBytes;
        }
    }
}
