package io.sluice.hostpci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Unbind, on a made-up host. */
class UnbindTest extends BinderFixture {
    private void bound() throws IOException {
        binder.bind(ADDRESS, false);
        host.events.clear();
    }

    @Test
    void shouldUnbindThenClearTheOverrideThenProbeWhenUnbinding() throws IOException {
        bound();
        Rebound rebound = binder.unbind(ADDRESS, false);
        assertEquals(List.of(VFIO_UNBIND + " = " + SSD, OVERRIDE + " = \\n", PROBE + " = " + SSD), host.events);
        assertEquals(
                new Rebound(
                        ADDRESS,
                        true,
                        Optional.of("vfio-pci"),
                        Optional.of("nvme"),
                        OptionalInt.of(7),
                        List.of("nvme0n1")),
                rebound);
    }

    @Test
    void shouldWaitForTheNamespaces() throws IOException {
        bound();
        host.pausesUntilNamespaces = 5;
        assertEquals(List.of("nvme0n1"), binder.unbind(ADDRESS, false).namespaces());
        assertTrue(host.pauses >= 5);
    }

    @Test
    void shouldNotWaitForEverForNamespaces() throws IOException {
        bound();
        host.pausesUntilNamespaces = Integer.MAX_VALUE;
        assertEquals(List.of(), binder.unbind(ADDRESS, false).namespaces());
        assertEquals(Optional.of("nvme"), driver());
    }

    @Test
    void shouldDoNothingWhenTheKernelsDriverHasIt() throws IOException {
        Rebound rebound = binder.unbind(ADDRESS, false);
        assertFalse(rebound.changed());
        assertEquals(Optional.of("nvme"), rebound.now());
        assertEquals(List.of("nvme0n1"), rebound.namespaces());
        assertEquals(List.of(), host.events);
    }

    @Test
    void shouldRefuseToUnbindWhatIsDriven() throws IOException {
        bound();
        host.addProcess(77, "java", "/dev/vfio/7");
        HostRefused e = assertThrows(HostRefused.class, () -> binder.unbind(ADDRESS, false));
        assertTrue(e.getMessage().contains("vfio/7 is open in java (pid 77)"), e.getMessage());
        assertTrue(e.getMessage().contains("kill 77"), e.getMessage());
        assertTrue(e.getMessage().contains("with --force the kernel asks"), e.getMessage());
        assertEquals(List.of(), host.events);
        assertEquals(Optional.of("nvme"), binder.unbind(ADDRESS, true).now());
        assertEquals(List.of("waiting until it is let go of: vfio/7 is open in java (pid 77)"), told);
    }

    @Test
    void shouldNotGiveTheKernelADeviceOfAGroupThatIsInUse() {
        host.addFunction("0000:01:00.1", "0x010802", 7);
        host.addProcess(78, "java", "/dev/vfio/7");
        PciAddress idle = PciAddress.parse("0000:01:00.1");
        HostRefused e = assertThrows(HostRefused.class, () -> binder.unbind(idle, false));
        assertTrue(e.getMessage().contains("vfio/7 is open in java (pid 78)"), e.getMessage());
        assertEquals(List.of(), host.events);
    }

    @Test
    void shouldRefuseToUnbindWithoutRights() throws IOException {
        bound();
        host.writable = false;
        HostRefused e = assertThrows(HostRefused.class, () -> binder.unbind(ADDRESS, false));
        assertTrue(e.getMessage().contains("may not write"), e.getMessage());
        assertEquals(List.of(), host.events);
    }

    @Test
    void shouldSayThatNoDriverTookIt() throws IOException {
        bound();
        host.decliningDrivers.add("nvme");
        IOException e = assertThrows(IOException.class, () -> binder.unbind(ADDRESS, false));
        assertTrue(e.getMessage().contains("no other driver took it"), e.getMessage());
        assertTrue(e.getMessage().contains("modprobe nvme"), e.getMessage());
    }

    @Test
    void shouldSayThatVfioTookItAgain() throws IOException {
        bound();
        host.ownDriver = "vfio-pci";
        IOException e = assertThrows(IOException.class, () -> binder.unbind(ADDRESS, false));
        assertTrue(e.getMessage().contains("vfio-pci took 0000:01:00.0 again"), e.getMessage());
        assertTrue(e.getMessage().contains(NVME_BIND), e.getMessage());
    }

    @Test
    void shouldSayThatVfioDoesNotLetGo() throws IOException {
        bound();
        host.failingWrites.put(VFIO_UNBIND, "Interrupted system call");
        IOException e = assertThrows(IOException.class, () -> binder.unbind(ADDRESS, false));
        assertTrue(e.getMessage().contains("Interrupted system call. vfio-pci still has it"), e.getMessage());
        assertEquals(Optional.of("vfio-pci"), driver());
        assertEquals(Optional.of("vfio-pci"), override(), "nothing has changed");
    }

    @Test
    void shouldSayHowFarItCameWhenTheOverrideCannotBeCleared() throws IOException {
        bound();
        host.failingWrites.put(OVERRIDE, "Read-only file system");
        IOException e = assertThrows(IOException.class, () -> binder.unbind(ADDRESS, false));
        assertTrue(e.getMessage().contains("0000:01:00.0 has no driver now"), e.getMessage());
        assertTrue(e.getMessage().contains("sluice unbind 0000:01:00.0"), e.getMessage());
    }

    @Test
    void shouldRefuseToUnbindWhenAProcessMayDriveItByADescriptorThatItWasGiven() throws IOException {
        bound();
        host.addProcess(80, "qemu", "anon_inode:[vfio-device]", "/dev/vfio/vfio", "/dev/vfio/12");
        assertTrue(binder.unbind(ADDRESS, false).changed(), "that one drives group 12");

        bound();
        host.addProcess(81, "java", "anon_inode:[vfio-device]", "/dev/vfio/vfio");
        HostRefused e = assertThrows(HostRefused.class, () -> binder.unbind(ADDRESS, false));
        assertTrue(
                e.getMessage()
                        .contains(
                                "0000:01:00.0 may be in use: java (pid 81) has a VFIO device open, and it cannot be seen"),
                e.getMessage());
        assertEquals(1, e.problems().size(), e.getMessage());
        assertEquals(List.of(), host.events);
        assertTrue(binder.unbind(ADDRESS, true).changed());
    }

    @Test
    void shouldTellThatItWillNotSetAnOverrideOfSomebodyElseAgain() throws IOException {
        host.write(host.paths.sys().resolve(OVERRIDE), "nvme");
        binder.bind(ADDRESS, false);
        assertEquals(1, told.size(), told.toString());
        assertTrue(told.getFirst().startsWith("driver_override was set to nvme by somebody else"), told.getFirst());
    }

    @Test
    void shouldMendWhatAKilledBindLeft() throws IOException {
        host.write(host.paths.sys().resolve(OVERRIDE), "vfio-pci");
        host.events.clear();
        assertTrue(binder.unbind(ADDRESS, false).changed());
        assertEquals(List.of(OVERRIDE + " = \\n"), host.events);

        host.write(host.paths.sys().resolve(OVERRIDE), "vfio-pci");
        host.write(host.paths.pciDriver("nvme").resolve("unbind"), SSD);
        host.events.clear();
        Rebound rebound = binder.unbind(ADDRESS, false);
        assertEquals(List.of(OVERRIDE + " = \\n", PROBE + " = " + SSD), host.events);
        assertEquals(Optional.of("nvme"), rebound.now());
    }
}
