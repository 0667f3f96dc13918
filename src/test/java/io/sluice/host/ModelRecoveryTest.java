package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Recovery and the rarer commands on a controller that the driver's author did not write for it: the software model. */
class ModelRecoveryTest {
    private static final DriveOptions OPTIONS = new DriveOptions(64 << 20, 512, "RECOVERY", false, 64);

    /** Nothing here asserts a time; a wait that is longer than this is a hang. */
    private static final long HANG_NANOS = 30_000_000_000L;

    private final List<Integer> statuses = new ArrayList<>();
    private SoftwareModel model;
    private Loopback device;
    private NvmeDriver driver;
    private QueuePair pair;
    private DmaArea area;

    @BeforeEach
    void start() throws IOException {
        model = SoftwareModel.start(OPTIONS.serial(), OPTIONS);
        device = new Loopback(model.function());
        IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0x10_0000, 0xffff_ffffL)));
        driver = NvmeDriver.start(device, iovas, DriverOptions.polled(2, 16).withInterrupts());
        pair = driver.queuePairs().getFirst();
        area = driver.allocate("data", 4096);
    }

    @AfterEach
    void stop() {
        driver.close();
        device.close();
        model.close();
    }

    private void cycle() throws IOException {
        for (QueuePair each : driver.queuePairs()) {
            each.ring();
            each.poll((token, status, dw0) -> statuses.add(status), 16);
            each.checkDeadlines(System.nanoTime());
        }
        driver.supervise(System.nanoTime());
        LockSupport.parkNanos(10_000);
    }

    private int awaitOne() throws IOException {
        long start = System.nanoTime();
        while (statuses.isEmpty()) {
            assertTrue(System.nanoTime() - start < HANG_NANOS, "no completion");
            cycle();
        }
        return statuses.removeFirst();
    }

    @Test
    void shouldWorkAgainAfterEachResetWithTheSameQueuesAndMemory() throws IOException {
        for (int i = 1; i <= 5; i++) {
            Memory.putLong(area.address(), i);
            assertTrue(pair.writeThrough(1, i, 1, area.iova(), 512, 0));
            assertEquals(Status.OK, awaitOne());
            assertTrue(pair.read(1, i, 1, area.iova(), 512, 0)); // not rung: the reset ends it
            driver.requestReset("the test says so");
            driver.supervise(System.nanoTime());
            assertEquals(DriverStatus.CONTROLLER_RESET, awaitOne());
            long start = System.nanoTime();
            while (pair.mode() != PairState.Mode.RUNNING) {
                assertTrue(System.nanoTime() - start < HANG_NANOS, "no reset");
                cycle();
            }
            Memory.putLong(area.address(), 0);
            assertTrue(pair.read(1, i, 1, area.iova(), 512, 0));
            assertEquals(Status.OK, awaitOne());
            assertEquals(i, Memory.getLong(area.address()));
            assertEquals(i, driver.resets());
        }
        driver.shutDown();
    }

    @Test
    void shouldReadLogsAndKeepEventRequestsOutstanding() throws IOException {
        List<DeviceEvent> events = new ArrayList<>();
        driver.listen(events::add);
        cycle();
        assertTrue(driver.health().temperatureKelvin() > 0);
        assertTrue(driver.errors(64).size() <= 64);
        assertEquals(List.of(), events);
        assertEquals(0, driver.resets());
    }

    @Test
    void shouldCompareWhenTheControllerCan() throws IOException {
        assertTrue(pair.compare(1, 0, 1, area.iova(), 512, 0));
        boolean offered = driver.controller().commandNames().contains("Compare");
        Status expected = offered ? Status.SUCCESS : Status.INVALID_OPCODE;
        assertTrue(expected.is(awaitOne()));
    }
}
