package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Commands that somebody else has made, as a mediator submits them: on a queue pair alone, and on a device that fails. */
class RawSubmissionTest {
    private static final int ENTRIES = 8;
    private static final int QID = 3;
    private static final int GUEST_CID = 0xbeef;
    private static final int BATCH = 50_000;
    private static final int MAX_BATCHES = 20;

    private Mapping mapping;
    private Mapping prepared;
    private QueueMemory memory;
    private QueuePair pair;
    private final List<Long> tokens = new ArrayList<>();
    private final List<Integer> statuses = new ArrayList<>();
    private int cqTail;
    private int phase = 1;
    private long ended;

    @BeforeEach
    void open() throws LinuxException {
        mapping = Mapping.anonymous(QueueMemory.bytes(ENTRIES), Mapping.PROT_READ | Mapping.PROT_WRITE);
        prepared = Mapping.anonymous(Memory.PAGE_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        memory = new QueueMemory(mapping.address(), 0x10_0000, ENTRIES);
        Mapping doorbells = prepared; // stored to, and not looked at
        FakeBar bar = new FakeBar() {
            @Override
            public long mappedAddress(long offset, long bytes) {
                return doorbells.address() + 2048 + offset % 64;
            }
        };
        PairTraits traits = new PairTraits(Integer.MAX_VALUE, false, Timeouts.DEFAULT);
        pair = new QueuePair(
                "queue 3 of fake",
                QID,
                memory,
                RecordFixture.record(ENTRIES),
                new Doorbell(bar, 0x1018),
                new Doorbell(bar, 0x101c),
                traits,
                Alarm.NONE);
        fill(prepared.address());
    }

    @AfterEach
    void close() {
        mapping.close();
        prepared.close();
    }

    private static void fill(long sqe) {
        for (int i = 0; i < Sqe.BYTES; i++) {
            Memory.putByte(sqe + i, (byte) (i + 1));
        }
        Sqe.setCommand(sqe, NvmOpcode.READ, GUEST_CID);
        Sqe.setFuse(sqe, Sqe.FUSE_FIRST);
        Sqe.setPsdt(sqe, Sqe.PSDT_SGL);
    }

    private void complete(int index) {
        Cqe.publish(memory.cqe(cqTail), 0xd0, 0, QID, Sqe.cid(memory.sqe(index)), Status.OK, phase);
        cqTail = (cqTail + 1) % ENTRIES;
        phase ^= cqTail == 0 ? 1 : 0;
    }

    private void ended(long token, int status, int dw0) {
        tokens.add(token);
        statuses.add(status);
    }

    @Test
    void shouldSubmitTheCommandAsItIsButForItsCid() throws IOException {
        int slot = pair.nextSlot();
        assertEquals(slot, pair.submitRaw(prepared.address(), 77));
        long sqe = memory.sqe(0);
        assertEquals(slot, Sqe.cid(sqe), "the first command of its slot");
        Sqe.setCid(sqe, GUEST_CID);
        for (int i = 0; i < Sqe.BYTES; i += Long.BYTES) {
            assertEquals(Memory.getLong(prepared.address() + i), Memory.getLong(sqe + i), "offset " + i);
        }
        Sqe.setCid(sqe, slot);
        complete(0);
        assertEquals(1, pair.poll(this::ended, 1));
        assertEquals(List.of(77L), tokens);
        assertEquals(slot, pair.nextSlot(), "free again");
    }

    @Test
    void shouldTakeNoSlotWhenNoneIsFree() throws IOException {
        for (int i = 0; i < pair.depth(); i++) {
            assertEquals(i, pair.submitRaw(prepared.address(), i));
        }
        assertEquals(-1, pair.nextSlot());
        assertEquals(-1, pair.submitRaw(prepared.address(), 99));
        assertEquals(pair.depth(), pair.inFlight());
        complete(4);
        assertEquals(1, pair.poll(this::ended, 1));
        assertEquals(4, pair.submitRaw(prepared.address(), 99));
        pair.close();
        assertThrows(IllegalStateException.class, () -> pair.submitRaw(prepared.address(), 0));
        assertThrows(IllegalStateException.class, pair::nextSlot);
    }

    @Test
    void shouldGiveEachSlotAPageOfItsOwnForAList() {
        for (int slot = 0; slot < pair.depth(); slot++) {
            assertEquals(pair.listAddress(slot) - mapping.address(), pair.listIova(slot) - 0x10_0000);
            assertEquals(pair.listAddress(0) + (long) slot * Memory.PAGE_BYTES, pair.listAddress(slot));
        }
        assertEquals(mapping.address() + mapping.length(), pair.listAddress(pair.depth() - 1) + Memory.PAGE_BYTES);
    }

    private void submitAndComplete(int index, CompletionListener count) throws IOException {
        assertTrue(pair.submitRaw(prepared.address(), index) >= 0);
        pair.ring();
        complete(index);
        pair.poll(count, 1);
        pair.checkDeadlines(index);
    }

    @Test
    void shouldAllocateNothingOnceCompiled() throws IOException {
        CompletionListener count = (token, status, dw0) -> ended++;
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long leastBytes = Long.MAX_VALUE;
        for (int batch = 1; batch <= MAX_BATCHES && leastBytes > 0; batch++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < BATCH; i++) {
                submitAndComplete(i % ENTRIES, count);
            }
            leastBytes = Math.min(leastBytes, threads.getCurrentThreadAllocatedBytes() - before);
            assertEquals((long) batch * BATCH, ended);
        }
        assertEquals(0, leastBytes, "bytes for " + BATCH + " commands");
    }

    // ---- a device that fails

    @Test
    void shouldBeAbortedAndResetLikeAnyOtherCommand() throws IOException {
        FaultyNvme device = new FaultyNvme();
        VirtualClock clock = new VirtualClock();
        IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL)));
        DriverOptions options = DriverOptions.polled(1, ENTRIES).withClock(clock);
        try (NvmeDriver driver = NvmeDriver.start(device, iovas, options)) {
            device.faults = losingAll();
            QueuePair io = driver.queuePairs().getFirst();
            DmaArea area = driver.allocate("data", Memory.PAGE_BYTES);
            submitLost(io, area, clock);
            passSeconds(driver, io, clock, 32);
            assertEquals(1, device.aborts, "late");
            int maps = device.maps.size();
            area.close();
            assertEquals(maps, device.maps.size(), "the device may still use it");
            assertEquals(-1, io.submitRaw(prepared.address(), 0), "every slot is kept");
            passSeconds(driver, io, clock, 8);
            assertEquals(1, driver.resets());
            assertEquals(io.depth(), tokens.size());
            statuses.forEach(status -> assertEquals(DriverStatus.CONTROLLER_RESET, status));
            assertEquals(maps - 1, device.maps.size());
        }
        device.close();
    }

    private static Faults losingAll() {
        return new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 ? Fate.DONE : Fate.LOST;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }

            @Override
            public boolean abortEnds() {
                return false;
            }
        };
    }

    private void submitLost(QueuePair io, DmaArea area, VirtualClock clock) throws IOException {
        Sqe.setPrp1(prepared.address(), area.iova());
        Sqe.setBlockCount(prepared.address(), 1);
        io.checkDeadlines(clock.nanoTime());
        while (io.submitRaw(prepared.address(), io.nextSlot()) >= 0) {
            assertTrue(io.inFlight() <= io.depth());
        }
        io.ring();
    }

    private void passSeconds(NvmeDriver driver, QueuePair io, VirtualClock clock, int seconds) throws IOException {
        for (int i = 0; i < seconds; i++) {
            clock.advanceMillis(1_000);
            io.poll(this::ended, ENTRIES);
            io.checkDeadlines(clock.nanoTime());
            driver.supervise(clock.nanoTime());
        }
    }
}
