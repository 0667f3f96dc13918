package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What a command costs the garbage collector, once it is compiled: nothing. */
class HotPathAllocationTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 32;
    private static final int BATCH = 2_000;
    /** Compilation comes when the machine has time for it; a bound on waiting for it, not a measurement. */
    private static final int MAX_BATCHES = 5_000;

    private final Scratch guest = Scratch.of((PAGES + 1) * PAGE);
    private final Scratch entry = Scratch.of(Sqe.BYTES);
    private final Scratch completion = Scratch.of(Cqe.BYTES);
    private final long base = guest.address();
    private final Translator translator = (address, bytes, access) ->
            Long.compareUnsigned(address, guest.bytes() - bytes) <= 0 ? base + address : Translator.NOT_MAPPED;
    private final PrpWalker walker = new PrpWalker(translator, PAGE, PAGES * PAGE);
    private final SglWalker sglWalker = new SglWalker(translator, translator, PAGES * PAGE, 1, 0);
    private final Pieces pieces = new Pieces(Pieces.capacityFor(PAGES * PAGE));

    /** One Read of 32 pages, by PRPs and by an SGL of one page each, and a second whose list points outside the guest's memory, so that it ends in an error. */
    private long command(int cid) {
        long sqe = entry.address();
        Sqe.setCommand(sqe, NvmOpcode.READ, cid);
        Sqe.setPrp2(sqe, (long) PAGES * PAGE);
        int good = walker.walk(0, Sqe.prp2(sqe), PAGES * PAGE, Translator.WRITE, pieces);
        int bad = walker.walk(0, -PAGE, PAGES * PAGE, Translator.WRITE, pieces);
        long segment = Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, (long) PAGES * Sgl.BYTES);
        good += sglWalker.walk((long) PAGES * PAGE + 1024, segment, PAGES * PAGE, Translator.WRITE, pieces);
        bad += sglWalker.walk(-PAGE, segment, PAGES * PAGE, Translator.WRITE, pieces);
        Cqe.publish(completion.address(), 0, 0, 1, Sqe.cid(sqe), Status.LBA_OUT_OF_RANGE.dnr(), 1);
        return good + bad + Cqe.tail(completion.address());
    }

    @Test
    void shouldAllocateNothingOnceCompiled() {
        for (int i = 0; i < PAGES; i++) {
            Memory.putLong(base + (long) PAGES * PAGE + 8L * i, (long) i * PAGE);
            Sgl.setDataBlock(base + (long) PAGES * PAGE + 1024 + 16L * i, (long) i * PAGE, PAGE);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long leastBytes = Long.MAX_VALUE;
        long sink = 0;
        for (int batch = 0; batch < MAX_BATCHES && leastBytes > 0; batch++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < BATCH; i++) {
                sink += command(i);
            }
            leastBytes = Math.min(leastBytes, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertEquals(0, leastBytes, "bytes for " + BATCH + " commands, result " + sink);
    }
}
