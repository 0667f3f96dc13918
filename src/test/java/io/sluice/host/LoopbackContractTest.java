package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Feature;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The contract over {@link Loopback}, to a model in this process. */
class LoopbackContractTest extends PciDeviceContract {
    private static final DriveOptions OPTIONS = new DriveOptions(64 << 20, 512, "LOOPBACK", false, 64);

    /** CDW11: 256 completions, or 25.5 ms. */
    private static final int LONGEST_COALESCING = 0xffff;

    private SoftwareModel model;

    @Override
    PciDevice open() throws IOException {
        if (model == null) {
            model = SoftwareModel.start(OPTIONS.serial(), OPTIONS);
        }
        return new Loopback(model.function());
    }

    /** In real time: nobody wakes the model's thread, which parks while it has nothing to do. */
    @Test
    void shouldSignalWhatIsCoalescedOnceItHasWaitedLongEnough() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16).withInterrupts())) {
            setFeature(driver, Feature.INTERRUPT_COALESCING, LONGEST_COALESCING);
            QueuePair pair = driver.queuePairs().getFirst();
            for (int i = 0; i < 20; i++) {
                assertTrue(pair.flush(1, 0));
                pair.ring();
                awaitSignal(driver.interrupt(1));
                assertEquals(Status.OK, await(pair));
            }
            setFeature(driver, Feature.INTERRUPT_COALESCING, 0);
            assertEquals(0, driver.interrupt(1).drain());
        }
    }

    private static void setFeature(NvmeDriver driver, int feature, int value) throws IOException {
        ByteBuffer none = ByteBuffer.allocate(0);
        driver.admin(new AdminRequest(AdminOpcode.SET_FEATURES, 0, feature, value, 0, 0, 0, 0, none, 0));
    }

    @AfterEach
    void stopModel() {
        device.close();
        model.close();
    }
}
