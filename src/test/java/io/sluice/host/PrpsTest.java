package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Sqe;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PrpsTest {
    private static final long LIST_IOVA = 0xaaaa_0000L;
    private static final long UNTOUCHED = 0x5555_5555_5555_5555L;
    private static final int PAGE = 4096;

    private Mapping mapping;
    private long sqe;
    private long list;

    @BeforeEach
    void open() throws LinuxException {
        mapping = Mapping.anonymous(3 * PAGE, Mapping.PROT_READ | Mapping.PROT_WRITE);
        sqe = mapping.address();
        list = mapping.address() + PAGE;
        Memory.fill(list, 2 * PAGE, (byte) 0x55);
    }

    @AfterEach
    void close() {
        mapping.close();
    }

    private void set(long iova, int bytes) {
        Prps.set(sqe, iova, bytes, list, LIST_IOVA);
    }

    @Test
    void shouldUseOneEntryWhenDataIsInOnePage() {
        set(0x1_2000, PAGE);
        assertEquals(0x1_2000, Sqe.prp1(sqe));
        assertEquals(0, Sqe.prp2(sqe));
        set(0x1_2ffc, 4);
        assertEquals(0x1_2ffc, Sqe.prp1(sqe));
        assertEquals(0, Sqe.prp2(sqe));
    }

    @Test
    void shouldUseTwoEntriesWhenDataTouchesTwoPages() {
        set(0x1_2000, PAGE + 1);
        assertEquals(0x1_3000, Sqe.prp2(sqe));
        set(0x1_2ffc, 8);
        assertEquals(0x1_2ffc, Sqe.prp1(sqe));
        assertEquals(0x1_3000, Sqe.prp2(sqe));
        assertEquals(UNTOUCHED, Memory.getLong(list));
    }

    @Test
    void shouldUseAListWhenDataTouchesThreePages() {
        set(0x1_2e00, 2 * PAGE);
        assertEquals(0x1_2e00, Sqe.prp1(sqe));
        assertEquals(LIST_IOVA, Sqe.prp2(sqe));
        assertEquals(0x1_3000, Memory.getLong(list));
        assertEquals(0x1_4000, Memory.getLong(list + 8));
        assertEquals(UNTOUCHED, Memory.getLong(list + 16));
    }

    @Test
    void shouldStayInOneListPageWhenTheLongestTransferIsMisaligned() {
        set(0x1_2ffc, QueuePair.MAX_TRANSFER_BYTES);
        assertEquals(0x1_3000, Memory.getLong(list));
        assertEquals(0x1_3000 + 511L * PAGE, Memory.getLong(list + 511 * 8));
        assertEquals(UNTOUCHED, Memory.getLong(list + PAGE));
    }

    @Test
    void shouldCoverExactlyTheDataWhenAnySpanIsAsked() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2_000; i++) {
            long iova = (random.nextLong() >>> 20) & -4L;
            int bytes = 1 + random.nextInt(QueuePair.MAX_TRANSFER_BYTES);
            set(iova, bytes);
            long pages = (iova + bytes - 1) / PAGE - iova / PAGE + 1;
            assertEquals(iova, Sqe.prp1(sqe), "seed " + seed);
            long last =
                    pages == 1 ? Sqe.prp1(sqe) : pages == 2 ? Sqe.prp2(sqe) : Memory.getLong(list + (pages - 2) * 8);
            assertEquals((iova + bytes - 1) / PAGE, last / PAGE, "seed " + seed);
        }
    }
}
