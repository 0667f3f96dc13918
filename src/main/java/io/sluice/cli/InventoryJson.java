package io.sluice.cli;

import io.sluice.hostpci.HostController;
import io.sluice.hostpci.Inventory;
import io.sluice.hostpci.Use;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The host's controllers as JSON. Names end in their units; they are an interface: add, never rename. What is not known is
 * null.
 */
final class InventoryJson {
    private InventoryJson() {}

    static String of(Inventory inventory) {
        ObjectNode root = Json.object();
        root.put("complete", inventory.complete());
        ArrayNode controllers = root.putArray("controllers");
        inventory.controllers().forEach(controller -> controller(controllers.addObject(), controller));
        return Json.text(root);
    }

    private static void controller(ObjectNode node, HostController controller) {
        node.put("address", controller.address().toString());
        node.put("vendor_id", controller.vendorId());
        node.put("device_id", controller.deviceId());
        node.put("model", controller.model().orElse(null));
        node.put("serial", controller.serial().orElse(null));
        node.put("firmware", controller.firmware().orElse(null));
        node.put("bytes", controller.bytes().isPresent() ? controller.bytes().getAsLong() : null);
        node.put("driver", controller.driver().orElse(null));
        node.put(
                "iommu_group",
                controller.iommuGroup().isPresent() ? controller.iommuGroup().getAsInt() : null);
        node.put(
                "numa_node",
                controller.numaNode().isPresent() ? controller.numaNode().getAsInt() : null);
        ArrayNode namespaces = node.putArray("namespaces");
        controller.namespaces().forEach(namespaces::add);
        ArrayNode uses = node.putArray("used_by");
        for (Use use : controller.uses()) {
            ObjectNode one = uses.addObject();
            one.put("kind", use.kind().name().toLowerCase(Locale.ROOT));
            one.put("device", use.device());
            one.put("by", use.by());
        }
    }
}
