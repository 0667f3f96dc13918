package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Create and Delete I/O Queue: NVMe 1.4, 5.3 to 5.6, each bad parameter by itself. */
class QueueCommandsTest {
    private ControllerRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
        rig.enable(32);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    // ---- Create I/O Completion Queue, 5.3

    @Test
    void shouldCreateACompletionQueueOfEveryIdentifierAndTheLargestSize() {
        assertEquals(Status.OK, rig.createCq(1, 2, -1).status());
        assertEquals(Status.OK, rig.createCq(2, 4096, -1).status());
        assertEquals(Status.OK, createCq(64, 16, ControllerRig.cqGpa(3), true, false, 0));
    }

    static Stream<Arguments> badCompletionQueues() {
        long base = ControllerRig.cqGpa(2);
        return Stream.of(
                Arguments.of("QID 0", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 0, 16, base, true, false, 0),
                Arguments.of("QID 65", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 65, 16, base, true, false, 0),
                Arguments.of("QID 65535", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 65535, 16, base, true, false, 0),
                Arguments.of("QID in use", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 1, 16, base, true, false, 0),
                Arguments.of("QSIZE 0", Status.INVALID_QUEUE_SIZE.dnr(), 2, 1, base, true, false, 0),
                Arguments.of("QSIZE above MQES", Status.INVALID_QUEUE_SIZE.dnr(), 2, 4097, base, true, false, 0),
                Arguments.of("QSIZE FFFFh", Status.INVALID_QUEUE_SIZE.dnr(), 2, 65536, base, true, false, 0),
                Arguments.of("not contiguous", Status.INVALID_FIELD.dnr(), 2, 16, base, false, false, 0),
                Arguments.of("PRP1 offset 4", Status.PRP_OFFSET_INVALID.dnr(), 2, 16, base + 4, true, false, 0),
                Arguments.of("PRP1 offset 2048", Status.PRP_OFFSET_INVALID.dnr(), 2, 16, base + 2048, true, false, 0),
                Arguments.of("IV 65", Status.INVALID_INTERRUPT_VECTOR.dnr(), 2, 16, base, true, true, 65),
                Arguments.of("IV 65535", Status.INVALID_INTERRUPT_VECTOR.dnr(), 2, 16, base, true, true, 65535),
                Arguments.of("IV 65, polled", Status.INVALID_INTERRUPT_VECTOR.dnr(), 2, 16, base, true, false, 65),
                Arguments.of("IV 1 with a pin", Status.INVALID_INTERRUPT_VECTOR.dnr(), 2, 16, base, true, true, 1),
                Arguments.of("not mapped", Status.DATA_TRANSFER_ERROR.code(), 2, 16, 1L << 40, true, false, 0),
                Arguments.of("wraps", Status.DATA_TRANSFER_ERROR.code(), 2, 4096, -4096L, true, false, 0));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badCompletionQueues")
    void shouldRefuseABadCompletionQueue(
            String what, int status, int qid, int entries, long base, boolean contiguous, boolean ien, int vector) {
        rig.createCq(1, 16, -1);

        assertEquals(status, createCq(qid, entries, base, contiguous, ien, vector), what);
        assertEquals(Status.OK, rig.createCq(2, 16, -1).status(), "nothing is left of the refused queue");
    }

    private int createCq(int qid, int entries, long base, boolean contiguous, boolean ien, int vector) {
        return rig.admin(AdminOpcode.CREATE_IO_CQ, sqe -> {
                    AdminSqe.setCreateCq(sqe, qid, entries, base, ien, vector);
                    Sqe.setCdw11(sqe, contiguous ? Sqe.cdw11(sqe) : Sqe.cdw11(sqe) - 1);
                })
                .code();
    }

    @Test
    void shouldRefuseAQueueWhenTheEntrySizesAreNotSet() throws Exception {
        rig.write(Registers.CC, Cc.withEnabled(0, true));

        assertEquals(Status.INVALID_QUEUE_SIZE.dnr(), rig.createCq(1, 16, -1).code());
        rig.write(Registers.CC, Cc.withIocqes(Cc.withEnabled(0, true), Cc.IOCQES));
        assertEquals(Status.OK, rig.createCq(1, 16, -1).status());
        assertEquals(Status.INVALID_QUEUE_SIZE.dnr(), rig.createSq(1, 16, 1).code());
    }

    @Test
    void shouldRefuseAQueueOfWhichTheLastPageIsNotMapped() {
        rig.guest.unmapPage(ControllerRig.cqGpa(1) + ControllerRig.PAGE);

        assertEquals(Status.DATA_TRANSFER_ERROR.code(), rig.createCq(1, 257, -1).code());
        assertEquals(Status.OK, rig.createCq(1, 256, -1).status());
    }

    @Test
    void shouldRefuseAQueueInMemoryWithoutAFileDescriptor() {
        rig.guest.makePageRemote(ControllerRig.cqGpa(1));

        assertEquals(Status.DATA_TRANSFER_ERROR.code(), rig.createCq(1, 16, -1).code());
    }

    @Test
    void shouldZeroTheDoorbellBeforeTheQueueIsThere() {
        rig.ring(Doorbells.cqHeadDoorbell(1), 7);
        rig.ring(Doorbells.sqTailDoorbell(1), 7);
        rig.createCq(1, 16, -1);
        assertEquals(0, rig.doorbell(Doorbells.cqHeadDoorbell(1)));
        rig.createSq(1, 16, 1);
        assertEquals(0, rig.doorbell(Doorbells.sqTailDoorbell(1)));

        rig.step();

        assertEquals(0, rig.path.submitted, "what was rung before has no effect");
    }

    // ---- Create I/O Submission Queue, 5.4

    @Test
    void shouldShareACompletionQueue() {
        rig.createCq(5, 16, -1);

        assertEquals(Status.OK, rig.createSq(1, 16, 5).status());
        assertEquals(Status.OK, rig.createSq(2, 4096, 5).status());
    }

    static Stream<Arguments> badSubmissionQueues() {
        long base = ControllerRig.sqGpa(2);
        return Stream.of(
                Arguments.of("QID 0", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 0, 16, base, true, 1),
                Arguments.of("QID 65", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 65, 16, base, true, 1),
                Arguments.of("QID in use", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 1, 16, base, true, 1),
                Arguments.of("CQID 0", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 2, 16, base, true, 0),
                Arguments.of("CQID 65", Status.INVALID_QUEUE_IDENTIFIER.dnr(), 2, 16, base, true, 65),
                Arguments.of("CQID not there", Status.COMPLETION_QUEUE_INVALID.dnr(), 2, 16, base, true, 3),
                Arguments.of("QSIZE 0", Status.INVALID_QUEUE_SIZE.dnr(), 2, 1, base, true, 1),
                Arguments.of("QSIZE above MQES", Status.INVALID_QUEUE_SIZE.dnr(), 2, 4097, base, true, 1),
                Arguments.of("not contiguous", Status.INVALID_FIELD.dnr(), 2, 16, base, false, 1),
                Arguments.of("PRP1 offset", Status.PRP_OFFSET_INVALID.dnr(), 2, 16, base + 64, true, 1),
                Arguments.of("not mapped", Status.DATA_TRANSFER_ERROR.code(), 2, 16, 1L << 50, true, 1));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badSubmissionQueues")
    void shouldRefuseABadSubmissionQueue(
            String what, int status, int qid, int entries, long base, boolean contiguous, int cqid) {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);

        int answer = rig.admin(AdminOpcode.CREATE_IO_SQ, sqe -> {
                    AdminSqe.setCreateSq(sqe, qid, entries, base, cqid, AdminSqe.QPRIO_URGENT);
                    Sqe.setCdw11(sqe, contiguous ? Sqe.cdw11(sqe) : Sqe.cdw11(sqe) - 1);
                })
                .code();

        assertEquals(status, answer, what);
        assertEquals(Status.OK, rig.createSq(2, 16, 1).status());
    }

    @Test
    void shouldRefuseIdentifiersAboveTheNumberOfQueuesGranted() {
        rig.setFeature(Feature.NUMBER_OF_QUEUES, FeatureValue.numberOfQueues(2, 3));

        assertEquals(Status.OK, rig.createCq(3, 16, -1).status());
        assertEquals(
                Status.INVALID_QUEUE_IDENTIFIER.dnr(), rig.createCq(4, 16, -1).code());
        assertEquals(Status.OK, rig.createSq(2, 16, 3).status());
        assertEquals(
                Status.INVALID_QUEUE_IDENTIFIER.dnr(), rig.createSq(3, 16, 3).code());
    }

    // ---- Delete, 5.5 and 5.6

    @Test
    void shouldDeleteQueuesInOrderAndLetThemBeCreatedAgain() {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.createSq(2, 16, 1);

        assertEquals(
                Status.INVALID_QUEUE_DELETION.dnr(),
                rig.delete(AdminOpcode.DELETE_IO_CQ, 1).code());
        assertEquals(Status.OK, rig.delete(AdminOpcode.DELETE_IO_SQ, 1).status());
        assertEquals(
                Status.INVALID_QUEUE_DELETION.dnr(),
                rig.delete(AdminOpcode.DELETE_IO_CQ, 1).code());
        assertEquals(Status.OK, rig.delete(AdminOpcode.DELETE_IO_SQ, 2).status());
        assertEquals(Status.OK, rig.delete(AdminOpcode.DELETE_IO_CQ, 1).status());
        assertEquals(Status.OK, rig.createCq(1, 64, -1).status());
        assertEquals(Status.OK, rig.createSq(1, 64, 1).status());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 65, 65535})
    void shouldRefuseToDeleteAQueueThatIsNotThere(int qid) {
        assertEquals(
                Status.INVALID_QUEUE_IDENTIFIER.dnr(),
                rig.delete(AdminOpcode.DELETE_IO_SQ, qid).code());
        assertEquals(
                Status.INVALID_QUEUE_IDENTIFIER.dnr(),
                rig.delete(AdminOpcode.DELETE_IO_CQ, qid).code());
    }

    @Test
    void shouldEndCommandsInFlightBeforeTheirQueueIsDeleted() {
        rig.holdOneCommand();
        rig.path.cancelsLate = true;
        int cid = rig.submit(AdminOpcode.DELETE_IO_SQ, sqe -> AdminSqe.setDeleteQueue(sqe, 1));
        int later = rig.submit(AdminOpcode.GET_FEATURES, sqe -> AdminSqe.setGetFeatures(sqe, 0, 1, 0));
        assertNull(rig.next(), "the deletion waits, and what comes after it too");

        rig.path.endAll(Status.ABORTED_SQ_DELETION.code());

        assertEquals(cid, rig.next().cid());
        assertEquals(later, rig.next().cid());
        long completion = rig.ioCqe(1, 0);
        assertEquals(0x77, Cqe.cid(completion));
        assertTrue(Status.ABORTED_SQ_DELETION.is(Cqe.status(completion)));
        assertEquals(Status.OK, rig.createSq(1, 16, 1).status());
    }

    @Test
    void shouldForgetAWaitingDeletionWhenTheControllerIsReset() throws Exception {
        rig.holdOneCommand();
        rig.path.cancelsLate = true;
        rig.submit(AdminOpcode.DELETE_IO_SQ, sqe -> AdminSqe.setDeleteQueue(sqe, 1));
        rig.step();
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.path.endAll(Status.OK);
        rig.step();
        rig.enable(32);

        assertNull(rig.next());
        assertEquals(Status.OK, rig.createCq(1, 16, -1).status());
    }

    // ---- what all admin commands have in common

    @ParameterizedTest
    @ValueSource(ints = {0x03, 0x07, 0x0b, 0x0d, 0x10, 0x11, 0x14, 0x19, 0x80, 0x81, 0x84, 0x86, 0xc0, 0xff})
    void shouldRefuseAnOpcodeThatIsNotOffered(int opcode) {
        assertEquals(Status.INVALID_OPCODE.dnr(), rig.admin(opcode, sqe -> {}).code());
    }

    @ParameterizedTest
    @ValueSource(ints = {Sqe.FUSE_FIRST, Sqe.FUSE_SECOND, 3})
    void shouldRefuseAFusedAdminCommand(int fuse) {
        int status =
                rig.admin(AdminOpcode.IDENTIFY, sqe -> Sqe.setFuse(sqe, fuse)).code();

        assertEquals(Status.INVALID_FIELD.dnr(), status);
    }

    @ParameterizedTest
    @ValueSource(ints = {Sqe.PSDT_SGL, Sqe.PSDT_SGL_METADATA_SGL, 3})
    void shouldRefuseAnAdminCommandWithSgls(int psdt) {
        int status =
                rig.admin(AdminOpcode.IDENTIFY, sqe -> Sqe.setPsdt(sqe, psdt)).code();

        assertEquals(Status.INVALID_FIELD.dnr(), status);
    }

    @Test
    void shouldTellTheSubmissionQueuesHeadInEachCompletion() {
        for (int i = 1; i < 70; i++) {
            ControllerRig.Completion completion = rig.identify(1, 0);
            assertEquals(i % 32, completion.sqHead());
            assertEquals(0, completion.sqid());
        }
    }
}
