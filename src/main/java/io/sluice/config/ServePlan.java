package io.sluice.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Settings on a certain device: what each volume is in its logical blocks.
 *
 * @param volumes in the order of the settings
 * @param notes what an operator should know, a sentence each
 */
public record ServePlan(List<Volume> volumes, List<String> notes) {
    public ServePlan {
        volumes = List.copyOf(volumes);
        notes = List.copyOf(notes);
    }

    /**
     * A volume's blocks.
     *
     * @param firstLba where it begins in the namespace {@code settings.nsid()}
     * @param blockCount its size, 1 or more
     * @param blockBytes of a logical block
     */
    public record Volume(VolumeSettings settings, long firstLba, long blockCount, int blockBytes) {}

    /**
     * Puts volumes on a device.
     *
     * @throws ConfigException if they do not fit on it, with everything that is wrong and the lines that say so
     */
    public static ServePlan resolve(ServeSettings settings, DeviceFacts facts) throws ConfigException {
        Resolver resolver = new Resolver(settings, facts);
        resolver.checkDevice();
        for (int i = 0; i < settings.volumes().size(); i++) {
            resolver.resolve(i);
        }
        resolver.problems.throwIfAny();
        return new ServePlan(resolver.volumes, resolver.notes());
    }

    /** Does it, one volume after the other. */
    private static final class Resolver {
        private final ServeSettings settings;
        private final DeviceFacts facts;
        private final Problems problems = new Problems();
        private final List<Volume> volumes = new ArrayList<>();

        Resolver(ServeSettings settings, DeviceFacts facts) {
            this.settings = settings;
            this.facts = facts;
        }

        private void problem(String path, String message) {
            problems.add(settings.origins().of(path), path, message);
        }

        void checkDevice() {
            if (facts.queuePairs() < 1) {
                problem("device.queues", facts.name() + " grants no I/O queue pair; nothing can be served from it");
            }
            if (facts.maxTransferBytes() < DeviceFacts.MIN_TRANSFER_BYTES) {
                problem(
                        "device.target",
                        facts.name() + " moves " + facts.maxTransferBytes() + " bytes with a command; guests need "
                                + DeviceFacts.MIN_TRANSFER_BYTES + " or more");
            }
        }

        void resolve(int index) {
            VolumeSettings volume = settings.volumes().get(index);
            String path = "volumes[" + index + "]";
            Optional<DeviceFacts.Namespace> found = facts.namespaces().stream()
                    .filter(namespace -> namespace.nsid() == volume.nsid())
                    .findFirst();
            if (found.isEmpty()) {
                problem(
                        path + ".namespace",
                        facts.name() + " has no active namespace " + volume.nsid() + "; it has " + namespaceList());
            } else if (!found.get().unusableBecause().isEmpty()) {
                problem(path + ".namespace", found.get().unusableBecause());
            } else if (isFormatRight(volume, path, found.get()) && isRangeRight(volume, path, found.get())) {
                add(volume, found.get());
            }
        }

        private String namespaceList() {
            return facts.namespaces().isEmpty()
                    ? "none"
                    : facts.namespaces().stream()
                            .map(namespace -> Integer.toString(namespace.nsid()))
                            .collect(Collectors.joining(", "));
        }

        private boolean isFormatRight(VolumeSettings volume, String path, DeviceFacts.Namespace namespace) {
            int blockBytes = namespace.blockBytes();
            if (volume.blockBytes().isPresent() && volume.blockBytes().getAsInt() != blockBytes) {
                problem(
                        path + ".block-size",
                        "namespace " + namespace.nsid() + " of " + facts.name() + " has blocks of " + blockBytes
                                + " bytes, not " + volume.blockBytes().getAsInt()
                                + "; was it formatted anew, or is it another device?");
                return false;
            }
            if (Integer.bitCount(blockBytes) != 1 || namespace.unitBytes() % blockBytes != 0) {
                problem(
                        path + ".namespace",
                        "namespace " + namespace.nsid() + " of " + facts.name() + " has blocks of " + blockBytes
                                + " bytes, which volumes cannot be made of");
                return false;
            }
            return true;
        }

        private boolean isRangeRight(VolumeSettings volume, String path, DeviceFacts.Namespace namespace) {
            long bytes = namespace.bytes();
            long end = volume.sizeBytes().isPresent()
                    ? volume.startBytes() + volume.sizeBytes().getAsLong()
                    : bytes;
            String has = "namespace " + namespace.nsid() + " of " + facts.name() + " ends at " + ByteCount.exact(bytes);
            if (volume.startBytes() >= bytes) {
                problem(
                        path + ".start",
                        "the volume begins at " + ByteCount.exact(volume.startBytes()) + ", but " + has);
                return false;
            }
            if (end > bytes) {
                problem(
                        path + ".size",
                        "the volume ends at " + ByteCount.exact(end) + ", but " + has + "; at most "
                                + ByteCount.exact(bytes - volume.startBytes()) + " fit");
                return false;
            }
            boolean startRight = isAligned(path + ".start", "begins", volume.startBytes(), namespace);
            // The last blocks of a namespace belong to nobody else, so a volume may end with it wherever that is.
            return (end == bytes || isAligned(path + ".size", "ends", end, namespace)) && startRight;
        }

        private boolean isAligned(String path, String what, long at, DeviceFacts.Namespace namespace) {
            long unit = namespace.unitBytes();
            if (at % unit == 0) {
                return true;
            }
            problem(
                    path,
                    "the volume " + what + " at " + ByteCount.exact(at) + ", which is not a multiple of the "
                            + ByteCount.exact(unit) + " that " + facts.name() + " wants; the nearest are "
                            + ByteCount.exact(at - at % unit) + " and " + ByteCount.exact(at - at % unit + unit));
            return false;
        }

        private void add(VolumeSettings volume, DeviceFacts.Namespace namespace) {
            long size = volume.sizeBytes().orElse(namespace.bytes() - volume.startBytes());
            int blockBytes = namespace.blockBytes();
            volumes.add(new Volume(volume, volume.startBytes() / blockBytes, size / blockBytes, blockBytes));
        }

        List<String> notes() {
            int wanted = settings.volumes().stream()
                    .mapToInt(VolumeSettings::queuePairs)
                    .sum();
            return wanted <= facts.queuePairs()
                    ? List.of()
                    : List.of("guests may make " + wanted + " queue pairs, and " + facts.name() + " grants "
                            + facts.queuePairs() + ": some will share one");
        }
    }
}
