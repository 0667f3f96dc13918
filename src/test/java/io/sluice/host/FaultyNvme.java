package io.sluice.host;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * {@link FakeNvme} with I/O queues and faults: what it does with each command, and at each step of coming up, is chosen by a
 * {@link Faults}. It touches a command's data as long as it has the command, so memory that is taken away too early shows.
 */
final class FaultyNvme extends FakeNvme {
    /** What becomes of a command. */
    enum Fate {
        DONE,
        /** Never completed, unless by an Abort. */
        LOST,
        /** Completed by a later {@link #step}. */
        LATE,
        TWICE,
        /** Completed, and once more by a later {@link #step}. */
        ECHOED,
        WRONG_CID,
        WRONG_QUEUE,
        FAILED,
        /** CSTS.CFS, and nothing works any more. */
        FATAL,
        /** The registers read all ones. */
        GONE
    }

    /** Chooses. */
    interface Faults {
        Faults NONE = new Faults() {};

        default Fate fate(int qid, int opcode) {
            return Fate.DONE;
        }

        /** Whether an Abort ends the command that it names; if not, it may say so or lie. */
        default boolean abortWorks() {
            return true;
        }

        /** Whether an Abort itself is completed. */
        default boolean abortEnds() {
            return true;
        }

        /** Whether it completes what is late now. */
        default boolean lateNow() {
            return true;
        }

        /** Before CC is written. */
        default void beforeConfigure(FaultyNvme device) {}

        /** Before a function reset. */
        default void beforeReset(FaultyNvme device) {}
    }

    private static final class Queue {
        long sq;
        long cq;
        int sqEntries;
        int cqEntries;
        int sqHead;
        int cqTail;
        int phase = Rings.FIRST_PHASE;
    }

    private record Held(int qid, int cid, int opcode, long data, Mapping memory, long slba, boolean late) {}

    /** In a CID, the uppermost bit of its generation, which no test lives long enough to see set. */
    private static final int NOT_IN_USE = 0x8000;

    Faults faults = Faults.NONE;
    /** SLBAs of the I/O commands that it has really completed. */
    final Set<Long> finished = new HashSet<>();

    int commandsTaken;
    int aborts;
    private final Map<Integer, Queue> io = new HashMap<>();
    private final List<Held> held = new ArrayList<>();
    private final List<Held> echoes = new ArrayList<>();
    final List<Integer> eventRequests = new ArrayList<>();

    @Override
    void configure(int value) {
        faults.beforeConfigure(this);
        super.configure(value);
        if (!Cc.enabled(cc) && !Csts.ready(csts)) {
            forget();
        }
    }

    @Override
    public void reset() {
        faults.beforeReset(this);
        super.reset();
        forget();
    }

    private void forget() {
        io.clear();
        held.clear();
        echoes.clear();
        eventRequests.clear();
    }

    @Override
    void writeRegister(int offset, int value) {
        if (Csts.fatal(csts) && offset >= Doorbells.OFFSET) {
            return;
        }
        int qid = offset < Doorbells.OFFSET ? 0 : Doorbells.qid(offset);
        if (qid > 0 && !Doorbells.isCqHead(offset)) {
            work(qid, value);
        } else {
            super.writeRegister(offset, value);
        }
    }

    private void work(int qid, int tail) {
        Queue queue = io.get(qid);
        while (queue != null && queue.sqHead != tail && !Csts.fatal(csts) && !gone) {
            long sqe = at(queue.sq + (long) queue.sqHead * Sqe.BYTES);
            queue.sqHead = Rings.next(queue.sqHead, queue.sqEntries);
            meet(qid, sqe);
        }
    }

    /** Lets time pass: late completions come. */
    void step() {
        for (Held each : List.copyOf(held)) {
            touch(each);
            if (each.late() && faults.lateNow()) {
                held.remove(each);
                post(each, Status.OK);
            }
        }
        for (Held each : List.copyOf(echoes)) {
            if (faults.lateNow()) {
                echoes.remove(each);
                post(each, Status.OK);
            }
        }
    }

    private void touch(Held each) {
        if (each.opcode() == NvmOpcode.READ) {
            if (memoryAt(each.data()) != each.memory()) {
                throw new AssertionError("DMA to memory that somebody else has at the same address");
            }
            Memory.putLong(at(each.data()), 0x1a7e);
        }
    }

    private void meet(int qid, long sqe) {
        commandsTaken++;
        int cid = Sqe.cid(sqe);
        Fate fate = faults.fate(qid, Sqe.opcode(sqe));
        boolean late = fate == Fate.LATE;
        Mapping memory = Sqe.opcode(sqe) == NvmOpcode.READ ? memoryAt(Sqe.prp1(sqe)) : null;
        Held command = new Held(qid, cid, Sqe.opcode(sqe), Sqe.prp1(sqe), memory, Sqe.slba(sqe), late);
        switch (fate) {
            case DONE -> finish(command);
            case LOST, LATE -> held.add(command);
            case TWICE -> {
                finish(command);
                post(command, Status.OK);
            }
            case ECHOED -> {
                finish(command);
                echoes.add(command);
            }
            case WRONG_CID -> post(qid, qid, cid ^ NOT_IN_USE, Status.OK);
            case WRONG_QUEUE -> post(qid, qid + 1, cid, Status.OK);
            case FAILED -> post(command, Status.INTERNAL_ERROR.code());
            case FATAL -> csts = Csts.withFatal(csts, true);
            case GONE -> gone = true;
        }
    }

    private void finish(Held command) {
        touch(command);
        post(command, Status.OK);
    }

    private void post(Held command, int status) {
        finished.add(command.slba());
        post(command.qid(), command.qid(), command.cid(), status);
    }

    private void post(int qid, int sqid, int cid, int status) {
        Queue queue = io.get(qid);
        long cqe = at(queue.cq + (long) queue.cqTail * Cqe.BYTES);
        Cqe.publish(cqe, 0, queue.sqHead, sqid, cid, status, queue.phase);
        queue.cqTail = Rings.next(queue.cqTail, queue.cqEntries);
        queue.phase = Rings.phaseAt(queue.cqTail, queue.phase);
    }

    // ---- admin commands

    @Override
    void execute(long sqe) {
        if (gone || Csts.fatal(csts)) {
            return;
        }
        int cid = Sqe.cid(sqe);
        switch (Sqe.opcode(sqe)) {
            case AdminOpcode.ABORT -> abort(cid, AdminSqe.abortSqid(sqe), AdminSqe.abortCid(sqe));
            case AdminOpcode.ASYNC_EVENT_REQUEST -> eventRequests.add(cid);
            default -> executeOrNot(sqe, cid);
        }
    }

    private void executeOrNot(long sqe, int cid) {
        switch (faults.fate(0, Sqe.opcode(sqe))) {
            case LOST, LATE -> {}
            case WRONG_CID, WRONG_QUEUE -> completeAdmin(cid ^ NOT_IN_USE, Status.OK, 0);
            case FAILED -> completeAdmin(cid, Status.INTERNAL_ERROR.code(), 0);
            case FATAL -> csts = Csts.withFatal(csts, true);
            case GONE -> gone = true;
            case DONE -> executeWell(sqe);
            case TWICE, ECHOED -> {
                executeWell(sqe);
                completeAdmin(cid, Status.OK, 0);
            }
        }
    }

    private void executeWell(long sqe) {
        remember(sqe);
        super.execute(sqe);
    }

    private void remember(long sqe) {
        if (Sqe.opcode(sqe) == AdminOpcode.CREATE_IO_CQ) {
            Queue queue = new Queue();
            queue.cq = Sqe.prp1(sqe);
            queue.cqEntries = AdminSqe.queueEntries(sqe);
            io.put(AdminSqe.qid(sqe), queue);
        } else if (Sqe.opcode(sqe) == AdminOpcode.CREATE_IO_SQ) {
            Queue queue = io.get(AdminSqe.qid(sqe));
            queue.sq = Sqe.prp1(sqe);
            queue.sqEntries = AdminSqe.queueEntries(sqe);
        }
    }

    private void abort(int cid, int sqid, int abortCid) {
        aborts++;
        boolean works = faults.abortWorks();
        for (Held each : List.copyOf(held)) {
            if (works && each.qid() == sqid && each.cid() == abortCid) {
                held.remove(each);
                post(each, Status.ABORT_REQUESTED.code());
            }
        }
        if (faults.abortEnds()) {
            completeAdmin(cid, Status.OK, 0);
        }
    }

    /** Reports an event, if a request is outstanding. */
    boolean event(int dw0) {
        if (eventRequests.isEmpty()) {
            return false;
        }
        completeAdmin(eventRequests.removeFirst(), Status.OK, dw0);
        return true;
    }
}
