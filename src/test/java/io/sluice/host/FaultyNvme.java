package io.sluice.host;

import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.DoorbellBuffer;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
        /** It completes another command, that it has still, in place of this one, that it has lost. */
        WRONG_OTHER,
        WRONG_QUEUE,
        /** The phase of the next entry says that there is a completion, and there is none. */
        PHASE,
        /** The completion is posted an entry too far. */
        SKIPPED,
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

        /** Whether it refuses to map memory, or to let go of it. */
        default boolean mapFails() {
            return false;
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

    /** A command that it has, with all that it may touch for it. */
    private record Held(int qid, int cid, int opcode, DataPages data, List<Mapping> memory, long slba, boolean late) {}

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
    private final List<Long> lateAdmin = new ArrayList<>();

    /** The IOVAs that it has refused to let go of. */
    final List<Long> kept = new ArrayList<>();

    private long shadows;
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
        lateAdmin.clear();
        shadows = 0;
        eventRequests.clear();
    }

    @Override
    void writeRegister(int offset, int value) {
        if ((Csts.fatal(csts) || !isBusMaster()) && offset >= Doorbells.OFFSET) {
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

    /** Whether it may read or write the memory of a command, by its SLBA, whatever it says. */
    boolean mayTouch(long slba) {
        return isBusMaster() && held.stream().anyMatch(each -> each.slba() == slba);
    }

    private boolean isBusMaster() {
        return (config.getShort(PciHeader.COMMAND) & PciHeader.COMMAND_BUS_MASTER) != 0;
    }

    /** Lets time pass: late completions come, and shadow doorbells are read. */
    void step() {
        stepAdmin();
        if (!isBusMaster()) {
            return;
        }
        for (int qid : shadows == 0 ? Set.<Integer>of() : Set.copyOf(io.keySet())) {
            work(qid, Memory.getInt(at(shadows + DoorbellBuffer.sqTailOffset(qid))));
        }
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

    /** Admin commands that are late; apart, as the driver waits for them. */
    void stepAdmin() {
        for (long sqe : List.copyOf(lateAdmin)) {
            if (isBusMaster() && faults.lateNow()) {
                lateAdmin.remove(sqe);
                executeWell(sqe);
            }
        }
    }

    /** All that the command may touch is touched: its pages, and the list that says which they are. */
    private void touch(Held each) {
        if (!isBusMaster()) {
            return;
        }
        if (!each.data().isStill(this)) {
            throw new AssertionError("the PRP list of a command that the device still has was changed");
        }
        List<Long> pages = each.data().pages();
        for (int i = 0; i < pages.size(); i++) {
            if (memoryAt(pages.get(i)) != each.memory().get(i)) {
                throw new AssertionError("DMA to memory that somebody else has at the same address");
            }
            if (each.opcode() == NvmOpcode.READ) {
                Memory.putLong(at(pages.get(i)), each.slba());
            } else if (Memory.getLong(at(pages.get(i))) != each.slba()) {
                throw new AssertionError("data of a command that the device still has was changed");
            }
        }
    }

    private void meet(int qid, long sqe) {
        commandsTaken++;
        int cid = Sqe.cid(sqe);
        Fate fate = faults.fate(qid, Sqe.opcode(sqe));
        boolean late = fate == Fate.LATE;
        int opcode = Sqe.opcode(sqe);
        boolean hasData = opcode == NvmOpcode.READ || opcode == NvmOpcode.WRITE;
        DataPages data = hasData ? DataPages.of(this, sqe, Sqe.blockCount(sqe) * 512) : DataPages.NONE;
        List<Mapping> memory = data.pages().stream().map(this::memoryAt).toList();
        Held command = new Held(qid, cid, opcode, data, memory, Sqe.slba(sqe), late);
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
            case WRONG_OTHER -> completeOther(command);
            case WRONG_QUEUE -> post(qid, qid + 1, cid, Status.OK);
            case PHASE -> post(qid, qid, 0xffff, Status.OK);
            case SKIPPED -> {
                skip(io.get(qid));
                finish(command);
            }
            case FAILED -> post(command, Status.INTERNAL_ERROR.code());
            case FATAL -> {
                held.add(command);
                csts = Csts.withFatal(csts, true);
            }
            case GONE -> {
                held.add(command);
                gone = true; // but who knows what it does where nobody sees it
            }
        }
    }

    /** What no driver can tell: the other command ends, so the device has to forgo its memory. */
    private void completeOther(Held command) {
        Optional<Held> other =
                held.stream().filter(each -> each.qid() == command.qid()).findFirst();
        held.add(command);
        if (other.isPresent()) {
            held.remove(other.get());
            echoes.add(other.get());
            finish(other.get());
        }
    }

    private static void skip(Queue queue) {
        queue.cqTail = Rings.next(queue.cqTail, queue.cqEntries);
        queue.phase = Rings.phaseAt(queue.cqTail, queue.phase);
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
        skip(queue);
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
            case LOST, SKIPPED -> {}
            case LATE -> lateAdmin.add(sqe);
            case WRONG_CID, WRONG_OTHER, WRONG_QUEUE, PHASE -> completeAdmin(cid ^ NOT_IN_USE, Status.OK, 0);
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
        } else if (Sqe.opcode(sqe) == AdminOpcode.DOORBELL_BUFFER_CONFIG) {
            shadows = Sqe.prp1(sqe);
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

    @Override
    public void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        if (faults.mapFails()) {
            throw new IOException("no more mappings");
        }
        super.mapDma(memory, offset, bytes, iova, access);
    }

    @Override
    public void unmapDma(long iova, long bytes) throws IOException {
        if (faults.mapFails()) {
            kept.add(iova);
            throw new IOException("it does not let go");
        }
        super.unmapDma(iova, bytes);
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
