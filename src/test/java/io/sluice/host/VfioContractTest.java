package io.sluice.host;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.device.PciDevice;
import io.sluice.vfio.VfioDevice;
import java.io.IOException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

/** The contract over VFIO, to a controller that vfio-pci has: in the rig's guest, where that is QEMU's. */
@Tag("in-guest")
class VfioContractTest extends PciDeviceContract {
    private static final String ADDRESS = System.getenv("SLUICE_VFIO_DEVICE");

    @BeforeAll
    static void requireDevice() {
        assumeTrue(ADDRESS != null, "SLUICE_VFIO_DEVICE names no device that may be overwritten: VfioTest runs this");
    }

    /** QEMU's controller ends a command well whose data went nowhere. */
    @Override
    boolean controllerTellsOfFailedDma() {
        return false;
    }

    @Override
    PciDevice open() throws IOException {
        return VfioDevice.open(ADDRESS);
    }
}
