package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.Region;
import io.sluice.linux.Fd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The controller told to do DMA to its own registers. QEMU maps the page of doorbells of each such device as memory, without
 * a descriptor, so a guest can name it; over a real socket, to a client that refuses DMA by message.
 */
@Timeout(60)
class OwnBarTest {
    private static final int PAGE = RawController.PAGE;
    private static final long BAR = BadInputRig.DOORBELLS_GPA;
    private static final long LIST = RawController.LISTS;
    private static final long LIST_GPA = BadInputRig.QUEUES + LIST;
    private static final int TRANSFER_ERROR = Status.DATA_TRANSFER_ERROR.code();

    @TempDir
    Path folder;

    private BadInputRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new BadInputRig(folder);
        assertEquals(0, rig.messages().mapWithoutDescriptor(BAR, PAGE), "QEMU does so, and must be let");
    }

    @AfterEach
    void proveNoHarm() throws Exception {
        rig.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {NvmOpcode.READ, NvmOpcode.WRITE})
    void shouldRefuseDataInItsOwnDoorbells(int opcode) {
        int[] before = doorbells();

        run(opcode, 1, BAR, 0);
        run(opcode, 1, BAR + 8, 0);
        run(opcode, 2, BadInputRig.DATA, BAR);
        rig.setListEntry(LIST, 0, BadInputRig.page(1));
        rig.setListEntry(LIST, 1, BAR);
        run(opcode, 3, BadInputRig.DATA, LIST_GPA);

        int[] after = doorbells();
        for (int qid = 2; qid < after.length; qid++) {
            assertEquals(before[qid], after[qid], "SQ tail doorbell " + qid);
        }
    }

    /** Of the queues' doorbells, those that this test does not ring itself. */
    private int[] doorbells() {
        int[] values = new int[64];
        for (int qid = 2; qid < values.length; qid++) {
            long address = rig.raw().bar.mappedAddress(Doorbells.sqTailDoorbell(qid), Integer.BYTES);
            values[qid] = Memory.getInt(address);
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(ints = {NvmOpcode.READ, NvmOpcode.WRITE})
    void shouldRefuseAPrpListInItsOwnDoorbells(int opcode) {
        run(opcode, 3, BadInputRig.DATA, BAR);
        run(opcode, 200, BadInputRig.DATA, BAR + 0xff0);
        // A list that is good, and goes on there.
        rig.setListEntry(LIST, 510, BadInputRig.page(1));
        rig.setListEntry(LIST, 511, BAR);
        run(opcode, 8, BadInputRig.DATA, LIST_GPA + 0xff0);
    }

    private void run(int opcode, int pages, long prp1, long prp2) {
        long sqe = rig.nextPages(opcode, pages);
        Sqe.setPrp1(sqe, prp1);
        Sqe.setPrp2(sqe, prp2);
        rig.queue().assertEndsIn(TRANSFER_ERROR);
    }

    @Test
    void shouldRefuseRangesInItsOwnDoorbells() {
        long sqe = rig.next(NvmOpcode.DATASET_MANAGEMENT);
        Sqe.setDsm(sqe, 256, Sqe.DSM_DEALLOCATE);
        Sqe.setPrp1(sqe, BAR);
        rig.queue().assertEndsIn(TRANSFER_ERROR);
    }

    @Test
    void shouldRefuseAdminDataInItsOwnDoorbells() {
        long sqe = rig.raw().adminSqe(AdminOpcode.IDENTIFY);
        AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
        Sqe.setPrp1(sqe, BAR);
        assertAdminEndsIn(TRANSFER_ERROR);
    }

    /** They are made, since the client may let the controller have that memory; what comes of them is the client's to say. */
    @Test
    void shouldFailWhenAQueueInItsOwnDoorbellsIsUsed() throws Exception {
        AdminSqe.setCreateCq(rig.raw().adminSqe(AdminOpcode.CREATE_IO_CQ), 2, 16, BAR, false, 0);
        assertAdminEndsIn(Status.OK);
        AdminSqe.setCreateSq(rig.raw().adminSqe(AdminOpcode.CREATE_IO_SQ), 2, 16, BAR, 2, AdminSqe.QPRIO_URGENT);
        assertAdminEndsIn(Status.OK);

        rig.raw().ring(Doorbells.sqTailDoorbell(2), 1);

        awaitFailure();
        rig.resetController();
    }

    private void awaitFailure() throws Exception {
        long start = System.nanoTime();
        while (!Csts.fatal(rig.raw().read(Registers.CSTS))) {
            assertTrue(System.nanoTime() - start < RawController.PATIENCE_NANOS, "the controller does not fail");
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void assertAdminEndsIn(int status) {
        assertEquals(Status.describe(status), Status.describe(rig.raw().runAdmin()));
    }

    @Test
    void shouldFailWhenAnAdminQueueInItsOwnDoorbellsIsUsed() throws Exception {
        for (Registers base : new Registers[] {Registers.ASQ, Registers.ACQ}) {
            rig.raw().disable();
            rig.raw().enableWith(base, BAR);
            rig.raw().awaitReady(true);
            AdminSqe.setIdentify(rig.raw().adminSqe(AdminOpcode.IDENTIFY), Cns.CONTROLLER, 0);

            rig.raw().advanceAdmin();

            awaitFailure();
        }
        rig.resetController();
    }

    /** When the guest moves its BARs, QEMU takes the page away, and maps it again elsewhere. */
    @Test
    void shouldRefuseItsOwnDoorbellsWhileTheyMoveAbout() throws Exception {
        for (int i = 0; i < 20; i++) {
            long moved = BAR + (long) i * PAGE;
            run(NvmOpcode.READ, 1, moved, 0);
            assertEquals(0, rig.messages().unmap(moved, PAGE));
            run(NvmOpcode.READ, 1, moved, 0);
            assertEquals(0, rig.messages().mapWithoutDescriptor(moved + PAGE, PAGE));
        }
    }

    /**
     * A client that has the page's descriptor can map it as memory: then it is memory, and a READ rings doorbells. That does
     * what the client could do by itself, and no more.
     */
    @Test
    void shouldTakeItsDoorbellsAsMemoryFromAClientThatMapsThemWithTheirDescriptor() throws Exception {
        long mapped = 0x5000_0000L;
        try (Fd file = rig.messages().regionFile(Region.BAR0)) {
            rig.raw().device.mapDma(file, Doorbells.OFFSET, PAGE, mapped, Translator.READ | Translator.WRITE);
        }
        for (int i = 0; i < PAGE; i += Integer.BYTES) {
            Memory.putInt(rig.raw().dataAddress(i), 0xabcd);
        }
        rig.nextPages(NvmOpcode.WRITE, 1);
        rig.queue().assertEndsIn(Status.OK);
        Sqe.setPrp1(rig.nextPages(NvmOpcode.READ, 1), mapped);

        rig.queue().assertEndsIn(Status.OK);

        assertEquals(0xabcd, doorbells()[5]);
        rig.raw().rewindAdminDoorbells();
    }
}
