package io.sluice.cli;

import io.sluice.daemon.DeviceIdentity;
import io.sluice.host.ControllerInfo;
import io.sluice.host.NamespaceInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** An identity for people: names to the left, values aligned. */
final class IdentityText {
    private static final int NAME_WIDTH = 16;

    private final StringBuilder text = new StringBuilder();

    private IdentityText() {}

    static String of(DeviceIdentity identity) {
        IdentityText writer = new IdentityText();
        writer.controller(identity);
        identity.namespaces().forEach(writer::namespace);
        if (identity.namespaces().isEmpty()) {
            writer.line("namespaces", "none is active");
        }
        return writer.text.toString();
    }

    private void controller(DeviceIdentity identity) {
        ControllerInfo controller = identity.controller();
        line("device", identity.name());
        line("model", controller.model());
        line("serial", controller.serial());
        line("firmware", controller.firmware());
        line("NVMe version", controller.versionText());
        line("subsystem", controller.subsystemNqn().isEmpty() ? "no SUBNQN" : controller.subsystemNqn());
        line("capacity", capacity(identity));
        line(
                "I/O queues",
                identity.submissionQueues() + " submission, " + identity.completionQueues() + " completion, up to "
                        + controller.maxQueueEntries() + " entries");
        line("transfers", "up to " + transferLimit(controller));
        line("write cache", controller.volatileWriteCache() ? "volatile: Flush matters" : "none: writes are durable");
        line(
                "commands",
                "Read, Write, Flush"
                        + controller.commandNames().stream()
                                .map(name -> ", " + name)
                                .collect(Collectors.joining()));
        line(
                "PCI",
                String.format(
                        Locale.ROOT,
                        "%04x:%04x, subsystem %04x:%04x",
                        controller.pciVendorId(),
                        identity.pciDeviceId(),
                        controller.pciSubsystemVendorId(),
                        identity.pciSubsystemId()));
        line(
                "BAR 0",
                ByteSize.text(identity.bar0Bytes()) + ", doorbells "
                        + (identity.doorbellsMapped() ? "mapped" : "by message"));
        line("interrupts", identity.msixVectors() + " MSI-X vectors");
        line("timeouts", "ready within " + controller.readyTimeoutMillis() + " ms (CAP.TO)");
    }

    private static String capacity(DeviceIdentity identity) {
        long total = identity.controller().totalCapacityBytes();
        if (total > 0) {
            return bytes(total);
        }
        long sum =
                identity.namespaces().stream().mapToLong(NamespaceInfo::bytes).sum();
        return bytes(sum) + " in its namespaces";
    }

    private static String transferLimit(ControllerInfo controller) {
        return controller.maxTransferBytes() == Integer.MAX_VALUE
                ? "any size (MDTS 0)"
                : ByteSize.text(controller.maxTransferBytes()) + " a command (MDTS)";
    }

    private void namespace(NamespaceInfo namespace) {
        text.append('\n');
        line("namespace " + namespace.nsid(), bytes(namespace.bytes()));
        if (!namespace.unusableBecause().isEmpty()) {
            line("  unusable", namespace.unusableBecause());
        }
        line("  blocks", String.format(Locale.ROOT, "%,d of %d bytes", namespace.blockCount(), namespace.blockBytes()));
        line("  formats", formats(namespace));
        line("  NGUID", namespace.nguid().isEmpty() ? "none" : namespace.nguid());
        line("  EUI-64", namespace.eui64().isEmpty() ? "none" : namespace.eui64());
        if (!namespace.uuid().isEmpty()) {
            line("  UUID", namespace.uuid());
        }
        if (namespace.thin()) {
            line("  in use", bytes(namespace.usedBlocks() * namespace.blockBytes()) + ", thinly provisioned");
        }
    }

    private static String formats(NamespaceInfo namespace) {
        List<String> shown = new ArrayList<>();
        for (int i = 0; i < namespace.formats().size(); i++) {
            NamespaceInfo.LbaFormat format = namespace.formats().get(i);
            String metadata = format.metadataBytes() == 0 ? "" : "+" + format.metadataBytes();
            String marked = i == namespace.format() ? " (in use)" : "";
            shown.add(format.blockBytes() + metadata + marked);
        }
        return String.join(", ", shown);
    }

    private static String bytes(long bytes) {
        return String.format(Locale.ROOT, "%s (%,d bytes)", ByteSize.text(bytes), bytes);
    }

    private void line(String name, String value) {
        text.append(name)
                .append(" ".repeat(Math.max(1, NAME_WIDTH - name.length())))
                .append(value)
                .append('\n');
    }
}
