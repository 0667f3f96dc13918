package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.nvme.IdentifyController;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** The same with data described by SGLs, which the model takes at any address. */
class LoopbackSglContractTest extends LoopbackContractTest {
    @Override
    NvmeDriver start(DriverOptions options) throws IOException {
        return super.start(options.withSgl());
    }

    @Test
    void shouldDriveAControllerThatOffersSgls() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16))) {
            assertEquals(
                    IdentifyController.SGLS_SUPPORTED | IdentifyController.SGLS_BIT_BUCKET,
                    driver.controller().sglSupport());
        }
    }
}
