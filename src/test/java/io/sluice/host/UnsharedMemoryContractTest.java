package io.sluice.host;

import io.sluice.cli.ModelProcess;
import io.sluice.device.PciDevice;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The contract over a socket, to a model in another process. */
class UnsharedMemoryContractTest extends PciDeviceContract {
    @TempDir
    private static Path folder;

    private static ModelProcess model;

    @BeforeAll
    static void startModel() throws Exception {
        model = ModelProcess.start(folder.resolve("nvme.sock"), "--memory", "64M");
    }

    @AfterAll
    static void stopModel() {
        model.close();
    }

    @Override
    PciDevice open() throws IOException {
        return VfioUserClient.connectUnshared(
                folder.resolve("nvme.sock"), VfioUserClient.DEFAULT_TIMEOUT, memory -> memory);
    }
}
