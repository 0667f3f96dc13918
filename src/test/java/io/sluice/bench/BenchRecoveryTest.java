package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.bench.BenchResult.Verification;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverOptions;
import io.sluice.host.DriverStatus;
import io.sluice.host.NvmeDriver;
import io.sluice.host.Timeouts;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Loads on devices that lose commands, are reset, or die under them. */
@Timeout(300) // a hang, not a measure
class BenchRecoveryTest {
    private static final int BLOCKS = 32_768; // 16 MiB
    private static final int DEPTH = 16;
    private static final Timeouts SHORT = new Timeouts(200, 5_000, 200, 2);
    private static final String BY_RESET = DriverStatus.describe(DriverStatus.CONTROLLER_RESET);

    private FaultyStorage storage;
    private SoftwareModel model;
    private Loopback loopback;
    private UnreachableDevice device;
    private NvmeDriver driver;

    @BeforeEach
    void start() throws IOException {
        storage = new FaultyStorage(BLOCKS);
        model = SoftwareModel.start("BENCH", storage);
        loopback = new Loopback(model.function());
        device = new UnreachableDevice(loopback);
        driver = NvmeDriver.start(
                device.asDevice(),
                new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL))),
                DriverOptions.polled(2, 64).withTimeouts(SHORT));
    }

    @AfterEach
    void stop() {
        driver.close();
        loopback.close();
        model.close();
    }

    private static BenchOptions options(Operation operation, boolean verify) {
        return new BenchOptions(operation, 4096, DEPTH, 2, 2, 3600, 0, 50, verify, 4711, 4 << 20, 0);
    }

    /** Runs a load, doing something at each report of its progress, until that says that it is enough. */
    private BenchResult run(BenchOptions options, AtReport atReport) throws IOException {
        Bench[] bench = new Bench[1];
        bench[0] = new Bench(driver, options, report -> {
            if (atReport.isEnough(report)) {
                bench[0].stop();
            }
        });
        return bench[0].run();
    }

    @FunctionalInterface
    private interface AtReport {
        boolean isEnough(Progress.Report report);
    }

    @Test
    void shouldGoOnAndTellWhenTheDeviceIsResetByAnother() throws IOException {
        long[] before = new long[1];
        BenchResult result = run(options(Operation.RANDREAD, false), report -> {
            if (before[0]++ == 0) {
                resetFunction();
            }
            return driver.resets() == 1 && report.iops() > 0 && before[0] > 3;
        });
        assertEquals(1, result.resets());
        assertTrue(result.lastResetReason().orElseThrow().contains("not ready any more"), result::toString);
        assertEquals(Set.of(BY_RESET), result.errors().keySet());
        assertTrue(result.errorCount() > 0 && result.errorCount() <= 2 * DEPTH, result::toString);
        assertTrue(result.reads().commands() > 0);
    }

    private void resetFunction() {
        try {
            loopback.reset();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldFindNoDataWrongWhenWritesWereEndedByResets() throws IOException {
        BenchOptions options = new BenchOptions(Operation.RANDRW, 4096, DEPTH, 2, 2, 3, 0, 50, true, 4711, 4 << 20, 0);
        int[] asked = new int[1];
        Bench bench = new Bench(driver, options, report -> {
            if (report.phase() == Progress.Phase.MEASURING && asked[0] < 3) {
                asked[0]++;
                driver.requestReset("the test wants it");
            }
        });
        BenchResult result = bench.run();
        Verification found = result.verification().orElseThrow();
        assertTrue(result.resets() > 0, result::toString);
        assertEquals("the test wants it", result.lastResetReason().orElseThrow());
        assertEquals(0, found.blocksWrong(), found::toString);
        assertTrue(found.blocksChecked() > 0, found::toString);
        assertTrue(result.errors().keySet().stream().allMatch(BY_RESET::equals), result::toString);
    }

    @Test
    void shouldResetTheControllerWhenCommandsAreLost() throws IOException {
        storage.toLose.set(3);
        BenchResult result =
                run(options(Operation.RANDREAD, false), report -> driver.resets() == 1 && report.iops() > 0);
        assertEquals(1, result.resets());
        assertTrue(result.lastResetReason().orElseThrow().contains("its Abort has not ended it"), result::toString);
        assertTrue(result.errors().get(BY_RESET) >= 3, result::toString);
    }

    @Test
    void shouldFailWhenTheControllerComesUpAfterEachResetAndDoesNothing() {
        storage.stuck = true;
        IOException e = assertThrows(IOException.class, () -> run(options(Operation.RANDREAD, false), report -> false));
        assertTrue(e.getMessage().contains("BENCH is dead after 2 resets"), e.getMessage());
        assertTrue(e.getMessage().contains("its Abort has not ended it"), e.getMessage());
    }

    @Test
    void shouldGiveUpWhenTheControllerHasToBeResetAgainAndAgain() {
        IOException e = assertThrows(
                IOException.class,
                () -> run(options(Operation.RANDREAD, false), report -> {
                    driver.requestReset("the test wants it");
                    return false;
                }));
        assertTrue(
                e.getMessage().contains("BENCH had to be reset 8 times in one run; the last because"), e.getMessage());
    }

    @Test
    void shouldFailWithTheReasonWhenTheDeviceIsDead() {
        IOException e = assertThrows(
                IOException.class,
                () -> run(options(Operation.RANDREAD, false), report -> {
                    device.unreachable = true;
                    return false;
                }));
        assertTrue(e.getMessage().contains("BENCH is dead after 2 resets that failed"), e.getMessage());
        assertTrue(e.getMessage().contains("nobody answers"), e.getMessage());
        assertTrue(driver.isDead());
    }

    /** A device whose registers cannot be read any more at some time; its memory stays, so that pollers cannot tell. */
    private static final class UnreachableDevice {
        private final PciDevice device;
        private volatile boolean unreachable;

        UnreachableDevice(PciDevice device) {
            this.device = device;
        }

        PciDevice asDevice() {
            return Wrapped.of(PciDevice.class, device, (method, result) -> {
                if (result instanceof PciDevice.Bar bar) {
                    return Wrapped.of(PciDevice.Bar.class, bar, this::answer);
                }
                return result;
            });
        }

        private Object answer(String method, Object result) throws IOException {
            if (unreachable && method.startsWith("read")) {
                throw new IOException("nobody answers");
            }
            return result;
        }
    }
}
