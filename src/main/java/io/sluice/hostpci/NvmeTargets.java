package io.sluice.hostpci;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What this host exports as an NVMe target (nvmet), by its configuration in configfs, read once. The kernel opens an exported
 * disk for itself: no process has it open, and no exclusive claim is refused.
 *
 * <pre>
 *   subsystems/NQN/namespaces/N/{device_path, enable}     a block device
 *   subsystems/NQN/passthru/{device_path, enable}         a whole controller, /dev/nvme0
 * </pre>
 */
final class NvmeTargets {
    private static final String ENABLED = "1";

    /**
     * One export.
     *
     * @param node real path of what is exported
     * @param subsystem its name and where in it
     * @param enable the file that ends it by a 0
     */
    record Export(Path node, String subsystem, Path enable) {}

    private final List<Export> exports = new ArrayList<>();

    private NvmeTargets() {}

    static NvmeTargets read(HostPaths paths) {
        NvmeTargets targets = new NvmeTargets();
        for (String name : Sysfs.names(paths.nvmeTargets())) {
            Path subsystem = paths.nvmeTargets().resolve(name);
            targets.add(subsystem.resolve("passthru"), "NVMe target " + name);
            for (String nsid : Sysfs.names(subsystem.resolve("namespaces"))) {
                targets.add(
                        subsystem.resolve("namespaces").resolve(nsid), "NVMe target " + name + ", namespace " + nsid);
            }
        }
        return targets;
    }

    private void add(Path folder, String subsystem) {
        boolean enabled =
                Sysfs.text(folder.resolve("enable")).filter(ENABLED::equals).isPresent();
        String device = Sysfs.text(folder.resolve("device_path")).orElse("");
        if (enabled && device.startsWith("/")) {
            exports.add(new Export(Sysfs.realPath(Path.of(device)), subsystem, folder.resolve("enable")));
        }
    }

    List<Export> of(Path node) {
        Path real = Sysfs.realPath(node);
        return exports.stream().filter(export -> export.node().equals(real)).toList();
    }
}
