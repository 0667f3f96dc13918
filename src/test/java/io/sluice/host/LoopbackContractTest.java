package io.sluice.host;

import io.sluice.daemon.ModelOptions;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;

/** The contract over {@link Loopback}, to a model in this process. */
class LoopbackContractTest extends PciDeviceContract {
    private static final ModelOptions OPTIONS = new ModelOptions(
            Path.of("unused"), 0600, Optional.empty(), Optional.empty(), 64 << 20, 512, "LOOPBACK", false);

    private SoftwareModel model;

    @Override
    PciDevice open() throws IOException {
        if (model == null) {
            model = SoftwareModel.start(OPTIONS);
        }
        return new Loopback(model.function());
    }

    @AfterEach
    void stopModel() {
        device.close();
        model.close();
    }
}
