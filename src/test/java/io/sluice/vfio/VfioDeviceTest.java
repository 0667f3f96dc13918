package io.sluice.vfio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciDevice.Bar;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.linux.Posix;
import io.sluice.mem.Translator;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device over a kernel that a test stands in for: what is called, in which order, and what is left when a step fails. */
class VfioDeviceTest {
    private static final int READ_WRITE = Translator.READ + Translator.WRITE;
    private static final int PAGE = 4096;

    @TempDir
    Path folder;

    private final FakeKernel kernel = new FakeKernel();
    private HostTree host;
    private Fd memory;

    @BeforeEach
    void makeHost() throws Exception {
        host = HostTree.withSsd(folder);
        memory = Memfd.create("dma", 16 * PAGE);
    }

    @AfterEach
    void nothingIsLeft() {
        memory.close();
        assertEquals(0, kernel.open.size(), "descriptors left open");
        assertEquals(0, kernel.mapped.size(), "mappings left");
    }

    private VfioDevice open() throws IOException {
        return VfioDevice.open(kernel, host.sys, host.dev, HostTree.SSD, 1 << 20);
    }

    // ---- opening

    @Test
    void shouldLeaveNothingBehindWhicheverStepOfOpeningFails() throws Exception {
        open().close();
        int steps = kernel.calls.indexOf("VFIO_DEVICE_GET_REGION_INFO") + 1;
        assertTrue(steps > 10, kernel.calls.toString());
        for (int step = 0; step < steps; step++) {
            kernel.calls.clear();
            kernel.failsAt = step;
            assertThrows(IOException.class, this::open, "step " + step);
            assertEquals(0, kernel.open.size(), "descriptors left open by step " + step);
        }
        kernel.failsAt = -1;
    }

    // ---- DMA

    @Test
    void shouldMapMemoryBeforeTheDeviceReachesItAndUnmapItAfter() throws Exception {
        try (VfioDevice device = open()) {
            kernel.calls.clear();
            device.mapDma(memory, PAGE, 2 * PAGE, 0x10_0000, READ_WRITE);
            assertEquals(2 * PAGE, kernel.dma.get(0x10_0000L)[1]);
            device.unmapDma(0x10_0000, 2 * PAGE);

            assertEquals(List.of("mmap", "VFIO_IOMMU_MAP_DMA", "VFIO_IOMMU_UNMAP_DMA", "munmap"), kernel.calls);
        }
    }

    @Test
    void shouldKeepNoMemoryWhenTheIommuRefuses() throws Exception {
        try (VfioDevice device = open()) {
            kernel.failures.put("VFIO_IOMMU_MAP_DMA", Errno.ENOMEM);
            IOException refused =
                    assertThrows(IOException.class, () -> device.mapDma(memory, 0, PAGE, 0x10_0000, READ_WRITE));
            assertTrue(refused.getMessage().contains("the host has no memory left"), refused.getMessage());
            assertFalse(refused.getMessage().contains("ulimit"), "the limit is not the reason");

            kernel.lockedMemory = new LockedMemory(8192, 8192, false);
            refused = assertThrows(IOException.class, () -> device.mapDma(memory, 0, PAGE, 0x10_0000, READ_WRITE));
            assertTrue(refused.getMessage().contains("LimitMEMLOCK=infinity"), refused.getMessage());
            assertTrue(refused.getMessage().contains("ulimit -l unlimited"), refused.getMessage());
            assertFalse(refused.getMessage().contains("free -m"), "memory is not the reason");
            assertEquals(0, kernel.mapped.size());
        }
    }

    @Test
    void shouldOpenNothingWhenTooLittleMemoryMayBeLocked() {
        kernel.lockedMemory = new LockedMemory((1 << 20) + 8191, 8192, false);

        IOException refused = assertThrows(IOException.class, this::open);

        assertTrue(refused.getMessage().contains("ulimit -l unlimited"), refused.getMessage());
        assertTrue(refused.getMessage().contains("may lock 1056767 bytes, has locked 8192"), refused.getMessage());
        assertEquals(List.of(), kernel.calls);
    }

    @Test
    void shouldKnowHowMuchMemoryMayBeLocked() {
        List<String> user = List.of("Name:\tjava", "VmLck:\t      16 kB", "CapEff:\t0000000000000000");
        assertEquals(new LockedMemory(65_536, 16_384, false), LockedMemory.of(65_536, user));
        assertTrue(LockedMemory.of(65_536, user).allows(49_152));
        assertFalse(LockedMemory.of(65_536, user).allows(49_153));
        assertTrue(LockedMemory.of(Posix.UNLIMITED, user).allows(Long.MAX_VALUE));
        List<String> root = List.of("VmLck:\t       0 kB", "CapEff:\t000001ffffffffff");
        assertTrue(LockedMemory.of(65_536, root).allows(Long.MAX_VALUE), "CAP_IPC_LOCK");
        List<String> others = List.of("CapEff:\t" + Long.toHexString(~(1L << 14)));
        assertFalse(LockedMemory.of(65_536, others).allows(65_537), "all capabilities but that one");
    }

    @Test
    void shouldKeepTheMemoryWhenTheIommuDoesNotLetGoUntilItIsClosed() throws Exception {
        VfioDevice device = open();
        device.mapDma(memory, 0, PAGE, 0x10_0000, READ_WRITE);
        kernel.failures.put("VFIO_IOMMU_UNMAP_DMA", Errno.EIO);
        assertThrows(IOException.class, () -> device.unmapDma(0x10_0000, PAGE));
        assertEquals(1, kernel.mapped.size());
        kernel.calls.clear();

        device.close();

        assertEquals(
                List.of("pread", "pwrite", "close device", "close group", "close container", "munmap"), kernel.calls);
    }

    @Test
    void shouldRefuseToUnmapWhatWasNotMappedSo() throws Exception {
        try (VfioDevice device = open()) {
            device.mapDma(memory, 0, 2 * PAGE, 0x10_0000, READ_WRITE);
            assertThrows(IOException.class, () -> device.unmapDma(0x10_0000, PAGE));
            assertThrows(IOException.class, () -> device.unmapDma(0x10_1000, PAGE));
            assertThrows(IOException.class, () -> device.mapDma(memory, 0, PAGE, 0x10_0000, READ_WRITE));
            assertEquals(1, kernel.dma.size());
        }
    }

    @Test
    void shouldNeverLetADmaMappingOutliveItsMemoryWhateverFails() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int run = 0; run < 300; run++) {
            try {
                runWithRandomFailures(random);
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed + ", run " + run + ": " + kernel.calls, e);
            }
            assertEquals(0, kernel.mapped.size(), "seed " + seed + ", run " + run);
            assertEquals(0, kernel.open.size(), "seed " + seed + ", run " + run);
        }
    }

    /** The stand-in for the kernel asserts at each munmap that no DMA mapping is left over it. */
    private void runWithRandomFailures(Random random) {
        kernel.calls.clear();
        kernel.dma.clear();
        kernel.failsAt = random.nextInt(60);
        try (VfioDevice device = open()) {
            for (int i = 0; i < 20; i++) {
                disturb(device, random);
            }
        } catch (IOException expected) {
            // that is what this test is about
        } finally {
            kernel.failsAt = -1;
        }
    }

    private void disturb(VfioDevice device, Random random) {
        long iova = 0x10_0000L * (1 + random.nextInt(4));
        try {
            switch (random.nextInt(4)) {
                case 0 -> device.unmapDma(iova, PAGE);
                case 1 -> device.openBar(0);
                default -> device.mapDma(memory, random.nextInt(16) * (long) PAGE, PAGE, iova, READ_WRITE);
            }
        } catch (IOException expected) {
            // a call that failed, or a piece that is not mapped or mapped already
        }
    }

    // ---- configuration space, BARs

    @Test
    void shouldReadAndWriteConfigurationInTheDevicesFile() throws Exception {
        try (VfioDevice device = open()) {
            device.writeConfig(PciHeader.COMMAND, 2, 0x0406);
            device.writeConfig(0x40, 4, 0x8899_aabb);
            assertEquals(0x0406, device.readConfig(PciHeader.COMMAND, 2));
            assertEquals(0x99, device.readConfig(0x42, 1));
        }
    }

    @Test
    void shouldSwitchBusMasterOffWhenClosed() throws Exception {
        VfioDevice device = open();
        device.writeConfig(PciHeader.COMMAND, 2, 0x0406);
        kernel.calls.clear();
        device.close();

        assertEquals(List.of("pread", "pwrite", "close device", "close group", "close container"), kernel.calls);
    }

    @Test
    void shouldReachARegisterTheSameWayMappedOrNot() throws Exception {
        VfioDevice device = open();
        Bar bar = device.openBar(0);
        assertTrue(bar.mappedAddress(0, FakeKernel.BAR_BYTES) != 0);
        bar.writeLong(0x1000, 0x1122_3344_5566_7788L);
        assertEquals(0x5566_7788, bar.readInt(0x1000));
        device.close();
        assertThrows(IOException.class, () -> bar.readInt(0x1000));
    }

    // ---- interrupts

    @Test
    void shouldSetAllVectorsAtOnceWhenMoreAreAskedForThanBefore() throws Exception {
        try (VfioDevice device = open();
                EventFd event = EventFd.create()) {
            device.setInterruptTargets(InterruptKind.MSIX, 1, List.of(event));
            device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(event));
            device.setInterruptTargets(InterruptKind.MSIX, 1, Arrays.asList(event, null, event));
            device.disableInterrupts(InterruptKind.MSIX);
            device.disableInterrupts(InterruptKind.MSIX);

            List<String> expected = new ArrayList<>();
            expected.add("24 index 2 start 0 count 2 [-, set]");
            expected.add("24 index 2 start 0 count 1 [set]");
            expected.add("21 index 2 start 0 count 0 []");
            expected.add("24 index 2 start 0 count 4 [set, set, -, set]");
            expected.add("21 index 2 start 0 count 0 []");
            assertEquals(expected, kernel.irqs);
        }
    }

    @Test
    void shouldKeepSignallingATargetThatItsOwnerHasClosedWhenMoreAreSet() throws Exception {
        try (VfioDevice device = open();
                EventFd second = EventFd.create();
                EventFd keptByATest = EventFd.create()) {
            Fd first = keptByATest.fd().duplicate();
            device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(EventFd.adopt(first)));
            first.close();
            Fd stranger = Fd.adopt(EventFd.create().fd().number()); // has the number that was just given back

            device.setInterruptTargets(InterruptKind.MSIX, 1, List.of(second));

            assertTrue(kernel.raise(InterruptKind.MSIX, 0));
            assertEquals(1, keptByATest.drain(), "the first target");
            assertEquals(0, EventFd.adopt(stranger).drain(), "a stranger");
            stranger.close();
        }
    }

    @Test
    void shouldHoldNoDescriptorOfATargetThatWasReplacedOrDisabled() throws Exception {
        try (EventFd event = EventFd.create()) {
            int before = eventFds();
            try (VfioDevice device = open()) {
                device.setInterruptTargets(InterruptKind.REQ, 0, List.of(event));
                device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(event, event, event));
                assertEquals(before + 4, eventFds() - kernel.targets());
                device.setInterruptTargets(InterruptKind.MSIX, 1, Arrays.asList(event, null));
                assertEquals(before + 3, eventFds() - kernel.targets());
                device.disableInterrupts(InterruptKind.MSIX);
                assertEquals(before + 1, eventFds() - kernel.targets());
            }
            assertEquals(before, eventFds() - kernel.targets());
        }
    }

    private static int eventFds() throws IOException {
        int found = 0;
        try (var files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path file : files) {
                found += linkOf(file).contains("eventfd") ? 1 : 0;
            }
        }
        return found;
    }

    private static String linkOf(Path file) {
        try {
            return Files.readSymbolicLink(file).toString();
        } catch (IOException closedMeanwhile) {
            return "";
        }
    }

    @Test
    void shouldSetTheOldTargetsAgainWhenThereAreNotEnoughVectorsForMore() throws Exception {
        kernel.vectorsOfTheHost = 2;
        try (VfioDevice device = open();
                EventFd event = EventFd.create()) {
            device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(event, event));
            IOException few = assertThrows(
                    IOException.class, () -> device.setInterruptTargets(InterruptKind.MSIX, 2, List.of(event)));

            assertTrue(few.getMessage().contains("only 2 interrupt vectors"), few.getMessage());
            assertTrue(kernel.raise(InterruptKind.MSIX, 0) && kernel.raise(InterruptKind.MSIX, 1), "they are lost");
            assertEquals(2, event.drain());
        }
    }

    @Test
    void shouldSayThatNoneIsSetWhenTheOldTargetsAreRefusedToo() throws Exception {
        try (VfioDevice device = open();
                EventFd event = EventFd.create()) {
            device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(event));
            kernel.refusedIrqIndex = InterruptKind.MSIX.index();
            IOException none = assertThrows(
                    IOException.class, () -> device.setInterruptTargets(InterruptKind.MSIX, 1, List.of(event)));
            assertTrue(none.getMessage().contains("so that none is"), none.getMessage());

            kernel.refusedIrqIndex = -1;
            device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(event));
            assertTrue(kernel.raise(InterruptKind.MSIX, 0));
        }
    }

    @Test
    void shouldSayThatOneKindOfInterruptsKeepsTheOtherOut() throws Exception {
        kernel.refusedIrqIndex = InterruptKind.INTX.index();
        try (VfioDevice device = open();
                EventFd event = EventFd.create()) {
            device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(event));
            IOException refused = assertThrows(
                    IOException.class, () -> device.setInterruptTargets(InterruptKind.INTX, 0, List.of(event)));
            assertTrue(refused.getMessage().contains("uses MSIX: disable those first"), refused.getMessage());
        }
    }

    @Test
    void shouldUnmaskWithoutEventfds() throws Exception {
        try (VfioDevice device = open()) {
            device.unmaskInterrupts(InterruptKind.INTX, 0, 1);
            assertEquals(List.of("11 index 0 start 0 count 1 []"), kernel.irqs);
        }
    }

    @Test
    void shouldSayWhenTheHostHasNotSoManyVectors() throws Exception {
        kernel.vectorsOfTheHost = 2;
        try (VfioDevice device = open();
                EventFd event = EventFd.create()) {
            IOException few = assertThrows(
                    IOException.class,
                    () -> device.setInterruptTargets(InterruptKind.MSIX, 0, List.of(event, event, event)));
            assertTrue(few.getMessage().contains("only 2 interrupt vectors"), few.getMessage());
        }
    }

    @Test
    void shouldHaveNoInterruptsOfAKindThatTheDeviceLacks() throws Exception {
        try (VfioDevice device = open()) {
            assertEquals(0, device.interruptCount(InterruptKind.ERR));
            assertEquals(8, device.interruptCount(InterruptKind.MSIX));
            assertEquals(1, device.interruptCount(InterruptKind.REQ));
        }
    }

    // ---- reset

    @Test
    void shouldSayWhenADeviceCannotBeReset() throws Exception {
        kernel.canReset = false;
        try (VfioDevice device = open()) {
            assertFalse(device.canReset());
            assertThrows(IOException.class, device::reset);
        }
        kernel.canReset = true;
        try (VfioDevice device = open()) {
            device.reset();
            assertEquals("VFIO_DEVICE_RESET", kernel.calls.getLast());
        }
    }
}
