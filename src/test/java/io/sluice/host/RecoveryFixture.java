package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator;
import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A driver in virtual time with a device that fails as a test asks it to: what tests of {@link Recovery} share. */
abstract class RecoveryFixture {
    static final long IOVAS = 0xffff_ffffL;
    static final Timeouts TIMEOUTS = new Timeouts(30_000, 5_000, 5_000, 3);

    final FaultyNvme device = new FaultyNvme();
    final VirtualClock clock = new VirtualClock();
    final List<Long> tokens = new ArrayList<>();
    final List<Integer> statuses = new ArrayList<>();
    NvmeDriver driver;
    QueuePair pair;
    DmaArea area;

    @BeforeEach
    void start() throws IOException {
        IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, IOVAS)));
        DriverOptions options =
                DriverOptions.polled(2, 16).withTimeouts(TIMEOUTS).withClock(clock);
        driver = NvmeDriver.start(device, iovas, options);
        pair = driver.queuePairs().getFirst();
        area = driver.allocate("data", 4096);
        cycle();
    }

    @AfterEach
    void close() {
        driver.close();
        assertEquals(0, device.maps.size(), "memory is left mapped");
        device.close();
    }

    void setFate(Fate fate) {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 ? Fate.DONE : fate;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }
        };
    }

    void heal() {
        device.faults = Faults.NONE;
        device.readyNeverComes = false;
        device.readyNeverGoes = false;
    }

    void read(long token) throws IOException {
        assertTrue(pair.read(1, 0, 1, area.iova(), 512, token));
        pair.ring();
    }

    /** One duty cycle of a poller and of the supervisor. */
    void cycle() throws IOException {
        for (QueuePair each : driver.queuePairs()) {
            try {
                each.poll(this::ended, 16);
            } catch (DeviceFailure tellsOfAReset) {
                assertFalse(tellsOfAReset.getMessage().isEmpty());
            }
            each.checkDeadlines(clock.nanoTime());
        }
        driver.supervise(clock.nanoTime());
    }

    void ended(long token, int status, int dw0) {
        tokens.add(token);
        statuses.add(status);
    }

    void passSeconds(int seconds) throws IOException {
        for (int i = 0; i < seconds; i++) {
            clock.advanceMillis(1_000);
            cycle();
        }
    }

    void assertWorks() throws IOException {
        tokens.clear();
        statuses.clear();
        read(99);
        cycle();
        assertEquals(List.of(99L), tokens);
        assertEquals(List.of(Status.OK), statuses);
    }

    void assertDead() throws IOException {
        passSeconds(40);
        assertTrue(driver.isDead());
        assertEquals(List.of(7L), tokens);
        assertEquals(List.of(DriverStatus.DEVICE_DEAD), statuses);
        assertTrue(Status.isDoNotRetry(DriverStatus.DEVICE_DEAD));
        assertFalse(pair.flush(1, 8), "nothing is taken any more");
        assertThrows(DeviceFailure.class, pair::ring);
        DeviceFailure failure = assertThrows(DeviceFailure.class, () -> pair.poll(this::ended, 16));
        assertTrue(
                failure.getMessage().contains("is dead after 3 resets that failed or did not help"),
                failure.getMessage());
        assertThrows(DeviceFailure.class, () -> driver.feature(7));
        assertThrows(DeviceFailure.class, driver::checkAlive);
        assertEquals(0, device.config.getShort(PciHeader.COMMAND) & PciHeader.COMMAND_BUS_MASTER, "no DMA any more");
    }
}
