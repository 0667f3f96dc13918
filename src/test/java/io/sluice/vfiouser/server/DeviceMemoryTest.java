package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.FakeIommu;
import io.sluice.dma.IovaAllocator;
import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Memfd;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Command;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A client's memory, and a device behind the function that is to reach it. */
class DeviceMemoryTest extends ServerFixture {
    private static final long FILE_BYTES = 1 << 20;

    private final FakeIommu iommu = new FakeIommu();
    private final IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, (1L << 39) - 1)));
    private Fd file;

    @BeforeEach
    void putADeviceBehind() throws IOException {
        function.device = Optional.of(new DeviceMemory(iommu, iovas, 100));
        file = Memfd.create("test-guest", FILE_BYTES);
    }

    @AfterEach
    void nothingIsLeft() {
        file.close();
        assertEquals(0, iommu.pieces());
        assertEquals(List.of(), iommu.violations);
    }

    private long iova(long gpa) {
        return function.memory.deviceView().translate(gpa, 8, Translator.READ);
    }

    @Test
    void shouldReachClientsMemoryUntilItUnmapsItOrGoes() throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            client.request(Command.DMA_MAP, Body.map(0x10_0000, FILE_BYTES), file)
                    .assertDone();
            client.request(Command.DMA_MAP, Body.map(0x80_0000, 0x1000)).assertDone();
            assertEquals(
                    new FakeIommu.Page(FileStatus.of(file).inode(), 0x3000, Translator.READ | Translator.WRITE),
                    iommu.at(iova(0x10_3000)));
            assertEquals(Translator.NOT_LOCAL, iova(0x80_0000));

            client.request(Command.DMA_UNMAP, Body.unmap(0, 0x10_0000, FILE_BYTES))
                    .assertDone();
            assertEquals(0, iommu.pieces(), "before the answer");
            client.request(Command.DMA_MAP, Body.map(0, FILE_BYTES), file).assertDone();
        }
        await("the client's memory is let go of", () -> iommu.pieces() == 0);
    }

    @Test
    void shouldRefuseMapThatDeviceCannotReachAndTakeLaterOnes() throws IOException {
        Logger logger = (Logger) LoggerFactory.getLogger("io.sluice.vfiouser");
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        logger.setLevel(Level.INFO);
        logger.setAdditive(false);
        logger.addAppender(log);
        try (RawClient client = RawClient.ready(socket)) {
            iommu.before = call -> {
                throw new IOException(
                        "no memory can be locked: raise LimitMEMLOCK",
                        new LinuxException("ioctl", "the container", Errno.ENOMEM));
            };
            client.request(Command.DMA_MAP, Body.map(0, FILE_BYTES), file).assertRefused(Errno.ENOMEM);
            assertEquals(Translator.NOT_MAPPED, function.memory.hostView().translate(0, 8, Translator.READ));
            iommu.before = call -> {};
            client.request(Command.DMA_MAP, Body.map(0, FILE_BYTES), file).assertDone();
            assertTrue(iova(0) > 0);
        } finally {
            logger.detachAppender(log);
            logger.setAdditive(true);
        }
        String refusal = log.list.stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(message -> message.contains("refused with ENOMEM"))
                .findFirst()
                .orElseThrow();
        assertTrue(refusal.contains("1048576 bytes at offset 0"), refusal);
        assertTrue(refusal.contains("raise LimitMEMLOCK"), refusal);
        await("the client's memory is let go of", () -> iommu.pieces() == 0);
    }

    @Test
    void shouldSayThatThereIsNoDeviceWhenThereIsNone() throws IOException {
        function.device = Optional.empty();
        try (RawClient client = RawClient.ready(socket)) {
            client.request(Command.DMA_MAP, Body.map(0, FILE_BYTES), file).assertDone();
            assertThrows(IllegalStateException.class, () -> iova(0));
        }
    }
}
