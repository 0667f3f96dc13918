package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.sluice.daemon.DeviceTarget;
import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.NvmeSession;
import io.sluice.host.DriverOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is counted and allocated, not how long it takes. */
class MediatorCostTest {
    private static final int MAX_DEPTH = 64;
    private static final DeviceTarget.Model MODEL =
            new DeviceTarget.Model("MODEL", new DriveOptions(16 << 20, 512, "MODEL", false, 2));

    private static BenchOptions options(Operation operation, int depth) {
        return new BenchOptions(operation, 4096, depth, 1, 1, 1, 0, 50, false, 4711, 0, 0);
    }

    private static NvmeSession open(DeviceTarget target) throws IOException {
        return NvmeSession.open(target, DriverOptions.polled(1, MAX_DEPTH + 1), () -> {});
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 32})
    void shouldMeasureBothSidesWithTheSameLoad(int depth) throws IOException {
        try (NvmeSession direct = open(MODEL);
                NvmeSession mediated = open(new DeviceTarget.Mediated(MODEL))) {
            MediatorCost cost = new MediatorCost(direct.driver(), mediated.driver(), options(Operation.RANDRW, depth));
            direct.byTurns(one -> mediated.byTurns(other -> {
                cost.measureCost(one, other);
                return null;
            }));
            cost.measureLatency(); // the threads are back
            MediatorCost.Result result = cost.result();
            assertTrue(result.commands() > 0 && result.commands() % depth == 0, result::toString);
            assertTrue(result.directNanos() > 0 && result.mediatedNanos() > 0, result::toString);
            assertEquals(result.mediatedNanos() - result.directNanos(), result.addedNanos());
            assertEquals(depth == 1, result.directLatencyNanos() > 0, result::toString);
            assertEquals(depth == 1, result.mediatedLatencyNanos() > 0, result::toString);
            assertEquals(depth == 1, result.leastMediatedLatencyNanos() > 0, result::toString);
            assertTrue(result.leastDirectLatencyNanos() <= result.directLatencyNanos(), result::toString);
            assertTrue(result.leastMediatedLatencyNanos() <= result.mediatedLatencyNanos(), result::toString);
            mediated.driver().shutDown();
            direct.driver().shutDown();
        }
    }

    @Test
    void shouldSaySoWhenStoppedBeforeAnythingWasMeasured() throws IOException {
        try (NvmeSession direct = open(MODEL);
                NvmeSession mediated = open(new DeviceTarget.Mediated(MODEL))) {
            MediatorCost cost = new MediatorCost(direct.driver(), mediated.driver(), options(Operation.RANDREAD, 1));
            cost.stop();
            cost.measureCost(() -> 0, () -> 0);
            cost.measureLatency();
            assertThrows(IOException.class, cost::result);
        }
    }

    /** The guest's driver, its controller, the mediator, the host's driver and the model: all of a command's way. */
    @ParameterizedTest
    @ValueSource(ints = {1, 32})
    void shouldAllocateNothingOnTheMediatedPath(int depth) throws IOException {
        BenchOptions options = options(Operation.RANDRW, depth);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (NvmeSession mediated = open(new DeviceTarget.Mediated(MODEL))) {
            Plan plan = new Plan(mediated.driver(), options, depth);
            long allocated = mediated.byTurns(turn -> {
                CostMeter meter = new CostMeter(mediated.driver(), options, plan, depth, turn, () -> false);
                for (int i = 0; i < 20; i++) {
                    meter.slice();
                }
                long least = Long.MAX_VALUE;
                for (int round = 0; round < 10; round++) { // the virtual machine may still link something, once
                    long before = threads.getCurrentThreadAllocatedBytes();
                    meter.slice();
                    least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
                }
                return least;
            });
            assertEquals(0, allocated, "bytes for 4,096 commands or more");
        }
    }
}
