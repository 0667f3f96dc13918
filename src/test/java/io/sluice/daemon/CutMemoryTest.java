package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.mem.Translator;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.vfiouser.VfioUserException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files of memory that are cut short under their mapping, over a real socket. An access there is a fault that the JVM reports
 * late: only the controller may fail (CSTS.CFS), and it is as good as new after a reset.
 */
@Timeout(120)
class CutMemoryTest {
    private static final int READY_AND_FATAL = Csts.withFatal(Csts.withReady(0, true), true);
    private static final int PAGE = RawController.PAGE;
    private static final int ATTEMPTS = 200;

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

    @ParameterizedTest
    @ValueSource(ints = {NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.DATASET_MANAGEMENT})
    void shouldFailTheControllerWhenDataIsCut(int opcode) throws Exception {
        Memfd.resize(rig.raw().dataFile(), 0);
        awaitFailure(() -> {
            long sqe = rig.next(opcode);
            if (opcode == NvmOpcode.DATASET_MANAGEMENT) {
                Sqe.setDsm(sqe, 1, Sqe.DSM_DEALLOCATE);
            }
            rig.queue().ring();
        });

        Memfd.resize(rig.raw().dataFile(), RawController.MEMORY_BYTES);
        rig.resetController();
    }

    @Test
    void shouldFailTheControllerWhenAPrpListIsCut() throws Exception {
        long lists = 0x4000_0000L;
        try (Fd file = Memfd.create("lists", PAGE)) {
            rig.raw().device.mapDma(file, 0, PAGE, lists, Translator.READ);
            Memfd.resize(file, 0);
            awaitFailure(() -> {
                Sqe.setPrp2(rig.nextPages(NvmOpcode.READ, 4), lists);
                rig.queue().ring();
            });
        }
        rig.resetController();
    }

    @Test
    void shouldFailTheControllerWhenItsQueuesAreCut() throws Exception {
        Memfd.resize(rig.raw().queueFile(), 0);
        awaitFailure(() -> rig.raw().ring(Doorbells.sqTailDoorbell(1), 5));

        Memfd.resize(rig.raw().queueFile(), RawController.MEMORY_BYTES);
        rig.resetController();
    }

    /** The completion queue is the last thing in its file here: commands are taken, and cannot be answered. */
    @Test
    void shouldFailTheControllerWhenItsCompletionQueueIsCut() throws Exception {
        Memfd.resize(rig.raw().queueFile(), RawController.IO_CQ);
        awaitFailure(() -> {
            rig.queue().next(NvmOpcode.FLUSH);
            rig.queue().ring();
        });

        Memfd.resize(rig.raw().queueFile(), RawController.MEMORY_BYTES);
        rig.resetController();
    }

    /** The file stays as short as it is: what cures the controller is other memory. */
    @Test
    void shouldServeFromOtherMemoryAfterAFailure() throws Exception {
        Memfd.resize(rig.raw().dataFile(), 0);
        awaitFailure(() -> {
            rig.next(NvmOpcode.READ);
            rig.queue().ring();
        });

        rig.raw().unmapData();
        rig.raw().renewData();
        rig.raw().mapData();
        rig.resetController();
    }

    /** Cut before it is mapped: refused, with an error reply. */
    @Test
    void shouldRefuseToMapMoreThanAFileHas() throws Exception {
        try (Fd file = Memfd.create("short", PAGE)) {
            VfioUserException refusal = assertThrows(
                    VfioUserException.class,
                    () -> rig.raw().device.mapDma(file, 0, 2L * PAGE, 0x4000_0000L, Translator.READ));
            assertEquals(Errno.EINVAL, refusal.errno());
        }
    }

    private interface Attempt {
        void run();
    }

    /** The fault is reported at some later point, so there may have to be more than one. */
    private void awaitFailure(Attempt attempt) throws Exception {
        for (int i = 0; i < ATTEMPTS && !Csts.fatal(rig.raw().read(Registers.CSTS)); i++) {
            if (i < 20) {
                attempt.run();
            }
            Thread.sleep(5);
        }
        int csts = rig.raw().read(Registers.CSTS);
        assertTrue(Csts.fatal(csts), "the controller has not failed");
        assertEquals(READY_AND_FATAL, csts);
    }
}
