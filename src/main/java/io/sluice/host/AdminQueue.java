package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * The admin queue, polled: one command at a time that somebody waits for, and beside it Aborts and Asynchronous Event
 * Requests, which nobody waits for. Thread-safe.
 *
 * <p>A command that does not complete in time fails the queue: its slot stays outstanding, with the page that the device may
 * still write, and every later command fails the same way until the controller has been reset.
 *
 * <p>Two locks, always taken in this order: {@code turn} for as long as a command is awaited, with the page of its data; {@code
 * lock} for each look at the queue. So neither an Abort nor a reset waits for a long command to end.
 */
final class AdminQueue {
    /** Slots enough for parked commands (asynchronous events) beside the one that is waited for. */
    static final int ENTRIES = 32;

    /** More Aborts are not sent at a time, whatever the controller takes: they would fill the queue. */
    private static final int MAX_ABORTS = 8;

    /** Between two polls that find nothing, look this often before giving the processor away. */
    private static final int SPINS = 200;

    // What a command's completion is for.
    private static final long AWAITED = 0;
    private static final long ABORT = 1;
    private static final long EVENT = 2;

    /** For a process that has ended. */
    private static final long NOBODY = 3;

    private static final String NOT_SENT = " was not sent";

    private final ReentrantLock turn = new ReentrantLock();
    private final ReentrantLock lock = new ReentrantLock();
    private final String device;
    private final QueuePair pair;
    private final ControllerRegisters registers;
    private final DmaArea data;
    private final DriverOptions options;
    private final Alarm alarm;
    private final ArrayDeque<Integer> events = new ArrayDeque<>();

    // Guarded by lock.
    private IOException failure;
    private boolean dead;
    private boolean done;
    private int status;
    private int dw0;
    private int abortsInFlight;
    private long abortsDeadline;
    private int eventRequests;
    private boolean eventsRefused;
    private int restarts;
    private boolean takenOver;

    /**
     * @param data a page that commands exchange data by
     * @param alarm hears when only a reset helps
     */
    AdminQueue(
            String device,
            QueuePair pair,
            ControllerRegisters registers,
            DmaArea data,
            DriverOptions options,
            Alarm alarm) {
        this.device = device;
        this.pair = pair;
        this.registers = registers;
        this.data = data;
        this.options = options;
        this.alarm = alarm;
    }

    /**
     * Runs a command.
     *
     * @param what its name and arguments, for messages
     * @param fields sets the command's own dwords in a cleared entry
     * @return the completion's dword 0
     * @throws CommandFailed if it ends with an error status
     * @throws DeviceFailure if it does not end
     */
    int run(int opcode, String what, LongConsumer fields) throws IOException {
        return run(opcode, what, options.timeouts().adminMillis(), fields);
    }

    /** @param timeoutMillis how long it may take before the controller is reset */
    int run(int opcode, String what, int timeoutMillis, LongConsumer fields) throws IOException {
        turn.lock();
        try {
            return runLocked(opcode, what, timeoutMillis, fields);
        } finally {
            turn.unlock();
        }
    }

    /**
     * Runs a command with data.
     *
     * @param out what the device reads, up to a page; what is left of the page is zero
     * @param in gets what the device writes, up to a page
     */
    int exchange(int opcode, String what, LongConsumer fields, byte[] out, byte[] in) throws IOException {
        return exchange(opcode, what, options.timeouts().adminMillis(), fields, data, out, in);
    }

    /**
     * Runs a command with data.
     *
     * @param timeoutMillis how long it may take before the controller is reset
     * @param area what the device reads and writes; if the command does not end, it stays mapped until the device is reset
     * @param out what the device reads, no more than the area takes; what is left of the area is zero
     * @param in gets what the device writes, no more than the area takes
     */
    int exchange(int opcode, String what, int timeoutMillis, LongConsumer fields, DmaArea area, byte[] out, byte[] in)
            throws IOException {
        turn.lock();
        try {
            throwIfFailed(what + NOT_SENT);
            Memory.fill(area.address(), area.bytes(), (byte) 0);
            Memory.copyIn(out, 0, area.address(), out.length);
            int dataBytes = Math.max(out.length, in.length);
            int result = run(opcode, what, timeoutMillis, sqe -> {
                fields.accept(sqe);
                if (dataBytes > 0) {
                    pair.setData(sqe, area.iova(), dataBytes);
                }
            });
            Memory.copyOut(area.address(), in, 0, in.length);
            return result;
        } finally {
            turn.unlock();
        }
    }

    private int runLocked(int opcode, String what, int timeoutMillis, LongConsumer fields) throws IOException {
        try {
            submitAwaited(opcode, what, fields);
            await(what, timeoutMillis);
        } catch (IOException e) {
            throw fail(e);
        } catch (InternalError e) {
            throw fail(new DeviceFailure(what + " on " + device + " has hit memory that was taken away; reset it", e));
        }
        if (!Status.isSuccess(status)) {
            throw new CommandFailed(what, device, status);
        }
        return dw0;
    }

    /** The queue's memory is there for whoever sees no failure here, while it holds one of the locks. */
    private void throwIfFailed(String what) throws DeviceFailure {
        lock.lock();
        try {
            if (failure != null) {
                throw new DeviceFailure(what + ": " + failure.getMessage(), failure);
            }
        } finally {
            lock.unlock();
        }
    }

    private void submitAwaited(int opcode, String what, LongConsumer fields) throws IOException {
        lock.lock();
        try {
            throwIfFailed(what + NOT_SENT);
            done = false;
            submit(opcode, fields, AWAITED);
        } finally {
            lock.unlock();
        }
    }

    private void submit(int opcode, LongConsumer fields, long token) throws IOException {
        long sqe = pair.begin(opcode, 0);
        if (sqe == 0) {
            throw new DeviceFailure("no free slot in the admin queue of " + device
                    + ": it does not complete its Aborts and events; reset it");
        }
        fields.accept(sqe);
        pair.commit(token);
        pair.ring();
    }

    /** The first failure counts: what it leads to, such as a command that a reset ends, asks for no other reset. */
    private IOException fail(IOException why) {
        lock.lock();
        try {
            if (failure == null) {
                failure = why;
                alarm.failed(why.getMessage());
            }
        } finally {
            lock.unlock();
        }
        return why;
    }

    private void await(String what, int timeoutMillis) throws IOException {
        long deadline = options.clock().nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        for (int polls = 0; !isDone(what); polls++) {
            registers.checkAbandoned(what);
            if (polls < SPINS) {
                Thread.onSpinWait();
                continue;
            }
            if (options.clock().nanoTime() - deadline >= 0) {
                throw late(what, timeoutMillis);
            }
            options.clock().checkPatience();
            options.clock().pause();
        }
    }

    private boolean isDone(String what) throws IOException {
        lock.lock();
        try {
            throwIfFailed(what + " did not end");
            pair.poll(this::completed, 1); // what comes after it, and may be wrong, is not this command's fault
            return done;
        } finally {
            lock.unlock();
        }
    }

    private void completed(long token, int completedStatus, int completedDw0) {
        if (token == AWAITED) {
            done = true;
            status = completedStatus;
            dw0 = completedDw0;
        } else if (token == NOBODY) {
            return;
        } else if (token == ABORT) {
            abortsInFlight--; // whatever it says: only the aborted command's own completion counts
            abortsDeadline = adminDeadline();
        } else {
            eventRequests--;
            if (Status.isSuccess(completedStatus)) {
                events.add(completedDw0);
            } else {
                eventsRefused = true;
            }
        }
    }

    private DeviceFailure late(String what, int timeoutMillis) throws IOException {
        int csts = registers.csts();
        String state =
                Csts.fatal(csts) ? "it reports a fatal error (CSTS.CFS = 1)" : "CSTS is 0x" + Integer.toHexString(csts);
        return new DeviceFailure(what + " on " + device + " did not complete within " + timeoutMillis + " ms; " + state
                + "; reset the device");
    }

    // ---- what nobody waits for

    /**
     * Takes completions without waiting.
     *
     * @throws DeviceFailure if an Abort is lost, which would take the place of all later ones
     */
    void poll() throws IOException {
        lock.lock();
        try {
            if (failure != null) {
                return;
            }
            pair.poll(this::completed, ENTRIES);
            if (abortsInFlight > 0 && options.clock().nanoTime() - abortsDeadline >= 0) {
                throw late("Abort", options.timeouts().adminMillis());
            }
        } catch (IOException e) {
            throw fail(e);
        } finally {
            lock.unlock();
        }
    }

    private long adminDeadline() {
        return options.clock().nanoTime()
                + TimeUnit.MILLISECONDS.toNanos(options.timeouts().adminMillis());
    }

    /**
     * Sends an Abort, unless as many are in flight as the controller takes.
     *
     * @param limit ACL decoded
     * @return whether it was sent
     */
    boolean abort(int sqid, int cid, int limit) throws IOException {
        lock.lock();
        try {
            if (failure != null || abortsInFlight >= Math.min(limit, MAX_ABORTS)) {
                return false;
            }
            if (abortsInFlight == 0) {
                abortsDeadline = adminDeadline();
            }
            abortsInFlight++;
            submit(AdminOpcode.ABORT, sqe -> AdminSqe.setAbort(sqe, sqid, cid), ABORT);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Keeps so many Asynchronous Event Requests outstanding, unless the controller has refused one. */
    void requestEvents(int count) throws IOException {
        lock.lock();
        try {
            while (failure == null && !eventsRefused && eventRequests + events.size() < count) {
                eventRequests++;
                submit(AdminOpcode.ASYNC_EVENT_REQUEST, sqe -> {}, EVENT);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The oldest event that has not been taken, as dword 0 of its completion, or null. */
    Integer takeEvent() {
        lock.lock();
        try {
            return events.poll();
        } finally {
            lock.unlock();
        }
    }

    // ---- reset

    /** Ends the command that is awaited, and keeps everybody else out until {@link #endReset}. */
    void beginReset() {
        failWith(new DeviceFailure(device + " is being reset"));
        turn.lock();
        lock.lock();
    }

    void endReset() {
        lock.unlock();
        turn.unlock();
    }

    /** Within a reset, when the controller is disabled: empty queues in the same memory, and nothing outstanding. */
    void restart() {
        assert lock.isHeldByCurrentThread() && !dead : "restarted outside of a reset";
        pair.restartForgetting();
        abortsInFlight = 0;
        eventRequests = 0;
        eventsRefused = false;
        failure = null;
        restarts++;
    }

    /** How often the controller has forgotten what it was told. */
    int restarts() {
        lock.lock();
        try {
            return restarts;
        } finally {
            lock.unlock();
        }
    }

    /** No command is sent any more, and whoever waits for one gives up: afterwards nobody touches the queue's memory. */
    void die(DeviceFailure why) {
        lock.lock();
        try {
            failWith(why);
            dead = true;
        } finally {
            lock.unlock();
        }
        turn.lock(); // only when whoever had it has left
        try {
            assert dead : "alive again";
        } finally {
            turn.unlock();
        }
    }

    private void failWith(DeviceFailure why) {
        lock.lock();
        try {
            if (!dead) {
                failure = why;
            }
        } finally {
            lock.unlock();
        }
    }

    QueueMemory memory() {
        return pair.memory();
    }

    // ---- what another process has left

    /** Goes on with the queue of another process, whose Aborts and event requests are outstanding still. */
    void takeOver() throws IOException {
        lock.lock();
        try {
            pair.takeOver();
            takenOver = true;
            for (int slot = 0; slot < pair.depth(); slot++) {
                long token = pair.outstandingToken(slot);
                if (token == EVENT) {
                    eventRequests++;
                } else if (token == ABORT) {
                    abortsInFlight++;
                    abortsDeadline = adminDeadline();
                } else if (token == AWAITED) {
                    pair.setToken(slot, NOBODY);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether another process may have heard of events and done nothing about them, since this was last asked: events of the same
     * types do not come before their log pages are read.
     */
    boolean takeUnread() {
        lock.lock();
        try {
            boolean unread = takenOver;
            takenOver = false;
            return unread;
        } finally {
            lock.unlock();
        }
    }

    /** Whether a command that another process has waited for may still use its memory: event requests and Aborts have none. */
    boolean anyOfNobody() {
        lock.lock();
        try {
            for (int slot = 0; slot < pair.depth(); slot++) {
                if (pair.outstandingToken(slot) == NOBODY) {
                    return true;
                }
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    // ---- the commands

    /**
     * Runs an Identify.
     *
     * @param copy gets the answer, {@link Cns#DATA_BYTES} bytes: memory that the device cannot reach
     */
    void identify(int cns, int nsid, String what, long copy) throws IOException {
        turn.lock();
        try {
            throwIfFailed(what + NOT_SENT);
            Memory.fill(data.address(), Cns.DATA_BYTES, (byte) 0);
            run(AdminOpcode.IDENTIFY, what, sqe -> {
                AdminSqe.setIdentify(sqe, cns, nsid);
                pair.setData(sqe, data.iova(), Cns.DATA_BYTES);
            });
            Memory.copy(data.address(), copy, Cns.DATA_BYTES);
        } finally {
            turn.unlock();
        }
    }

    /**
     * Reads the beginning of a log page, which lets the next event about it come.
     *
     * @param bytes a multiple of 4, up to a page
     */
    byte[] logPage(int logPageId, int bytes) throws IOException {
        byte[] page = new byte[bytes];
        exchange(
                AdminOpcode.GET_LOG_PAGE,
                "Get Log Page 0x" + Integer.toHexString(logPageId),
                sqe -> AdminSqe.setGetLogPage(sqe, Sqe.NSID_ALL, logPageId, 0, bytes, false),
                new byte[0],
                page);
        return page;
    }

    /** Sets a feature of the controller, not saved; returns the completion's dword 0. */
    int setFeature(int featureId, int value, String what) throws IOException {
        return run(AdminOpcode.SET_FEATURES, what, sqe -> AdminSqe.setSetFeatures(sqe, 0, featureId, value, false));
    }

    /** The current value of a feature of the controller. */
    int feature(int featureId, String what) throws IOException {
        return run(
                AdminOpcode.GET_FEATURES,
                what,
                sqe -> AdminSqe.setGetFeatures(sqe, 0, featureId, Feature.SELECT_CURRENT));
    }

    /**
     * Asks for I/O queue pairs (Set Features, Number of Queues).
     *
     * @return how many the controller allows, which may be fewer or more
     */
    int requestQueuePairs(int count) throws IOException {
        int value = FeatureValue.numberOfQueues(count, count);
        int granted = setFeature(Feature.NUMBER_OF_QUEUES, value, "Set Features Number of Queues, " + count);
        return Math.min(FeatureValue.submissionQueues0(granted), FeatureValue.completionQueues0(granted)) + 1;
    }

    void createCq(QueuePair io, boolean interrupts, int vector) throws IOException {
        QueueMemory queue = io.memory();
        run(
                AdminOpcode.CREATE_IO_CQ,
                "Create I/O Completion Queue " + io.qid() + " of " + queue.entries() + " entries",
                sqe -> AdminSqe.setCreateCq(sqe, io.qid(), queue.entries(), queue.cqIova(), interrupts, vector));
    }

    void createSq(QueuePair io) throws IOException {
        QueueMemory queue = io.memory();
        run(
                AdminOpcode.CREATE_IO_SQ,
                "Create I/O Submission Queue " + io.qid() + " of " + queue.entries() + " entries",
                sqe -> AdminSqe.setCreateSq(
                        sqe, io.qid(), queue.entries(), queue.sqIova(), io.qid(), AdminSqe.QPRIO_URGENT));
    }

    void configureDoorbellBuffer(ShadowDoorbells shadows) throws IOException {
        run(AdminOpcode.DOORBELL_BUFFER_CONFIG, "Doorbell Buffer Config", sqe -> {
            Sqe.setPrp1(sqe, shadows.doorbellsIova());
            Sqe.setPrp2(sqe, shadows.eventIdxIova());
        });
    }

    void deleteSq(int qid) throws IOException {
        run(AdminOpcode.DELETE_IO_SQ, "Delete I/O Submission Queue " + qid, sqe -> AdminSqe.setDeleteQueue(sqe, qid));
    }

    void deleteCq(int qid) throws IOException {
        run(AdminOpcode.DELETE_IO_CQ, "Delete I/O Completion Queue " + qid, sqe -> AdminSqe.setDeleteQueue(sqe, qid));
    }
}
