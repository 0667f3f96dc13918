package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.sluice.device.Region;
import io.sluice.linux.Errno;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Doorbells rung wrongly, by the mapped page and by message, over a real socket: NVMe 1.4, 3.1.24, 3.1.25 and 5.2.1 "Error
 * Status".
 */
@Timeout(60)
class BadDoorbellTest {
    /** DW0 of the event: log page 1, information 0, type 0. */
    private static final int INVALID_REGISTER = 0x0001_0000;
    /** DW0 of the event: log page 1, information 1, type 0. */
    private static final int INVALID_VALUE = 0x0001_0100;

    private static final int ENTRIES = RawController.IO_ENTRIES;
    private static final int QID2 = 2;
    private static final long SQ2 = 0x1_0000;
    private static final long CQ2 = 0x1_1000;

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

    private void ring(int doorbell, int value, boolean byMessage) throws Exception {
        if (byMessage) {
            assertEquals(0, rig.messages().write(Region.BAR0, doorbell, value));
        } else {
            rig.raw().ring(doorbell, value);
        }
    }

    private int doorbell(int offset) {
        return Memory.getIntVolatile(rig.raw().bar.mappedAddress(offset, Doorbells.BYTES));
    }

    // ---- values out of range

    @ParameterizedTest(name = "{0}, by message {1}")
    @CsvSource({"128,false", "129,false", "65535,false", "128,true", "65535,true"})
    void shouldTellOfATailOutOfRangeAndTakeNothing(int value, boolean byMessage) throws Exception {
        int parked = rig.park();
        putWriteInAllEntries();
        ring(Doorbells.sqTailDoorbell(1), value, byMessage);

        rig.assertEvent(parked, INVALID_VALUE);
        assertEquals(1, ErrorLogEntry.SQID.get(rig.readErrorLog()));
        assertFalse(rig.queue().hasCompletion(), "nothing is taken");
        assertEquals(value, doorbell(Doorbells.sqTailDoorbell(1)));
        rig.assertNoEvent();
    }

    /** So that whatever were taken would have an effect. */
    private void putWriteInAllEntries() {
        for (int i = 0; i < ENTRIES; i++) {
            rig.nextPages(NvmOpcode.WRITE, 1);
        }
    }

    @ParameterizedTest(name = "queue {0}, {1}, by message {2}")
    @CsvSource({"1,128,false", "1,65535,false", "1,128,true", "0,16,false", "0,65535,true"})
    void shouldTellOfAHeadOutOfRange(int qid, int value, boolean byMessage) throws Exception {
        rig.raw().enableMsix(); // with INTx, heads are looked at all the time
        int parked = rig.park();
        ring(Doorbells.cqHeadDoorbell(qid), value, byMessage);

        rig.assertEvent(parked, INVALID_VALUE);
        assertEquals(qid, ErrorLogEntry.SQID.get(rig.readErrorLog()));
        rig.assertNoEvent();
    }

    /** What has not been posted cannot have been consumed. */
    @ParameterizedTest(name = "by message {0}")
    @ValueSource(booleans = {false, true})
    void shouldTellOfAHeadBeyondTheTail(boolean byMessage) throws Exception {
        int parked = rig.park();
        rig.queue().flush();
        assertEquals(Status.OK, rig.queue().awaitUnconsumed());
        ring(Doorbells.cqHeadDoorbell(1), 2, byMessage);

        rig.assertEvent(parked, INVALID_VALUE);
        rig.queue().consume();
    }

    @Test
    void shouldTakeNothingMoreWhenTheHeadOfAFullQueueIsOutOfRange() throws Exception {
        int parked = rig.park();
        fillCompletionQueue();
        rig.raw().ring(Doorbells.cqHeadDoorbell(1), ENTRIES);
        rig.assertEvent(parked, INVALID_VALUE);
        assertFalse(rig.queue().hasCompletion(), "the host has consumed nothing");

        rig.queue().consume();

        assertEquals(Status.OK, rig.queue().await());
    }

    /** As many completions as fit, and one command more. */
    private void fillCompletionQueue() {
        for (int i = 0; i < ENTRIES - 1; i++) {
            rig.queue().next(NvmOpcode.FLUSH);
        }
        rig.queue().ring();
        for (int i = 0; i < ENTRIES - 1; i++) {
            assertEquals(Status.OK, rig.queue().awaitUnconsumed());
        }
        rig.queue().next(NvmOpcode.FLUSH);
        rig.queue().ring();
    }

    @ParameterizedTest(name = "by message {0}")
    @ValueSource(booleans = {false, true})
    void shouldTellOfAnAdminTailOutOfRange(boolean byMessage) throws Exception {
        int parked = rig.park();
        ring(Doorbells.sqTailDoorbell(0), RawController.ADMIN_ENTRIES, byMessage);

        rig.assertEvent(parked, INVALID_VALUE);
    }

    // ---- by message: queues that are not there

    @ParameterizedTest(name = "queue {0}, head {1}")
    @CsvSource({"2,false", "2,true", "64,false", "64,true", "65,false", "65,true", "511,false", "511,true"})
    void shouldIgnoreAMessageForAnAbsentQueueAndTellOfIt(int qid, boolean head) throws Exception {
        int parked = rig.park();
        int offset = head ? Doorbells.cqHeadDoorbell(qid) : Doorbells.sqTailDoorbell(qid);
        ring(offset, 3, true);

        rig.assertEvent(parked, INVALID_REGISTER);
        assertEquals(ErrorLogEntry.UNKNOWN, ErrorLogEntry.SQID.get(rig.readErrorLog()));
        assertEquals(0, doorbell(offset), "it is ignored");
    }

    @Test
    void shouldIgnoreAMessageForADeletedQueueAndTellOfIt() throws Exception {
        int parked = rig.park();
        AdminSqe.setDeleteQueue(rig.raw().adminSqe(AdminOpcode.DELETE_IO_SQ), 1);
        assertEquals(Status.OK, rig.raw().runAdmin());
        ring(Doorbells.sqTailDoorbell(1), 5, true);
        rig.assertEvent(parked, INVALID_REGISTER);

        AdminSqe.setDeleteQueue(rig.raw().adminSqe(AdminOpcode.DELETE_IO_CQ), 1);
        assertEquals(Status.OK, rig.raw().runAdmin());
        Memory.fill(rig.raw().queueAddress(RawController.IO_CQ), 0x1000, (byte) 0);
        rig.createQueues();
        assertFalse(rig.queue().hasCompletion());
    }

    @Test
    void shouldTakeNothingFromAQueueThatWasRungByMessageBeforeItWasCreated() throws Exception {
        int parked = rig.park();
        ring(Doorbells.sqTailDoorbell(QID2), 3, true);
        rig.assertEvent(parked, INVALID_REGISTER);

        createSecondQueuePair();
        assertSecondQueueIsIdle();
    }

    // ---- by message: before CC.EN

    @Test
    void shouldIgnoreMessagesBeforeItIsEnabledAndTellOfThemAfterwards() throws Exception {
        rig.raw().disable();
        ring(Doorbells.sqTailDoorbell(0), 1, true);
        ring(Doorbells.cqHeadDoorbell(0), 1, true);
        ring(Doorbells.sqTailDoorbell(1), 1, true);
        rig.raw().enable();
        assertEquals(0, doorbell(Doorbells.sqTailDoorbell(0)));
        assertEquals(0, doorbell(Doorbells.sqTailDoorbell(1)));
        rig.createQueues();
        assertFalse(rig.queue().hasCompletion());

        int cid = Sqe.cid(rig.raw().adminSqe(AdminOpcode.ASYNC_EVENT_REQUEST));
        rig.raw().advanceAdmin();
        rig.assertEvent(cid, INVALID_REGISTER);
        rig.readErrorLog();
        rig.park(); // it was told of once
    }

    // ---- by the mapped page

    @Test
    void shouldIgnoreThePagesDoorbellsOfAbsentQueues() throws Exception {
        rig.park();
        for (int qid = QID2; qid < 512; qid++) {
            ring(Doorbells.sqTailDoorbell(qid), 3, false);
            ring(Doorbells.cqHeadDoorbell(qid), 65535, false);
        }
        rig.assertNoEvent();

        createSecondQueuePair();
        assertSecondQueueIsIdle();
        rig.assertNoEvent();
    }

    @Test
    void shouldIgnoreThePagesDoorbellsBeforeItIsEnabled() throws Exception {
        rig.raw().disable();
        for (int offset = Doorbells.OFFSET; offset < Doorbells.OFFSET + RawController.PAGE; offset += Doorbells.BYTES) {
            ring(offset, 3, false);
        }
        rig.raw().enable();
        for (int offset = Doorbells.OFFSET; offset < Doorbells.OFFSET + RawController.PAGE; offset += Doorbells.BYTES) {
            assertEquals(0, doorbell(offset), "doorbell at 0x" + Integer.toHexString(offset));
        }
        rig.park();
        rig.createQueues();
        assertFalse(rig.queue().hasCompletion());
    }

    /** Pair 2, with commands in its entries that would leave traces if they were taken. */
    private void createSecondQueuePair() {
        Memory.fill(rig.raw().queueAddress(SQ2), 0x2000, (byte) 0);
        for (int i = 0; i < 16; i++) {
            Sqe.setCommand(rig.raw().queueAddress(SQ2) + (long) i * Sqe.BYTES, NvmOpcode.FLUSH, i);
            Sqe.setNsid(rig.raw().queueAddress(SQ2) + (long) i * Sqe.BYTES, 1);
        }
        long cq = rig.raw().adminSqe(AdminOpcode.CREATE_IO_CQ);
        AdminSqe.setCreateCq(cq, QID2, 16, BadInputRig.QUEUES + CQ2, false, 0);
        assertEquals(Status.OK, rig.raw().runAdmin());
        long sq = rig.raw().adminSqe(AdminOpcode.CREATE_IO_SQ);
        AdminSqe.setCreateSq(sq, QID2, 16, BadInputRig.QUEUES + SQ2, QID2, AdminSqe.QPRIO_URGENT);
        assertEquals(Status.OK, rig.raw().runAdmin());
    }

    private void assertSecondQueueIsIdle() throws Exception {
        assertEquals(0, doorbell(Doorbells.sqTailDoorbell(QID2)));
        assertEquals(0, doorbell(Doorbells.cqHeadDoorbell(QID2)));
        rig.assertServes(); // the poller has been round all queues meanwhile
        for (int i = 0; i < 0x1000; i += Long.BYTES) {
            assertEquals(0, Memory.getLong(rig.raw().queueAddress(CQ2 + i)), "a completion in queue 2");
        }
    }

    // ---- widths

    @ParameterizedTest(name = "{1} bytes at {0}")
    @CsvSource({"0,1", "0,2", "0,8", "0,12", "2,4", "1,4", "3,1", "8,8"})
    void shouldRefuseAMessageThatIsNoWholeDoorbell(int at, int bytes) throws Exception {
        rig.park();
        byte[] ones = new byte[bytes];
        Arrays.fill(ones, (byte) 1);

        assertEquals(Errno.EINVAL, rig.messages().write(Region.BAR0, Doorbells.OFFSET + at, ones));

        rig.assertNoEvent();
        for (int qid = 1; qid < 3; qid++) {
            assertEquals(0, doorbell(Doorbells.sqTailDoorbell(qid)));
        }
    }

    @Test
    void shouldIgnoreMessagesForReservedSpaceBehindTheDoorbells() throws Exception {
        rig.park();
        for (int offset = 0x2000; offset < 0x4000; offset += 0x400) {
            ring(offset, 3, true);
        }
        assertEquals(Errno.EINVAL, rig.messages().write(Region.BAR0, 0x4000, 3), "behind the BAR");
        rig.assertNoEvent();
    }
}
