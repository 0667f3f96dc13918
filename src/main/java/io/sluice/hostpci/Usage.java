package io.sluice.hostpci;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

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
        if (!users.isComplete()) {
            usage.uses.add(new Use(
                    Use.Kind.UNKNOWN,
                    pciDevice.getFileName().toString(),
                    "there are processes whose open files this one may not see",
                    "run it as root: sudo sluice ...; in a container, on the host"));
        }
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

    /**
     * What is written on disks and partitions that nobody seems to use.
     *
     * @param tell hears of a file system that is not mounted: it is not lost, only away
     * @return what is a part of something else
     */
    static List<Use> contents(HostPaths paths, Path pciDevice, List<Use> known, Consumer<String> tell) {
        List<Use> members = new ArrayList<>();
        for (BlockDevice namespace : BlockDevice.namespacesOf(paths, pciDevice)) {
            namespace.whole().forEach(device -> {
                boolean used = known.stream().anyMatch(use -> use.device().equals(device.name()));
                Optional<Signature> found =
                        used ? Optional.empty() : Signature.of(paths.dev().resolve(device.name()));
                if (found.isPresent() && found.get().isOfSeveral()) {
                    members.add(new Use(
                            Use.Kind.MEMBER,
                            device.name(),
                            found.get().holds(),
                            "take it out of what it belongs to, or if nobody needs that any more: wipefs -a "
                                    + paths.dev().resolve(device.name())));
                } else if (found.isPresent()) {
                    tell.accept(device.name() + " holds " + found.get().holds() + ", which is not in use");
                }
            });
        }
        return members;
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
