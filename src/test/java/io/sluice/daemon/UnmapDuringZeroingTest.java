package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.controller.Namespace;
import io.sluice.device.Loopback;
import io.sluice.dma.DmaSpace;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.storage.MemoryStorage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A command that takes minutes, and touches no memory of the guest's, keeps nobody from changing that memory. */
class UnmapDuringZeroingTest {
    private static final int RANGES = 256;
    private static final int BLOCK_BYTES = 4096;
    private static final long DRIVE_BYTES = 4L << 40;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(DmaSpace.class);
    }

    @BeforeEach
    void listen() {
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void stopListening() {
        logger().detachAppender(log);
    }

    @Test
    void shouldAnswerAnUnmapWithoutWaitingForALongDeallocation() throws Exception {
        Namespace namespace = new Namespace(1, DRIVE_BYTES / BLOCK_BYTES, BLOCK_BYTES, 0, 0, 0, false);
        try (SoftwareModel model = SoftwareModel.start("LONG", new MemoryStorage(namespace));
                RawController raw = new RawController(new Loopback(model.function()), 0x10_0000, 0x4000_0000)) {
            raw.enablePci();
            raw.mapQueues();
            raw.mapData();
            raw.enable();
            raw.createQueues();
            deallocateAllManyTimes(raw);

            raw.unmapData();

            // A wait for the deadline is logged.
            assertEquals(0, log.list.size(), () -> log.list.get(0).getFormattedMessage());
            assertEquals(0, Cqe.tail(raw.queueAddress(RawController.IO_CQ)), "it was over before the unmap");
            assertEquals(Csts.withReady(0, true), raw.read(Registers.CSTS));
            raw.disable();
        }
    }

    /** A pebibyte of it. */
    private static void deallocateAllManyTimes(RawController raw) {
        for (int i = 0; i < RANGES; i++) {
            DsmRange.set(raw.dataAddress((long) i * DsmRange.BYTES), 0, DRIVE_BYTES / BLOCK_BYTES, 0);
        }
        long sqe = raw.queueAddress(RawController.IO_SQ);
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.DATASET_MANAGEMENT, 1);
        Sqe.setNsid(sqe, 1);
        Sqe.setPrp1(sqe, raw.dataIova);
        Sqe.setDsm(sqe, RANGES, Sqe.DSM_DEALLOCATE);
        raw.ring(Doorbells.sqTailDoorbell(1), 1);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50)); // until the poller has taken it
    }
}
