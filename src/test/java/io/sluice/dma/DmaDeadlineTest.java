package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.linux.Errno;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A reader that does not acknowledge, in virtual time: each look at the clock takes a millisecond. */
class DmaDeadlineTest {
    private static final String NAME = "deadline-test";
    private static final long PAGE = GuestFile.PAGE;
    private static final long MIB = GuestFile.MIB;
    private static final int RW = Translator.READ | Translator.WRITE;
    private static final long MILLISECOND = 1_000_000;
    private static final long DEADLINE = 20 * MILLISECOND;

    private final AtomicLong time = new AtomicLong(Long.MAX_VALUE - 5 * MILLISECOND); // wraps, as nanoTime may
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private GuestFile file;
    private GuestFile other;
    private DmaSpace space;
    private DmaReader stalled;

    @BeforeEach
    void open() throws Exception {
        log.start();
        logger().addAppender(log);
        logger().setAdditive(false);
        file = GuestFile.create(NAME, 1, 4 * MIB);
        other = GuestFile.create(NAME, 2, 4 * MIB);
        space = new DmaSpace(
                "guest 7", DmaLimits.DEFAULT, Optional.empty(), DEADLINE, () -> time.addAndGet(MILLISECOND));
        Transaction transaction = space.begin();
        transaction.map(0, 4 * MIB, RW, file.give(), 0);
        transaction.map(4 * MIB, 4 * MIB, RW, other.give(), 0);
        transaction.commit();
        stalled = space.register("poller 3", () -> {});
        assertEquals(0, log.list.size());
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(DmaSpace.class);
    }

    @AfterEach
    void nothingLeaks() throws Exception {
        stalled.close();
        space.close();
        file.close();
        other.close();
        logger().detachAppender(log);
        logger().setAdditive(true);
        assertEquals(0, ProcSelf.mappings(NAME));
        assertEquals(0, ProcSelf.descriptors(NAME));
    }

    private void unmapAll() {
        Transaction transaction = space.begin();
        transaction.unmapAll();
        transaction.commit();
    }

    @Test
    void shouldReturnAtTheDeadlineAndNameTheReaderWhenItStalls() {
        long before = time.get();
        unmapAll();
        long waited = time.get() - before;
        assertTrue(waited >= DEADLINE && waited <= DEADLINE + 2 * MILLISECOND, "waited " + waited);
        assertEquals(1, log.list.size());
        assertEquals(Level.WARN, log.list.get(0).getLevel());
        String message = log.list.get(0).getFormattedMessage();
        assertTrue(message.contains("guest 7") && message.contains("poller 3"), message);
    }

    @Test
    void shouldLeaveScratchMemoryWhenTheReaderStalls() throws Exception {
        long hva = space.hostView().translate(PAGE, 8, RW);
        file.assertPage(PAGE, hva);
        unmapAll();
        assertEquals(Translator.NOT_MAPPED, space.hostView().translate(PAGE, 8, RW));
        assertEquals(0, ProcSelf.mappings(NAME), "the guest's memory is gone");
        assertEquals(2, ProcSelf.descriptors(NAME), "and so are the space's descriptors");
        assertEquals(0, Memory.getLong(hva), "scratch");
        Memory.putLong(hva + MIB, 1);
        assertEquals(2, space.backings().extents(), "still counted");
        assertEquals(8 * MIB, space.backings().virtualBytes());
        assertEquals(0, space.backings().descriptors());
    }

    @Test
    void shouldTellTheReaderThatAnUnmapWasAnsweredWithoutIt() throws Exception {
        DmaReader prompt = space.register("prompt", () -> {});
        prompt.acknowledge(Long.MAX_VALUE - 1);
        assertFalse(stalled.takeMissed());
        Transaction part = space.begin();
        part.unmap(4 * MIB, 4 * MIB);
        part.commit();

        assertTrue(stalled.takeMissed());
        assertFalse(stalled.takeMissed(), "told once");
        assertFalse(prompt.takeMissed());
        stalled.acknowledge(stalled.current());
        Transaction rest = space.begin();
        rest.unmapAll();
        rest.commit();
        assertTrue(stalled.takeMissed());
    }

    @Test
    void shouldUnmapTheScratchMemoryWhenTheReaderHasAcknowledged() throws Exception {
        unmapAll();
        stalled.acknowledge(stalled.current());
        space.begin().commit();
        assertEquals(0, space.backings().extents());
        assertEquals(0, space.backings().virtualBytes());
    }

    @Test
    void shouldKeepTheScratchMemoryWhenOnlyAnOlderEpochIsAcknowledged() throws Exception {
        Transaction first = space.begin();
        first.unmap(0, 4 * MIB);
        first.commit();
        long firstEpoch = stalled.current();
        Transaction second = space.begin();
        second.unmap(4 * MIB, 4 * MIB);
        second.commit();
        assertEquals(2, log.list.size());
        stalled.acknowledge(firstEpoch);
        space.begin().commit();
        assertEquals(1, space.backings().extents(), "what went first");
        stalled.acknowledge(stalled.current());
        space.begin().commit();
        assertEquals(0, space.backings().extents());
    }

    @Test
    void shouldMapTheFileAnewWhenItsOldMappingIsInQuarantine() throws Exception {
        long old = space.hostView().translate(0, 8, RW);
        unmapAll();
        Transaction again = space.begin();
        again.map(0, 4 * MIB, RW, file.give(), 0);
        again.commit();
        long hva = space.hostView().translate(0, 8, RW);
        assertTrue(hva != old);
        file.assertPage(0, hva);
        assertEquals(0, Memory.getLong(old));
        assertEquals(3, space.backings().extents());
    }

    @Test
    void shouldCountQuarantineAgainstTheLimitWhenMappingAgain() throws Exception {
        try (DmaSpace tight =
                new DmaSpace("tight", new DmaLimits(9, 9, 1, 4 * MIB), Optional.empty(), 1, System::nanoTime)) {
            Transaction map = tight.begin();
            map.map(0, PAGE, RW, file.give(), 0);
            map.commit();
            DmaReader slow = tight.register("slow", () -> {});
            Transaction unmap = tight.begin();
            unmap.unmapAll();
            unmap.commit();
            Transaction again = tight.begin();
            DmaRefused refused = assertThrows(DmaRefused.class, () -> again.map(0, PAGE, RW, file.give(), 0));
            assertEquals(Errno.ENOSPC, refused.errno());
            again.commit();
            slow.close();
            Transaction after = tight.begin();
            after.map(0, PAGE, RW, file.give(), 0);
            after.commit();
            file.assertPage(0, tight.hostView().translate(0, 8, RW));
        }
    }

    @Test
    void shouldKeepScratchUntilAcknowledgedWhenTheSpaceIsClosed() throws Exception {
        long hva = space.hostView().translate(MIB, 8, RW);
        space.close();
        assertEquals(0, ProcSelf.mappings(NAME));
        assertEquals(2, ProcSelf.descriptors(NAME));
        // Some turns of the reaper, which must leave it alone.
        Thread.sleep(200);
        assertEquals(0, Memory.getLong(hva), "alive, or the JVM would not be");
        assertEquals(2, space.backings().extents());
        stalled.acknowledge(stalled.current());
        while (space.backings().extents() > 0) {
            Thread.sleep(5);
        }
    }
}
