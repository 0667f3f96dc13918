package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.Sgl;
import io.sluice.nvme.Sqe;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PRPs or SGLs: NVMe 1.4, 4.3 and 4.4. */
class DataPointersTest {
    private static final long LIST_IOVA = 0xaaaa_0000L;
    private static final long UNTOUCHED = 0x5555_5555_5555_5555L;
    private static final int PAGE = 4096;

    private final Pieces pieces = new Pieces(1024);
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

    private void set(long... addressesAndBytes) {
        pieces.clear();
        for (int i = 0; i < addressesAndBytes.length; i += 2) {
            pieces.append(addressesAndBytes[i], (int) addressesAndBytes[i + 1]);
        }
        Sqe.clear(sqe);
        DataPointers.set(sqe, pieces, list, LIST_IOVA);
    }

    @Test
    void shouldUsePrpsWhereTheyCanSayIt() {
        set(0x1_2ffc, 4, 0x5_0000, PAGE, 0x7_0000, 12);

        assertEquals(Sqe.PSDT_PRP, Sqe.psdt(sqe));
        assertEquals(0x1_2ffc, Sqe.prp1(sqe));
        assertEquals(LIST_IOVA, Sqe.prp2(sqe));
        assertEquals(0x5_0000, Memory.getLong(list));
        assertEquals(0x7_0000, Memory.getLong(list + 8));
    }

    @Test
    void shouldUseOneDataBlockWhereThePieceIsNoDword() {
        set(0x1_2001, 512);

        assertEquals(Sqe.PSDT_SGL, Sqe.psdt(sqe));
        assertEquals(0x1_2001, Sqe.prp1(sqe));
        assertEquals(512, Sqe.prp2(sqe));
        assertEquals(UNTOUCHED, Memory.getLong(list));
    }

    @ParameterizedTest
    @ValueSource(longs = {0x5_0001, 0x5_0004, 0x5_0800})
    void shouldUseASegmentWhereAPieceBeginsInsideAPage(long second) {
        set(0x1_2000, PAGE, second, 512);

        assertEquals(Sqe.PSDT_SGL, Sqe.psdt(sqe));
        assertEquals(LIST_IOVA, Sqe.prp1(sqe));
        assertEquals(0x3000_0000_0000_0020L, Sqe.prp2(sqe));
        assertEquals(0x1_2000, Sgl.address(list));
        assertEquals(PAGE, Sgl.lengthBytes(list));
        assertEquals(second, Sgl.address(list + 16));
        assertEquals(512, Memory.getLong(list + 24));
        assertEquals(UNTOUCHED, Memory.getLong(list + 32));
    }

    @Test
    void shouldUseASegmentWhereAPieceEndsInsideAPage() {
        set(0x1_2000, PAGE - 4, 0x5_0000, 516);

        assertEquals(Sqe.PSDT_SGL, Sqe.psdt(sqe));
    }

    @Test
    void shouldStayInsideTheSlotsPage() {
        pieces.clear();
        for (int i = 0; i < DataPointers.MAX_SGL_PIECES; i++) {
            pieces.append(0x10_0000 + 64L * i, 2);
        }
        assertTrue(DataPointers.isDescribable(pieces));
        DataPointers.set(sqe, pieces, list, LIST_IOVA);
        assertEquals(UNTOUCHED, Memory.getLong(list + PAGE));
        assertEquals(2, Memory.getLong(list + PAGE - 8));

        pieces.append(0x1_0000, 2);
        assertFalse(DataPointers.isDescribable(pieces));
    }

    @Test
    void shouldTakeMorePiecesWherePrpsCanSayIt() {
        pieces.clear();
        for (int i = 0; i < 513; i++) {
            pieces.append(0x10_0000 + 2L * PAGE * i + (i == 0 ? 8 : 0), i == 0 ? PAGE - 8 : i == 512 ? 8 : PAGE);
        }

        assertTrue(DataPointers.isDescribable(pieces));
        DataPointers.set(sqe, pieces, list, LIST_IOVA);
        assertEquals(0x10_0000 + 2L * PAGE * 512, Memory.getLong(list + PAGE - 8));
        assertEquals(UNTOUCHED, Memory.getLong(list + PAGE));
    }
}
