package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverClock;
import io.sluice.host.DriverOptions;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What counts as something on a namespace, and where it is looked for. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class ContentsTest {
    private static final int BLOCK_BYTES = 4096;
    private static final long BYTES = 256L << 20;
    private static final long MIB = 1 << 20;

    private SoftwareModel model;
    private NvmeSession session;
    private NvmeDriver driver;
    private NamespaceInfo namespace;

    @BeforeEach
    void start() throws IOException {
        model = SoftwareModel.start(
                "CONTENTS", new MemoryStorage(new Namespace(1, BYTES / BLOCK_BYTES, BLOCK_BYTES, 1, 2, 0, false)));
        session = NvmeSession.start(
                new Loopback(model.function()),
                List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL)),
                DriverOptions.polled(1, 16),
                null);
        driver = session.driver();
        namespace = driver.namespace(1);
    }

    @AfterEach
    void stop() {
        session.close();
        model.close();
    }

    @Test
    void shouldSayWhatItMeansWhenABlockCannotBeRead() throws Exception {
        NamespaceInfo larger = new NamespaceInfo(
                1, 2 * namespace.blockCount(), 0, 0, 0, namespace.formats(), false, false, false, "", "", "");
        IOException refused = assertThrows(IOException.class, () -> session.requireEmpty(larger, BYTES));
        assertEquals(
                "namespace 1 of CONTENTS may hold something: its block 130816 cannot be read: LBA Out of Range (SCT 0h, SC 80h,"
                        + " do not retry). If nothing on it is wanted, say --destroy-data; but a device that cannot be read is"
                        + " failing",
                refused.getMessage());
    }

    private void write(long at, byte value) throws IOException {
        QueuePair pair = driver.queuePairs().getFirst();
        int[] status = {-1};
        try (DmaArea area = driver.allocate("test", BLOCK_BYTES)) {
            Memory.fill(area.address(), BLOCK_BYTES, value);
            assertTrue(pair.write(1, at / BLOCK_BYTES, 1, area.iova(), BLOCK_BYTES, 0));
            pair.ring();
            while (status[0] < 0) {
                pair.poll((token, ended, dw0) -> status[0] = ended, 1);
            }
        }
        assertTrue(Status.isSuccess(status[0]));
    }

    private long find(NamespaceInfo of, long spanBytes) throws IOException {
        return Contents.find(driver, DriverClock.system(), of, spanBytes);
    }

    @Test
    void shouldFindNothingOnAnEmptyNamespace() throws Exception {
        assertEquals(-1, find(namespace, BYTES));
        session.requireEmpty(namespace, BYTES);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, MIB - BLOCK_BYTES, 128 * MIB, 255 * MIB, BYTES - BLOCK_BYTES})
    void shouldFindWhatIsWrittenAtTheEdgesAndWhereItTakesSamples(long at) throws Exception {
        write(at, (byte) 7);

        assertEquals(at, find(namespace, BYTES));
        IOException refused = assertThrows(IOException.class, () -> session.requireEmpty(namespace, BYTES));
        assertTrue(refused.getMessage().contains("there is data at byte " + at), refused.getMessage());
        assertTrue(refused.getMessage().contains("--destroy-data"), refused.getMessage());
    }

    @Test
    void shouldLookAtTheEndOfWhatWillBeWrittenAndReadAllOfASmallPart() throws Exception {
        write(50 * MIB - BLOCK_BYTES, (byte) 7);
        assertEquals(50 * MIB - BLOCK_BYTES, find(namespace, 50 * MIB));
        write(7 * MIB + 12 * BLOCK_BYTES, (byte) 7);
        assertEquals(7 * MIB + 12 * BLOCK_BYTES, find(namespace, 16 * MIB));
        assertEquals(-1, find(namespace, 4 * MIB), "what is not written is not lost");
    }

    @Test
    void shouldTakeOnesForUnwrittenOnlyWhereTheDeviceSaysSo() throws Exception {
        write(0, (byte) 0xff);
        assertEquals(0, find(namespace, BYTES));
        assertEquals(-1, find(readingOnes(), BYTES));
        write(BLOCK_BYTES, (byte) 0xfe);
        assertEquals(BLOCK_BYTES, find(readingOnes(), BYTES));
    }

    private NamespaceInfo readingOnes() {
        return new NamespaceInfo(
                1,
                namespace.blockCount(),
                namespace.capacityBlocks(),
                namespace.usedBlocks(),
                namespace.format(),
                namespace.formats(),
                false,
                false,
                true,
                "",
                "",
                "");
    }
}
