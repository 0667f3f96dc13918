package io.sluice.hostpci;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The writes that change a device's driver, in their order, and the way back when one fails. */
final class DriverSwitch {
    static final String VFIO_PCI = "vfio-pci";

    /** What the kernel shows for no override, and what it takes to have none (Documentation/ABI/testing/sysfs-bus-pci). */
    private static final String NO_OVERRIDE_SHOWN = "(null)";

    private static final String NO_OVERRIDE = "\n";

    private final HostPaths paths;
    private final HostKernel kernel;
    private final PciAddress address;
    private final Path device;

    DriverSwitch(HostPaths paths, HostKernel kernel, PciAddress address) {
        this.paths = paths;
        this.kernel = kernel;
        this.address = address;
        device = paths.pciDevice(address);
    }

    private Path overrideFile() {
        return device.resolve("driver_override");
    }

    private Optional<String> override() {
        return Sysfs.text(overrideFile()).filter(text -> !text.isEmpty() && !text.equals(NO_OVERRIDE_SHOWN));
    }

    /** Whether the device is reserved for vfio-pci. */
    boolean isOverridden() {
        return override().filter(VFIO_PCI::equals).isPresent();
    }

    /** What somebody else has reserved the device for. */
    Optional<String> foreignOverride() {
        return override().filter(name -> !name.equals(VFIO_PCI));
    }

    private Optional<String> driver() {
        return Sysfs.driver(device);
    }

    private void unbindFrom(String driver) throws IOException {
        kernel.write(paths.pciDriver(driver).resolve("unbind"), address.toString());
    }

    private void probe() throws IOException {
        kernel.write(paths.driversProbe(), address.toString());
    }

    /**
     * From its driver, or none, to vfio-pci.
     *
     * @param afterUnbind called once the old driver has let go, or would not; whoever still holds the old disk keeps its
     *     number taken, and it would come back under another one
     * @throws IOException if it failed, saying whether everything is as it was
     */
    void toVfio(Runnable afterUnbind) throws IOException {
        Optional<String> oldDriver = driver();
        Optional<String> oldOverride = foreignOverride();
        try {
            kernel.write(overrideFile(), VFIO_PCI);
            try {
                if (oldDriver.isPresent()) {
                    unbindFrom(oldDriver.get());
                }
            } finally {
                afterUnbind.run();
            }
            probe();
            if (!driver().equals(Optional.of(VFIO_PCI))) {
                throw new IOException(VFIO_PCI + " did not take " + address + " ("
                        + driver().map(name -> name + " has it").orElse("no driver has it") + "); dmesg may say why");
            }
        } catch (IOException e) {
            throw new IOException(e.getMessage() + ". " + putBack(oldDriver, oldOverride), e);
        }
    }

    /** Undoes as much as there is to undo, and says what came of it. */
    private String putBack(Optional<String> oldDriver, Optional<String> oldOverride) {
        String was = oldDriver.orElse("no driver");
        try {
            kernel.write(overrideFile(), oldOverride.orElse(NO_OVERRIDE));
            Optional<String> present = driver();
            if (!present.equals(oldDriver)) {
                if (present.isPresent()) {
                    unbindFrom(present.get());
                }
                if (oldDriver.isPresent()) {
                    kernel.write(paths.pciDriver(oldDriver.get()).resolve("bind"), address.toString());
                }
            }
        } catch (IOException e) {
            return notPutBack(was, e.getMessage());
        }
        return driver().equals(oldDriver)
                ? "It was put back: " + was + " has it, as before."
                : notPutBack(was, driver().orElse("no driver") + " has it now");
    }

    private String notPutBack(String was, String why) {
        return "It could NOT be put back to " + was + ": " + why + ". Try: sluice unbind " + address;
    }

    private void clearOverride() throws IOException {
        try {
            kernel.write(overrideFile(), NO_OVERRIDE);
        } catch (IOException e) {
            throw new IOException(
                    e.getMessage() + ". "
                            + driver().map(name -> name + " has " + address).orElse(address + " has no driver")
                            + " now; once that file can be written, try again: sluice unbind " + address,
                    e);
        }
    }

    /**
     * From vfio-pci, or none, to the driver that the kernel chooses by itself. The override goes once vfio-pci has let go: if it
     * does not, everything is as it was.
     *
     * @throws IOException if it failed, saying how far it came
     */
    void toOwnDriver() throws IOException {
        if (driver().equals(Optional.of(VFIO_PCI))) {
            try {
                unbindFrom(VFIO_PCI);
            } catch (IOException e) {
                throw new IOException(
                        e.getMessage() + ". " + VFIO_PCI + " still has it; end its users, then try again", e);
            }
        }
        clearOverride();
        if (driver().isEmpty()) {
            probe();
        }
        Optional<String> now = driver();
        if (now.isEmpty()) {
            throw new IOException(VFIO_PCI + " let go of " + address + ", but no other driver took it. Load its driver:"
                    + " modprobe nvme && echo " + address + " > " + paths.driversProbe() + " (dmesg may say why)");
        }
        if (now.get().equals(VFIO_PCI)) {
            throw new IOException(
                    VFIO_PCI + " took " + address + " again, since it was told to take all such devices (ids="
                            + " or new_id). Give it to its driver by hand: echo " + address + " > "
                            + paths.pciDriver(VFIO_PCI).resolve("unbind") + " && echo " + address + " > "
                            + paths.pciDriver("nvme").resolve("bind"));
        }
    }
}
