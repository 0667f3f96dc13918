package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A queue pair goes on where another one was, whose device the test is. */
class PairTakeoverTest {
    /** So many generations has a CID here: after a lap of the queue, that of slot 0 is the same again. */
    private static final int ENTRIES = 256;

    private static final int QID = 1;
    private static final long SQ_DOORBELL = 0x1008;
    private static final long CQ_DOORBELL = 0x100c;

    private record Completion(long token, int status) {}

    private final List<Completion> completions = new ArrayList<>();
    private Mapping mapping;
    private Mapping shadows;
    private QueueMemory memory;
    private PairRecord record;
    private FakeBar bar;
    private QueuePair pair;
    private int posted;

    @BeforeEach
    void open() throws LinuxException {
        int access = Mapping.PROT_READ | Mapping.PROT_WRITE;
        mapping = Mapping.anonymous(QueueMemory.bytes(ENTRIES), access);
        shadows = Mapping.anonymous(2L * Memory.PAGE_BYTES, access);
        memory = new QueueMemory(mapping.address(), 0x10_0000, ENTRIES);
        record = RecordFixture.record(ENTRIES);
        pair = newPair(false);
    }

    @AfterEach
    void close() {
        mapping.close();
        shadows.close();
    }

    private QueuePair newPair(boolean withShadows) {
        bar = new FakeBar();
        long eventIdx = shadows.address() + Memory.PAGE_BYTES;
        return new QueuePair(
                "queue 1 of fake",
                QID,
                memory,
                record,
                withShadows
                        ? new Doorbell(bar, SQ_DOORBELL, shadows.address() + 8, eventIdx + 8)
                        : new Doorbell(bar, SQ_DOORBELL),
                withShadows
                        ? new Doorbell(bar, CQ_DOORBELL, shadows.address() + 12, eventIdx + 12)
                        : new Doorbell(bar, CQ_DOORBELL),
                new PairTraits(Integer.MAX_VALUE, false, Timeouts.DEFAULT),
                Alarm.NONE);
    }

    private void submit(long token) throws IOException {
        assertTrue(pair.begin(NvmOpcode.FLUSH, 1) != 0);
        pair.commit(token);
        pair.ring();
    }

    /** The device ends the oldest command that it has. */
    private void post() {
        int index = posted % ENTRIES;
        int phase = 1 - posted / ENTRIES % 2;
        Cqe.publish(memory.cqe(index), 0, 0, QID, Sqe.cid(memory.sqe(index)), Status.OK, phase);
        posted++;
    }

    private void poll() throws IOException {
        pair.poll((token, status, dw0) -> completions.add(new Completion(token, status)), 64);
    }

    private void execute(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            submit(i);
            post();
            poll();
        }
        assertEquals(count, completions.size());
        completions.clear();
    }

    /** What is left in the completion queue of an earlier lap is no completion, whatever CIDs are in there. */
    @Test
    void shouldEndACommandByTheResetAndNotByWhatAnotherOnesCompletionHasLeft() throws IOException {
        execute(ENTRIES);
        submit(1_000);
        assertEquals(Sqe.cid(memory.sqe(0)), Cqe.cid(Cqe.tail(memory.cqe(0))), "the CID has come round");
        pair = newPair(false);
        pair.takeOverStopped();
        pair.state().halt();
        pair.state().endAll();
        poll();
        assertEquals(List.of(new Completion(1_000, DriverStatus.CONTROLLER_RESET)), completions);
    }

    /** What the device had posted before it was stopped was done. */
    @Test
    void shouldHandOverWhatTheDeviceHasPostedBeforeAReset() throws IOException {
        execute(ENTRIES + 3);
        submit(1_000);
        submit(1_001);
        post();
        pair = newPair(false);
        pair.takeOverStopped();
        pair.state().halt();
        pair.state().endAll();
        poll();
        assertEquals(
                List.of(new Completion(1_000, Status.OK), new Completion(1_001, DriverStatus.CONTROLLER_RESET)),
                completions);
    }

    /** A device that has fallen asleep behind a Doorbell Buffer is woken by what comes next, wherever the queue stands. */
    @Test
    void shouldWakeADeviceThatSleepsAtTheEndOfTheQueue() throws IOException {
        execute(ENTRIES - 1);
        Memory.putInt(shadows.address() + 8, ENTRIES - 1);
        Memory.putInt(shadows.address() + Memory.PAGE_BYTES + 8, ENTRIES - 1);
        pair = newPair(true);
        pair.takeOver();
        bar.writes.clear();
        submit(1_000);
        assertEquals(List.of(new FakeBar.Write(SQ_DOORBELL, 0)), bar.writes);
    }

    @Test
    void shouldForgetWhatTheDeviceWasNotToldOfAndKeepTheRest() throws IOException {
        submit(7);
        pair.begin(NvmOpcode.FLUSH, 1);
        pair.commit(8);
        pair = newPair(false);
        pair.takeOver();
        assertEquals(1, pair.inFlight());
        assertEquals(1, pair.inherited());
        post();
        poll();
        assertEquals(List.of(new Completion(7, Status.OK)), completions);
        assertEquals(0, pair.inherited());
    }
}
