package io.sluice.host;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.Medium;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The contract over a model in this process whose data is in a file: no command is done in the cycle that takes it. */
class FileModelContractTest extends PciDeviceContract {
    @TempDir
    private Path folder;

    private SoftwareModel model;

    @Override
    PciDevice open() throws IOException {
        if (model == null) {
            Path path = folder.resolve("disk.img");
            Medium file = new Medium.File(path, OptionalLong.of(64 << 20), OptionalInt.of(512), false);
            model = SoftwareModel.start("FILE", new DriveOptions(file, "FILE", DriveOptions.MAX_QUEUE_PAIRS));
        }
        return new Loopback(model.function());
    }

    @AfterEach
    void stopModel() {
        device.close();
        model.close();
    }
}
