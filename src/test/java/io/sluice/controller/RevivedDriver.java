package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * A guest's driver that trusts nothing: an entry that the controller says it has taken is overwritten at once, and a completion must be
 * one of a command that is outstanding.
 */
final class RevivedDriver {
    /** The later ones are not quick: see {@link RevivedController#step}. */
    private static final int MAX_CYCLES = 100_000;

    private static final int CIDS = 0x10000;

    private final RevivedController on;
    private final Map<Integer, Sq> sqs = new HashMap<>();
    private final Map<Integer, Cq> cqs = new HashMap<>();
    private int nextCid;
    private int reaching;

    /** How many different identifiers commands have. */
    private int cids = CIDS;

    /** What a command was answered with. */
    record Answer(int status, int dw0) {}

    private static final class Sq {
        private final int qid;
        private final long gpa;
        private final int entries;
        private final Map<Integer, Ticket> outstanding = new HashMap<>();
        private int tail;
        private int head;

        Sq(int qid, long gpa, int entries) {
            this.qid = qid;
            this.gpa = gpa;
            this.entries = entries;
        }
    }

    private static final class Cq {
        private final int qid;
        private final long gpa;
        private final int entries;
        private int head;
        private int phase = 1;

        Cq(int qid, long gpa, int entries) {
            this.qid = qid;
            this.gpa = gpa;
            this.entries = entries;
        }
    }

    /** A command that was submitted; its answer comes once, or the test fails. */
    static final class Ticket {
        private Answer answer;

        boolean isAnswered() {
            return answer != null;
        }

        int status() {
            assertNotNull(answer, "no answer");
            return answer.status();
        }

        int dw0() {
            assertNotNull(answer, "no answer");
            return answer.dw0();
        }
    }

    RevivedDriver(RevivedController on) {
        this.on = on;
    }

    /** Its memory is zeroes from now on. */
    void addSq(int qid, long gpa, int entries) {
        Memory.fill(on.guest.hva(gpa), (long) entries * Sqe.BYTES, (byte) 0);
        sqs.put(qid, new Sq(qid, gpa, entries));
    }

    void addCq(int qid, long gpa, int entries) {
        Memory.fill(on.guest.hva(gpa), (long) entries * Cqe.BYTES, (byte) 0);
        cqs.put(qid, new Cq(qid, gpa, entries));
    }

    /** A submission queue is deleted: a completion of its would fail the test. */
    void remove(int qid) {
        sqs.remove(qid);
    }

    /** Puts a command into a queue as soon as there is room, and rings if it is told to. */
    Ticket submit(int qid, int opcode, boolean ring, LongConsumer fill) throws IOException {
        Sq sq = sqs.get(qid);
        for (int i = 0; (sq.tail + 1) % sq.entries == sq.head; i++) {
            assertTrue(i < MAX_CYCLES, "no room in queue " + qid);
            cycle();
        }
        int cid = freeCid(sq);
        long sqe = on.guest.hva(sq.gpa) + (long) sq.tail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, cid);
        Sqe.setNsid(sqe, 1);
        fill.accept(sqe);
        reaching += qid > 0 && opcode != NvmOpcode.FLUSH && Sqe.slba(sqe) < DurableDrive.BLOCKS ? 1 : 0;
        Ticket ticket = new Ticket();
        sq.outstanding.put(cid, ticket);
        sq.tail = (sq.tail + 1) % sq.entries;
        if (ring) {
            on.ring(Doorbells.sqTailDoorbell(qid), sq.tail);
        }
        return ticket;
    }

    /** From now on, identifiers come again soon: after so many. */
    void useFewCids(int count) {
        cids = count;
        nextCid = 0;
    }

    private int freeCid(Sq sq) {
        int cid = nextCid++ % cids;
        while (sq.outstanding.containsKey(cid)) {
            cid = nextCid++ % cids;
        }
        return cid;
    }

    /** How many commands have been submitted that reach the drive, Flushes aside. */
    int reaching() {
        return reaching;
    }

    /** A duty cycle, then all completions. */
    void cycle() throws IOException {
        on.step();
        for (Cq cq : new ArrayList<>(cqs.values())) {
            if (on.hasInterrupted(cq.qid)) {
                reap(cq);
            }
        }
    }

    private void reap(Cq cq) {
        boolean any = false;
        for (; ; ) {
            long cqe = on.guest.hva(cq.gpa) + (long) cq.head * Cqe.BYTES;
            long tail = Cqe.tail(cqe);
            if (Cqe.phase(tail) != cq.phase) {
                break;
            }
            answer(tail, Cqe.dw0(cqe));
            any = true;
            cq.head = (cq.head + 1) % cq.entries;
            cq.phase ^= cq.head == 0 ? 1 : 0;
        }
        if (any) {
            on.ring(Doorbells.cqHeadDoorbell(cq.qid), cq.head);
        }
    }

    private void answer(long tail, int dw0) {
        Sq sq = sqs.get(Cqe.sqid(tail));
        assertNotNull(sq, "a completion of queue " + Cqe.sqid(tail));
        Ticket ticket = sq.outstanding.remove(Cqe.cid(tail));
        assertNotNull(
                ticket, "command " + Cqe.cid(tail) + " of queue " + sq.qid + " is not outstanding, and was completed");
        ticket.answer = new Answer(Cqe.status(tail), dw0);
        while (sq.head != Cqe.sqHead(tail)) {
            Memory.fill(on.guest.hva(sq.gpa) + (long) sq.head * Sqe.BYTES, Sqe.BYTES, (byte) 0xff);
            sq.head = (sq.head + 1) % sq.entries;
        }
    }

    private String describe() {
        StringBuilder text = new StringBuilder();
        sqs.values()
                .forEach(sq -> text.append("SQ ")
                        .append(sq.qid)
                        .append(" tail ")
                        .append(sq.tail)
                        .append(" head ")
                        .append(sq.head)
                        .append(" outstanding ")
                        .append(sq.outstanding.keySet())
                        .append("; "));
        cqs.values()
                .forEach(cq -> text.append("CQ ")
                        .append(cq.qid)
                        .append(" head ")
                        .append(cq.head)
                        .append(" phase ")
                        .append(cq.phase)
                        .append("; "));
        return text.append(on.describe()).toString();
    }

    /** Cycles until they are all answered. */
    void await(List<Ticket> tickets) throws IOException {
        for (int i = 0; !tickets.stream().allMatch(Ticket::isAnswered); i++) {
            assertTrue(i < MAX_CYCLES, () -> "commands are not answered: " + describe());
            cycle();
        }
    }

    Ticket admin(int opcode, LongConsumer fill) throws IOException {
        Ticket ticket = submit(0, opcode, true, fill);
        await(List.of(ticket));
        return ticket;
    }

    /** Nothing comes that nobody waits for. */
    void assertQuiet() throws IOException {
        for (int i = 0; i < 20; i++) {
            cycle();
        }
        for (Sq sq : sqs.values()) {
            assertEquals(0, sq.outstanding.size(), "outstanding in queue " + sq.qid);
        }
    }
}
