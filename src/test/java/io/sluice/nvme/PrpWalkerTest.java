package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The walk by examples, good and bad; {@link PrpWalkerRandomTest} does the rest. */
class PrpWalkerTest {
    private static final int PAGE = 4096;
    private static final int MAX = 8 << 20;
    private static final int DATA = Translator.WRITE;
    private static final int OFFSET_INVALID = 0x4013;
    private static final int INVALID_FIELD = 0x4002;
    private static final int TRANSFER_ERROR = 0x0004;

    private final GuestMemory guest = new GuestMemory(64);
    private final PrpWalker walker = new PrpWalker(guest, PAGE, MAX);
    private final Pieces pieces = new Pieces(Pieces.capacityFor(MAX));

    private int walk(long prp1, long prp2, int bytes) {
        return walker.walk(prp1, prp2, bytes, DATA, pieces);
    }

    /** Maps {@code count} guest pages from {@code gpa} on to every second host page, so that none are neighbours. */
    private void scatter(long gpa, int firstHostPage, int count) {
        for (int i = 0; i < count; i++) {
            guest.map(gpa + (long) i * PAGE, firstHostPage + 2 * i);
        }
    }

    private List<Long> addresses() {
        List<Long> all = new ArrayList<>();
        for (int i = 0; i < pieces.count(); i++) {
            all.add(pieces.address(i));
        }
        return all;
    }

    @Test
    void shouldUseOnlyPrp1WhenTheDataFitsItsPage() {
        long hva = guest.map(0x10_0000, 3);
        assertEquals(Status.OK, walk(0x10_0204, 0xdead_beefL, PAGE - 0x204));
        assertEquals(List.of(hva + 0x204), addresses());
        assertEquals(PAGE - 0x204, pieces.bytes(0));
        assertEquals(1, guest.asked().size(), "PRP2 is reserved here and must not be looked at");
    }

    @Test
    void shouldResolveNothingWhenThereIsNoData() {
        assertEquals(Status.OK, walk(1, 1, 0));
        assertEquals(0, pieces.count());
        assertTrue(guest.asked().isEmpty());
    }

    @Test
    void shouldTakePrp2AsDataWhenOnePageBoundaryIsCrossed() {
        scatter(0x10_0000, 0, 2);
        assertEquals(Status.OK, walk(0x10_0ffc, 0x10_1000, 4 + PAGE));
        assertEquals(List.of(guest.hva(0) + 0xffc, guest.hva(2)), addresses());
        assertEquals(4, pieces.bytes(0));
        assertEquals(PAGE, pieces.bytes(1));
        assertEquals(4 + PAGE, pieces.totalBytes());
    }

    @Test
    void shouldMergeWhenHostPagesAreNeighbours() {
        guest.map(0x9000, 7);
        guest.map(0x5000, 8);
        assertEquals(Status.OK, walk(0x9800, 0x5000, 0x800 + 0x123));
        assertEquals(List.of(guest.hva(7) + 0x800), addresses());
        assertEquals(0x923, pieces.bytes(0));
    }

    @Test
    void shouldReadAListInTheMiddleOfAPageAsLinuxMakesThem() {
        scatter(0x10_0000, 0, 4);
        guest.map(0x20_0000, 40);
        for (int i = 0; i < 3; i++) {
            guest.write(0x20_0f00 + 8L * i, 0x10_1000 + (long) i * PAGE);
        }
        assertEquals(Status.OK, walk(0x10_0000, 0x20_0f00, 4 * PAGE));
        assertEquals(List.of(guest.hva(0), guest.hva(2), guest.hva(4), guest.hva(6)), addresses());
        assertEquals(
                new GuestMemory.Asked(0x20_0f00, 24, Translator.READ),
                guest.asked().get(1));
    }

    @Test
    void shouldTakeTheLastSlotAsDataWhenItIsTheLastEntryNeeded() {
        scatter(0x10_0000, 0, 3);
        guest.map(0x20_0000, 40);
        guest.write(0x20_0ff0, 0x10_1000);
        guest.write(0x20_0ff8, 0x10_2000);
        assertEquals(Status.OK, walk(0x10_0000, 0x20_0ff0, 3 * PAGE));
        assertEquals(3, pieces.count());
    }

    @Test
    void shouldTakeTheLastSlotAsAPointerWhenMoreThanItIsNeeded() {
        scatter(0x10_0000, 0, 3);
        guest.map(0x20_0000, 40);
        guest.map(0x30_0000, 42);
        guest.write(0x20_0ff8, 0x30_0000); // a list of one slot, which is a pointer
        guest.write(0x30_0000, 0x10_1000);
        guest.write(0x30_0008, 0x10_2000);
        assertEquals(Status.OK, walk(0x10_0000, 0x20_0ff8, 3 * PAGE));
        assertEquals(List.of(guest.hva(0), guest.hva(2), guest.hva(4)), addresses());
    }

    @Test
    void shouldFollowChainsForTheLongestTransfer() {
        guest.map(0x10_0000, 0);
        guest.map(0x11_0000, 1);
        int entries = MAX / PAGE - 1;
        long list = 0x20_0000;
        guest.map(list, 40);
        int slot = 0;
        for (int i = 0; i < entries; i++) {
            if (slot == 511 && i < entries - 1) {
                guest.write(list + 8 * 511, list + PAGE);
                list += PAGE;
                guest.map(list, 40 + (int) (list - 0x20_0000) / PAGE);
                slot = 0;
            }
            guest.write(list + 8L * slot++, i % 2 == 0 ? 0x10_0000 : 0x11_0000);
        }
        assertEquals(Status.OK, walk(0x10_0000, 0x20_0000, MAX));
        assertEquals(MAX, pieces.totalBytes());
        assertEquals(0x20_4000, list, "four more list pages");
    }

    @Test
    void shouldEndWhenAListPointsAtItself() {
        guest.map(0x20_0000, 40);
        for (int i = 0; i < 512; i++) {
            guest.write(0x20_0000 + 8L * i, 0x20_0000);
        }
        assertEquals(Status.OK, walk(0x20_0000, 0x20_0000, MAX));
        assertEquals(MAX, pieces.totalBytes());
        assertTrue(guest.asked().size() < 2100, "2048 data pages and a few list pages");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 0xffd})
    void shouldRefuseWhenPrp1IsNotDwordAligned(long offset) {
        guest.map(0x10_0000, 0);
        assertEquals(OFFSET_INVALID, walk(0x10_0000 + offset, 0, 1));
        assertEquals(0, walker.fault());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 4, 8, 0x800, 0xffc})
    void shouldRefuseWhenPrp2HasAnOffsetAsData(long offset) {
        scatter(0x10_0000, 0, 2);
        assertEquals(OFFSET_INVALID, walk(0x10_0000, 0x10_1000 + offset, 2 * PAGE));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 4, 0xffc, 0xfff})
    void shouldRefuseWhenTheListPointerIsNotQwordAligned(long offset) {
        guest.map(0x10_0000, 0);
        guest.map(0x20_0000, 40);
        assertEquals(OFFSET_INVALID, walk(0x10_0000, 0x20_0000 + offset, 3 * PAGE));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 4, 8, 0xff8})
    void shouldRefuseWhenAListEntryHasAnOffset(long offset) {
        scatter(0x10_0000, 0, 3);
        guest.map(0x20_0000, 40);
        guest.write(0x20_0000, 0x10_1000);
        guest.write(0x20_0008, 0x10_2000 + offset);
        assertEquals(OFFSET_INVALID, walk(0x10_0000, 0x20_0000, 3 * PAGE));
    }

    @Test
    void shouldRefuseWhenAChainedListHasAnOffset() {
        scatter(0x10_0000, 0, 3);
        guest.map(0x20_0000, 40);
        guest.map(0x30_0000, 42);
        guest.write(0x20_0ff8, 0x30_0008);
        guest.write(0x30_0008, 0x10_1000);
        guest.write(0x30_0010, 0x10_2000);
        assertEquals(OFFSET_INVALID, walk(0x10_0000, 0x20_0ff8, 3 * PAGE));
    }

    @Test
    void shouldRefuseWhenTheTransferIsLongerThanAllowed() {
        assertEquals(INVALID_FIELD, walk(0x10_0000, 0x20_0000, MAX + 1));
        assertEquals(INVALID_FIELD, walk(0x10_0000, 0x20_0000, -1));
        assertEquals(INVALID_FIELD, walk(0x10_0000, 0x20_0000, Integer.MIN_VALUE));
        assertTrue(guest.asked().isEmpty(), "refused before any look at the guest's memory");
    }

    @Test
    void shouldReportTheAddressWhenDataIsNotMapped() {
        guest.map(0x10_0000, 0);
        assertEquals(TRANSFER_ERROR, walk(0x10_0000, 0x10_1000, 2 * PAGE));
        assertEquals(Translator.NOT_MAPPED, walker.fault());
        assertEquals(0x10_1000, walker.faultGpa());
        assertFalse(walker.isFaultInList());
    }

    @Test
    void shouldTellDirectionAndPlaceApartWhenTheTranslatorRefuses() {
        guest.map(0x10_0000, 0);
        guest.refuse(0x10_0000, Translator.WRITE, Translator.NO_ACCESS);
        assertEquals(TRANSFER_ERROR, walk(0x10_0000, 0, 512));
        assertEquals(Translator.NO_ACCESS, walker.fault());
        assertEquals(Status.OK, walker.walk(0x10_0000, 0, 512, Translator.READ, pieces));
        assertEquals(0, walker.fault(), "a good walk clears the last one's fault");

        guest.refuse(0x10_0000, Translator.WRITE, Translator.NOT_LOCAL);
        assertEquals(TRANSFER_ERROR, walk(0x10_0000, 0, 512));
        assertEquals(Translator.NOT_LOCAL, walker.fault());
    }

    @Test
    void shouldReportAListWhenItCannotBeRead() {
        scatter(0x10_0000, 0, 3);
        assertEquals(TRANSFER_ERROR, walk(0x10_0000, 0x20_0000, 3 * PAGE));
        assertEquals(0x20_0000, walker.faultGpa());
        assertTrue(walker.isFaultInList());

        guest.map(0x20_0000, 40);
        guest.write(0x20_0ff8, 0x7777_7000L);
        assertEquals(TRANSFER_ERROR, walk(0x10_0000, 0x20_0ff8, 3 * PAGE));
        assertEquals(0x7777_7000L, walker.faultGpa());
        assertTrue(walker.isFaultInList());
    }

    @Test
    void shouldReadListsWhenTheyAreReadOnlyToTheDevice() {
        scatter(0x10_0000, 0, 3);
        guest.map(0x20_0000, 40);
        guest.refuse(0x20_0000, Translator.WRITE, Translator.NO_ACCESS);
        guest.write(0x20_0000, 0x10_1000);
        guest.write(0x20_0008, 0x10_2000);
        assertEquals(Status.OK, walk(0x10_0000, 0x20_0000, 3 * PAGE));
    }

    @Test
    void shouldTakeAddressesAtTheTopOfTheAddressSpace() {
        guest.map(0xffff_ffff_ffff_f000L, 5);
        guest.map(0x0000_ffff_ffff_f000L, 9);
        assertEquals(Status.OK, walk(0xffff_ffff_ffff_f000L, 0x0000_ffff_ffff_f000L, 2 * PAGE));
        assertEquals(List.of(guest.hva(5), guest.hva(9)), addresses());
    }

    @Test
    void shouldNotReadWhenTheTranslatorAnswersWithAnOddHostAddressForAList() {
        PrpWalker odd = new PrpWalker((address, bytes, access) -> guest.hva(0) + 1, PAGE, MAX);
        assertEquals(TRANSFER_ERROR, odd.walk(0, 0, 3 * PAGE, DATA, pieces));
        assertTrue(odd.isFaultInList());
    }

    @Test
    void shouldCutLargeMemoryPagesWhenTheirSmallPagesAreScattered() {
        PrpWalker large = new PrpWalker(guest, 4 * PAGE, MAX);
        scatter(0x10_0000, 0, 4);
        assertEquals(Status.OK, large.walk(0x10_0800, 0, 3 * PAGE, DATA, pieces));
        assertEquals(List.of(guest.hva(0) + 0x800, guest.hva(2), guest.hva(4), guest.hva(6)), addresses());
        assertEquals(0x800, pieces.bytes(3));

        guest.unmap(0x10_2000);
        assertEquals(TRANSFER_ERROR, large.walk(0x10_0800, 0, 3 * PAGE, DATA, pieces));
        assertEquals(0x10_2000, large.faultGpa());
    }

    @Test
    void shouldUseAWholeLargePageOfList() {
        PrpWalker large = new PrpWalker(guest, 4 * PAGE, MAX);
        for (int i = 0; i < 4; i++) {
            guest.map(0x10_0000 + (long) i * PAGE, i);
            guest.map(0x20_0000 + (long) i * PAGE, 40 + 2 * i);
        }
        long list = 0x20_0000 + 2 * PAGE - 16; // four entries around a small page's boundary
        for (int i = 0; i < 4; i++) {
            guest.write(list + 8L * i, 0x10_0000);
        }
        assertEquals(Status.OK, large.walk(0x10_0000, list, 5 * 4 * PAGE, DATA, pieces));
        assertEquals(5 * 4 * PAGE, pieces.totalBytes());
    }

    @Test
    void shouldRefuseMisuse() {
        assertThrows(IllegalArgumentException.class, () -> new PrpWalker(guest, 2048, MAX));
        assertThrows(IllegalArgumentException.class, () -> new PrpWalker(guest, 12_288, MAX));
        assertThrows(IllegalArgumentException.class, () -> new PrpWalker(guest, PAGE, 0));
        Pieces few = new Pieces(2);
        assertThrows(IllegalArgumentException.class, () -> walker.walk(0, 0, 2 * PAGE, DATA, few));
    }

    @Test
    void shouldGatherAndScatterAcrossPieces() {
        scatter(0x10_0000, 0, 2);
        assertEquals(Status.OK, walk(0x10_0ffc, 0x10_1000, 12));
        Scratch whole = Scratch.ofHex("000102030405060708090a0b");
        pieces.scatter(whole.address(), 12);
        assertEquals(0x0302_0100, Memory.getInt(guest.hva(0) + 0xffc));
        assertEquals(0x0b0a_0908_0706_0504L, Memory.getLong(guest.hva(2)));
        Scratch back = Scratch.of(16);
        pieces.gather(back.address(), 16);
        assertEquals("000102030405060708090a0b00000000", back.hex(0, 16));
        back.clear();
        pieces.gather(back.address(), 6);
        assertEquals("0001020304050000", back.hex(0, 8));
        pieces.scatter(back.address(), 0);
        assertEquals(0x0302_0100, Memory.getInt(guest.hva(0) + 0xffc));
    }
}
