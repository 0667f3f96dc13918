package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Data pointers that lead nowhere, over a real socket: NVMe 1.4, 4.3 "Physical Region Page Entry and List". After each, the
 * rig proves that the controller and the next client are served.
 */
@Timeout(60)
class BadPrpTest {
    private static final int PAGE = RawController.PAGE;
    private static final long LIST = RawController.LISTS;
    private static final long LIST_GPA = BadInputRig.QUEUES + LIST;
    private static final long DATA = BadInputRig.DATA;
    private static final long DATA_END = DATA + RawController.MEMORY_BYTES;
    private static final long NOWHERE = 0x7777_0000_0000L;
    private static final long HIGHEST = 0xffff_ffff_ffff_f000L;
    private static final long LIMITED = 0x4000_0000L;

    /** The last two slots of a list page: one entry, and the address of the next list. */
    private static final int LAST_TWO = PAGE - 2 * Long.BYTES;

    private static final int OFFSET_INVALID = Status.PRP_OFFSET_INVALID.dnr();
    private static final int TRANSFER_ERROR = Status.DATA_TRANSFER_ERROR.code();

    @TempDir
    Path folder;

    private BadInputRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new BadInputRig(folder);
    }

    @AfterEach
    void proveNoHarm() throws Exception {
        rig.close();
    }

    // ---- unaligned and unmapped

    static Stream<Arguments> badPointers() {
        return Stream.of(
                Arguments.of("PRP1 at 1", OFFSET_INVALID, 1, DATA + 1, 0),
                Arguments.of("PRP1 at 2", OFFSET_INVALID, 1, DATA + 2, 0),
                Arguments.of("PRP1 at FFFh", OFFSET_INVALID, 2, DATA + 0xfff, DATA + PAGE),
                Arguments.of("PRP2 at 4", OFFSET_INVALID, 2, DATA, DATA + PAGE + 4),
                Arguments.of("PRP2 at 800h", OFFSET_INVALID, 2, DATA, DATA + PAGE + 0x800),
                Arguments.of("list at 1", OFFSET_INVALID, 3, DATA, LIST_GPA + 1),
                Arguments.of("list at 4", OFFSET_INVALID, 3, DATA, LIST_GPA + 4),
                Arguments.of("PRP1 is 0", TRANSFER_ERROR, 1, 0, 0),
                Arguments.of("PRP1 not mapped", TRANSFER_ERROR, 1, NOWHERE, 0),
                Arguments.of("PRP1 behind the region", TRANSFER_ERROR, 1, DATA_END, 0),
                Arguments.of("PRP1 at the top", TRANSFER_ERROR, 1, HIGHEST, 0),
                Arguments.of("PRP2 is 0", TRANSFER_ERROR, 2, DATA, 0),
                Arguments.of("PRP2 not mapped", TRANSFER_ERROR, 2, DATA, NOWHERE),
                Arguments.of("PRP2 behind the region", TRANSFER_ERROR, 2, DATA_END - PAGE, DATA_END),
                Arguments.of("list is 0", TRANSFER_ERROR, 3, DATA, 0),
                Arguments.of("list not mapped", TRANSFER_ERROR, 3, DATA, NOWHERE),
                Arguments.of("list at the top", TRANSFER_ERROR, 3, DATA, HIGHEST));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badPointers")
    void shouldRefuseABadPointerWhenReading(String what, int status, int pages, long prp1, long prp2) {
        runPages(NvmOpcode.READ, pages, prp1, prp2, status);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badPointers")
    void shouldRefuseABadPointerWhenWriting(String what, int status, int pages, long prp1, long prp2) {
        runPages(NvmOpcode.WRITE, pages, prp1, prp2, status);
    }

    private void runPages(int opcode, int pages, long prp1, long prp2, int status) {
        long sqe = rig.nextPages(opcode, pages);
        Sqe.setPrp1(sqe, prp1);
        Sqe.setPrp2(sqe, prp2);
        rig.queue().assertEndsIn(status);
    }

    static Stream<Arguments> badEntries() {
        return Stream.of(
                Arguments.of("first entry at 8", OFFSET_INVALID, 0, DATA + 8),
                Arguments.of("an entry at 200h", OFFSET_INVALID, 100, DATA + 0x200),
                Arguments.of("last entry at FFCh", OFFSET_INVALID, 254, DATA + 0xffc),
                Arguments.of("first entry is 0", TRANSFER_ERROR, 0, 0),
                Arguments.of("an entry not mapped", TRANSFER_ERROR, 100, NOWHERE),
                Arguments.of("last entry at the top", TRANSFER_ERROR, 254, HIGHEST));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badEntries")
    void shouldRefuseABadEntryOfAList(String what, int status, int index, long entry) {
        int pages = BadInputRig.MAX_TRANSFER_BYTES / PAGE;
        for (int i = 0; i < pages - 1; i++) {
            rig.setListEntry(LIST, i, BadInputRig.page(i));
        }
        rig.setListEntry(LIST, index, entry);

        runPages(NvmOpcode.READ, pages, DATA, LIST_GPA, status);
    }

    static Stream<Arguments> badChains() {
        return Stream.of(
                Arguments.of("next list at 8", OFFSET_INVALID, LIST_GPA + PAGE + 8),
                Arguments.of("next list at FF0h of this one", OFFSET_INVALID, LIST_GPA + LAST_TWO),
                Arguments.of("next list is 0", TRANSFER_ERROR, 0),
                Arguments.of("next list not mapped", TRANSFER_ERROR, NOWHERE));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badChains")
    void shouldRefuseABadPointerToTheNextList(String what, int status, long nextList) {
        rig.setListEntry(LIST + LAST_TWO, 0, BadInputRig.page(1));
        rig.setListEntry(LIST + LAST_TWO, 1, nextList);

        runPages(NvmOpcode.READ, 8, DATA, LIST_GPA + LAST_TWO, status);
    }

    // ---- looping

    /** It goes round once: how many entries are taken follows from the length. All of them are mapped, so it succeeds. */
    @Test
    void shouldEndWhenAListContinuesInItself() {
        int pages = BadInputRig.MAX_TRANSFER_BYTES / PAGE;
        for (int i = 0; i < PAGE / Long.BYTES - 1; i++) {
            rig.setListEntry(LIST, i, BadInputRig.page(i % pages));
        }
        rig.setListEntry(LIST, PAGE / Long.BYTES - 1, LIST_GPA);

        runPages(NvmOpcode.READ, pages, DATA, LIST_GPA + LAST_TWO, Status.OK);
    }

    /** Here the list's own address is also where the data goes: what was loaded and checked before is what counts. */
    @ParameterizedTest
    @ValueSource(ints = {0, LAST_TWO})
    void shouldEndWhenAListNamesItselfAsData(int offset) {
        for (int i = 0; i < PAGE / Long.BYTES; i++) {
            rig.setListEntry(LIST, i, LIST_GPA);
        }

        runPages(NvmOpcode.READ, 200, LIST_GPA, LIST_GPA + offset, Status.OK);

        assertEquals(0, Memory.getLong(rig.raw().queueAddress(LIST)), "the drive's zeroes");
    }

    @Test
    void shouldEndWhenTwoListsContinueInEachOther() {
        for (long list = LIST; list <= LIST + PAGE; list += PAGE) {
            for (int i = 0; i < PAGE / Long.BYTES - 1; i++) {
                rig.setListEntry(list, i, BadInputRig.page(i % 256));
            }
        }
        rig.setListEntry(LIST, PAGE / Long.BYTES - 1, LIST_GPA + PAGE);
        rig.setListEntry(LIST + PAGE, PAGE / Long.BYTES - 1, LIST_GPA);

        runPages(NvmOpcode.READ, 256, DATA, LIST_GPA + LAST_TWO, Status.OK);
    }

    // ---- too long

    @ParameterizedTest
    @ValueSource(ints = {BadInputRig.MAX_TRANSFER_BYTES / BadInputRig.BLOCK_BYTES + 1, 8192})
    void shouldRefuseATransferBeyondMdts(int blockCount) {
        for (int opcode : new int[] {NvmOpcode.READ, NvmOpcode.WRITE}) {
            long sqe = rig.next(opcode);
            Sqe.setBlockCount(sqe, blockCount);
            Sqe.setPrp2(sqe, LIST_GPA);
            rig.queue().assertEndsIn(Status.INVALID_FIELD.dnr());
        }
    }

    @Test
    void shouldRefuseALogPageBeyondMdts() {
        long sqe = rig.raw().adminSqe(AdminOpcode.GET_LOG_PAGE);
        AdminSqe.setGetLogPage(
                sqe, Sqe.NSID_ALL, LogPage.ERROR_INFORMATION, 0, BadInputRig.MAX_TRANSFER_BYTES + 4, false);
        Sqe.setPrp1(sqe, DATA);
        Sqe.setPrp2(sqe, LIST_GPA);

        assertAdminEndsIn(Status.INVALID_FIELD.dnr());
    }

    // ---- rights

    @Test
    void shouldRefuseToReadIntoAReadOnlyRegion() throws Exception {
        try (Fd file = mapLimited(Translator.READ)) {
            assertTrue(file.isOpen());
            runPages(NvmOpcode.READ, 1, LIMITED, 0, TRANSFER_ERROR);
            runPages(NvmOpcode.READ, 2, DATA, LIMITED, TRANSFER_ERROR);
            rig.setListEntry(LIST, 0, BadInputRig.page(1));
            rig.setListEntry(LIST, 1, LIMITED);
            runPages(NvmOpcode.READ, 3, DATA, LIST_GPA, TRANSFER_ERROR);
            runPages(NvmOpcode.WRITE, 1, LIMITED, 0, Status.OK);
            identify(LIMITED, TRANSFER_ERROR);
        }
    }

    @Test
    void shouldRefuseToWriteFromAWriteOnlyRegion() throws Exception {
        try (Fd file = mapLimited(Translator.WRITE)) {
            assertTrue(file.isOpen());
            runPages(NvmOpcode.WRITE, 1, LIMITED, 0, TRANSFER_ERROR);
            runPages(NvmOpcode.READ, 3, DATA, LIMITED, TRANSFER_ERROR); // a list is read, whatever the direction
            Sqe.setDsm(rig.next(NvmOpcode.DATASET_MANAGEMENT), 1, Sqe.DSM_DEALLOCATE);
            rig.queue().assertEndsIn(Status.OK);
            long sqe = rig.next(NvmOpcode.DATASET_MANAGEMENT);
            Sqe.setDsm(sqe, 1, Sqe.DSM_DEALLOCATE);
            Sqe.setPrp1(sqe, LIMITED);
            rig.queue().assertEndsIn(TRANSFER_ERROR);
            runPages(NvmOpcode.READ, 1, LIMITED, 0, Status.OK);
        }
    }

    private Fd mapLimited(int access) throws Exception {
        Fd file = Memfd.create("limited", PAGE);
        rig.raw().device.mapDma(file, 0, PAGE, LIMITED, access);
        return file;
    }

    // ---- admin commands

    @Test
    void shouldRefuseBadPointersOfAdminCommands() {
        identify(DATA + 1, OFFSET_INVALID);
        identify(NOWHERE, TRANSFER_ERROR);
        identify(HIGHEST, TRANSFER_ERROR);
        long sqe = rig.raw().adminSqe(AdminOpcode.IDENTIFY);
        AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
        Sqe.setPrp1(sqe, DATA + 0x800);
        Sqe.setPrp2(sqe, DATA + PAGE + 4);
        assertAdminEndsIn(OFFSET_INVALID);
    }

    private void identify(long prp1, int status) {
        long sqe = rig.raw().adminSqe(AdminOpcode.IDENTIFY);
        AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
        Sqe.setPrp1(sqe, prp1);
        assertAdminEndsIn(status);
    }

    private void assertAdminEndsIn(int status) {
        assertEquals(Status.describe(status), Status.describe(rig.raw().runAdmin()));
    }
}
