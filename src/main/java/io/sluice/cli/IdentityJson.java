package io.sluice.cli;

import io.sluice.daemon.DeviceIdentity;
import io.sluice.host.ControllerInfo;
import io.sluice.host.NamespaceInfo;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** An identity as JSON. Names end in their units; they are an interface: add, never rename. */
final class IdentityJson {
    private IdentityJson() {}

    static String of(DeviceIdentity identity) {
        ObjectNode root = Json.object();
        root.put("device", identity.name());
        controller(root.putObject("controller"), identity);
        pci(root.putObject("pci"), identity);
        ArrayNode namespaces = root.putArray("namespaces");
        identity.namespaces().forEach(namespace -> namespace(namespaces.addObject(), namespace));
        return Json.text(root);
    }

    private static void controller(ObjectNode node, DeviceIdentity identity) {
        ControllerInfo controller = identity.controller();
        node.put("model", controller.model());
        node.put("serial", controller.serial());
        node.put("firmware", controller.firmware());
        node.put("nvme_version", controller.versionText());
        node.put("subsystem_nqn", controller.subsystemNqn());
        node.put("controller_id", controller.controllerId());
        node.put("total_capacity_bytes", controller.totalCapacityBytes());
        node.put("namespace_limit", controller.namespaceLimit());
        node.put("io_submission_queues", identity.submissionQueues());
        node.put("io_completion_queues", identity.completionQueues());
        node.put("max_queue_entries", controller.maxQueueEntries());
        if (controller.maxTransferBytes() != Integer.MAX_VALUE) {
            node.put("max_transfer_bytes", controller.maxTransferBytes());
        }
        node.put("volatile_write_cache", controller.volatileWriteCache());
        node.put("async_event_limit", controller.asyncEventLimit());
        node.put("ready_timeout_ms", controller.readyTimeoutMillis());
        node.put("oacs", controller.optionalAdminCommands());
        node.put("oncs", controller.optionalCommands());
        node.put("sgls", controller.sglSupport());
        ArrayNode commands = node.putArray("optional_commands");
        controller.commandNames().forEach(commands::add);
    }

    private static void pci(ObjectNode node, DeviceIdentity identity) {
        node.put("vendor_id", identity.controller().pciVendorId());
        node.put("device_id", identity.pciDeviceId());
        node.put("subsystem_vendor_id", identity.controller().pciSubsystemVendorId());
        node.put("subsystem_id", identity.pciSubsystemId());
        node.put("bar0_bytes", identity.bar0Bytes());
        node.put("doorbells_mapped", identity.doorbellsMapped());
        node.put("msix_vectors", identity.msixVectors());
    }

    private static void namespace(ObjectNode node, NamespaceInfo namespace) {
        node.put("nsid", namespace.nsid());
        node.put("bytes", namespace.bytes());
        node.put("block_count", namespace.blockCount());
        node.put("block_bytes", namespace.blockBytes());
        node.put("capacity_blocks", namespace.capacityBlocks());
        node.put("used_blocks", namespace.usedBlocks());
        node.put("metadata_bytes", namespace.metadataBytes());
        node.put("protection_information", namespace.protection());
        node.put("thin", namespace.thin());
        node.put("unusable_because", namespace.unusableBecause());
        node.put("nguid", namespace.nguid());
        node.put("eui64", namespace.eui64());
        node.put("uuid", namespace.uuid());
        node.put("format", namespace.format());
        ArrayNode formats = node.putArray("formats");
        for (NamespaceInfo.LbaFormat format : namespace.formats()) {
            ObjectNode one = formats.addObject();
            one.put("block_bytes", format.blockBytes());
            one.put("metadata_bytes", format.metadataBytes());
            one.put("relative_performance", format.relativePerformance());
        }
    }
}
