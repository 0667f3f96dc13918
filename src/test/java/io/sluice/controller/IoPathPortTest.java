package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Translator;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a path may ask of the queues besides doing commands at once or later: the needs of a device that is shared. */
class IoPathPortTest extends IoQueuesFixture {
    private static final long DEVICE = 0x7_0000_0000L;

    /** The device sees all of the guest's memory but the data's second page. */
    private long unpinned = DATA_GPA + PAGE;

    private long device(long gpa, int bytes, int access) {
        boolean reached = gpa / PAGE != unpinned / PAGE && guest.hostView().translate(gpa, bytes, access) > 0;
        return reached ? DEVICE + gpa : Translator.NOT_MAPPED;
    }

    private void useDevice() {
        path.dataView = this::device;
        reopen();
        createPair(8, 8, 0);
    }

    @Test
    void shouldPutACommandBackWhenThePathIsBusy() {
        createPair(8, 2, 0);
        path.status = IoPath.BUSY;
        submit(NvmOpcode.READ, 7, 1, 3, 1);
        assertEquals(0, step());
        assertEquals(0, step());
        assertEquals(2, path.submitted.size(), "it is tried in each cycle");

        path.status = Status.OK;
        assertEquals(1, step());
        assertEquals(7, Cqe.cid(Cqe.tail(cqe(0))));
        assertEquals(0, step(), "and done once");
        assertTrue(told.isEmpty(), told.toString());
    }

    @Test
    void shouldKeepOrderAndSpaceWhenThePathIsBusyInTheMiddleOfABatch() {
        createPair(8, 8, 0);
        for (int cid = 0; cid < 7; cid++) {
            submit(NvmOpcode.READ, cid, 1, 3, 1);
        }
        path.onSubmit = () -> path.status = path.submitted.size() == 3 ? IoPath.BUSY : Status.OK;
        assertEquals(3, step());
        path.onSubmit = () -> path.status = Status.OK;
        assertEquals(4, step());
        for (int cid = 0; cid < 7; cid++) {
            assertEquals(cid, Cqe.cid(Cqe.tail(cqe(cid))));
        }
    }

    @Test
    void shouldLookAtACommandAnewThatWasPutBack() {
        createPair(8, 8, 0);
        path.status = IoPath.BUSY;
        long sqe = submit(NvmOpcode.READ, 7, 1, 3, 1);
        step();
        Sqe.setSlba(sqe, BLOCKS); // a guest may change its entry meanwhile: what it is then is what is checked
        path.status = Status.OK;

        assertStatus(Status.LBA_OUT_OF_RANGE.dnr(), sqe);
    }

    @Test
    void shouldResolveDataAsThePathSeesIt() {
        useDevice();
        path.status = IoPath.PENDING;
        submit(NvmOpcode.READ, 7, 1, 3, 8);
        step();

        assertEquals(1, path.submitted.getFirst().pieces().count());
        assertEquals(DEVICE + DATA_GPA, path.submitted.getFirst().pieces().address(0));
        assertEquals(1, path.submitted.getFirst().cqid());
    }

    @Test
    void shouldWaitForDataThatIsTheGuestsButThatThePathCannotReachYet() {
        useDevice();
        submit(NvmOpcode.WRITE, 7, 1, 3, 16);
        assertEquals(0, step());
        assertTrue(path.submitted.isEmpty());

        unpinned = -1;
        assertEquals(1, step());
        assertEquals(1, path.submitted.size());
    }

    @Test
    void shouldRefuseDataThatIsNobodys() {
        useDevice();
        guest.unmapPage(DATA_GPA + PAGE);
        queues.memoryChanged(guest.epoch.current());

        assertStatus(Status.DATA_TRANSFER_ERROR.code(), submit(NvmOpcode.WRITE, 7, 1, 3, 16));
        assertTrue(path.submitted.isEmpty());
    }

    @Test
    void shouldReadRangesItselfWhateverThePathReaches() {
        unpinned = DATA_GPA;
        useDevice();

        assertStatus(Status.OK, submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{5, 6}}));
    }

    @Test
    void shouldForceEachWriteToTheMediaWhenTheCacheIsOff() {
        createPair(8, 8, 0);
        queues.setWriteCache(false);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.WRITE, 1, 1, 3, 1);
        submit(NvmOpcode.WRITE_ZEROES, 2, 1, 3, 1);
        submit(NvmOpcode.READ, 3, 1, 3, 1);
        step();

        assertTrue(path.submitted.get(0).forceUnitAccess());
        assertTrue(path.submitted.get(1).forceUnitAccess());
        assertFalse(path.submitted.get(2).forceUnitAccess());
    }

    @Test
    void shouldRefuseWhatThePathDoesNotOffer() {
        path.plain = true;
        reopen();
        createPair(8, 8, 0);

        assertStatus(Status.INVALID_OPCODE.dnr(), submit(NvmOpcode.WRITE_ZEROES, 1, 1, 3, 1));
        assertStatus(Status.INVALID_OPCODE.dnr(), submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{5, 6}}));
        assertStatus(Status.OK, submit(NvmOpcode.FLUSH, 1, 1, 0, 1));
    }

    @Test
    void shouldTellOfQueuesThatComeAndGo() {
        createPair(8, 8, 0);
        assertTrue(queues.createCompletionQueue(2, 8, SQ2_GPA, 0));
        queues.deleteCompletionQueue(2);
        queues.reset();

        assertEquals(List.of("+1", "+2", "-2", "-1"), path.queueChanges);
    }
}
