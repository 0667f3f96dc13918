package io.sluice.daemon;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciDevice;
import io.sluice.device.Region;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.pci.PciHeader;
import io.sluice.vfio.VfioDevice;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A device that this process drives: whichever adapter reaches it, with the driver on it. */
public final class NvmeSession implements AutoCloseable {
    /** A vfio-user server takes any address; these 48 bits are what the strictest of IOMMUs in use takes too. */
    private static final IovaAllocator.Range SOCKET_ADDRESSES = new IovaAllocator.Range(0, 0xffff_ffff_ffffL);

    private final PciDevice device;
    private final NvmeDriver driver;

    private NvmeSession(PciDevice device, NvmeDriver driver) {
        this.device = device;
        this.driver = driver;
    }

    /**
     * Brings up the device behind a vfio-user socket.
     *
     * @throws IOException where it cannot be reached or driven; nothing is left behind
     */
    public static NvmeSession open(Path socket, DriverOptions options) throws IOException {
        return start(VfioUserClient.connect(socket), List.of(SOCKET_ADDRESSES), options);
    }

    /**
     * Brings up a device of this host that vfio-pci has.
     *
     * @param address its PCI address, such as 0000:01:00.0
     * @throws IOException where it cannot be taken or driven, with what to do; nothing is left behind
     */
    public static NvmeSession open(String address, DriverOptions options) throws IOException {
        VfioDevice device = VfioDevice.open(address);
        return start(device, device.usableIovas(), options);
    }

    private static NvmeSession start(PciDevice device, List<IovaAllocator.Range> usable, DriverOptions options)
            throws IOException {
        try {
            return new NvmeSession(device, NvmeDriver.start(device, new IovaAllocator(usable), options));
        } catch (IOException | RuntimeException e) {
            device.close();
            throw e;
        }
    }

    /** The driver; closed with the session. */
    public NvmeDriver driver() {
        return driver;
    }

    /** What the device is. */
    public DeviceIdentity identity() throws IOException {
        int queues = driver.feature(Feature.NUMBER_OF_QUEUES);
        PciDevice.Bar bar = device.openBar(Region.BAR0);
        return new DeviceIdentity(
                device.name(),
                driver.controller(),
                driver.namespaces(),
                FeatureValue.submissionQueues0(queues) + 1,
                FeatureValue.completionQueues0(queues) + 1,
                device.readConfig(PciHeader.DEVICE_ID, 2),
                device.readConfig(PciHeader.SUBSYSTEM_ID, 2),
                bar.bytes(),
                bar.mappedAddress(Doorbells.OFFSET, Doorbells.BYTES) != 0,
                device.interruptCount(InterruptKind.MSIX));
    }

    /** Lets go of the device; {@link NvmeDriver#shutDown} is for the caller, where it ends well. Idempotent. */
    @Override
    public void close() {
        driver.close();
        device.close();
    }
}
