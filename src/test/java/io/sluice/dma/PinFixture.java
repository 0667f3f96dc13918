package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.linux.FileStatus;
import io.sluice.mem.Translator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * A space with a device behind it. At the end of each test the space is closed, and then nothing is mapped, no address is taken
 * and nothing leaks; unless the test says otherwise by closing itself.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class PinFixture {
    static final String NAME = "pin-test";
    static final long PAGE = GuestFile.PAGE;
    static final long MIB = GuestFile.MIB;
    static final int READ = Translator.READ;
    static final int RW = Translator.READ | Translator.WRITE;
    static final long FILE_BYTES = 16 * MIB;
    static final long STEP = 4 * MIB;

    /** Which is large enough for all but the tests of its end, and small enough to be looked at. */
    static final IovaAllocator.Range USABLE = new IovaAllocator.Range(0, (1L << 39) - 1);

    final FakeIommu iommu = new FakeIommu();
    final IovaAllocator iovas = new IovaAllocator(List.of(USABLE));

    /** Stands still unless a test moves it. */
    final AtomicLong time = new AtomicLong(Long.MAX_VALUE - 5);

    /** While set, each look at the clock takes a while. */
    volatile boolean passing;

    final ListAppender<ILoggingEvent> log = new ListAppender<>();
    GuestFile file;
    DmaSpace space;
    /** Of the space that was made last. */
    DeviceMemory device;

    @BeforeEach
    void open() throws Exception {
        log.start();
        logger().addAppender(log);
        logger().setAdditive(false);
        file = GuestFile.create(NAME, 1, FILE_BYTES);
        space = space(DmaLimits.DEFAULT, 65_535);
    }

    static Logger logger() {
        return (Logger) LoggerFactory.getLogger("io.sluice.dma");
    }

    DmaSpace space(DmaLimits limits, int entriesPerGuest) {
        device = new DeviceMemory(iommu, iovas, entriesPerGuest, STEP, 1000);
        return new DmaSpace("guest", limits, Optional.of(device), 2000, this::now);
    }

    private long now() {
        return passing ? time.addAndGet(100) : time.get();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        passing = true;
        space.close();
        file.close();
        logger().detachAppender(log);
        logger().setAdditive(true);
        assertEquals(List.of(), iommu.violations);
        assertEquals(0, ProcSelf.mappings(NAME));
        assertEquals(0, ProcSelf.descriptors(NAME));
        assertEquals(0, iommu.pieces(), "mapped for the device");
        if (!device.isLost()) { // whose addresses nobody gets again
            assertNoIovaTaken();
        }
    }

    void assertNoIovaTaken() throws Exception {
        long all = USABLE.last() + 1 - PAGE;
        iovas.free(iovas.allocate(all, PAGE), all);
    }

    List<String> errors() {
        return log.list.stream()
                .filter(event -> event.getLevel() == Level.ERROR)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    /** Maps a range of the file at an address, by a transaction of its own. */
    void map(long gpa, long bytes, long offset) throws Exception {
        map(gpa, bytes, RW, offset);
    }

    void map(long gpa, long bytes, int access, long offset) throws Exception {
        Transaction transaction = space.begin();
        PendingMap map = null;
        try {
            map = transaction.map(gpa, bytes, access, file.give(), offset);
        } finally {
            transaction.commit();
        }
        map.confirm();
    }

    void unmap(long gpa, long bytes) throws Exception {
        Transaction transaction = space.begin();
        transaction.unmap(gpa, bytes);
        transaction.commit();
    }

    long iova(long gpa, int access) {
        return space.deviceView().translate(gpa, 8, access);
    }

    /** Both views lead to the same page of the file, and the device has these rights to it, no more and no less. */
    void assertReached(long gpa, long offset, int access) throws Exception {
        file.assertPage(offset, space.hostView().translate(gpa, 8, access));
        long iova = iova(gpa, access);
        assertTrue(iova > 0, () -> "0x" + Long.toHexString(gpa) + " is not in the device view: " + iova);
        assertEquals(new FakeIommu.Page(FileStatus.of(file.fd).inode(), offset, access), iommu.at(iova));
    }

    static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, () -> "never happened: " + what);
            Thread.onSpinWait();
        }
    }
}
