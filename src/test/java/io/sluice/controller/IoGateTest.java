package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What passes the gate, and the status of what does not: NVMe 1.4, 4.3, 4.6.1 and 6. */
class IoGateTest extends IoQueuesFixture {
    @Test
    void shouldEndABadCommandInTheStatusThatTheSpecificationNames() {
        createPair(64, 64, 0);
        int invalidField = Status.INVALID_FIELD.dnr();
        int outOfRange = Status.LBA_OUT_OF_RANGE.dnr();
        int invalidNamespace = Status.INVALID_NAMESPACE_OR_FORMAT.dnr();

        assertStatus(Status.INVALID_OPCODE.dnr(), submit(0x7f, 1, 1, 0, 1));
        assertStatus(invalidNamespace, submit(NvmOpcode.READ, 1, 0, 0, 1));
        assertStatus(invalidNamespace, submit(NvmOpcode.READ, 1, 2, 0, 1));
        assertStatus(invalidNamespace, submit(NvmOpcode.READ, 1, Sqe.NSID_ALL, 0, 1));
        assertStatus(invalidNamespace, submit(NvmOpcode.WRITE_ZEROES, 1, Sqe.NSID_ALL, 0, 1));
        assertStatus(invalidNamespace, submit(NvmOpcode.FLUSH, 1, 3, 0, 1));
        assertStatus(Status.OK, submit(NvmOpcode.FLUSH, 1, Sqe.NSID_ALL, 0, 1));
        assertStatus(Status.OK, submit(NvmOpcode.READ, 1, 1, BLOCKS - 1, 1));
        assertStatus(outOfRange, submit(NvmOpcode.READ, 1, 1, BLOCKS, 1));
        assertStatus(outOfRange, submit(NvmOpcode.READ, 1, 1, BLOCKS - 1, 2));
        assertStatus(outOfRange, submit(NvmOpcode.READ, 1, 1, -1, 1));
        assertStatus(outOfRange, submit(NvmOpcode.READ, 1, 1, -1, 2));
        assertStatus(outOfRange, submit(NvmOpcode.WRITE, 1, 1, Long.MAX_VALUE, 65536));
        assertStatus(outOfRange, submit(NvmOpcode.WRITE_ZEROES, 1, 1, Long.MIN_VALUE, 1));
        assertStatus(outOfRange, submit(NvmOpcode.WRITE_ZEROES, 1, 1, 0, 65536));
        assertStatus(invalidField, submit(NvmOpcode.READ, 1, 1, 0, MAX_TRANSFER / 512 + 1));

        long fused = submit(NvmOpcode.READ, 1, 1, 0, 1);
        Sqe.setFuse(fused, Sqe.FUSE_FIRST);
        assertStatus(invalidField, fused);
        long sgl = submit(NvmOpcode.READ, 1, 1, 0, 1);
        Sqe.setPsdt(sgl, Sqe.PSDT_SGL);
        assertStatus(invalidField, sgl);
        long unmapped = submit(NvmOpcode.READ, 1, 1, 0, 1);
        Sqe.setPrp1(unmapped, 0x4000_0000);
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), unmapped);
        long unaligned = submit(NvmOpcode.READ, 1, 1, 0, 1);
        Sqe.setPrp1(unaligned, DATA_GPA + 2);
        assertStatus(Status.PRP_OFFSET_INVALID.dnr(), unaligned);
    }

    @Test
    void shouldEndAnUnknownOpcodeInInvalidOpcodeWhateverItsOtherFieldsAre() {
        createPair(8, 8, 0);
        long unknown = submit(0x55, 1, 1, 0, 1);
        Sqe.setPsdt(unknown, Sqe.PSDT_SGL);
        assertStatus(Status.INVALID_OPCODE.dnr(), unknown);
        long known = submit(NvmOpcode.FLUSH, 2, 1, 0, 1);
        Sqe.setPsdt(known, Sqe.PSDT_SGL);
        assertStatus(Status.INVALID_FIELD.dnr(), known);
    }

    @Test
    void shouldRefuseToReadIntoMemoryThatTheGuestMayOnlyRead() {
        createPair(8, 8, 0);
        guest.mapPage(DATA_GPA, DATA_GPA, Translator.READ);
        queues.memoryChanged(guest.epoch.current());

        assertStatus(Status.DATA_TRANSFER_ERROR.code(), submit(NvmOpcode.READ, 1, 1, 0, 1));
        assertStatus(Status.OK, submit(NvmOpcode.WRITE, 1, 1, 0, 1));
    }

    @Test
    void shouldRefuseWritesToAReadOnlyNamespace() {
        path.readOnly = true;
        reopen();
        createPair(16, 16, 0);

        assertStatus(Status.NAMESPACE_WRITE_PROTECTED.dnr(), submit(NvmOpcode.WRITE, 1, 1, 0, 1));
        assertStatus(Status.NAMESPACE_WRITE_PROTECTED.dnr(), submit(NvmOpcode.WRITE_ZEROES, 1, 1, 0, 1));
        assertStatus(Status.NAMESPACE_WRITE_PROTECTED.dnr(), submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{0, 1}}));
        assertStatus(Status.OK, submit(NvmOpcode.READ, 1, 1, 0, 1));
    }

    @Test
    void shouldCheckEveryRangeBeforeAnyIsTouched() {
        createPair(16, 16, 0);

        assertStatus(Status.LBA_OUT_OF_RANGE.dnr(), submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{0, 10}, {BLOCKS - 1, 2}
        }));
        assertStatus(Status.LBA_OUT_OF_RANGE.dnr(), submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{-1, 1}}));
        assertStatus(Status.LBA_OUT_OF_RANGE.dnr(), submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{BLOCKS, 0xffff_ffffL}
        }));
        assertEquals(List.of(), path.submitted);

        assertStatus(Status.OK, submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{BLOCKS - 1, 1}, {0, 0}}));
        assertEquals(2, path.submitted.get(0).rangeCount());
        assertTrue(path.submitted.get(0).deallocate());
        assertEquals(BLOCKS - 1, DsmRange.slba(path.submitted.get(0).rangesAddress()));
    }

    @Test
    void shouldFollowAPrpListAcrossScatteredPages() {
        createPair(8, 8, 0);
        long sqe = submit(NvmOpcode.WRITE, 1, 1, 0, 4 * PAGE / 512);
        Sqe.setPrp1(sqe, DATA_GPA + 512);
        Sqe.setPrp2(sqe, LIST_GPA + 8);
        for (int i = 0; i < 4; i++) {
            Memory.putLong(guest.hva(LIST_GPA) + 8 + 8L * i, DATA_GPA + 0x1_0000 + (long) i * 2 * PAGE);
        }

        assertStatus(Status.OK, sqe);

        IoCommand command = path.submitted.get(0);
        assertEquals(5, command.pieces().count());
        assertEquals(guest.hva(DATA_GPA + 512), command.pieces().address(0));
        assertEquals(PAGE - 512, command.pieces().bytes(0));
        assertEquals(guest.hva(DATA_GPA + 0x1_0000 + 6 * PAGE), command.pieces().address(4));
        assertEquals(512, command.pieces().bytes(4));
    }
}
