package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.DmaRefused;
import io.sluice.dma.IovaAllocator;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cns;
import io.sluice.nvme.CopyLimits;
import io.sluice.nvme.Csts;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NvmeDriverTest {
    private static final IovaAllocator.Range ADDRESSES = new IovaAllocator.Range(0, 0xffff_ffffL);
    private static final int QUEUES = 2;

    private final FakeNvme device = new FakeNvme();
    private final IovaAllocator iovas = new IovaAllocator(List.of(ADDRESSES));

    /** A second passes with each look at it. */
    private static final class FastClock implements DriverClock {
        private long now = Long.MAX_VALUE - 5_000_000_000L; // it wraps in between

        @Override
        public long nanoTime() {
            return now;
        }

        @Override
        public void pause() {
            now += 100_000_000L;
        }
    }

    private DriverOptions options() {
        return DriverOptions.polled(QUEUES, 1024).withClock(new FastClock());
    }

    private NvmeDriver start() throws IOException {
        return NvmeDriver.start(device, iovas, options());
    }

    @AfterEach
    void close() {
        device.close();
    }

    private void misbehave(Consumer<FakeNvme> how) {
        how.accept(device);
    }

    // ---- a good device

    @Test
    void shouldFollowTheSpecificationsStepsWhenBringingUp() throws IOException {
        NvmeDriver driver = start();
        assertEquals(
                List.of(
                        "map",
                        "map",
                        "enable",
                        "Identify",
                        "Identify",
                        "Identify",
                        "Identify",
                        "Set Features",
                        "map",
                        "Create I/O Completion Queue",
                        "Create I/O Completion Queue",
                        "Create I/O Submission Queue",
                        "Create I/O Submission Queue"),
                device.log);
        assertEquals(
                PciHeader.COMMAND_MEMORY_SPACE | PciHeader.COMMAND_BUS_MASTER | PciHeader.COMMAND_INTX_DISABLE,
                device.config.getShort(PciHeader.COMMAND));
        assertEquals(AdminQueue.ENTRIES, Aqa.sqEntries(device.aqa));
        assertTrue(Cc.enabled(device.cc));
        assertEquals(Cc.IOSQES, Cc.iosqes(device.cc));
        assertEquals(Cc.IOCQES, Cc.iocqes(device.cc));
        assertEquals(0, Cc.mps(device.cc));
        driver.close();
    }

    @Test
    void shouldDecodeWhatTheDeviceSays() throws IOException {
        try (NvmeDriver driver = start()) {
            ControllerInfo info = driver.controller();
            assertEquals("S", info.serial());
            assertEquals("M", info.model());
            assertEquals("1.4", info.versionText());
            assertEquals(128 << 10, info.maxTransferBytes());
            assertEquals(128 << 10, driver.queuePairs().getFirst().maxTransferBytes());
            NamespaceInfo namespace = driver.namespace(1);
            assertEquals(512_000, namespace.bytes());
            assertEquals(512, namespace.blockBytes());
            assertEquals("", namespace.nguid());
            assertThrows(NoSuchElementException.class, () -> driver.namespace(2));
        }
    }

    private void assertUnusable(String why) throws IOException {
        try (NvmeDriver driver = start()) {
            NamespaceInfo namespace = driver.namespace(1);
            assertTrue(namespace.unusableBecause().contains(why), namespace.unusableBecause());
            assertEquals(512, namespace.blockBytes(), "it is shown all the same");
        }
    }

    @Test
    void shouldSayWhyANamespaceIsNotUsedWhenItsFormatHasMore() throws IOException {
        try (NvmeDriver driver = start()) {
            assertEquals("", driver.namespace(1).unusableBecause());
        }
        misbehave(device -> device.metadataBytes = 8);
        assertUnusable("namespace 1 is formatted with 8 bytes of metadata with each block (LBA format 0)");
        misbehave(device -> device.protectionType = 1);
        assertUnusable("namespace 1 has protection information");
    }

    @Test
    void shouldConfigureADoorbellBufferOnlyWhenItIsOfferedAndAskedFor() throws IOException {
        DriverOptions asked = options().withDoorbellBuffer();
        NvmeDriver.start(device, iovas, asked).close();
        misbehave(device -> device.optionalAdminCommands = IdentifyController.OACS_DOORBELL_BUFFER);
        start().close();
        assertFalse(device.log.contains("Doorbell Buffer Config"));
        NvmeDriver.start(device, iovas, asked).close();
        assertTrue(device.log.contains("Doorbell Buffer Config"));
        assertEquals(0, device.maps.size());
    }

    @Test
    void shouldUseSglsOnlyWhenTheyAreOfferedAndAskedFor() throws IOException {
        assertEquals(Sqe.PSDT_PRP, psdtOfARead(options().withSgl()));
        misbehave(device -> device.sglSupport = IdentifyController.SGLS_DWORD_ALIGNED);
        assertEquals(Sqe.PSDT_PRP, psdtOfARead(options()));
        assertEquals(Sqe.PSDT_SGL, psdtOfARead(options().withSgl()));
    }

    private int psdtOfARead(DriverOptions options) throws IOException {
        try (NvmeDriver driver = NvmeDriver.start(device, iovas, options)) {
            QueuePair pair = driver.queuePairs().getFirst();
            assertTrue(pair.read(1, 0, 1, 0x1000, 512, 0));
            return Sqe.psdt(pair.memory().sqe(0));
        }
    }

    @Test
    void shouldAlignLargeAreasToHugepagesWhetherThereAreAnyOrNot() throws IOException {
        try (NvmeDriver driver = start();
                DmaArea area = driver.allocate("data", 4L << 20)) {
            assertEquals(4L << 20, area.bytes());
            assertEquals(0, area.iova() % (2L << 20));
            Memory.putLong(area.address() + area.bytes() - 8, 1);
        }
        assertEquals(0, device.maps.size());
    }

    @Test
    void shouldDecodeLogsWhenAsked() throws IOException {
        try (NvmeDriver driver = start()) {
            HealthLog health = driver.health();
            assertEquals(4, health.criticalWarning());
            assertEquals(310, health.temperatureKelvin());
            assertEquals(BigInteger.valueOf(77), health.dataUnitsRead());
            assertEquals(List.of(new ErrorRecord(9, 1, 5, 0, 0, 1234, 0)), driver.errors(64));
            assertEquals(1, driver.errors(1).size());
        }
    }

    @Test
    void shouldPassAdminCommandsThroughAsTheyAre() throws IOException {
        try (NvmeDriver driver = start()) {
            AdminRequest identify = AdminRequest.reading(AdminOpcode.IDENTIFY, 1, Cns.NAMESPACE, 0, Cns.DATA_BYTES);
            assertEquals(1000, driver.admin(identify).dataIn().getLong(0));
            ByteBuffer out = ByteBuffer.wrap(new byte[] {1, 2, 3, 42});
            AdminRequest send = new AdminRequest(AdminOpcode.SECURITY_SEND, 0, 0, 4, 0, 0, 0, 0, out, 0);
            assertEquals(42, driver.admin(send).dw0());
            AdminRequest format =
                    new AdminRequest(AdminOpcode.FORMAT_NVM, 1, 100, 0, 0, 0, 0, 10_000, ByteBuffer.allocate(0), 0);
            assertEquals(10_101, driver.admin(format).dw0());
            device.failOpcode = AdminOpcode.FORMAT_NVM;
            device.failStatus = Status.INVALID_FORMAT.dnr();
            CommandFailed failed = assertThrows(CommandFailed.class, () -> driver.admin(format));
            assertTrue(failed.getMessage().startsWith("Format NVM on fake nvme was refused"), failed.getMessage());
        }
    }

    @Test
    void shouldRefuseToPassThroughWhatIsTheDriversOwn() {
        for (int opcode : new int[] {0x00, 0x01, 0x04, 0x05, 0x0c, 0x7c, -1, 256}) {
            assertThrows(IllegalArgumentException.class, () -> AdminRequest.of(opcode, 0, 0), "opcode " + opcode);
        }
        assertThrows(IllegalArgumentException.class, () -> AdminRequest.reading(AdminOpcode.IDENTIFY, 0, 0, 0, -1));
    }

    private static AdminRequest logPage(int logPageId, int bytes) {
        int dwords0 = bytes / Integer.BYTES - 1;
        return AdminRequest.reading(
                AdminOpcode.GET_LOG_PAGE, Sqe.NSID_ALL, (dwords0 & 0xffff) << 16 | logPageId, dwords0 >>> 16, bytes);
    }

    @Test
    void shouldReadLongLogPagesWholeWhenPassedThrough() throws IOException {
        try (NvmeDriver driver = start()) {
            int maps = device.maps.size();
            for (int bytes : new int[] {4, 4092, 4096, 4100, 8192, 8196, 16 << 10, 128 << 10}) {
                ByteBuffer page =
                        driver.admin(logPage(FakeNvme.VENDOR_LOG, bytes)).dataIn();
                assertEquals(bytes, page.remaining());
                for (int i = 0; i < bytes; i += Integer.BYTES) {
                    assertEquals(i, page.getInt(i), bytes + " bytes");
                }
            }
            assertEquals(maps, device.maps.size(), "data is mapped no longer than its command");
        }
    }

    @Test
    void shouldWriteLongDataWholeWhenPassedThrough() throws IOException {
        long seed = System.nanoTime();
        try (NvmeDriver driver = start()) {
            byte[] data = new byte[16 << 10];
            new Random(seed).nextBytes(data);
            ByteBuffer out = ByteBuffer.wrap(data);
            driver.admin(new AdminRequest(AdminOpcode.SECURITY_SEND, 0, 0, data.length, 0, 0, 0, 0, out, 0));
            AdminRequest receive = AdminRequest.reading(AdminOpcode.SECURITY_RECEIVE, 0, 0, data.length, data.length);
            assertEquals(ByteBuffer.wrap(data), driver.admin(receive).dataIn(), "seed " + seed);
        }
    }

    @Test
    void shouldRefuseAnAdminCommandWithMoreDataThanMdts() throws IOException {
        try (NvmeDriver driver = start()) {
            assertEquals(128 << 10, driver.maxAdminBytes());
            device.log.clear();
            AdminRequest tooLong = logPage(FakeNvme.VENDOR_LOG, (128 << 10) + 4);
            Exception refused = assertThrows(IllegalArgumentException.class, () -> driver.admin(tooLong));
            assertEquals(
                    "Get Log Page with 131076 bytes of data cannot be sent: fake nvme transfers at most 131072 bytes with"
                            + " one command (MDTS); ask for it in pieces",
                    refused.getMessage());
            assertEquals(List.of(), device.log, "nothing was sent");
        }
    }

    @Test
    void shouldRefuseAdminDataThatGoesAgainstTheDirectionOfItsOpcode() {
        ByteBuffer data = ByteBuffer.allocate(4);
        Exception out = assertThrows(
                IllegalArgumentException.class,
                () -> new AdminRequest(AdminOpcode.GET_LOG_PAGE, 0, 0, 0, 0, 0, 0, 0, data, 0));
        assertEquals(
                "Get Log Page carries no data to the device: bits 1:0 of its opcode, 0x2, say so", out.getMessage());
        Exception in = assertThrows(
                IllegalArgumentException.class, () -> AdminRequest.reading(AdminOpcode.SECURITY_SEND, 0, 0, 0, 4));
        assertTrue(in.getMessage().startsWith("Security Send carries no data from the device"), in.getMessage());
        assertThrows(IllegalArgumentException.class, () -> AdminRequest.reading(AdminOpcode.FORMAT_NVM, 1, 0, 0, 4));
        assertEquals(4, new AdminRequest(0xc3, 0, 0, 0, 0, 0, 0, 0, data, 4).dataInBytes(), "both directions");
    }

    @Test
    void shouldKeepDataOfAnAdminCommandThatDoesNotEndUntilTheReset() throws IOException {
        try (NvmeDriver driver = start()) {
            int maps = device.maps.size();
            device.swallowOpcode = AdminOpcode.GET_LOG_PAGE;
            assertThrows(DeviceFailure.class, () -> driver.admin(logPage(FakeNvme.VENDOR_LOG, 16 << 10)));
            assertEquals(maps + 1, device.maps.size(), "the device may still write it");
            driver.supervise(0);
            assertEquals(1, driver.resets());
            assertEquals(maps, device.maps.size());
        }
    }

    @Test
    void shouldTakeNoMoreThanTheDeviceGrants() throws IOException {
        try (NvmeDriver driver =
                NvmeDriver.start(device, iovas, DriverOptions.polled(60, 1024).withClock(new FastClock()))) {
            assertEquals(2, driver.queuePairs().size());
            assertEquals(255, driver.queuePairs().getFirst().depth(), "CAP.MQES is 256 entries");
        }
    }

    @Test
    void shouldDisableBeforeEnablingWhenSomebodyElseHasLeftItRunning() throws IOException {
        device.cc = Cc.withEnabled(0, true);
        device.csts = Csts.withReady(0, true);
        try (NvmeDriver driver = start()) {
            assertEquals("disable", device.log.getFirst());
            assertEquals(2, driver.queuePairs().size());
        }
    }

    @Test
    void shouldDeleteQueuesAndShutDownAndDisableWhenItEnds() throws IOException {
        NvmeDriver driver = start();
        device.log.clear();
        driver.shutDown();
        driver.close();
        driver.close();
        assertEquals(
                List.of(
                        "Delete I/O Submission Queue",
                        "Delete I/O Submission Queue",
                        "Delete I/O Completion Queue",
                        "Delete I/O Completion Queue",
                        "shutdown",
                        "disable",
                        "unmap",
                        "unmap",
                        "unmap"),
                device.log);
        assertEquals(0, device.maps.size());
    }

    @Test
    void shouldFailAndNotTouchMemoryWhenAQueuePairIsUsedAfterClose() throws IOException {
        NvmeDriver driver = start();
        QueuePair pair = driver.queuePairs().getFirst();
        driver.close();
        assertThrows(IllegalStateException.class, () -> pair.flush(1, 0));
        assertThrows(IllegalStateException.class, () -> pair.read(1, 0, 1, 0x1000, 512, 0));
        assertThrows(DeviceFailure.class, pair::ring);
        assertThrows(DeviceFailure.class, () -> pair.poll((token, status, dw0) -> {}, 1));
    }

    @Test
    void shouldGiveEachQueueAVectorWhenInterruptsAreAskedFor() throws IOException {
        try (NvmeDriver driver = NvmeDriver.start(device, iovas, options().withInterrupts())) {
            assertTrue(device.log.contains("interrupts 2"));
            int control = device.config.getShort(FakeNvme.MSIX + MsixCapability.CONTROL);
            assertTrue(MsixCapability.isEnabled(control) && !MsixCapability.isFunctionMasked(control));
            assertNotSame(driver.interrupt(0), driver.interrupt(1));
            assertSame(driver.interrupt(1), driver.interrupt(2), "two vectors for three queues");
        }
        assertEquals("interrupts off", device.log.get(device.log.indexOf("disable") + 1));
    }

    @Test
    void shouldLeaveNothingBehindWhenUsedManyTimes() throws IOException {
        start().close();
        long before = descriptors();
        for (int i = 0; i < 50; i++) {
            start().close();
        }
        assertEquals(before, descriptors());
        assertEquals(0, device.maps.size());
        long all = ADDRESSES.last() + 1 - 4096;
        try {
            iovas.free(iovas.allocate(all, 4096), all);
        } catch (DmaRefused e) {
            throw new AssertionError("not all IOVAs were given back", e);
        }
    }

    private static long descriptors() throws IOException {
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.count();
        }
    }

    // ---- devices that must be refused

    private IOException refused() {
        IOException e = assertThrows(IOException.class, this::start);
        assertEquals(0, device.maps.size(), "memory is left mapped");
        assertFalse(Cc.enabled(device.cc), "the device is left enabled");
        return e;
    }

    private void assertRefused(String why) {
        IOException e = refused();
        assertTrue(e.getMessage().contains(FakeNvme.NAME), e.getMessage());
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    @Test
    void shouldRefuseWhenItIsNoNvmeController() {
        misbehave(device -> device.classCode = 0x010601);
        assertRefused("is not an NVMe controller: its class code is 0x10601, not 0x10802");
    }

    @Test
    void shouldRefuseWhenPagesMustBeLarger() {
        misbehave(device -> device.cap = Cap.withMpsMax(Cap.withMpsMin(device.cap, 1), 1));
        assertRefused("needs memory pages of at least 8192 bytes");
    }

    @Test
    void shouldRefuseWhenTheNvmCommandSetIsMissing() {
        misbehave(device -> device.cap = Cap.withCss(device.cap, Cap.CSS_NONE));
        assertRefused("does not offer the NVM command set");
    }

    @Test
    void shouldRefuseWhenDoorbellsAreOutsideOfTheBar() {
        misbehave(device -> device.cap = Cap.withDstrd(device.cap, 12));
        assertRefused("has doorbells 16384 bytes apart");
        misbehave(device -> device.cap = Cap.withDstrd(device.cap, 15));
        assertRefused("has doorbells 131072 bytes apart");
    }

    @Test
    void shouldSayThatItIsGoneWhenItReadsAllOnes() {
        misbehave(device -> device.gone = true);
        IOException e = assertThrows(DeviceFailure.class, this::start);
        assertTrue(e.getMessage().contains("reads all ones"), e.getMessage());
    }

    @Test
    void shouldGiveUpWhenItNeverBecomesReady() {
        misbehave(device -> device.readyNeverComes = true);
        assertRefused("CSTS.RDY did not become 1 within 1000 ms");
    }

    @Test
    void shouldGiveUpWhenItNeverBecomesIdle() {
        device.cc = Cc.withEnabled(0, true);
        device.csts = Csts.withReady(0, true);
        misbehave(device -> device.readyNeverGoes = true);
        assertRefused("CSTS.RDY did not become 0 within 1000 ms");
    }

    @Test
    void shouldGiveUpWhenItReportsAFatalError() {
        misbehave(device -> device.fatalOnEnable = true);
        assertRefused("reports a fatal error (CSTS.CFS = 1)");
    }

    @Test
    void shouldWaitAtLeastHalfASecondWhenCapToIsZero() {
        misbehave(device -> {
            device.cap = Cap.withTimeoutMillis(device.cap, 0);
            device.readyNeverComes = true;
        });
        assertRefused("within 500 ms");
    }

    @Test
    void shouldGiveUpWhenAnAdminCommandNeverCompletes() {
        misbehave(device -> device.swallowOpcode = AdminOpcode.CREATE_IO_SQ);
        assertRefused("Create I/O Submission Queue 1 of 256 entries on fake nvme did not complete within 5000 ms");
    }

    @Test
    void shouldGiveUpWhenACompletionIsOfNoCommand() {
        misbehave(device -> device.wrongCidOpcode = AdminOpcode.SET_FEATURES);
        assertRefused("which is not outstanding");
    }

    @Test
    void shouldNameCommandAndStatusWhenOneIsRefused() {
        misbehave(device -> {
            device.failOpcode = AdminOpcode.CREATE_IO_CQ;
            device.failStatus = Status.INVALID_QUEUE_SIZE.dnr();
        });
        IOException e = refused();
        CommandFailed failed = (CommandFailed) e;
        assertEquals(Status.INVALID_QUEUE_SIZE.dnr(), failed.status());
        assertTrue(e.getMessage().contains("Create I/O Completion Queue 1 of 256 entries"), e.getMessage());
        assertTrue(e.getMessage().contains(Status.describe(failed.status())), e.getMessage());
    }

    // ---- devices that fail later

    @Test
    void shouldNoticeWhenADeviceDiesUnderIdleQueues() throws IOException {
        try (NvmeDriver driver = start()) {
            driver.checkAlive();
            device.csts = Csts.withFatal(device.csts, true);
            assertThrows(DeviceFailure.class, driver::checkAlive);
            device.csts = 0;
            IOException e = assertThrows(DeviceFailure.class, driver::checkAlive);
            assertTrue(e.getMessage().contains("CSTS.RDY = 0"), e.getMessage());
            device.gone = true;
            assertThrows(DeviceFailure.class, driver::checkAlive);
            device.gone = false;
        }
    }

    @Test
    void shouldFailEveryLaterCommandWhenOneTimedOut() throws IOException {
        try (NvmeDriver driver = start()) {
            device.swallowOpcode = AdminOpcode.GET_FEATURES;
            assertThrows(DeviceFailure.class, () -> driver.feature(7));
            device.swallowOpcode = -1;
            IOException e = assertThrows(DeviceFailure.class, () -> driver.feature(7));
            assertTrue(e.getMessage().contains("was not sent"), e.getMessage());
        }
    }

    @Test
    void shouldSaySoWhenAShutdownDoesNotEnd() throws IOException {
        try (NvmeDriver driver = start()) {
            device.shutdownNeverEnds = true;
            IOException e = assertThrows(DeviceFailure.class, driver::shutDown);
            assertTrue(e.getMessage().contains("did not finish its shutdown within 5000 ms"), e.getMessage());
        }
        assertEquals(0, device.maps.size());
    }

    @Test
    void shouldNeverGiveAnIovaOutAgainWhenTheDeviceCannotBeMadeToLetGo() throws Exception {
        NvmeDriver driver = start();
        DmaArea area = driver.allocate("data", 4096);
        long iova = area.iova();
        device.unreachable = true;
        driver.close();
        device.unreachable = false;
        long again = iovas.allocate(4096, 4096);
        assertTrue(again > iova, "0x" + Long.toHexString(again) + " may still be mapped for the device");
    }

    // ---- what it says of itself, and what it refuses

    @Test
    void shouldHandOnHowANamespaceLikesToBeWritten() throws IOException {
        try (NvmeDriver driver = start()) {
            assertEquals(
                    new IoHints(256, 2, 3, 4, 5, 6, 9, 8, 4, new CopyLimits(128, 300, 5000)),
                    driver.namespace(1).hints());
            assertEquals(16, driver.controller().atomicWriteBlocks());
            assertEquals(2, driver.controller().atomicWritePowerFailBlocks());
        }
    }

    @Test
    void shouldAskForNoMoreErrorsThanTheControllerKeeps() throws IOException {
        misbehave(device -> device.errorLogEntries = 2);
        try (NvmeDriver driver = start()) {
            assertEquals(1, driver.errors(64).size());
            assertEquals(2 * 64, device.lastLogBytes);
        }
    }

    @Test
    void shouldRefuseToPassAnAbortThrough() {
        assertThrows(IllegalArgumentException.class, () -> AdminRequest.of(AdminOpcode.ABORT, 0, 0));
    }

    @Test
    void shouldGoWithoutADoorbellBufferWhenItIsRefused() throws IOException {
        misbehave(device -> {
            device.optionalAdminCommands = IdentifyController.OACS_DOORBELL_BUFFER;
            device.failOpcode = AdminOpcode.DOORBELL_BUFFER_CONFIG;
            device.failStatus = Status.INVALID_FIELD.dnr();
        });
        try (NvmeDriver driver = NvmeDriver.start(device, iovas, options().withDoorbellBuffer())) {
            assertEquals(QUEUES, driver.queuePairs().size());
            assertEquals(3, device.maps.size(), "the buffer's memory is given back");
        }
    }

    @Test
    void shouldTakeAsManyQueuePairsAsHaveDoorbellsWhenMoreAreAskedFor() throws IOException {
        misbehave(device -> {
            device.grantedQueues = 65_535;
            device.barBytes =
                    0x1000 + 4 * (2 * 3 + 1) + 3; // those of the admin queue and of two pairs, and a part of one
        });
        DriverOptions all = DriverOptions.polled(65_535, 2).withClock(new FastClock());
        try (NvmeDriver driver = NvmeDriver.start(device, iovas, all)) {
            assertEquals(2, driver.queuePairs().size());
        }
    }

    @Test
    void shouldResetTheFunctionWhenAnEarlierUserLeftItBetweenEnabledAndReady() throws IOException {
        device.cc = Cc.withEnabled(0, true);
        try (NvmeDriver driver = start()) {
            assertEquals(0, driver.resets());
            assertFalse(device.log.contains("disable"), "CC.EN may not be cleared while RDY is still to come");
        }
    }
}
