package io.sluice.host;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;

/** The contract over {@link Loopback}, to a model in this process. */
class LoopbackContractTest extends PciDeviceContract {
    private static final DriveOptions OPTIONS = new DriveOptions(64 << 20, 512, "LOOPBACK", false, 64);

    private SoftwareModel model;

    @Override
    PciDevice open() throws IOException {
        if (model == null) {
            model = SoftwareModel.start(OPTIONS.serial(), OPTIONS);
        }
        return new Loopback(model.function());
    }

    @AfterEach
    void stopModel() {
        device.close();
        model.close();
    }
}
