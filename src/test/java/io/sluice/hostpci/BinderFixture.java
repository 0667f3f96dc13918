package io.sluice.hostpci;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A made-up host with one SSD, whose kernel acts on each write as Linux does: what tests of {@link Binder} share. */
abstract class BinderFixture {
    static final String SSD = "0000:01:00.0";
    static final PciAddress ADDRESS = PciAddress.parse(SSD);
    static final String OVERRIDE = "bus/pci/devices/0000:01:00.0/driver_override";
    static final String PROBE = "bus/pci/drivers_probe";
    static final String NVME_UNBIND = "bus/pci/drivers/nvme/unbind";
    static final String NVME_BIND = "bus/pci/drivers/nvme/bind";
    static final String VFIO_UNBIND = "bus/pci/drivers/vfio-pci/unbind";

    @TempDir
    Path folder;

    FakeHost host;
    Binder binder;
    final List<String> told = new ArrayList<>();

    @BeforeEach
    void makeHostWithOneSsd() {
        host = new FakeHost(folder);
        host.addSsd(SSD, 7, "nvme0");
        host.file("dev/vfio/7", "");
        binder = new Binder(host.paths, host, told::add);
    }

    Optional<String> driver() {
        return Sysfs.driver(host.paths.pciDevice(ADDRESS));
    }

    Optional<String> override() {
        return Sysfs.text(host.paths.pciDevice(ADDRESS).resolve("driver_override"));
    }
}
