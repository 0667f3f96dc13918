package io.sluice.daemon;

import io.sluice.device.InterruptKind;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import io.sluice.device.Region;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverClock;
import io.sluice.host.DriverOptions;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.pci.PciHeader;
import io.sluice.vfio.VfioDevice;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** A device that this process drives: whichever adapter reaches it, with the driver on it. */
public final class NvmeSession implements AutoCloseable {
    /** A vfio-user server takes any address, and so does the model; these 48 bits are what the strictest of IOMMUs in use takes too. */
    private static final IovaAllocator.Range ALL_ADDRESSES = new IovaAllocator.Range(0, 0xffff_ffff_ffffL);

    /** IOMMU mappings that the guests of a device have in all, where nobody says how many there are: VFIO's default. */
    private static final int MAX_MAPPINGS = 65_535;

    /** For the queues of a driver that has few of them, and a read or two. */
    private static final long MIN_DMA_BYTES = 1 << 18;

    private final PciDevice device;
    private final NvmeDriver driver;
    private final IovaAllocator iovas;
    private Optional<SoftwareModel> model = Optional.empty();
    private final DriverClock clock;

    /** What the device is a volume of, and the device below it; null for a device that is driven itself. */
    private Mediation mediation;

    private NvmeSession inner;

    /** Null for a device that nobody asks back. */
    private final DeviceWatch watch;

    private NvmeSession(
            PciDevice device, NvmeDriver driver, IovaAllocator iovas, DriverClock clock, DeviceWatch watch) {
        this.device = device;
        this.iovas = iovas;
        this.driver = driver;
        this.clock = clock;
        this.watch = watch;
    }

    /** The same for a caller that allocates next to no memory for data. */
    public static NvmeSession open(DeviceTarget target, DriverOptions options, Runnable onLoss) throws IOException {
        return open(target, options, 0, onLoss);
    }

    /**
     * Brings up a device.
     *
     * @param dataBytes how much memory for data the caller will allocate, to know early that it cannot be had
     * @param onLoss called on another thread, perhaps before this returns, if the host wants the device back or it has failed
     *     on its bus: the caller then ends its I/O and closes the session, within five seconds. Whatever waits for the
     *     device in the session or its driver ends by itself. Never for a socket, whose server just leaves, and for a
     *     model in this process
     * @throws IOException where it cannot be taken, reached or driven, with what to do; nothing is left behind
     */
    public static NvmeSession open(DeviceTarget target, DriverOptions options, long dataBytes, Runnable onLoss)
            throws IOException {
        return switch (target) {
            case DeviceTarget.Socket socket -> start(connect(socket), List.of(ALL_ADDRESSES), options, null);
            case DeviceTarget.Pci pci -> {
                VfioDevice device = VfioDevice.open(pci.address().toString(), dataBytes + MIN_DMA_BYTES);
                yield start(device, device.usableIovas(), options, onLoss);
            }
            case DeviceTarget.Model model -> start(model, options);
            case DeviceTarget.Mediated mediated -> start(mediated, options, onLoss);
        };
    }

    private static VfioUserClient connect(DeviceTarget.Socket socket) throws IOException {
        return socket.sharesMemory()
                ? VfioUserClient.connect(socket.path(), socket.timeout())
                : VfioUserClient.connectUnshared(socket.path(), socket.timeout(), memory -> memory);
    }

    private static NvmeSession start(DeviceTarget.Model target, DriverOptions options) throws IOException {
        SoftwareModel model = SoftwareModel.start(target.name(), target.drive());
        try {
            NvmeSession session = start(
                    new Loopback(model.function()),
                    List.of(ALL_ADDRESSES),
                    options.withClock(new WakingClock(options.clock(), model::wake)),
                    null);
            session.model = Optional.of(model);
            return session;
        } catch (IOException | RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static NvmeSession start(DeviceTarget.Mediated target, DriverOptions options, Runnable onLoss)
            throws IOException {
        NvmeSession inner = open(target.device(), options, onLoss);
        boolean unused = true;
        try {
            Mediation mediation = Mediation.ofAll(inner, options);
            try {
                Loopback guest = new Loopback(mediation.controllers().getFirst());
                NvmeSession session = start(guest, List.of(ALL_ADDRESSES), options, null);
                session.mediation = mediation;
                session.inner = inner;
                return session;
            } catch (IOException | RuntimeException | Error e) {
                unused = mediation.stop(true);
                throw e;
            }
        } catch (IOException | RuntimeException | Error e) {
            if (unused) {
                inner.close();
            }
            throw e;
        }
    }

    /** Owns the device; what it does when it is asked back is only for one with an {@code onLoss}. */
    static NvmeSession start(PciDevice device, List<IovaAllocator.Range> usable, DriverOptions options, Runnable onLoss)
            throws IOException {
        AbandonableClock clock = new AbandonableClock(options.clock(), device.name());
        DeviceWatch watch = null;
        try {
            // Before the bring-up, which may take as long as the device likes: the host may ask in the middle of it.
            watch = onLoss == null
                    ? null
                    : DeviceWatch.start(device, () -> {
                        clock.abandon("the host has asked for " + device.name()
                                + " back, or it has failed on its bus (the kernel's log has the cause)");
                        onLoss.run();
                    });
            IovaAllocator iovas = new IovaAllocator(usable);
            NvmeDriver driver = NvmeDriver.start(device, iovas, options.withClock(clock));
            return new NvmeSession(device, driver, iovas, clock, watch);
        } catch (IOException | RuntimeException | Error e) {
            close(watch);
            device.close();
            throw e;
        }
    }

    /**
     * Makes sure, as far as reading a part of it can, that nothing is lost by writing to a namespace; {@link Contents} has what
     * is read.
     *
     * @param spanBytes what will be written, from the namespace's start
     * @throws IOException if there is something on it, or it cannot be read
     */
    public void requireEmpty(NamespaceInfo namespace, long spanBytes) throws IOException {
        Optional<String> found = contents(namespace, spanBytes);
        if (found.isPresent()) {
            throw new IOException("namespace " + namespace.nsid() + " of " + driver.name() + " is not empty: "
                    + found.get() + ". Writing would destroy it; if that is what you want, say --destroy-data");
        }
    }

    /** What {@link #requireEmpty} would refuse, as a clause; empty if it would not. */
    Optional<String> contents(NamespaceInfo namespace, long spanBytes) throws IOException {
        return Contents.describe(driver, clock, namespace, spanBytes);
    }

    /** Whether it is a device of this host, and nothing in between. */
    boolean isOfThisHost() {
        return device instanceof VfioDevice;
    }

    /** The driver; closed with the session. */
    public NvmeDriver driver() {
        return driver;
    }

    /** The model that is driven, where it is in this process. */
    public Optional<SoftwareModel> model() {
        return model;
    }

    /**
     * Runs something while the threads of a model in this process, and of its mediator, rest, and the caller's thread runs both
     * instead. No registers and no admin commands are to be called for meanwhile: they wait for the model.
     *
     * @throws IOException if a thread does not end, or from the body
     * @throws IllegalStateException if the device is not in this process
     */
    public <T> T byTurns(ByTurns<T> body) throws IOException {
        if (mediation != null) {
            return mediation.byTurns(body);
        }
        return model.orElseThrow(() -> new IllegalStateException(driver.name() + " is not in this process"))
                .byTurns(body);
    }

    /**
     * Makes the memory of guests reachable for the device.
     *
     * @param guests how many there will be, 1 or more: they share the mappings that the device's IOMMU has
     */
    DeviceMemory memoryForGuests(int guests) throws IOException {
        return new DeviceMemory(device, iovas, mappingsPerGuest(guests));
    }

    private int mappingsPerGuest(int guests) throws IOException {
        long available = device instanceof VfioDevice vfio ? vfio.availableMappings() : MAX_MAPPINGS;
        return (int) (Math.min(available, MAX_MAPPINGS) / guests);
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
        close(watch);
        driver.close();
        device.close();
        if (mediation != null && mediation.stop(true)) { // else its poller goes on to use what is below it
            inner.close();
        }
        model.ifPresent(SoftwareModel::close);
    }

    private static void close(DeviceWatch watch) {
        if (watch != null) {
            watch.close();
        }
    }
}
