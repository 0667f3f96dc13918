package io.sluice.hostpci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bind, on a made-up host; {@link UnbindTest} has the way back. */
class BinderTest extends BinderFixture {
    private HostRefused refused(boolean force) {
        HostRefused e = assertThrows(HostRefused.class, () -> binder.bind(ADDRESS, force));
        assertEquals(List.of(), host.writes(), "something was touched");
        assertTrue(e.getMessage().startsWith(ADDRESS + " was not touched"), e.getMessage());
        for (HostRefused.Problem problem : e.problems()) {
            assertFalse(problem.mend().isBlank(), problem.what());
            assertTrue(e.getMessage().contains(problem.what()), e.getMessage());
            assertTrue(e.getMessage().contains(problem.mend()), e.getMessage());
        }
        return e;
    }

    private void assertRefused(String what, String mend) {
        HostRefused e = refused(false);
        assertEquals(1, e.problems().size(), e.getMessage());
        assertTrue(e.problems().getFirst().what().contains(what), e.getMessage());
        assertTrue(e.problems().getFirst().mend().contains(mend), e.getMessage());
    }

    @Test
    void shouldOverrideThenUnbindThenProbeWhenBinding() throws IOException {
        Rebound rebound = binder.bind(ADDRESS, false);
        assertEquals(
                List.of(
                        "claim nvme0n1",
                        OVERRIDE + " = vfio-pci",
                        NVME_UNBIND + " = " + SSD,
                        "release nvme0n1",
                        PROBE + " = " + SSD),
                host.events);
        assertEquals(
                new Rebound(ADDRESS, true, Optional.of("nvme"), Optional.of("vfio-pci"), OptionalInt.of(7), List.of()),
                rebound);
        assertEquals(List.of(), told);
    }

    @Test
    void shouldDoNothingWhenItIsBoundAlready() throws IOException {
        binder.bind(ADDRESS, false);
        host.events.clear();
        host.writable = false;
        Rebound again = binder.bind(ADDRESS, false);
        assertFalse(again.changed());
        assertEquals(Optional.of("vfio-pci"), again.now());
        assertEquals(List.of(), host.events);
    }

    @Test
    void shouldBindADeviceThatHasNoDriver() throws IOException {
        host.write(host.paths.pciDriver("nvme").resolve("unbind"), SSD);
        host.events.clear();
        assertEquals(Optional.empty(), binder.bind(ADDRESS, false).before());
        assertEquals(List.of(OVERRIDE + " = vfio-pci", PROBE + " = " + SSD), host.events);
        assertEquals(Optional.of("vfio-pci"), driver());
    }

    @Test
    void shouldTellThatTheGroupsNodeIsMissing() throws IOException {
        host.remove("dev/vfio/7");
        binder.bind(ADDRESS, false);
        assertEquals(1, told.size());
        assertTrue(told.getFirst().startsWith(host.paths.dev() + "/vfio/7 is not there"), told.getFirst());
    }

    @Test
    void shouldRefuseWhenThereIsNoSuchDevice() {
        HostRefused e = assertThrows(HostRefused.class, () -> binder.bind(PciAddress.parse("05:00.0"), true));
        assertTrue(e.getMessage().contains("there is no PCI device 0000:05:00.0"), e.getMessage());
        assertTrue(e.getMessage().contains("sluice list"), e.getMessage());
    }

    @Test
    void shouldRefuseWhatIsNoNvmeController() {
        host.file(FakeHost.device(SSD) + "/class", "0x030000\n");
        HostRefused e = refused(true);
        assertTrue(e.getMessage().contains("is not an NVMe controller: its class is 030000"), e.getMessage());
    }

    @Test
    void shouldRefuseWithoutRightsOnSysfs() {
        host.writable = false;
        assertRefused("may not write " + host.paths.sys() + "/" + OVERRIDE, "as root");
    }

    @Test
    void shouldRefuseWhatIsMounted() {
        host.mount("259:1", "/home", "/dev/nvme0n1p1");
        assertRefused("nvme0n1p1 is mounted at /home", "umount /home");
        assertTrue(refused(false).getMessage().contains("--force"));
    }

    @Test
    void shouldRefuseWhatIsSwappedOn() {
        host.append("proc/swaps", host.paths.dev() + "/nvme0n1p2 partition 1 0 -2\n");
        assertRefused("nvme0n1p2 is used as swap", "swapoff ");
    }

    @Test
    void shouldRefuseWhatDeviceMapperOrMdHolds() {
        host.folder("sys/block/nvme0n1/nvme0n1p1/holders/dm-3");
        host.file("sys/block/dm-3/dm/name", "crypt\n");
        assertRefused("nvme0n1p1 is part of dm-3 (crypt)", "dmsetup remove crypt");
        host.remove("sys/block/nvme0n1/nvme0n1p1/holders/dm-3");
        host.folder("sys/block/nvme0n1/nvme0n1p2/holders/md0");
        host.folder("sys/block/md0/md");
        assertRefused("nvme0n1p2 is part of md0", "mdadm --stop");
    }

    @Test
    void shouldRefuseWhatAProcessHasOpen() {
        host.addProcess(4711, "dd", "/dev/nvme0n1p1");
        assertRefused("nvme0n1p1 is open in dd (pid 4711)", "kill 4711");
    }

    @Test
    void shouldRefuseWhatAProcessHasOpenThoughItsNodeWasRemoved() {
        host.addProcess(4711, "dd", "/dev/nvme0n1p1 (deleted)");
        assertRefused("nvme0n1p1 is open in dd (pid 4711)", "kill 4711");
    }

    @Test
    void shouldRefuseWhenThereAreProcessesThatItMayNotLookInto() throws IOException {
        host.addProcess(4711, "dd", "/dev/null");
        // To look for descriptors in a file fails, and not because the process has ended.
        host.remove("proc/4711/fd");
        host.file("proc/4711/fd", "");
        assertRefused("0000:01:00.0 may be in use: there are processes whose open files", "as root");
        assertTrue(binder.bind(ADDRESS, true).changed());
    }

    @Test
    void shouldNotMindAProcessThatEndsMeanwhile() throws IOException {
        host.file("proc/4711/comm", "dd\n");
        assertTrue(binder.bind(ADDRESS, false).changed());
    }

    @Test
    void shouldRefuseWhatIsExportedAsAnNvmeTarget() {
        String target = "sys/kernel/config/nvmet/subsystems/nqn.2026-01.org.example:disk";
        host.file(target + "/namespaces/1/device_path", host.paths.dev() + "/nvme0n1p2\n");
        host.file(target + "/namespaces/1/enable", "1\n");
        host.file(target + "/namespaces/2/device_path", host.paths.dev() + "/nvme0n1p1\n");
        host.file(target + "/namespaces/2/enable", "0\n");
        host.file(target + "/passthru/device_path", "(null)\n");
        host.file(target + "/passthru/enable", "0\n");
        assertRefused(
                "nvme0n1p2 is exported by NVMe target nqn.2026-01.org.example:disk, namespace 1",
                "echo 0 > " + host.paths.sys()
                        + "/kernel/config/nvmet/subsystems/nqn.2026-01.org.example:disk/namespaces/1/enable");
    }

    @Test
    void shouldRefuseAControllerThatIsExportedAsAWhole() {
        String target = "sys/kernel/config/nvmet/subsystems/whole";
        host.file(target + "/passthru/device_path", host.paths.dev() + "/nvme0\n");
        host.file(target + "/passthru/enable", "1\n");
        assertRefused("nvme0 is exported by NVMe target whole", "echo 0 > ");
    }

    private void disk(String name, int bytes, int at, String hex) throws IOException {
        byte[] disk = new byte[bytes];
        byte[] mark = HexFormat.of().parseHex(hex);
        System.arraycopy(mark, 0, disk, at, mark.length);
        host.file("dev/" + name, "");
        Files.write(host.paths.dev().resolve(name), disk);
    }

    @ParameterizedTest
    @CsvSource({
        "512, 4c4142454c4f4e45, an LVM volume group",
        "0, 4c554b53babe, a LUKS volume",
        "4096, fc4e2ba9, an md array",
        "1040384, fc4e2ba9, an md array", // 1 MiB less 8 KiB
        "983040, fc4e2ba9, an md array", // 1 MiB less 64 KiB
        "135168, 0cb1ba0000, a ZFS pool",
        "139264, 0000000000bab10c, a ZFS pool", // big endian
        "4120, c68573f64e1a45ca, a bcache set"
    })
    void shouldRefuseAMemberOfSomethingThatIsNotActive(int at, String mark, String of) throws IOException {
        disk("nvme0n1p2", 1 << 20, at, mark);
        HostRefused e = refused(false);
        assertEquals(1, e.problems().size(), e.getMessage());
        assertTrue(e.getMessage().contains("it is in use: nvme0n1p2 holds a"), e.getMessage());
        assertTrue(e.getMessage().contains(of), e.getMessage());
        assertTrue(e.getMessage().contains("wipefs -a"), e.getMessage());
        assertTrue(binder.bind(ADDRESS, true).changed());
    }

    @ParameterizedTest
    @CsvSource({
        "1080, 53ef, ext4",
        "0, 58465342, XFS",
        "65600, 5f42485266535f4d, btrfs",
        "4086, 53574150535041434532, swap",
    })
    void shouldTellOfAFileSystemThatIsNotMounted(int at, String mark, String what) throws IOException {
        disk("nvme0n1p1", 1 << 20, at, mark);
        assertTrue(binder.bind(ADDRESS, false).changed());
        assertEquals(1, told.size(), told.toString());
        assertTrue(told.getFirst().startsWith("nvme0n1p1 holds a"), told.getFirst());
        assertTrue(told.getFirst().contains(what), told.getFirst());
    }

    @Test
    void shouldNotLookForMarksOnADiskThatIsTooSmallForThem() throws IOException {
        disk("nvme0n1", 3, 0, "584653");
        disk("nvme0n1p1", 0, 0, "");
        assertTrue(binder.bind(ADDRESS, false).changed());
        assertEquals(List.of(), told);
    }

    @Test
    void shouldRefuseWhatSomebodyHoldsUnseen() {
        host.makeBusy("nvme0n1");
        assertRefused("nvme0n1 is held by", "lsblk");
    }

    @Test
    void shouldRefuseWhenItCannotBeToldWhetherItIsInUse() {
        host.unclaimable.put("nvme0n1", Errno.ENOENT);
        assertRefused("nvme0n1 may be in use: open of /dev/nvme0n1: No such file", "can be opened");
    }

    @Test
    void shouldRefuseWhenTheIommuIsOff() {
        host.remove(FakeHost.device(SSD) + "/iommu_group");
        assertRefused("the IOMMU is off", "add intel_iommu=on to the kernel's command line (AMD needs no option)");
        host.file("proc/cmdline", "quiet intel_iommu=on\n");
        assertRefused("the IOMMU is off", "asks for it already");
        host.file("proc/cmdline", "quiet iommu=off amd_iommu=off\n");
        assertRefused("the IOMMU is off", "remove iommu=off and amd_iommu=off from the kernel's command line");
    }

    @Test
    void shouldRefuseWhenADeviceOfTheGroupIsInTheKernelsHands() {
        host.addSsd("0000:01:00.1", 7, "nvme1");
        assertRefused(
                "0000:01:00.1 (class 010802, driver nvme) shares IOMMU group 7",
                "if the host can do without 0000:01:00.1: sluice bind 0000:01:00.1; else move");
    }

    @ParameterizedTest
    @CsvSource({"0x060400, shpchp", "0x030000, nouveau"})
    void shouldRefuseWhenABridgeOrAnythingElseDoesDmaInTheGroup(String code, String driver) {
        host.addDriver(driver);
        host.addFunction("0000:00:1c.0", code, 7);
        host.setDriver("0000:00:1c.0", driver);
        assertRefused(
                "0000:00:1c.0 (class " + code.substring(2) + ", driver " + driver + ") shares IOMMU group 7",
                "echo 0000:00:1c.0 > " + host.paths.pciDriver(driver).resolve("unbind"));
    }

    @Test
    void shouldNameAMemberOfTheGroupThatIsNotOfPci() {
        host.folder("sys/bus/platform/drivers/i2c_designware");
        host.link("sys/devices/platform/80860F41:00/driver", "../../../bus/platform/drivers/i2c_designware");
        host.link("sys/kernel/iommu_groups/7/devices/80860F41:00", "../../../../devices/platform/80860F41:00");
        assertRefused(
                "80860F41:00 (driver i2c_designware) shares IOMMU group 7",
                "echo 80860F41:00 > " + host.paths.sys().resolve("bus/platform/drivers/i2c_designware/unbind"));
    }

    @ParameterizedTest
    @CsvSource({
        "0x060400, pcieport",
        "0x030000, vfio-pci",
        "0x020000, mlx5_vfio_pci",
        "0x030000, pci-stub",
        "0x030000, ''"
    })
    void shouldAcceptHarmlessDevicesInTheGroup(String code, String driver) throws IOException {
        host.addFunction("0000:00:1c.0", code, 7);
        if (!driver.isEmpty()) {
            host.setDriver("0000:00:1c.0", driver);
        }
        assertEquals(Optional.of("vfio-pci"), binder.bind(ADDRESS, false).now());
    }

    @Test
    void shouldLoadTheModuleItselfWhenNothingElseIsInTheWay() throws IOException {
        host.remove("sys/bus/pci/drivers/vfio-pci");
        host.remove("dev/vfio/vfio");
        binder.bind(ADDRESS, false);
        assertEquals(List.of("claim nvme0n1", "modprobe vfio-pci"), host.events.subList(0, 2));
        assertEquals(List.of("loading the module vfio-pci"), told);
    }

    @Test
    void shouldRefuseWhenTheModuleCannotBeLoaded() {
        host.remove("sys/bus/pci/drivers/vfio-pci");
        host.modprobeWorks = false;
        assertRefused("module vfio-pci is not loaded", "modprobe vfio-pci");
        assertTrue(told.contains("modprobe vfio-pci failed: FATAL: Module not found"), told.toString());
    }

    @Test
    void shouldRefuseWhenVfiosContainerIsMissing() {
        host.remove("dev/vfio/vfio");
        host.modprobeWorks = false;
        assertRefused("/vfio/vfio is not there", "modprobe vfio");
    }

    @Test
    void shouldTellEverythingAtOnceAndLoadNothing() {
        host.mount("259:1", "/a", "/dev/nvme0n1p1");
        host.mount("259:2", "/b", "/dev/nvme0n1p2");
        host.addProcess(9, "fio", "/dev/nvme0");
        host.addFunction("0000:01:00.1", "0x040300", 7);
        host.setDriver("0000:01:00.1", "snd_hda_intel");
        host.remove("sys/bus/pci/drivers/vfio-pci");
        host.writable = false;
        HostRefused e = refused(false);
        assertEquals(6, e.problems().size(), e.getMessage());
        assertTrue(e.getMessage().contains("for 6 reasons"), e.getMessage());
        assertEquals(List.of(), host.events);
    }

    @Test
    void shouldForceUseButNothingElse() throws IOException {
        host.mount("259:1", "/a", "/dev/nvme0n1p1");
        host.addSsd("0000:01:00.1", 7, "nvme1");
        assertEquals(1, refused(true).problems().size());
        host.write(host.paths.pciDriver("nvme").resolve("unbind"), "0000:01:00.1");
        assertEquals(Optional.of("vfio-pci"), binder.bind(ADDRESS, true).now());
    }

    @Test
    void shouldGiveItsClaimsUpWhenItRefuses() {
        host.remove(FakeHost.device(SSD) + "/iommu_group");
        refused(false);
        assertEquals(List.of("claim nvme0n1", "release nvme0n1"), host.events);
    }

    // ---- bind, half way ----

    private String failedBind() {
        IOException e = assertThrows(IOException.class, () -> binder.bind(ADDRESS, false));
        assertFalse(e instanceof HostRefused, e.getMessage());
        assertEquals(1, host.events.stream().filter("release nvme0n1"::equals).count());
        return e.getMessage();
    }

    private void assertAsBefore(String message) {
        assertTrue(message.endsWith("It was put back: nvme has it, as before."), message);
        assertEquals(Optional.of("nvme"), driver());
        assertEquals(Optional.of("(null)"), override());
    }

    @Test
    void shouldPutAllBackWhenTheOverrideIsRefused() {
        host.failingWrites.put(OVERRIDE, "Read-only file system");
        String message = failedBind();
        assertTrue(message.contains("Read-only file system. It could NOT be put back"), message);
        assertEquals(Optional.of("nvme"), driver());
    }

    @Test
    void shouldPutAllBackWhenTheOldDriverDoesNotLetGo() {
        host.failingWrites.put(NVME_UNBIND, "Device or resource busy");
        String message = failedBind();
        assertTrue(message.contains("Device or resource busy"), message);
        assertAsBefore(message);
    }

    @Test
    void shouldPutAllBackWhenTheProbeFails() {
        host.failingWrites.put(PROBE, "Invalid argument");
        assertAsBefore(failedBind());
        assertEquals(
                List.of(
                        OVERRIDE + " = vfio-pci",
                        NVME_UNBIND + " = " + SSD,
                        PROBE + " = " + SSD,
                        OVERRIDE + " = \\n",
                        NVME_BIND + " = " + SSD),
                host.writes());
    }

    @Test
    void shouldPutAllBackWhenVfioDoesNotTakeIt() {
        host.decliningDrivers.add("vfio-pci");
        String message = failedBind();
        assertTrue(message.contains("vfio-pci did not take 0000:01:00.0 (no driver has it)"), message);
        assertAsBefore(message);
    }

    @Test
    void shouldRestoreAnOverrideOfSomebodyElse() throws IOException {
        host.write(host.paths.sys().resolve(OVERRIDE), "nvme");
        host.events.clear();
        host.decliningDrivers.add("vfio-pci");
        failedBind();
        assertEquals(Optional.of("nvme"), override());
        assertEquals(Optional.of("nvme"), driver());
    }

    @Test
    void shouldSayThatItCouldNotBePutBack() {
        host.failingWrites.put(PROBE, "Invalid argument");
        host.failingWrites.put(NVME_BIND, "No such device");
        String message = failedBind();
        assertTrue(message.contains("Invalid argument. It could NOT be put back to nvme"), message);
        assertTrue(message.contains("No such device. Try: sluice unbind 0000:01:00.0"), message);
    }

    @Test
    void shouldSayThatItCouldNotBePutBackWhenTheOldDriverDeclines() {
        host.decliningDrivers.addAll(List.of("vfio-pci", "nvme"));
        String message = failedBind();
        assertTrue(message.contains("NOT be put back to nvme: no driver has it now"), message);
    }
}
