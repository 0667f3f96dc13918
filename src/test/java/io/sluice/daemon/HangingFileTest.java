package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.device.FunctionStalled;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.nvme.Status;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ScriptedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disk that does not answer, in the kernel: nobody else waits for it without end. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class HangingFileTest {
    private static final int BYTES = 1 << 20;

    @TempDir
    private Path folder;

    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);
    private ScriptedFile file;
    private SoftwareModel model;
    private Loopback device;

    @BeforeEach
    void start() throws IOException {
        file = new ScriptedFile(
                BackingFile.open(folder.resolve("disk.img"), OptionalLong.of(BYTES), OptionalInt.empty(), false));
        model = SoftwareModel.start(
                "HANGING", new FileStorage(new Namespace(1, BYTES / 512, 512, 1, 2, 0, false), file, () -> {}));
        device = new Loopback(model.function());
    }

    @AfterEach
    void stop() {
        open.countDown();
        device.close();
        model.close();
    }

    private NvmeDriver drive() throws IOException {
        return NvmeDriver.start(
                device,
                new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL))),
                DriverOptions.polled(1, 16));
    }

    private static int await(QueuePair pair) throws IOException {
        int[] status = {-1};
        while (pair.poll((token, ended, dw0) -> status[0] = ended, 1) == 0) {
            LockSupport.parkNanos(10_000);
        }
        return status[0];
    }

    @Test
    void shouldAnswerAResetInTimeAndServeTheNextOneOnceTheDiskAnswers() throws Exception {
        try (NvmeDriver driver = drive();
                DmaArea data = driver.allocate("data", 4096)) {
            QueuePair pair = driver.queuePairs().getFirst();
            file.hang("read", entered, open);
            assertTrue(pair.read(1, 0, 1, data.iova(), 512, 0));
            pair.ring();
            ScriptedFile.await(entered);

            assertThrows(FunctionStalled.class, () -> model.function().reset());

            open.countDown();
            model.function().reset();
        }
        try (NvmeDriver driver = drive();
                DmaArea data = driver.allocate("data", 4096)) {
            QueuePair pair = driver.queuePairs().getFirst();
            assertTrue(pair.read(1, 0, 1, data.iova(), 512, 0));
            pair.ring();
            assertEquals(Status.OK, await(pair));
        }
    }

    @Test
    void shouldGoOnWithAdminCommandsAndOtherBlocksWhileOneHangs() throws Exception {
        try (NvmeDriver driver = drive();
                DmaArea data = driver.allocate("data", 4096)) {
            QueuePair pair = driver.queuePairs().getFirst();
            file.hang("write", entered, open);
            assertTrue(pair.write(1, 0, 1, data.iova(), 512, 0));
            pair.ring();
            ScriptedFile.await(entered);
            for (int i = 0; i < 100; i++) {
                driver.health();
                assertTrue(pair.read(1, 8, 1, data.iova() + 512, 512, 0));
                pair.ring();
                assertEquals(Status.OK, await(pair));
            }
            open.countDown();
            assertEquals(Status.OK, await(pair));
        }
    }
}
