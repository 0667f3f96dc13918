package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciDevice;
import io.sluice.device.PciDevice.Bar;
import io.sluice.device.Region;
import io.sluice.dma.IovaAllocator;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.SmartLog;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link PciDevice} keeps, shown on an NVMe controller behind it, whose namespace 1 may be overwritten: the
 * suite runs over each adapter.
 */
abstract class PciDeviceContract {
    private static final int NSID = 1;
    private static final int PAGE = Memory.PAGE_BYTES;
    private static final int READ_WRITE = Translator.READ + Translator.WRITE;
    private static final IovaAllocator.Range ADDRESSES = new IovaAllocator.Range(0x10_0000, 0xfedf_ffffL);

    /** Nothing here asserts a time; a wait that is longer than this is a hang. */
    private static final long HANG_NANOS = 30_000_000_000L;

    private static final long SETTLE_NANOS = 50_000_000L;

    PciDevice device;
    private IovaAllocator iovas;

    /** Opens the device, which nobody else has open. */
    abstract PciDevice open() throws IOException;

    /**
     * Whether the controller behind the adapter ends a command in an error when its DMA fails. That is the controller's doing,
     * not the adapter's; the adapter answers for the memory, which stays as it is.
     */
    boolean controllerTellsOfFailedDma() {
        return true;
    }

    /** A read into memory that the device may not write: its end may be an error, the memory is untouched. */
    private void assertReadsNothing(QueuePair pair, Mapping view, long iova, int block) throws IOException {
        Memory.fill(view.address(), PAGE, (byte) 0x5a);
        assertTrue(pair.read(NSID, 0, 1, iova, block, 0));
        int status = await(pair);
        assertFalse(controllerTellsOfFailedDma() && Status.isSuccess(status));
        for (int i = 0; i < PAGE; i++) {
            assertEquals(0x5a, Memory.getByte(view.address() + i));
        }
    }

    @BeforeEach
    void openDevice() throws IOException {
        device = open();
        iovas = new IovaAllocator(List.of(ADDRESSES));
    }

    @AfterEach
    void closeDevice() {
        device.close();
    }

    NvmeDriver start(DriverOptions options) throws IOException {
        return NvmeDriver.start(device, iovas, options);
    }

    /** Polls until a command of its own has ended, and gives its status. */
    static int await(QueuePair pair) throws IOException {
        int[] status = {-1};
        long start = System.nanoTime();
        pair.ring();
        while (pair.poll((token, ended, dw0) -> status[0] = ended, 1) == 0) {
            assertTrue(System.nanoTime() - start < HANG_NANOS, "no completion");
            LockSupport.parkNanos(10_000);
        }
        return status[0];
    }

    // ---- configuration space

    @Test
    void shouldReadTheSameWhateverTheWidthWhenReadingConfiguration() throws IOException {
        int dword = device.readConfig(PciHeader.VENDOR_ID, 4);
        assertNotEquals(-1, dword);
        assertEquals(dword & 0xffff, device.readConfig(PciHeader.VENDOR_ID, 2));
        assertEquals(dword >>> 16, device.readConfig(PciHeader.DEVICE_ID, 2));
        assertEquals(dword >>> 24, device.readConfig(PciHeader.DEVICE_ID + 1, 1));
        assertEquals(PciHeader.CLASS_NVM_EXPRESS, PciAccess.<Integer>read(device, PciHeader::classCode));
    }

    @Test
    void shouldKeepWhatIsWrittenAndDropWhatIsReadOnlyWhenWritingConfiguration() throws IOException {
        int vendor = device.readConfig(PciHeader.VENDOR_ID, 2);
        device.writeConfig(PciHeader.VENDOR_ID, 2, ~vendor & 0xffff);
        assertEquals(vendor, device.readConfig(PciHeader.VENDOR_ID, 2));
        int command = PciHeader.COMMAND_MEMORY_SPACE | PciHeader.COMMAND_BUS_MASTER;
        device.writeConfig(PciHeader.COMMAND, 2, command);
        assertEquals(command, device.readConfig(PciHeader.COMMAND, 2) & command);
        device.writeConfig(PciHeader.COMMAND, 2, 0);
        assertEquals(0, device.readConfig(PciHeader.COMMAND, 2) & PciHeader.COMMAND_BUS_MASTER);
    }

    // ---- BARs

    @Test
    void shouldReadARegisterTheSameWayWhole() throws IOException {
        PciAccess.enable(device);
        Bar bar = device.openBar(Region.BAR0);
        long whole = bar.readLong(Registers.CAP.offset());
        int low = bar.readInt(Registers.CAP.offset());
        int high = bar.readInt(Registers.CAP.offset() + 4);
        assertEquals(whole, (long) high << 32 | Integer.toUnsignedLong(low));
        assertNotEquals(-1L, whole);
        assertTrue(bar.bytes() >= 0x2000, "BAR 0 has the registers and a page of doorbells");
    }

    @Test
    void shouldWriteOneRegisterOnlyWhenWritingFourBytes() throws IOException {
        PciAccess.enable(device);
        Bar bar = device.openBar(Region.BAR0);
        long acq = bar.readLong(Registers.ACQ.offset()); // a reset may keep it
        bar.writeInt(Registers.AQA.offset(), 0x001f_000f);
        bar.writeLong(Registers.ASQ.offset(), 0x1_2345_6000L);
        assertEquals(0x001f_000f, bar.readInt(Registers.AQA.offset()));
        assertEquals(0x1_2345_6000L, bar.readLong(Registers.ASQ.offset()));
        assertEquals(acq, bar.readLong(Registers.ACQ.offset()));
    }

    @Test
    void shouldRefuseAccessWhenItIsNotInTheBar() throws IOException {
        Bar bar = device.openBar(Region.BAR0);
        assertThrows(IllegalArgumentException.class, () -> bar.readInt(bar.bytes()));
        assertThrows(IllegalArgumentException.class, () -> bar.readLong(bar.bytes() - 4));
        assertThrows(IllegalArgumentException.class, () -> bar.writeInt(2, 0));
        assertThrows(IllegalArgumentException.class, () -> bar.writeLong(-8, 0));
        assertEquals(0, bar.mappedAddress(bar.bytes(), 4));
        assertEquals(0, bar.mappedAddress(Doorbells.OFFSET, bar.bytes()));
    }

    @Test
    void shouldSayWhenThereIsNoSuchBar() {
        assertThrows(IOException.class, () -> device.openBar(Region.BAR5));
        assertThrows(IllegalArgumentException.class, () -> device.openBar(Region.ROM));
        assertThrows(IllegalArgumentException.class, () -> device.openBar(-1));
    }

    // ---- DMA

    @Test
    void shouldMoveDataWhenMemoryIsMapped() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16))) {
            QueuePair pair = driver.queuePairs().getFirst();
            int block = driver.namespace(NSID).blockBytes();
            int most = Math.min(pair.maxTransferBytes(), 1 << 20);
            try (DmaArea area = driver.allocate("contract", 2L * most + 2 * PAGE)) {
                for (int bytes = block; bytes <= most; bytes *= 2) {
                    int offset = random.nextInt(PAGE / 4) * 4;
                    assertWritesAndReadsBack(pair, area, offset, bytes, block, random, "seed " + seed);
                }
            }
            driver.shutDown();
        }
    }

    private static void assertWritesAndReadsBack(
            QueuePair pair, DmaArea area, int offset, int bytes, int block, Random random, String message)
            throws IOException {
        byte[] data = new byte[bytes];
        random.nextBytes(data);
        Memory.copyIn(data, 0, area.address() + offset, bytes);
        long target = offset + (long) Math.ceilDiv(bytes + PAGE, PAGE) * PAGE;
        assertTrue(pair.write(NSID, 3, bytes / block, area.iova() + offset, bytes, 0));
        assertEquals(Status.OK, await(pair), message);
        Memory.fill(area.address() + target, bytes, (byte) 0);
        assertTrue(pair.read(NSID, 3, bytes / block, area.iova() + target, bytes, 0));
        assertEquals(Status.OK, await(pair), message);
        byte[] back = new byte[bytes];
        Memory.copyOut(area.address() + target, back, 0, bytes);
        assertArrayEquals(data, back, message + ", " + bytes + " bytes at offset " + offset);
    }

    @Test
    void shouldNotTouchMemoryWhenItIsNotMappedAnyMore() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16));
                Fd memory = Memfd.create("contract", PAGE);
                Mapping view = Mapping.shared(memory, 0, PAGE, 3)) {
            QueuePair pair = driver.queuePairs().getFirst();
            int block = driver.namespace(NSID).blockBytes();
            long iova = 0x1_0000_0000L;
            device.mapDma(memory, 0, PAGE, iova, READ_WRITE);
            assertTrue(pair.read(NSID, 0, 1, iova, block, 0));
            assertEquals(Status.OK, await(pair));
            device.unmapDma(iova, PAGE);
            assertReadsNothing(pair, view, iova, block);
            device.mapDma(memory, 0, PAGE, iova, READ_WRITE);
            assertTrue(pair.read(NSID, 0, 1, iova, block, 0));
            assertEquals(Status.OK, await(pair), "the address can be used again");
            device.unmapDma(iova, PAGE);
        }
    }

    @Test
    void shouldNotWriteMemoryWhenItIsMappedForReadingOnly() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16));
                Fd memory = Memfd.create("contract", PAGE);
                Mapping view = Mapping.shared(memory, 0, PAGE, 3)) {
            QueuePair pair = driver.queuePairs().getFirst();
            int block = driver.namespace(NSID).blockBytes();
            long iova = 0x1_0000_0000L;
            device.mapDma(memory, 0, PAGE, iova, Translator.READ);
            assertTrue(pair.write(NSID, 0, 1, iova, block, 0));
            assertEquals(Status.OK, await(pair), "the device reads it");
            assertReadsNothing(pair, view, iova, block);
            device.unmapDma(iova, PAGE);
        }
    }

    @Test
    void shouldMapThePieceThatIsAskedForWhenAFileHasMore() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16));
                Fd memory = Memfd.create("contract", 4 * PAGE);
                Mapping view = Mapping.shared(memory, 0, 4 * PAGE, 3)) {
            QueuePair pair = driver.queuePairs().getFirst();
            int block = driver.namespace(NSID).blockBytes();
            long iova = 0x1_0000_0000L;
            Memory.fill(view.address(), 4 * PAGE, (byte) 1);
            Memory.fill(view.address() + 2 * PAGE, PAGE, (byte) 2);
            device.mapDma(memory, 2 * PAGE, PAGE, iova, READ_WRITE);
            assertTrue(pair.write(NSID, 0, 1, iova, block, 0));
            assertEquals(Status.OK, await(pair));
            Memory.fill(view.address() + 2 * PAGE, PAGE, (byte) 0);
            assertTrue(pair.read(NSID, 0, 1, iova, block, 0));
            assertEquals(Status.OK, await(pair));
            assertEquals(2, Memory.getByte(view.address() + 2 * PAGE));
            device.unmapDma(iova, PAGE);
        }
    }

    @Test
    void shouldRefuseMapsThatCannotBe() throws IOException {
        try (Fd memory = Memfd.create("contract", 4 * PAGE)) {
            device.mapDma(memory, 0, 2 * PAGE, 0x20_0000, READ_WRITE);
            assertThrows(IOException.class, () -> device.mapDma(memory, 0, PAGE, 0x20_1000, READ_WRITE), "taken");
            assertThrows(IOException.class, () -> device.mapDma(memory, 0, 100, 0x30_0000, READ_WRITE), "length");
            assertThrows(IOException.class, () -> device.mapDma(memory, 0, PAGE, 0x30_0010, READ_WRITE), "address");
            assertThrows(IOException.class, () -> device.mapDma(memory, 0, 0, 0x30_0000, READ_WRITE), "empty");
            device.unmapDma(0x20_0000, 2 * PAGE);
            device.mapDma(memory, PAGE, PAGE, 0x20_1000, READ_WRITE);
            device.unmapDma(0x20_1000, PAGE);
        }
    }

    /** An unmap of nothing at all may be refused or not: VFIO's type1 does nothing and says so. */
    @Test
    void shouldRefuseAnUnmapOfHalfAMap() throws IOException {
        try (Fd memory = Memfd.create("contract", 4 * PAGE)) {
            device.mapDma(memory, 0, 2 * PAGE, 0x20_0000, READ_WRITE);
            assertThrows(IOException.class, () -> device.unmapDma(0x20_0000, PAGE), "first half");
            assertThrows(IOException.class, () -> device.unmapDma(0x20_1000, PAGE), "second half");
            device.unmapDma(0x20_0000, 2 * PAGE);
        }
    }

    // ---- interrupts

    @Test
    void shouldSignalTheQueuesOwnEventfdWhenACommandEnds() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(2, 16).withInterrupts())) {
            for (QueuePair pair : driver.queuePairs()) {
                assertTrue(pair.flush(NSID, 0));
                pair.ring();
                awaitSignal(driver.interrupt(pair.qid()));
                assertEquals(Status.OK, await(pair));
            }
            driver.shutDown();
        }
    }

    @Test
    void shouldSignalTheNewEventfdWhenItHasBeenExchanged() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16).withInterrupts());
                EventFd other = EventFd.create()) {
            QueuePair pair = driver.queuePairs().getFirst();
            device.setInterruptTargets(InterruptKind.MSIX, driver.vector(1), List.of(other));
            driver.interrupt(1).drain();
            assertTrue(pair.flush(NSID, 0));
            pair.ring();
            awaitSignal(other);
            assertEquals(0, driver.interrupt(1).drain());
            assertEquals(Status.OK, await(pair));
        }
    }

    @Test
    void shouldNotSignalWhenInterruptsAreDisabled() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16).withInterrupts())) {
            QueuePair pair = driver.queuePairs().getFirst();
            device.disableInterrupts(InterruptKind.MSIX);
            driver.interrupt(1).drain();
            assertTrue(pair.flush(NSID, 0));
            assertEquals(Status.OK, await(pair));
            driver.checkAlive();
            assertEquals(0, driver.interrupt(1).drain());
        }
    }

    @Test
    void shouldTakeOneEventfdAwayWhenItsTargetIsNull() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16).withInterrupts())) {
            QueuePair pair = driver.queuePairs().getFirst();
            device.setInterruptTargets(InterruptKind.MSIX, driver.vector(1), Arrays.asList((EventFd) null));
            driver.interrupt(1).drain();
            assertTrue(pair.flush(NSID, 0));
            assertEquals(Status.OK, await(pair));
            driver.checkAlive();
            assertEquals(0, driver.interrupt(1).drain());
        }
    }

    @Test
    void shouldRefuseEventfdsForInterruptsThatAreNotThere() throws IOException {
        int count = device.interruptCount(InterruptKind.MSIX);
        assertTrue(count > 0, "an NVMe controller has MSI-X");
        try (EventFd event = EventFd.create()) {
            assertThrows(
                    IOException.class, () -> device.setInterruptTargets(InterruptKind.MSIX, count, List.of(event)));
            device.setInterruptTargets(InterruptKind.MSIX, count - 1, List.of(event));
            device.disableInterrupts(InterruptKind.MSIX);
        }
    }

    /** The pin is a level (NVMe 1.4, 7.5.1), and VFIO masks it with each signal: it comes again when that is undone. */
    @Test
    void shouldSignalThePinUntilCompletionsAreTaken() throws IOException {
        assumeTrue(device.interruptCount(InterruptKind.INTX) == 1, "the device has no interrupt pin");
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16).withInterrupts());
                EventFd pin = EventFd.create()) {
            disableMsix();
            int command = device.readConfig(PciHeader.COMMAND, 2);
            device.writeConfig(PciHeader.COMMAND, 2, command & ~PciHeader.COMMAND_INTX_DISABLE);
            device.setInterruptTargets(InterruptKind.INTX, 0, List.of(pin));
            QueuePair pair = driver.queuePairs().getFirst();
            assertTrue(pair.flush(NSID, 0));
            pair.ring();
            awaitSignal(pin);
            LockSupport.parkNanos(SETTLE_NANOS);
            assertEquals(0, pin.drain(), "it is masked");

            device.unmaskInterrupts(InterruptKind.INTX, 0, 1);
            awaitSignal(pin); // the completion is still there
            assertEquals(Status.OK, await(pair));
            LockSupport.parkNanos(SETTLE_NANOS);
            device.unmaskInterrupts(InterruptKind.INTX, 0, 1);
            LockSupport.parkNanos(SETTLE_NANOS);
            assertEquals(0, pin.drain(), "the completion has been taken");
            device.disableInterrupts(InterruptKind.INTX);
        }
    }

    /** As {@link PciAccess#enableMsix} enables it. */
    private void disableMsix() throws IOException {
        device.disableInterrupts(InterruptKind.MSIX);
        int control = PciAccess.<MsixCapability>read(device, MsixCapability::of).offset() + MsixCapability.CONTROL;
        device.writeConfig(control, 2, device.readConfig(control, 2) & ~MsixCapability.CONTROL_ENABLE);
    }

    static void awaitSignal(EventFd event) {
        long start = System.nanoTime();
        while (event.drain() == 0) {
            assertTrue(System.nanoTime() - start < HANG_NANOS, "no interrupt");
            LockSupport.parkNanos(10_000);
        }
    }

    // ---- reset, close, use again

    @Test
    void shouldBeDisabledWhenReset() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16))) {
            driver.checkAlive();
            device.reset();
            PciAccess.enable(device);
            Bar bar = device.openBar(Region.BAR0);
            assertFalse(Cc.enabled(bar.readInt(Registers.CC.offset())));
            assertFalse(Csts.ready(bar.readInt(Registers.CSTS.offset())));
        }
        try (NvmeDriver again = start(DriverOptions.polled(1, 16))) {
            again.checkAlive();
        }
    }

    @Test
    void shouldWorkAgainWhenOpenedAgain() throws IOException {
        for (int i = 0; i < 3; i++) {
            try (NvmeDriver driver = start(DriverOptions.polled(1, 16))) {
                QueuePair pair = driver.queuePairs().getFirst();
                assertTrue(pair.flush(NSID, 0));
                assertEquals(Status.OK, await(pair));
            } // not shut down: the next one finds what a crash leaves
            device.close();
            device = open();
            iovas = new IovaAllocator(List.of(ADDRESSES));
        }
    }

    @Test
    void shouldFailAndNotHangWhenUsedAfterClose() throws IOException {
        Bar bar = device.openBar(Region.BAR0);
        device.close();
        device.close();
        assertThrows(IOException.class, () -> device.readConfig(0, 2));
        assertThrows(IOException.class, () -> device.writeConfig(PciHeader.COMMAND, 2, 0));
        assertThrows(IOException.class, () -> bar.readInt(Registers.VS.offset()));
        assertThrows(IOException.class, () -> bar.readInt(Doorbells.OFFSET), "mapped or not");
        assertEquals(0, bar.mappedAddress(Doorbells.OFFSET, Doorbells.BYTES));
        assertThrows(IOException.class, () -> device.openBar(Region.BAR0));
        assertThrows(IOException.class, () -> device.reset());
        assertThrows(IOException.class, () -> device.disableInterrupts(InterruptKind.MSIX));
        assertThrows(IOException.class, () -> device.unmapDma(0x20_0000, PAGE));
        try (Fd memory = Memfd.create("contract", PAGE)) {
            assertThrows(IOException.class, () -> device.mapDma(memory, 0, PAGE, 0x20_0000, READ_WRITE));
        }
    }

    @Test
    void shouldLeaveNoDescriptorBehindWhenOpenedAndClosedManyTimes() throws IOException {
        useAndReopen();
        long before = descriptors();
        for (int i = 0; i < 10; i++) {
            useAndReopen();
        }
        assertEquals(before, descriptors());
    }

    private void useAndReopen() throws IOException {
        iovas = new IovaAllocator(List.of(ADDRESSES));
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16).withInterrupts())) {
            driver.checkAlive();
        }
        device.close();
        device = open();
    }

    private static long descriptors() throws IOException {
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.count();
        }
    }

    // ---- every command of the driver

    @Test
    void shouldZeroAndDeallocateAndFlushWhenAsked() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16));
                DmaArea area = driver.allocate("contract", 2 * PAGE)) {
            QueuePair pair = driver.queuePairs().getFirst();
            int block = driver.namespace(NSID).blockBytes();
            Memory.fill(area.address(), block, (byte) 7);
            assertTrue(pair.write(NSID, 5, 1, area.iova(), block, 0));
            assertEquals(Status.OK, await(pair));
            assertTrue(pair.writeZeroes(NSID, 5, 1, false, 0));
            assertEquals(Status.OK, await(pair));
            assertTrue(pair.read(NSID, 5, 1, area.iova(), block, 0));
            assertEquals(Status.OK, await(pair));
            assertEquals(0, Memory.getLong(area.address()));
            DsmRange.set(area.address() + PAGE, 0, 1, 5);
            assertTrue(pair.deallocate(NSID, area.iova() + PAGE, 1, 0));
            assertEquals(Status.OK, await(pair));
            assertTrue(pair.flush(NSID, 0));
            assertEquals(Status.OK, await(pair));
        }
    }

    @Test
    void shouldDeliverTheDevicesErrorWhenACommandIsWrong() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.polled(1, 16));
                DmaArea area = driver.allocate("contract", PAGE)) {
            QueuePair pair = driver.queuePairs().getFirst();
            NamespaceInfo namespace = driver.namespace(NSID);
            long sqe = pair.begin(NvmOpcode.READ, NSID);
            pair.setData(sqe, area.iova(), namespace.blockBytes());
            Sqe.setSlba(sqe, namespace.blockCount());
            Sqe.setBlockCount(sqe, 1);
            pair.commit(0);
            assertTrue(Status.LBA_OUT_OF_RANGE.is(await(pair)));
            assertTrue(pair.flush(12345, 0));
            assertFalse(Status.isSuccess(await(pair)));
        }
    }

    @Test
    void shouldReadALongLogPageWholeWhenPassedThrough() throws IOException {
        try (NvmeDriver driver = start(DriverOptions.adminOnly())) {
            int bytes = Math.min(16 << 10, driver.maxAdminBytes());
            AdminRequest smart = AdminRequest.reading(
                    AdminOpcode.GET_LOG_PAGE,
                    Sqe.NSID_ALL,
                    (bytes / Integer.BYTES - 1) << 16 | LogPage.SMART,
                    0,
                    bytes);
            ByteBuffer page = driver.admin(smart).dataIn();
            assertEquals(bytes, page.remaining());
            assertEquals(driver.health().temperatureKelvin(), Short.toUnsignedInt(page.getShort(1)));
            for (int i = SmartLog.BYTES; i < bytes; i++) {
                assertEquals(0, page.get(i), "past the page's end");
            }
            driver.shutDown();
        }
    }
}
