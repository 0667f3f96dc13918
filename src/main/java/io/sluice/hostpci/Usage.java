package io.sluice.hostpci;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Who uses an NVMe controller, for certain: what seems unused is claimed, and stays so until this is closed. Nobody can mount
 * it between the look and the deed.
 */
final class Usage implements AutoCloseable {
    private final List<Use> uses = new ArrayList<>();
    private final List<HostKernel.Claim> claims = new ArrayList<>();

    private Usage() {}

    static Usage examine(HostPaths paths, HostKernel kernel, Users users, Path pciDevice) {
        Usage usage = new Usage();
        usage.uses.addAll(users.ofController(pciDevice));
        for (BlockDevice namespace : BlockDevice.namespacesOf(paths, pciDevice)) {
            List<Use> known = users.ofDisk(namespace);
            usage.uses.addAll(known);
            if (known.isEmpty()) {
                usage.claim(kernel, paths.dev().resolve(namespace.name()), namespace.name());
            }
        }
        return usage;
    }

    /** A claim on a disk is refused while one of its partitions is claimed, and the other way round. */
    private void claim(HostKernel kernel, Path node, String name) {
        try {
            claims.add(kernel.claim(node));
        } catch (LinuxException e) {
            uses.add(
                    e.errno() == Errno.EBUSY
                            ? new Use(
                                    Use.Kind.CLAIMED,
                                    name,
                                    "a user who is not to be seen from here",
                                    "look for a mount in a container, btrfs, ZFS, bcache, an NVMe target: lsblk, lsns -t mnt")
                            : new Use(
                                    Use.Kind.UNKNOWN, name, e.getMessage(), "run it where " + node + " can be opened"));
        }
    }

    /** Each use once: a namespace's character device belongs to the controller's folder or to the head's, or to both. */
    List<Use> uses() {
        return uses.stream().distinct().toList();
    }

    /** Gives up what it holds. Idempotent. */
    @Override
    public void close() {
        claims.forEach(HostKernel.Claim::close);
        claims.clear();
    }
}
