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
            checkIdentity();
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

        private void checkIdentity() {
            DeviceSettings wanted = settings.device();
            if (wanted.serial().isPresent() && !wanted.serial().get().equals(facts.serial())) {
                anotherDevice(
                        "device.serial",
                        "serial number",
                        facts.serial(),
                        wanted.serial().get());
            }
            if (wanted.model().isPresent() && !wanted.model().get().equals(facts.model())) {
                anotherDevice(
                        "device.model",
                        "model number",
                        facts.model(),
                        wanted.model().get());
            }
        }

        private void anotherDevice(String path, String what, String found, String wanted) {
            problem(
                    path,
                    facts.name() + " has the " + what + " " + Problems.quoted(found) + ", not "
                            + Problems.quoted(wanted) + ": it is another device. Addresses change when cards are added;"
                            + " \"sluice list\" shows which is which");
        }

        void resolve(int index) {
            VolumeSettings given = settings.volumes().get(index);
            String path = "volumes[" + index + "]";
            if (given.nsid() == VolumeSettings.ONLY_NSID) {
                only(path).ifPresent(nsid -> resolve(given.withNsid(nsid), path));
            } else {
                resolve(given, path);
            }
        }

        /** The namespace of a device that has no other that can be served. */
        private Optional<Integer> only(String path) {
            List<DeviceFacts.Namespace> usable = facts.namespaces().stream()
                    .filter(namespace -> namespace.unusableBecause().isEmpty())
                    .toList();
            if (usable.size() == 1) {
                return Optional.of(usable.getFirst().nsid());
            }
            if (usable.isEmpty()) {
                String why = facts.namespaces().stream()
                        .map(namespace -> "; " + namespace.unusableBecause())
                        .collect(Collectors.joining());
                problem(path + ".namespace", facts.name() + " has no namespace that can be served" + why);
            } else {
                String which = usable.stream()
                        .map(namespace -> namespace.nsid() + " (" + ByteCount.exact(namespace.bytes()) + ")")
                        .collect(Collectors.joining(", "));
                problem(
                        path + ".namespace",
                        facts.name() + " has several namespaces, " + which + "; say which, by --namespace");
            }
            return Optional.empty();
        }

        private void resolve(VolumeSettings volume, String path) {
            Optional<DeviceFacts.Namespace> found = facts.namespaces().stream()
                    .filter(namespace -> namespace.nsid() == volume.nsid())
                    .findFirst();
            if (found.isEmpty()) {
                problem(
                        path + ".namespace",
                        facts.name() + " has no active namespace " + volume.nsid() + "; it has " + namespaceList());
            } else if (!found.get().unusableBecause().isEmpty()) {
                problem(path + ".namespace", found.get().unusableBecause());
            } else if (isSame(volume, path, found.get())
                    && isFormatRight(volume, path, found.get())
                    && isRangeRight(volume, path, found.get())) {
                add(volume, found.get());
            }
        }

        private boolean isSame(VolumeSettings volume, String path, DeviceFacts.Namespace namespace) {
            return isSame(path + ".nguid", "NGUID", volume.nguid(), namespace.nsid(), namespace.nguid())
                    && isSame(path + ".eui64", "EUI64", volume.eui64(), namespace.nsid(), namespace.eui64());
        }

        private boolean isSame(String path, String what, Optional<String> wanted, int nsid, String found) {
            if (wanted.isEmpty() || wanted.get().equals(found)) {
                return true;
            }
            problem(
                    path,
                    "namespace " + nsid + " of " + facts.name() + " has "
                            + (found.isEmpty() ? "no " + what : "the " + what + " " + found) + ", not " + wanted.get()
                            + ": it was made anew, or is another device's");
            return false;
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
            int guests = settings.volumes().size();
            return guests <= facts.queuePairs()
                    ? List.of()
                    : List.of(facts.name() + " grants " + facts.queuePairs() + " queue pairs for " + guests
                            + " volumes: guests share them, whatever they do");
        }
    }
}
