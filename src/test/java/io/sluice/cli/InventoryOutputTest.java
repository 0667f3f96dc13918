package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.hostpci.HostController;
import io.sluice.hostpci.Inventory;
import io.sluice.hostpci.PciAddress;
import io.sluice.hostpci.Rebound;
import io.sluice.hostpci.Use;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How the host's controllers, and what was done to them, are told. */
class InventoryOutputTest {
    private static HostController driven(String model, String serial, Use... uses) {
        return new HostController(
                PciAddress.parse("0000:01:00.0"),
                0x144d,
                0xa80c,
                Optional.of(model),
                Optional.of(serial),
                Optional.of("4B2QJXD7"),
                OptionalLong.of(2000398934016L),
                Optional.of("nvme"),
                OptionalInt.of(14),
                OptionalInt.of(0),
                List.of("nvme0n1"),
                List.of(uses));
    }

    private static HostController bound() {
        return new HostController(
                PciAddress.parse("0000:02:00.0"),
                0x1b36,
                0x10,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                Optional.of("vfio-pci"),
                OptionalInt.of(15),
                OptionalInt.empty(),
                List.of(),
                List.of());
    }

    private static Use mounted(String device, String point) {
        return new Use(Use.Kind.MOUNTED, device, point, "umount " + point);
    }

    @Test
    void shouldSayThatThereIsNone() {
        assertEquals("There is no NVMe controller on this host.\n", InventoryText.of(new Inventory(List.of(), true)));
    }

    @Test
    void shouldAlignColumnsAndGiveEachUseALine() {
        String text = InventoryText.of(new Inventory(
                List.of(
                        driven("QEMU NVMe Ctrl", "abc", mounted("nvme0n1p1", "/"), mounted("nvme0n1p2", "/home")),
                        bound()),
                true));
        assertEquals("""
                ADDRESS       MODEL           SERIAL  SIZE     DRIVER    GROUP  NUMA  USED BY
                0000:01:00.0  QEMU NVMe Ctrl  abc     1.8 TiB  nvme      14     0     nvme0n1p1: /
                                                                                      nvme0n1p2: /home
                0000:02:00.0  - (1b36:0010)   -       -        vfio-pci  15     -     -
                """, text);
    }

    @Test
    void shouldStayWithin100ColumnsAndNeverCutAddressOrSerial() {
        String serial = "S6Z1NJ0W123456789012";
        String text = InventoryText.of(new Inventory(
                List.of(driven(
                        "Samsung SSD 990 PRO with Heatsink 2TB X",
                        serial,
                        mounted("nvme0n1p1", "/var/lib/containers/storage/overlay"))),
                true));
        assertTrue(text.lines().allMatch(line -> line.length() <= 100), text);
        assertTrue(text.contains("0000:01:00.0  Samsung SS..  " + serial + "  1.8 TiB  nvme"), text);
        assertTrue(text.contains("nvme0n1p1: /v"), text);
    }

    @Test
    void shouldTellMachinesEverything() {
        JsonNode root = JsonMapper.shared()
                .readTree(InventoryJson.of(new Inventory(
                        List.of(driven("M", "S", mounted("nvme0n1p1", "/a \"b\"")), bound()), false)));
        assertEquals(false, root.get("complete").asBoolean());
        JsonNode first = root.get("controllers").get(0);
        assertEquals("0000:01:00.0", first.get("address").asString());
        assertEquals(0x144d, first.get("vendor_id").asInt());
        assertEquals(2000398934016L, first.get("bytes").asLong());
        assertEquals(14, first.get("iommu_group").asInt());
        assertEquals("nvme0n1", first.get("namespaces").get(0).asString());
        assertEquals("mounted", first.get("used_by").get(0).get("kind").asString());
        assertEquals("/a \"b\"", first.get("used_by").get(0).get("by").asString());
        JsonNode second = root.get("controllers").get(1);
        for (String name : List.of("model", "serial", "firmware", "bytes", "numa_node")) {
            assertTrue(second.get(name).isNull(), name);
        }
    }

    private static Rebound rebound(boolean changed, String before, String now, List<String> disks) {
        return new Rebound(
                PciAddress.parse("0000:01:00.0"),
                changed,
                Optional.ofNullable(before),
                Optional.of(now),
                OptionalInt.of(14),
                disks);
    }

    @Test
    void shouldSayWhatWasDone() {
        assertEquals("""
                0000:01:00.0: nvme -> vfio-pci, IOMMU group 14 (/dev/vfio/14)
                Give it back to the kernel with: sluice unbind 0000:01:00.0
                """, ReboundText.ofBind(rebound(true, "nvme", "vfio-pci", List.of())));
        assertEquals(
                "0000:01:00.0 is bound to vfio-pci already, IOMMU group 14 (/dev/vfio/14)\n",
                ReboundText.ofBind(rebound(false, "vfio-pci", "vfio-pci", List.of())));
        assertEquals(
                "0000:01:00.0: vfio-pci -> nvme: nvme0n1, nvme0n2\n",
                ReboundText.ofUnbind(rebound(true, "vfio-pci", "nvme", List.of("nvme0n1", "nvme0n2"))));
        assertEquals(
                "0000:01:00.0: no driver -> nvme: no block device of it has shown up\n",
                ReboundText.ofUnbind(rebound(true, null, "nvme", List.of())));
        assertEquals(
                "0000:01:00.0 is not bound to vfio-pci; nvme has it: nvme0n1\n",
                ReboundText.ofUnbind(rebound(false, "nvme", "nvme", List.of("nvme0n1"))));
    }
}
