package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.client.VfioUserClient;
import java.nio.file.Path;

/**
 * A guest that others must leave alone. It writes and reads its volume all the time, and knows every byte of it, and of its
 * memory, all of which bears its mark:
 *
 * <pre>
 *   data file:  | not mapped | pages to read and write to, with others between them | not mapped |
 * </pre>
 */
final class Neighbour implements AutoCloseable {
    private static final int PAGE = Memory.PAGE_BYTES;
    private static final int UNIT_PAGES = 4;
    static final int UNIT_BYTES = UNIT_PAGES * PAGE;
    private static final int WORDS_PER_PAGE = PAGE / Long.BYTES;
    private static final int BLOCKS_PER_UNIT = UNIT_BYTES / MediatedRig.BLOCK_BYTES;
    private static final int SLOTS = 8;
    private static final long MAPPED_FROM = RawController.MEMORY_BYTES / 4;
    private static final long MAPPED_BYTES = RawController.MEMORY_BYTES / 2;
    private static final long SPACING = MAPPED_BYTES / SLOTS;
    private static final int STEPS_A_SWEEP = 128;
    private static final int GENERATIONS = 1 << 13;

    /** In the queue memory: the PRP list of each slot. */
    private static final long LISTS = 0xc_0000;

    private static final long LIST_BYTES = (UNIT_PAGES - 1) * (long) Long.BYTES;

    private enum Doing {
        NOTHING,
        WRITING,
        READING
    }

    private static final class Slot {
        Doing doing = Doing.NOTHING;
        int unit;
        int cid;
        boolean written;
    }

    private final RawController raw;
    private final TrackedQueues queues;
    private final int mark;
    private final int[] generations;
    private final Slot[] slots = new Slot[SLOTS];
    private long submitted;
    private long verified;
    private int steps;
    private long progressNanos = System.nanoTime();

    /** @param mark the upper half of every word of its memory and of its volume */
    Neighbour(Path socket, int mark, long blocks, long queueIova, long dataIova) throws Exception {
        this.mark = mark;
        generations = new int[(int) (blocks / BLOCKS_PER_UNIT)];
        raw = new RawController(VfioUserClient.connect(socket, IsolationRig.REPLY_TIMEOUT), queueIova, dataIova);
        queues = new TrackedQueues(raw, this::ended);
        Painted.paint(raw.queueAddress(0), RawController.MEMORY_BYTES, untouched());
        Painted.paint(raw.dataAddress(0), RawController.MEMORY_BYTES, untouched());
        raw.enablePci();
        raw.mapQueues();
        raw.device.mapDma(
                raw.dataFile(), MAPPED_FROM, MAPPED_BYTES, dataIova + MAPPED_FROM, Translator.READ | Translator.WRITE);
        raw.enable();
        queues.createAll();
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot();
            slots[i].unit = i;
            for (int page = 1; page < UNIT_PAGES; page++) {
                Memory.putLong(raw.queueAddress(list(i) + (page - 1) * 8L), dataIova + offset(i, page));
            }
        }
    }

    private static long list(int slot) {
        return LISTS + slot * (long) PAGE;
    }

    private long untouched() {
        return (long) mark << Integer.SIZE | 0xffff_ffffL;
    }

    /** What is at a word of a unit that was written so often: its number, how often, which word. */
    private long word(int unit, int index) {
        int generation = generations[unit] % GENERATIONS;
        return (long) mark << Integer.SIZE | Integer.toUnsignedLong(unit << 24 | generation << 11 | index);
    }

    /** Every other page of a slot's, in the middle of it, is not asked for. */
    private static long offset(int slot, int page) {
        return MAPPED_FROM + slot * SPACING + SPACING / 2 + 2L * page * PAGE;
    }

    /** Where its memory is in this process: an address that nobody else has a reason to name. */
    long address() {
        return raw.dataAddress(offset(0, 0));
    }

    /** How many commands it has sent. */
    long submitted() {
        return submitted;
    }

    /** How many of its reads have brought what it wrote. */
    long verified() {
        return verified;
    }

    /** Whether each of its blocks has been written. */
    boolean hasFilled() {
        for (int generation : generations) {
            if (generation == 0) {
                return false;
            }
        }
        return true;
    }

    boolean isBusy() {
        for (Slot slot : slots) {
            if (slot.doing != Doing.NOTHING) {
                return true;
            }
        }
        return false;
    }

    /** Takes what has ended, checks it, and goes on, unless it is to rest. */
    void step(boolean rest) {
        long now = System.nanoTime();
        if (queues.reap() > 0) {
            progressNanos = now;
        }
        assertTrue(
                !isBusy() || now - progressNanos < RawController.PATIENCE_NANOS,
                () -> this + " gets no completions any more");
        for (int i = 0; i < SLOTS && !rest; i++) {
            if (slots[i].doing == Doing.NOTHING) {
                submit(i, slots[i]);
            }
        }
        queues.ring();
        if (++steps % STEPS_A_SWEEP == 0) {
            sweep();
        }
    }

    private void submit(int index, Slot slot) {
        if (!isBusy()) {
            progressNanos = System.nanoTime();
        }
        int sqid = sqid(index);
        long sqe = queues.next(sqid, slot.written ? NvmOpcode.READ : NvmOpcode.WRITE);
        if (!slot.written) {
            generations[slot.unit]++;
        }
        for (int page = 0; page < UNIT_PAGES; page++) {
            long address = raw.dataAddress(offset(index, page));
            for (int i = 0; i < WORDS_PER_PAGE; i++) {
                long word = slot.written ? untouched() : word(slot.unit, page * WORDS_PER_PAGE + i);
                Memory.putLong(address + (long) i * Long.BYTES, word);
            }
        }
        Sqe.setPrp1(sqe, raw.dataIova + offset(index, 0));
        Sqe.setPrp2(sqe, raw.queueIova + list(index));
        Sqe.setSlba(sqe, (long) slot.unit * BLOCKS_PER_UNIT);
        Sqe.setBlockCount(sqe, BLOCKS_PER_UNIT);
        slot.cid = Sqe.cid(sqe);
        slot.doing = slot.written ? Doing.READING : Doing.WRITING;
        submitted++;
    }

    private static int sqid(int slot) {
        return 1 + slot % TrackedQueues.SUBMISSION_QUEUES;
    }

    private void ended(int sqid, int cid, int status) {
        for (int i = 0; i < SLOTS; i++) {
            if (slots[i].doing != Doing.NOTHING && sqid(i) == sqid && slots[i].cid == cid) {
                assertEquals(Status.OK, status, () -> this + ": " + Status.describe(status));
                ended(i, slots[i]);
                return;
            }
        }
        throw new AssertionError(this + ": command " + cid + " of queue " + sqid + " is nobody's");
    }

    /** Also after a Write: its data is as it was. */
    private void ended(int index, Slot slot) {
        for (int page = 0; page < UNIT_PAGES; page++) {
            assertPage("after " + slot.doing, raw.dataAddress(offset(index, page)), slot.unit, page);
        }
        if (slot.doing == Doing.READING) {
            verified++;
            slot.unit = (slot.unit + SLOTS) % generations.length;
        }
        slot.written = slot.doing == Doing.WRITING;
        slot.doing = Doing.NOTHING;
    }

    /** What is at an address is what was last written to a unit of its volume. */
    void assertUnit(String what, long address, int unit) {
        for (int page = 0; page < UNIT_PAGES; page++) {
            assertPage(what, address + (long) page * PAGE, unit, page);
        }
    }

    private void assertPage(String what, long address, int unit, int page) {
        for (int i = 0; i < WORDS_PER_PAGE; i++) {
            long found = Memory.getLong(address + (long) i * Long.BYTES);
            long expected = word(unit, page * WORDS_PER_PAGE + i);
            if (found != expected) {
                assertEquals(
                        Long.toHexString(expected),
                        Long.toHexString(found),
                        this + ", unit " + unit + " " + what + ", page " + page + ", word " + i);
            }
        }
    }

    /** All of its memory that nobody was asked to write to. */
    void sweep() {
        long at = 0;
        for (int i = 0; i < SLOTS * UNIT_PAGES; i++) {
            long page = offset(i / UNIT_PAGES, i % UNIT_PAGES);
            assertUntouched("data from " + at, raw.dataAddress(at), page - at);
            at = page + PAGE;
        }
        assertUntouched("data from " + at, raw.dataAddress(at), RawController.MEMORY_BYTES - at);
        at = RawController.LISTS; // before that are the admin queues
        for (int sqid = 1; sqid <= TrackedQueues.SUBMISSION_QUEUES; sqid++) {
            at = sweepQueues(at, TrackedQueues.sqOffset(sqid), TrackedQueues.SQ_BYTES);
        }
        for (int cqid = 1; cqid <= TrackedQueues.COMPLETION_QUEUES; cqid++) {
            at = sweepQueues(at, TrackedQueues.cqOffset(cqid), TrackedQueues.CQ_BYTES);
        }
        for (int i = 0; i < SLOTS; i++) {
            at = sweepQueues(at, list(i), LIST_BYTES);
        }
        sweepQueues(at, RawController.MEMORY_BYTES, 0);
    }

    private long sweepQueues(long from, long queue, long bytes) {
        assertUntouched("queue memory from " + from, raw.queueAddress(from), queue - from);
        return queue + bytes;
    }

    private void assertUntouched(String what, long address, long bytes) {
        Painted.assertWhole(this + ", " + what, address, bytes, untouched());
    }

    @Override
    public String toString() {
        return "neighbour " + Integer.toHexString(mark);
    }

    @Override
    public void close() {
        raw.close();
    }
}
