package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Random SGLs against a model that knows every byte's address one by one, and rewritten ones against their bounds. */
class SglWalkerRandomTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 64;
    /** Segments are in the pages from here on, data anywhere. */
    private static final int SEGMENTS_FROM = 48;

    private static final int MAX = 1 << 18;

    /** A data block, whose subtype may be odd, and what there is besides segments. */
    private static final int[] ODD_TYPES = {0, 1, 4, 5, 15};

    private final GuestMemory guest = new GuestMemory(PAGES);
    private final Pieces pieces = new Pieces(SglWalker.capacityFor(MAX));
    private long seed;

    private Random random(String test) {
        seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("SglWalkerRandomTest." + test + " seed " + seed);
        return new Random(seed);
    }

    @BeforeEach
    void map() {
        for (int i = 0; i < PAGES; i++) {
            guest.map((long) i * PAGE, i ^ 2); // pairs of pages that follow each other, and pairs that do not
        }
    }

    /** One descriptor, before it is written. */
    private record Descriptor(int type, int subtype, long address, long bytes) {}

    /**
     * What comes of a list of descriptors by the rules of NVMe 1.4, 4.4, read without any code of the walker's: the data's
     * bytes in order, or the first rule that is broken.
     */
    private final class Model {
        final List<Long> bytes = new ArrayList<>();
        Status status = Status.SUCCESS;

        Model(Descriptor sgl1, List<List<Descriptor>> segments, int transferBytes) {
            List<Descriptor> segment = List.of(sgl1);
            int nextSegment = 0;
            boolean last = false;
            while (segment != null && status == Status.SUCCESS) {
                List<Descriptor> following = null;
                boolean followingLast = false;
                for (int i = 0; i < segment.size() && status == Status.SUCCESS; i++) {
                    Descriptor at = segment.get(i);
                    if (at.subtype != 0 || (at.type != 0 && at.type != 2 && at.type != 3)) {
                        status = Status.SGL_DESCRIPTOR_TYPE_INVALID;
                    } else if (at.type == 0) {
                        take(at, transferBytes);
                    } else if (i < segment.size() - 1) {
                        status = Status.INVALID_SGL_DESCRIPTOR_COUNT;
                    } else if (last || at.bytes % 16 != 0 || at.bytes == 0 || at.address % 8 != 0) {
                        status = Status.INVALID_SGL_SEGMENT_DESCRIPTOR;
                    } else {
                        following = segments.get(nextSegment++);
                        followingLast = at.type == 3;
                    }
                }
                segment = following;
                last = followingLast;
            }
            if (status == Status.SUCCESS && bytes.size() != transferBytes) {
                status = Status.DATA_SGL_LENGTH_INVALID;
            }
        }

        /** All but what memory has to do with would be met again. */
        int expected() {
            boolean again = status != Status.SUCCESS && status != Status.DATA_TRANSFER_ERROR;
            return again ? status.dnr() : status.code();
        }

        private void take(Descriptor block, int transferBytes) {
            if (block.bytes > transferBytes - bytes.size()) {
                status = Status.DATA_SGL_LENGTH_INVALID;
                return;
            }
            for (long at = block.address; at < block.address + block.bytes; at++) {
                if (at < 0 || at >= PAGES * PAGE) {
                    status = Status.DATA_TRANSFER_ERROR;
                    return;
                }
                bytes.add(guest.hva((int) (at / PAGE) ^ 2) + at % PAGE);
            }
        }
    }

    @Test
    void shouldFindEveryByteOrTheRuleThatIsBroken() {
        Random random = random("shouldFindEveryByteOrTheRuleThatIsBroken");
        SglWalker walker = new SglWalker(guest, guest, MAX, 1, 0);
        int[] outcomes = new int[256];
        for (int round = 0; round < 20_000; round++) {
            List<List<Descriptor>> segments = new ArrayList<>();
            int hops = random.nextInt(4);
            long at = (long) SEGMENTS_FROM * PAGE + 8L * random.nextInt(600);
            long first = at;
            for (int i = 0; i < hops; i++) {
                int blocks = random.nextInt(6) + (i == hops - 1 ? 1 : 0);
                List<Descriptor> segment = blocks(random, blocks);
                long next = at + 16L * (blocks + 1) + 8L * random.nextInt(600);
                if (i < hops - 1) {
                    segment.add(new Descriptor(i == hops - 2 ? 3 : 2, 0, next, 0));
                }
                segments.add(segment);
                at = next;
            }
            Descriptor sgl1 = hops == 0 ? blocks(random, 1).getFirst() : new Descriptor(hops == 1 ? 3 : 2, 0, first, 0);
            sgl1 = finish(random, sgl1, segments);
            int transferBytes =
                    Math.toIntExact(sum(sgl1, segments)) + (random.nextInt(12) == 0 ? random.nextInt(3) - 1 : 0);
            if (transferBytes < 1 || transferBytes > MAX) {
                continue;
            }
            write(sgl1, segments);
            Model model = new Model(sgl1, segments, transferBytes);
            long word1 = Sgl.word1(sgl1.type, sgl1.subtype, sgl1.bytes);
            int status = walker.walk(sgl1.address, word1, transferBytes, Translator.WRITE, pieces);
            outcomes[model.status.code() & 0xff]++;
            String what = "round " + round + ", seed " + seed + ": " + sgl1 + ", " + segments;
            assertEquals(Status.describe(model.expected()), Status.describe(status), what);
            if (status == Status.OK) {
                assertEquals(model.bytes, flat(), what);
            }
        }
        assertTrue(Arrays.stream(outcomes).filter(count -> count > 20).count() >= 6, Arrays.toString(outcomes));
    }

    /** Data blocks, of which few are not right. */
    private static List<Descriptor> blocks(Random random, int count) {
        List<Descriptor> blocks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long bytes = random.nextInt(8) == 0 ? 0 : random.nextInt(random.nextBoolean() ? 3 * PAGE : 600);
            long address = random.nextInt(100) == 0
                    ? (long) PAGES * PAGE - random.nextInt(600)
                    : random.nextInt((PAGES - 4) * PAGE);
            boolean odd = random.nextInt(200) == 0;
            blocks.add(new Descriptor(
                    odd ? ODD_TYPES[random.nextInt(5)] : 0, odd ? random.nextInt(3) : 0, address, bytes));
        }
        return blocks;
    }

    /** Gives descriptors of segments their lengths, and breaks a few of them. */
    private static Descriptor finish(Random random, Descriptor sgl1, List<List<Descriptor>> segments) {
        Descriptor result = sgl1;
        for (int i = 0; i < segments.size(); i++) {
            long bytes = 16L * segments.get(i).size() + (random.nextInt(60) == 0 ? 4 : 0);
            if (i == 0) {
                result = new Descriptor(sgl1.type, 0, sgl1.address, bytes);
            } else {
                List<Descriptor> before = segments.get(i - 1);
                Descriptor to = before.removeLast();
                int type = random.nextInt(40) == 0 ? 3 : to.type; // too early: what follows may lead on
                int place = random.nextInt(40) == 0 ? random.nextInt(before.size() + 1) : before.size();
                before.add(place, new Descriptor(type, 0, to.address, bytes));
            }
        }
        return result;
    }

    private static long sum(Descriptor sgl1, List<List<Descriptor>> segments) {
        long sum = sgl1.type == 0 ? sgl1.bytes : 0;
        for (List<Descriptor> segment : segments) {
            for (Descriptor at : segment) {
                sum += at.type == 0 ? at.bytes : 0;
            }
        }
        return sum;
    }

    private void write(Descriptor sgl1, List<List<Descriptor>> segments) {
        long at = sgl1.address;
        for (List<Descriptor> segment : segments) {
            long next = 0;
            for (int i = 0; i < segment.size(); i++) {
                Descriptor descriptor = segment.get(i);
                guest.write(at + 16L * i, descriptor.address);
                guest.write(at + 16L * i + 8, Sgl.word1(descriptor.type, descriptor.subtype, descriptor.bytes));
                boolean leads = descriptor.type == 2 || descriptor.type == 3;
                next = leads && descriptor.address >= (long) SEGMENTS_FROM * PAGE ? descriptor.address : next;
            }
            at = next;
        }
    }

    private List<Long> flat() {
        List<Long> flat = new ArrayList<>();
        for (int i = 0; i < pieces.count(); i++) {
            for (int at = 0; at < pieces.bytes(i); at++) {
                flat.add(pieces.address(i) + at);
            }
        }
        return flat;
    }

    /** Whatever the guest does meanwhile: what comes out is as long as the data and inside its memory, and it comes soon. */
    @Test
    void shouldStayInsideMappedMemoryWhenSegmentsAreRewrittenMeanwhile() throws InterruptedException {
        Random random = random("shouldStayInsideMappedMemoryWhenSegmentsAreRewrittenMeanwhile");
        AtomicBoolean stop = new AtomicBoolean();
        long rewriterSeed = random.nextLong();
        long hva = guest.hva(0);
        Thread rewriter = new Thread(() -> {
            Random own = new Random(rewriterSeed);
            while (!stop.get()) {
                long descriptor = hva + 16L * own.nextInt(256);
                boolean leads = own.nextInt(64) == 0;
                int type = leads ? 2 + own.nextInt(2) : own.nextInt(200) == 0 ? own.nextInt(16) : 0;
                Memory.putLongOpaque(descriptor, leads ? 16L * own.nextInt(256) : own.nextInt(PAGES * PAGE));
                long bytes = leads ? 16L * (1 + own.nextInt(40)) : own.nextInt(200) == 0 ? own.nextInt() : 64;
                Memory.putLongOpaque(descriptor + 8, Sgl.word1(type, 0, bytes & 0xffff_ffffL));
            }
        });
        rewriter.start();
        int[] outcomes = new int[2];
        try {
            SglWalker walker = new SglWalker(guest, guest, MAX, 1, 0);
            for (int round = 0; round < 200_000; round++) {
                guest.asked().clear();
                int bytes = 64 * (1 + random.nextInt(8));
                long word1 = Sgl.word1(2 + random.nextInt(2), 0, 16L * (1 + random.nextInt(8)));
                long segment = 2L * PAGE + 16L * random.nextInt(256); // guest page 2 is host page 0
                int status = walker.walk(segment, word1, bytes, Translator.READ, pieces);
                outcomes[status == Status.OK ? 0 : 1]++;
                if (status == Status.OK) {
                    assertEquals(bytes, pieces.totalBytes());
                    assertInside();
                }
                assertTrue(guest.asked().size() <= 3 * SglWalker.MAX_DESCRIPTORS + MAX / PAGE, "too many look-ups");
            }
        } finally {
            stop.set(true);
            rewriter.join();
        }
        assertTrue(outcomes[0] > 100 && outcomes[1] > 100, "both outcomes must be exercised: " + outcomes[0]);
    }

    private void assertInside() {
        long end = guest.hva(PAGES);
        for (int i = 0; i < pieces.count(); i++) {
            long address = pieces.address(i);
            assertTrue(address >= guest.hva(0) && address + pieces.bytes(i) <= end, "piece outside the guest's memory");
        }
    }
}
