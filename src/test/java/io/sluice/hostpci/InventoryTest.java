package io.sluice.hostpci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found on a made-up host, and who uses it. */
class InventoryTest {
    private static final String SSD = "0000:01:00.0";

    @TempDir
    private Path folder;

    private FakeHost host;

    @BeforeEach
    void makeHost() {
        host = new FakeHost(folder);
    }

    private Inventory take() {
        return Inventory.take(host.paths, host);
    }

    private HostController only() {
        Inventory inventory = take();
        assertEquals(1, inventory.controllers().size());
        return inventory.controllers().getFirst();
    }

    private List<String> sentences() {
        return only().uses().stream().map(Use::sentence).toList();
    }

    private String mend() {
        assertEquals(1, only().uses().size(), only().toString());
        return only().uses().getFirst().mend();
    }

    @Test
    void shouldFindNothingOnAHostWithoutNvme() {
        host.addFunction("0000:00:01.0", "0x030000", 1);
        assertEquals(List.of(), take().controllers());
        assertTrue(take().complete());
    }

    @Test
    void shouldFindNothingWhereThereIsNoPci() {
        host.remove("sys");
        assertEquals(List.of(), take().controllers());
    }

    @Test
    void shouldTellAllOfAControllerThatTheKernelDrives() {
        host.addSsd(SSD, 7, "nvme0");
        host.file(FakeHost.device(SSD) + "/numa_node", "1\n");
        HostController controller = only();
        assertEquals(PciAddress.parse(SSD), controller.address());
        assertEquals(0x1b36, controller.vendorId());
        assertEquals(0x0010, controller.deviceId());
        assertEquals(Optional.of("QEMU NVMe Ctrl"), controller.model());
        assertEquals(Optional.of("S-nvme0"), controller.serial());
        assertEquals(Optional.of("11.1"), controller.firmware());
        assertEquals(OptionalLong.of(1L << 30), controller.bytes());
        assertEquals(Optional.of("nvme"), controller.driver());
        assertEquals(OptionalInt.of(7), controller.iommuGroup());
        assertEquals(OptionalInt.of(1), controller.numaNode());
        assertEquals(List.of("nvme0n1"), controller.namespaces());
        assertEquals(List.of(), controller.uses());
    }

    @Test
    void shouldLeaveOpenWhatOnlyTheKernelsDriverKnows() {
        host.addFunction(SSD, "0x010802", 7);
        host.remove(FakeHost.device(SSD) + "/iommu_group");
        HostController controller = only();
        assertEquals(Optional.empty(), controller.model());
        assertEquals(Optional.empty(), controller.serial());
        assertEquals(OptionalLong.empty(), controller.bytes());
        assertEquals(Optional.empty(), controller.driver());
        assertEquals(OptionalInt.empty(), controller.iommuGroup());
        assertEquals(OptionalInt.empty(), controller.numaNode());
    }

    @Test
    void shouldSortByAddress() {
        host.addSsd("10000:01:00.0", 9, "nvme1");
        host.addSsd("0000:02:00.0", 7, "nvme0");
        assertEquals(
                List.of("0000:02:00.0", "10000:01:00.0"),
                take().controllers().stream().map(c -> c.address().toString()).toList());
    }

    @Test
    void shouldAddUpNamespacesWhoseNumberIsTheSubsystems() {
        host.addSsd(SSD, 7, "nvme3");
        host.folder(FakeHost.device(SSD) + "/nvme/nvme3/nvme1n2");
        host.addDisk("nvme1n2", "259:9", 8);
        assertEquals(List.of("nvme1n2", "nvme3n1"), only().namespaces());
        assertEquals(OptionalLong.of((1L << 30) + 4096), only().bytes());
    }

    @Test
    void shouldFindTheHeadOfMultipathAndItsUsers() {
        host.addFunction(SSD, "0x010802", 7);
        host.file(FakeHost.device(SSD) + "/nvme/nvme2/model", "M\n");
        host.file(FakeHost.device(SSD) + "/nvme/nvme2/nvme0c2n1/size", "16\n");
        host.addDisk("nvme0n1", "259:4", 16);
        host.mount("259:4", "/data", "/dev/nvme0n1");
        assertEquals(List.of("nvme0n1"), only().namespaces());
        assertEquals(OptionalLong.of(8192), only().bytes());
        assertEquals(List.of("nvme0n1 is mounted at /data"), sentences());
    }

    @Test
    void shouldShowNoControlCharactersOfADevice() {
        host.addSsd(SSD, 7, "nvme0");
        host.file(FakeHost.device(SSD) + "/nvme/nvme0/model", "Bad\u001b[2J\u0007\u009bdrive \n");
        assertEquals(Optional.of("Bad\\u001b[2J\\u0007\\u009bdrive"), only().model());
    }

    @Test
    void shouldNameMountPointsOfDisksAndPartitions() {
        host.addSsd(SSD, 7, "nvme0");
        host.mount("259:2", "/", "/dev/root");
        host.mount("259:2", "/var/with\\040blank", "/dev/root");
        host.mount("8:2", "/other", "/dev/sda2");
        assertEquals(List.of("nvme0n1p2 is mounted at /", "nvme0n1p2 is mounted at /var/with blank"), sentences());
        assertEquals("umount '/var/with blank'", only().uses().getLast().mend());
    }

    @Test
    void shouldKnowMountsBySourceWhenTheFileSystemMakesUpItsNumber() {
        host.addSsd(SSD, 7, "nvme0");
        host.mount("0:45", "/btrfs", host.paths.dev() + "/nvme0n1p1");
        assertEquals(List.of("nvme0n1p1 is mounted at /btrfs"), sentences());
        assertEquals("umount /btrfs", mend());
    }

    @Test
    void shouldNameSwap() {
        host.addSsd(SSD, 7, "nvme0");
        host.append("proc/swaps", host.paths.dev() + "/nvme0n1p1   partition\t1000\t0\t-2\n");
        assertEquals(List.of("nvme0n1p1 is used as swap"), sentences());
        assertEquals("swapoff " + host.paths.dev() + "/nvme0n1p1", mend());
    }

    @Test
    void shouldNameDeviceMapperAndWhatIsMountedFromIt() {
        host.addSsd(SSD, 7, "nvme0");
        host.folder("sys/block/nvme0n1/nvme0n1p2/holders/dm-0");
        host.addDisk("dm-0", "254:0", 100);
        host.file("sys/block/dm-0/dm/name", "vg-root\n");
        host.mount("254:0", "/", "/dev/mapper/vg-root");
        assertEquals(List.of("nvme0n1p2 is part of dm-0 (vg-root)", "dm-0 is mounted at /"), sentences());
        assertTrue(only().uses().getFirst().mend().startsWith("dmsetup remove vg-root"));
    }

    @Test
    void shouldNameMd() {
        host.addSsd(SSD, 7, "nvme0");
        host.folder("sys/block/nvme0n1/holders/md127");
        host.folder("sys/block/md127/md");
        assertEquals(List.of("nvme0n1 is part of md127"), sentences());
        assertEquals("mdadm --stop " + host.paths.dev() + "/md127", mend());
    }

    @Test
    void shouldEndWhenHoldersHoldEachOther() {
        host.addSsd(SSD, 7, "nvme0");
        host.folder("sys/block/nvme0n1/holders/dm-0");
        host.addDisk("dm-0", "254:0", 100);
        host.folder("sys/block/dm-0/holders/dm-0");
        assertEquals(List.of("nvme0n1 is part of dm-0", "dm-0 is part of dm-0"), sentences());
    }

    @Test
    void shouldNameLoopDevices() {
        host.addSsd(SSD, 7, "nvme0");
        host.addDisk("loop0", "7:0", 100);
        host.file("sys/block/loop0/loop/backing_file", host.paths.dev() + "/nvme0n1p1\n");
        host.addDisk("loop1", "7:1", 100);
        host.file("sys/block/loop1/loop/backing_file", "/var/disk.img\n");
        assertEquals(List.of("nvme0n1p1 is the backing of loop0"), sentences());
    }

    @Test
    void shouldNameProcessesThatHaveNodesOpen() {
        host.addSsd(SSD, 7, "nvme0");
        host.folder(FakeHost.device(SSD) + "/nvme/nvme0/ng0n1");
        host.addProcess(12, "fio", "/dev/null", "/dev/nvme0n1", "/dev/nvme0n1", "socket:[1]");
        host.addProcess(13, "smartd", "/dev/nvme0");
        host.addProcess(14, "xnvme", "/dev/ng0n1");
        host.addProcess(15, "other", "/dev/nvme01", "/dev/nvme0n11");
        assertEquals(
                List.of(
                        "nvme0 is open in smartd (pid 13)",
                        "ng0n1 is open in xnvme (pid 14)",
                        "nvme0n1 is open in fio (pid 12)"),
                sentences());
        assertEquals(
                "end that process: kill 12",
                only().uses().stream()
                        .filter(use -> use.by().startsWith("fio"))
                        .findFirst()
                        .orElseThrow()
                        .mend());
    }

    @Test
    void shouldNameEachUseOnce() {
        host.addSsd(SSD, 7, "nvme0");
        host.folder(FakeHost.device(SSD) + "/nvme/nvme0/ng0n1");
        host.addProcess(14, "xnvme", "/dev/ng0n1");
        assertEquals(List.of("ng0n1 is open in xnvme (pid 14)"), sentences());
    }

    @Test
    void shouldNameProcessesThatDriveItThroughVfio() {
        host.addFunction(SSD, "0x010802", 7);
        host.setDriver(SSD, "vfio-pci");
        host.folder(FakeHost.device(SSD) + "/vfio-dev/vfio0");
        host.addProcess(20, "qemu-system-x86", "/dev/vfio/vfio", "/dev/vfio/7", "anon_inode:[vfio-device]");
        host.addProcess(21, "java", "/dev/vfio/devices/vfio0");
        host.addProcess(22, "stranger", "/dev/vfio/8", "/dev/vfio/77");
        assertEquals(
                List.of("vfio/7 is open in qemu-system-x86 (pid 20)", "vfio/devices/vfio0 is open in java (pid 21)"),
                sentences());
    }

    @Test
    void shouldFindWhoIsNotToBeSeenByAClaim() {
        host.addSsd(SSD, 7, "nvme0");
        host.makeBusy("nvme0n1");
        assertEquals(List.of("nvme0n1 is held by a user who is not to be seen from here"), sentences());
        assertTrue(take().complete());
    }

    @Test
    void shouldClaimOnlyWhatSeemsUnusedAndOnlyForAMoment() {
        host.addSsd(SSD, 7, "nvme0");
        host.addSsd("0000:02:00.0", 8, "nvme1");
        host.mount("259:1", "/mnt", "/dev/x");
        host.file("sys/block/nvme1n1/nvme1n1p1/dev", "259:8\n");
        host.file("sys/block/nvme1n1/dev", "259:7\n");
        take();
        assertEquals(List.of("claim nvme1n1", "release nvme1n1"), host.events);
    }

    @Test
    void shouldSayThatItDidNotSeeAllWhenItHasNoRights() {
        host.addSsd(SSD, 7, "nvme0");
        host.unclaimable.put("nvme0n1", Errno.EACCES);
        assertFalse(take().complete());
        assertEquals(List.of(), only().uses());
    }
}
