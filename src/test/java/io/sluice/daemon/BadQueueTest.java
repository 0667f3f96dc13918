package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Registers;
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

/** Queues with one bad parameter each, over a real socket: NVMe 1.4, 5.3 to 5.6, and 3.1.5 to 3.1.10 for the admin queues. */
@Timeout(60)
class BadQueueTest {
    private static final long BASE = BadInputRig.QUEUES + 0x1_0000;
    private static final long END = BadInputRig.QUEUES + RawController.MEMORY_BYTES;
    private static final long LIMITED = 0x4000_0000L;
    private static final int BAD_QID = Status.INVALID_QUEUE_IDENTIFIER.dnr();
    private static final int BAD_SIZE = Status.INVALID_QUEUE_SIZE.dnr();
    private static final int BAD_VECTOR = Status.INVALID_INTERRUPT_VECTOR.dnr();
    private static final int BAD_OFFSET = Status.PRP_OFFSET_INVALID.dnr();
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

    // ---- Create I/O Completion Queue, 5.3

    static Stream<Arguments> badCompletionQueues() {
        return Stream.of(
                Arguments.of("QID 0", BAD_QID, 0, 16, BASE, true, false, 0),
                Arguments.of("QID in use", BAD_QID, 1, 16, BASE, true, false, 0),
                Arguments.of("QID 65", BAD_QID, 65, 16, BASE, true, false, 0),
                Arguments.of("QID 65535", BAD_QID, 65535, 16, BASE, true, false, 0),
                Arguments.of("QSIZE 0", BAD_SIZE, 2, 1, BASE, true, false, 0),
                Arguments.of("QSIZE above MQES", BAD_SIZE, 2, 4097, BASE, true, false, 0),
                Arguments.of("QSIZE FFFFh", BAD_SIZE, 2, 65536, BASE, true, false, 0),
                Arguments.of("not contiguous", Status.INVALID_FIELD.dnr(), 2, 16, BASE, false, false, 0),
                Arguments.of("PRP1 at 1", BAD_OFFSET, 2, 16, BASE + 1, true, false, 0),
                Arguments.of("PRP1 at 800h", BAD_OFFSET, 2, 16, BASE + 0x800, true, false, 0),
                Arguments.of("IV 65", BAD_VECTOR, 2, 16, BASE, true, true, 65),
                Arguments.of("IV 65535", BAD_VECTOR, 2, 16, BASE, true, true, 65535),
                Arguments.of("IV 65, polled", BAD_VECTOR, 2, 16, BASE, true, false, 65),
                Arguments.of("IV 1 without MSI-X", BAD_VECTOR, 2, 16, BASE, true, true, 1),
                Arguments.of("PRP1 is 0", TRANSFER_ERROR, 2, 16, 0, true, false, 0),
                Arguments.of("not mapped", TRANSFER_ERROR, 2, 16, 1L << 40, true, false, 0),
                Arguments.of("last page not mapped", TRANSFER_ERROR, 2, 257, END - 0x1000, true, false, 0),
                Arguments.of("wraps", TRANSFER_ERROR, 2, 4096, -4096L, true, false, 0),
                Arguments.of("read-only memory", TRANSFER_ERROR, 2, 16, LIMITED, true, false, 0));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badCompletionQueues")
    void shouldRefuseABadCompletionQueue(
            String what, int status, int qid, int entries, long base, boolean contiguous, boolean ien, int vector)
            throws Exception {
        mapLimited(Translator.READ);
        long sqe = rig.raw().adminSqe(AdminOpcode.CREATE_IO_CQ);
        AdminSqe.setCreateCq(sqe, qid, entries, base, ien, vector);
        assertRefused(sqe, contiguous, status);

        AdminSqe.setCreateCq(rig.raw().adminSqe(AdminOpcode.CREATE_IO_CQ), 2, 16, BASE, false, 0);
        assertEquals(Status.OK, rig.raw().runAdmin(), "nothing is left of the refused queue");
    }

    @ParameterizedTest
    @ValueSource(ints = {65, 66, 2047, 65535})
    void shouldRefuseAVectorThatMsixDoesNotHave(int vector) throws Exception {
        rig.raw().enableMsix();
        long sqe = rig.raw().adminSqe(AdminOpcode.CREATE_IO_CQ);
        AdminSqe.setCreateCq(sqe, 2, 16, BASE, true, vector);
        assertRefused(sqe, true, BAD_VECTOR);

        AdminSqe.setCreateCq(rig.raw().adminSqe(AdminOpcode.CREATE_IO_CQ), 2, 16, BASE, true, 64);
        assertEquals(Status.OK, rig.raw().runAdmin(), "the largest there is");
    }

    // ---- Create I/O Submission Queue, 5.4

    static Stream<Arguments> badSubmissionQueues() {
        return Stream.of(
                Arguments.of("QID 0", BAD_QID, 0, 16, BASE, true, 1),
                Arguments.of("QID in use", BAD_QID, 1, 16, BASE, true, 1),
                Arguments.of("QID 65", BAD_QID, 65, 16, BASE, true, 1),
                Arguments.of("QID 65535", BAD_QID, 65535, 16, BASE, true, 1),
                Arguments.of("CQID 0", BAD_QID, 2, 16, BASE, true, 0),
                Arguments.of("CQID 65", BAD_QID, 2, 16, BASE, true, 65),
                Arguments.of("CQID 65535", BAD_QID, 2, 16, BASE, true, 65535),
                Arguments.of("CQID not there", Status.COMPLETION_QUEUE_INVALID.dnr(), 2, 16, BASE, true, 3),
                Arguments.of("QSIZE 0", BAD_SIZE, 2, 1, BASE, true, 1),
                Arguments.of("QSIZE above MQES", BAD_SIZE, 2, 4097, BASE, true, 1),
                Arguments.of("QSIZE FFFFh", BAD_SIZE, 2, 65536, BASE, true, 1),
                Arguments.of("not contiguous", Status.INVALID_FIELD.dnr(), 2, 16, BASE, false, 1),
                Arguments.of("PRP1 at 40h", BAD_OFFSET, 2, 16, BASE + 0x40, true, 1),
                Arguments.of("PRP1 is 0", TRANSFER_ERROR, 2, 16, 0, true, 1),
                Arguments.of("not mapped", TRANSFER_ERROR, 2, 16, 1L << 50, true, 1),
                Arguments.of("last page not mapped", TRANSFER_ERROR, 2, 65, END - 0x1000, true, 1),
                Arguments.of("wraps", TRANSFER_ERROR, 2, 4096, -4096L, true, 1),
                Arguments.of("write-only memory", TRANSFER_ERROR, 2, 16, LIMITED, true, 1));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badSubmissionQueues")
    void shouldRefuseABadSubmissionQueue(
            String what, int status, int qid, int entries, long base, boolean contiguous, int cqid) throws Exception {
        mapLimited(Translator.WRITE);
        long sqe = rig.raw().adminSqe(AdminOpcode.CREATE_IO_SQ);
        AdminSqe.setCreateSq(sqe, qid, entries, base, cqid, AdminSqe.QPRIO_URGENT);
        assertRefused(sqe, contiguous, status);

        AdminSqe.setCreateSq(rig.raw().adminSqe(AdminOpcode.CREATE_IO_SQ), 2, 16, BASE, 1, AdminSqe.QPRIO_URGENT);
        assertEquals(Status.OK, rig.raw().runAdmin(), "nothing is left of the refused queue");
    }

    private void mapLimited(int access) throws Exception {
        try (Fd file = Memfd.create("limited", RawController.PAGE)) {
            rig.raw().device.mapDma(file, 0, RawController.PAGE, LIMITED, access);
        }
    }

    /** Bit 0 of CDW11 is Physically Contiguous in both commands. */
    private void assertRefused(long sqe, boolean contiguous, int status) {
        Sqe.setCdw11(sqe, contiguous ? Sqe.cdw11(sqe) : Sqe.cdw11(sqe) - 1);
        assertEquals(Status.describe(status), Status.describe(rig.raw().runAdmin()));
    }

    @Test
    void shouldRefuseQueuesWhileTheEntrySizesAreNotSet() throws Exception {
        rig.raw().disable();
        rig.raw().enableWith(Registers.CC, Cc.withEnabled(0, true));
        rig.raw().awaitReady(true);

        long sqe = rig.raw().adminSqe(AdminOpcode.CREATE_IO_CQ);
        AdminSqe.setCreateCq(sqe, 1, 16, BASE, false, 0);
        assertRefused(sqe, true, BAD_SIZE);

        rig.resetController();
    }

    // ---- Delete, 5.5 and 5.6

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 64, 65, 65535})
    void shouldRefuseToDeleteAQueueThatIsNotThere(int qid) {
        for (int opcode : new int[] {AdminOpcode.DELETE_IO_SQ, AdminOpcode.DELETE_IO_CQ}) {
            long sqe = rig.raw().adminSqe(opcode);
            AdminSqe.setDeleteQueue(sqe, qid);
            assertEquals(Status.describe(BAD_QID), Status.describe(rig.raw().runAdmin()));
        }
    }

    @Test
    void shouldRefuseToDeleteACompletionQueueInUse() {
        AdminSqe.setDeleteQueue(rig.raw().adminSqe(AdminOpcode.DELETE_IO_CQ), 1);

        assertEquals(
                Status.describe(Status.INVALID_QUEUE_DELETION.dnr()),
                Status.describe(rig.raw().runAdmin()));
    }

    // ---- the admin queues: there is nowhere to put a status but CSTS.CFS

    static Stream<Arguments> badAdminQueues() {
        int cc = RawController.enabledCc();
        return Stream.of(
                Arguments.of("ASQS 0", Registers.AQA, Aqa.of(1, 16)),
                Arguments.of("ACQS 0", Registers.AQA, Aqa.of(16, 1)),
                Arguments.of("ASQ is 0", Registers.ASQ, 0),
                Arguments.of("ASQ not mapped", Registers.ASQ, 1L << 40),
                Arguments.of("ASQ at the top", Registers.ASQ, -4096L),
                Arguments.of("ACQ is 0", Registers.ACQ, 0),
                Arguments.of("ACQ not mapped", Registers.ACQ, 1L << 40),
                Arguments.of("ACQ in read-only memory", Registers.ACQ, LIMITED),
                Arguments.of("CC.CSS", Registers.CC, Cc.withCss(cc, 1)),
                Arguments.of("CC.MPS", Registers.CC, Cc.withMps(cc, 15)),
                Arguments.of("CC.AMS", Registers.CC, Cc.withAms(cc, 7)),
                Arguments.of("CC.IOSQES", Registers.CC, Cc.withIosqes(cc, 5)),
                Arguments.of("CC.IOCQES", Registers.CC, Cc.withIocqes(cc, 5)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badAdminQueues")
    void shouldBeFatalWhenEnabledBadly(String what, Registers register, long value) throws Exception {
        mapLimited(Translator.READ);
        rig.raw().disable();
        rig.raw().enableWith(register, value);

        assertEquals(Csts.withFatal(0, true), rig.raw().read(Registers.CSTS), "CFS, and nothing else");
        rig.resetController();
    }
}
