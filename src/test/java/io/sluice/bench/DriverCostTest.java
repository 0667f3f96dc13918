package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is counted and allocated, not how long it takes. */
class DriverCostTest {
    private static final DriveOptions NOOP = new DriveOptions(16 << 20, 512, "NOOP", true, 2);
    private static final int MAX_DEPTH = 160;

    private SoftwareModel model;
    private Loopback device;
    private NvmeDriver driver;

    private void start(SoftwareModel started) throws IOException {
        model = started;
        device = new Loopback(model.function());
        driver = NvmeDriver.start(
                device,
                new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL))),
                DriverOptions.polled(2, MAX_DEPTH + 1));
    }

    @AfterEach
    void stop() {
        if (model != null) {
            driver.close();
            device.close();
            model.close();
        }
    }

    private static BenchOptions options(Operation operation, int depth, int queues) {
        return new BenchOptions(operation, 4096, depth, queues, 1, 1, 0, 50, false, 4711, 0, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 32})
    void shouldCountEveryCommandAndItsPartsWhenMeasured(int depth) throws IOException {
        start(SoftwareModel.start("NOOP", NOOP));
        DriverCost cost = new DriverCost(driver, options(Operation.RANDRW, depth, 2));
        DriverCost.Result result = model.byTurns(cost::measure);
        assertTrue(result.commands() >= 2L * CostLoop.window(depth), result::toString);
        assertEquals(0, result.commands() % (2L * CostLoop.window(depth)), "whole windows");
        assertTrue(result.submitNanos() > 0 && result.takeNanos() > 0 && result.deviceNanos() > 0, result::toString);
        assertEquals(result.submitNanos() + result.takeNanos(), result.totalNanos());
        assertTrue(result.medianNanos() >= result.totalNanos() * 0.99, result::toString); // the median has 3 digits
        assertEquals(0, driver.queuePairs().getFirst().inFlight());
        driver.shutDown(); // the model has its own thread again
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 32})
    void shouldAllocateNothingWhenRunning(int depth) throws IOException {
        start(SoftwareModel.start("NOOP", NOOP));
        BenchOptions options = options(Operation.RANDRW, depth, 1);
        Plan plan = new Plan(driver, options, CostLoop.window(depth));
        CostLoop.Lane lane = new CostLoop.Lane(
                driver.queuePairs().getFirst(),
                plan.newBuffers(0, () -> false),
                plan.bufferBytes(),
                plan.namespace().nsid(),
                plan.part(0),
                options,
                CostLoop.window(depth));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = model.byTurns(turn -> {
            CostLoop loop = new CostLoop(List.of(lane), turn);
            run(loop, 20_000);
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) { // the virtual machine may still link something, once
                long before = threads.getCurrentThreadAllocatedBytes();
                run(loop, 20_000);
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            return least;
        });
        assertEquals(0, allocated, "bytes for 20,000 commands, model included");
        assertEquals(0, lane.failedStatus());
    }

    private static void run(CostLoop loop, int commands) throws IOException {
        loop.clear();
        while (loop.commands() < commands) {
            loop.cycle();
        }
    }

    @Test
    void shouldMakeWindowsOfWholeBatches() {
        assertEquals(128, CostLoop.window(1));
        assertEquals(128, CostLoop.window(32));
        assertEquals(130, CostLoop.window(13));
        assertEquals(500, CostLoop.window(500));
    }

    @Test
    void shouldFailWhenTheModelFailsACommand() throws IOException {
        FaultyStorage storage = new FaultyStorage(32_768);
        storage.failure = opcode -> opcode == NvmOpcode.READ ? Status.UNRECOVERED_READ_ERROR.code() : -1;
        start(SoftwareModel.start("FAULTY", storage));
        DriverCost cost = new DriverCost(driver, options(Operation.READ, 4, 1));
        IOException e = assertThrows(IOException.class, () -> model.byTurns(cost::measure));
        assertTrue(e.getMessage().contains("FAULTY failed a command: "), e.getMessage());
        driver.shutDown();
    }

    @Test
    void shouldFailAndNotHangWhenTheModelLosesCommands() throws IOException {
        FaultyStorage storage = new FaultyStorage(32_768);
        start(SoftwareModel.start("STUCK", storage));
        storage.stuck = true;
        DriverCost cost = new DriverCost(driver, options(Operation.READ, 4, 1));
        IOException e = assertThrows(IOException.class, () -> model.byTurns(cost::measure));
        assertTrue(e.getMessage().contains("has completed 0 of 128 commands"), e.getMessage());
    }

    @Test
    void shouldSaySoWhenStoppedBeforeAnythingWasMeasured() throws IOException {
        start(SoftwareModel.start("NOOP", NOOP));
        DriverCost cost = new DriverCost(driver, options(Operation.READ, 4, 1));
        cost.stop();
        AtomicInteger turns = new AtomicInteger();
        assertThrows(IOException.class, () -> cost.measure(turns::incrementAndGet));
        assertEquals(0, turns.get());
    }
}
