package io.sluice.hostpci;

import io.sluice.hostpci.HostRefused.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Takes an NVMe controller from the kernel for vfio-pci, and gives it back.
 *
 * <pre>
 *   nvme ──(unbind)──▶ no driver ──(drivers_probe, driver_override = vfio-pci)──▶ vfio-pci
 *     ▲                    │                                                         │
 *     └──(drivers_probe, driver_override empty)◀───────────(unbind)──────────────────┘
 * </pre>
 *
 * Either direction also starts from the middle, where a process that was killed half way leaves a device.
 */
public final class Binder {
    /** For the namespaces to come back: a tenth of a second each. */
    private static final int NAMESPACE_PAUSES = 100;

    private static final String FORCED_BIND = "with --force it is taken all the same, and who uses it loses the disk";
    private static final String FORCED_UNBIND = "with --force the kernel asks for it, and waits until it is let go of";

    private final HostPaths paths;
    private final HostKernel kernel;
    private final Consumer<String> progress;

    /**
     * For one host.
     *
     * @param paths the host
     * @param kernel what changes it
     * @param progress told, in a sentence each, what takes time or went beside the way
     */
    public Binder(HostPaths paths, HostKernel kernel, Consumer<String> progress) {
        this.paths = paths;
        this.kernel = kernel;
        this.progress = progress;
    }

    /**
     * Binds a controller to vfio-pci.
     *
     * @param force even if it is in use: what stands on it loses its disk
     * @throws HostRefused if something is in the way; nothing was touched then
     * @throws IOException if it failed half way; the message says what was put back
     */
    public Rebound bind(PciAddress address, boolean force) throws IOException {
        BindChecks checks = new BindChecks(paths, kernel, address);
        Optional<String> before = checks.driver();
        if (checks.isOnVfio()) {
            return rebound(address, false, before, List.of());
        }
        try (Usage usage = Usage.examine(paths, kernel, new Users(paths), paths.pciDevice(address))) {
            List<Problem> problems = new ArrayList<>(checks.rights());
            problems.addAll(force ? List.of() : checks.uses(usesAndContents(address, usage), FORCED_BIND));
            problems.addAll(checks.iommu());
            problems.addAll(checks.peers());
            // The module is loaded here, but only if nothing else is in the way: until then nothing is touched.
            problems.addAll(problems.isEmpty() ? loadVfio(checks) : checks.module());
            if (!problems.isEmpty()) {
                throw new HostRefused(address, problems);
            }
            DriverSwitch drivers = new DriverSwitch(paths, kernel, address);
            drivers.foreignOverride()
                    .ifPresent(name -> progress.accept("driver_override was set to " + name + " by somebody else;"
                            + " sluice unbind will clear it, and not set it again"));
            drivers.toVfio(usage::close);
        }
        Rebound rebound = rebound(address, true, before, List.of());
        tellIfNoNode(rebound);
        return rebound;
    }

    private List<Use> usesAndContents(PciAddress address, Usage usage) {
        List<Use> all = new ArrayList<>(usage.uses());
        all.addAll(Usage.contents(paths, paths.pciDevice(address), usage.uses(), progress));
        return all;
    }

    private List<Problem> loadVfio(BindChecks checks) {
        if (checks.module().isEmpty()) {
            return List.of();
        }
        progress.accept("loading the module " + DriverSwitch.VFIO_PCI);
        try {
            kernel.loadModule(DriverSwitch.VFIO_PCI);
        } catch (IOException e) {
            progress.accept(e.getMessage());
        }
        return checks.module();
    }

    private void tellIfNoNode(Rebound rebound) {
        if (rebound.iommuGroup().isEmpty()) {
            return;
        }
        Path node = paths.vfioGroup(rebound.iommuGroup().getAsInt());
        if (!Files.exists(node)) {
            progress.accept(node + " is not there; in a container, hand it in: --device " + node);
        }
    }

    /**
     * Gives a controller back to its own driver, and waits until its namespaces are there again.
     *
     * @param force even if a process has it open: the kernel then asks that process to let go, and waits for it
     * @throws HostRefused if something is in the way; nothing was touched then
     * @throws IOException if it failed half way, saying how far it came
     */
    public Rebound unbind(PciAddress address, boolean force) throws IOException {
        BindChecks checks = new BindChecks(paths, kernel, address);
        Optional<String> before = checks.driver();
        DriverSwitch drivers = new DriverSwitch(paths, kernel, address);
        boolean kernelHasIt = before.isPresent() && !checks.isOnVfio();
        if (kernelHasIt && !drivers.isOverridden()) {
            return rebound(address, false, before, namespaces(address));
        }
        // Also for one without a driver: a driver of the kernel's in a group that is in use would spoil that group.
        List<Use> uses = kernelHasIt ? List.of() : usersOverVfio(address, checks);
        List<Problem> problems = new ArrayList<>(checks.rights());
        problems.addAll(force ? List.of() : checks.uses(uses, FORCED_UNBIND));
        if (!problems.isEmpty()) {
            throw new HostRefused(address, problems);
        }
        uses.forEach(use -> progress.accept("waiting until it is let go of: " + use.sentence()));
        drivers.toOwnDriver();
        return rebound(address, true, before, awaitNamespaces(address));
    }

    private List<Use> usersOverVfio(PciAddress address, BindChecks checks) {
        Users users = new Users(paths);
        List<Use> uses = new ArrayList<>(users.ofController(paths.pciDevice(address)));
        if (checks.isOnVfio()) {
            uses.addAll(users.ofSomeVfioDevice(paths.pciDevice(address)));
        }
        return uses;
    }

    /** The driver finds the namespaces in its own time, one after the other. A controller may also have none. */
    private List<String> awaitNamespaces(PciAddress address) {
        List<String> before = List.of();
        List<String> now = namespaces(address);
        for (int i = 0; i < NAMESPACE_PAUSES && (now.isEmpty() || !now.equals(before)); i++) {
            kernel.pause();
            before = now;
            now = namespaces(address);
        }
        return now;
    }

    private List<String> namespaces(PciAddress address) {
        return BlockDevice.namespacesOf(paths, paths.pciDevice(address)).stream()
                .map(BlockDevice::name)
                .toList();
    }

    private Rebound rebound(PciAddress address, boolean changed, Optional<String> before, List<String> namespaces) {
        Path device = paths.pciDevice(address);
        return new Rebound(
                address, changed, before, Sysfs.driver(device), Sysfs.iommuGroup(device), List.copyOf(namespaces));
    }
}
