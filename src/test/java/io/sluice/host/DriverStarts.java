package io.sluice.host;

import io.sluice.device.PciDevice;
import io.sluice.dma.IovaAllocator;
import io.sluice.state.Stores;
import java.io.IOException;

/** Drivers whose stores a test counts: for tests of other rooms. */
public final class DriverStarts {
    private DriverStarts() {}

    /** See {@link NvmeDriver#start}. */
    public static NvmeDriver start(PciDevice device, IovaAllocator iovas, DriverOptions options, Stores stores)
            throws IOException {
        return NvmeDriver.start(device, iovas, options, stores);
    }

    /** See {@link NvmeDriver#resume}. */
    public static NvmeDriver resume(
            PciDevice device, IovaAllocator iovas, DriverOptions options, DriverState.Left left, Stores stores)
            throws IOException {
        return NvmeDriver.resume(device, iovas, options, left, stores);
    }
}
