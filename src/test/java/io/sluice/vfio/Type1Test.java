package io.sluice.vfio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator.Range;
import io.sluice.linux.Errno;
import io.sluice.uapi.Vfio;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The group, the container and the IOMMU: what is refused, with which advice, and what the kernel says of its limits. */
class Type1Test {
    @TempDir
    Path folder;

    private final FakeKernel kernel = new FakeKernel();
    private HostTree host;

    @BeforeEach
    void makeHost() throws Exception {
        host = HostTree.withSsd(folder);
    }

    private Type1 open() throws IOException {
        return Type1.open(kernel, host.dev, IommuGroup.of(host.sys, HostTree.SSD), HostTree.SSD);
    }

    private String refusal() {
        String message = assertThrows(IOException.class, this::open).getMessage();
        assertEquals(0, kernel.open.size(), "descriptors left open after: " + message);
        return message;
    }

    private static void assertSays(String message, String... parts) {
        for (String part : parts) {
            assertTrue(message.contains(part), "'" + part + "' is not in: " + message);
        }
    }

    @Test
    void shouldSayThatADeviceIsNotThere() {
        IOException none = assertThrows(IOException.class, () -> IommuGroup.of(host.sys, "0000:99:00.0"));
        assertSays(none.getMessage(), "no PCI device 0000:99:00.0", "sluice list");
    }

    @Test
    void shouldSayThatTheIommuIsOff() throws Exception {
        host.add("0000:02:00.0", -1, "vfio-pci");
        IOException off = assertThrows(IOException.class, () -> IommuGroup.of(host.sys, "0000:02:00.0"));
        assertSays(off.getMessage(), "0000:02:00.0", "intel_iommu=on");
    }

    @ParameterizedTest
    @CsvSource({"nvme, the driver nvme has it", "'', no driver has it"})
    void shouldSayThatADeviceIsNotBound(String driver, String state) throws Exception {
        host.add("0000:02:00.0", 13, driver);
        IOException unbound = assertThrows(IOException.class, () -> IommuGroup.of(host.sys, "0000:02:00.0"));
        assertSays(unbound.getMessage(), state, "sluice bind 0000:02:00.0");
    }

    @Test
    void shouldNameTheDevicesThatSpoilTheGroup() throws Exception {
        host.add("0000:01:00.1", HostTree.GROUP, "nvme");
        host.add("0000:01:00.2", HostTree.GROUP, "");
        host.add("0000:01:00.3", HostTree.GROUP, "xhci_hcd");
        host.add("0000:01:00.4", HostTree.GROUP, "mlx5_vfio_pci");
        host.add("0000:00:1c.0", HostTree.GROUP, "pcieport");
        kernel.viable = false;

        String message = refusal();

        assertSays(message, "IOMMU group 12", "0000:01:00.1 (driver nvme; ", "sluice bind 0000:01:00.1");
        assertSays(message, "0000:01:00.3 (driver xhci_hcd; ", "echo 0000:01:00.3 > ", "drivers/xhci_hcd/unbind");
        assertTrue(!message.contains("0000:01:00.2") && !message.contains("pcieport"), message);
        assertTrue(!message.contains("mlx5"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "ENOENT, modprobe vfio-pci",
        "ENODEV, modprobe vfio-pci",
        "EACCES, as root",
        "EPERM, as root",
        "EBUSY, Another process",
    })
    void shouldSayWhatToDoWhenAFileCannotBeOpened(String errno, String advice) throws Exception {
        kernel.failures.put("open", (Integer) Errno.class.getField(errno).get(null));

        assertSays(refusal(), advice);
    }

    @Test
    void shouldSayThatInterruptsAreNotRemappedAndWhatThatMeans() {
        kernel.failures.put("VFIO_SET_IOMMU", Errno.EPERM);
        assertSays(refusal(), "does not remap interrupts", "firmware", "allow_unsafe_interrupts", "could forge any");
    }

    @ParameterizedTest
    @CsvSource({"VFIO_GROUP_SET_CONTAINER, EPERM", "VFIO_GROUP_SET_CONTAINER, EBUSY"})
    void shouldNameTheSpoilersWhenTheGroupIsNotGivenAway(String call, String errno) throws Exception {
        host.add("0000:01:00.1", HostTree.GROUP, "nvme");
        kernel.failures.put(call, (Integer) Errno.class.getField(errno).get(null));
        assertSays(refusal(), "IOMMU group 12", "fuser /dev/vfio/12", "0000:01:00.1 (driver nvme; ");
    }

    @Test
    void shouldNameTheSpoilersWhenTheDeviceIsNotGivenAway() throws Exception {
        host.add("0000:01:00.1", HostTree.GROUP, "nvme");
        try (Type1 iommu = open()) {
            kernel.failures.put("VFIO_GROUP_GET_DEVICE_FD", Errno.EPERM);
            IOException refused = assertThrows(IOException.class, () -> iommu.openDevice(HostTree.SSD));
            assertSays(refused.getMessage(), "fuser /dev/vfio/12", "0000:01:00.1 (driver nvme; ");
        }
    }

    @Test
    void shouldSayHowToRaiseTheLimitOfMappings() throws Exception {
        try (Type1 iommu = open()) {
            kernel.failures.put("VFIO_IOMMU_MAP_DMA", Errno.ENOSPC);
            IOException refused = assertThrows(IOException.class, () -> iommu.map(0, 4096, 0, 1));
            assertSays(refused.getMessage(), "echo 1000000 > /sys/module/vfio_iommu_type1/parameters/dma_entry_limit");
        }
    }

    @Test
    void shouldRefuseAnInterfaceThatItDoesNotKnow() {
        kernel.apiVersion = 1;
        assertSays(refusal(), "interface 1");
    }

    @Test
    void shouldSayThatTheIommuDriverIsMissing() {
        kernel.hasType1 = false;
        assertSays(refusal(), "modprobe vfio_iommu_type1");
    }

    @Test
    void shouldRefuseAnIommuWithLargePagesOnly() {
        kernel.pageSizes = 0x4001_0000;
        assertSays(refusal(), "at least 65536 bytes");
    }

    @Test
    void shouldLeaveNothingOpenWhicheverStepFails() throws Exception {
        try (Type1 works = open()) {
            assertEquals(kernel.pageSizes, works.pageSizes());
        }
        int steps = kernel.calls.size() - 2;
        assertEquals(List.of("close group", "close container"), kernel.calls.subList(steps, steps + 2));
        for (int step = 0; step < steps; step++) {
            kernel.calls.clear();
            kernel.failsAt = step;
            refusal();
        }
    }

    @Test
    void shouldTakeTheRangesThatTheKernelLists() throws Exception {
        kernel.iommuCapabilities = ranges(2, 0, 0xfedf_ffffL, 0xfef0_0000L, 0x7f_ffff_ffffL);

        try (Type1 iommu = open()) {
            assertEquals(
                    List.of(new Range(0, 0xfedf_ffffL), new Range(0xfef0_0000L, 0x7f_ffff_ffffL)), iommu.usableIovas());
            assertEquals(Long.MAX_VALUE, iommu.availableMappings());
        }
    }

    @Test
    void shouldTakeTheNumberOfMappingsThatTheKernelSays() throws Exception {
        kernel.iommuCapabilities = capability(Vfio.IOMMU_TYPE1_INFO_DMA_AVAIL, 0, 65_535);

        try (Type1 iommu = open()) {
            assertEquals(65_535, iommu.availableMappings());
        }
    }

    @Test
    void shouldAssumeTheSmallestIommuWhenAnOldKernelListsNoRanges() throws Exception {
        try (Type1 iommu = open()) {
            assertEquals(
                    List.of(new Range(0, 0xfedf_ffffL), new Range(0xfef0_0000L, 0x7f_ffff_ffffL)), iommu.usableIovas());
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "3", "2147483647", "-1"})
    void shouldNotFollowAListThatCannotBe(int count) {
        kernel.iommuCapabilities = ranges(count, 0, 0xfedf_ffffL, 0xfef0_0000L, 0x7f_ffff_ffffL);

        assertSays(refusal(), "ranges of DMA addresses");
    }

    @ParameterizedTest
    @CsvSource({"24", "25", "1000000", "-8"})
    void shouldNotLoopOnAChainOfCapabilitiesThatLoops(int next) throws Exception {
        kernel.iommuCapabilities = capability(77, next, 1);

        try (Type1 iommu = open()) {
            assertEquals(2, iommu.usableIovas().size());
        }
    }

    /** struct vfio_iommu_type1_info_cap_iova_range, the only capability. */
    private static byte[] ranges(int count, long... ends) {
        ByteBuffer bytes = ByteBuffer.allocate(16 + ends.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort((short) Vfio.IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
                .putShort((short) 1)
                .putInt(0);
        bytes.putInt(count).putInt(0);
        for (long end : ends) {
            bytes.putLong(end);
        }
        return bytes.array();
    }

    private static byte[] capability(int id, int next, int... words) {
        ByteBuffer bytes = ByteBuffer.allocate(8 + words.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort((short) id).putShort((short) 1).putInt(next);
        for (int word : words) {
            bytes.putInt(word);
        }
        return bytes.array();
    }
}
