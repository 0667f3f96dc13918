package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * The admin queue, one command at a time, polled. Thread-safe.
 *
 * <p>A command that does not complete in time ends the driver: its slot stays outstanding, with the memory that the
 * device may still write, and every later command fails the same way.
 */
final class AdminQueue {
    /** Slots enough for parked commands (asynchronous events) beside the one that is waited for. */
    static final int ENTRIES = 32;

    /** Between two polls that find nothing, look this often before giving the processor away. */
    private static final int SPINS = 200;

    /** One command at a time: nothing to tell apart. */
    private static final long TOKEN = 0;

    private final String device;
    private final QueuePair pair;
    private final ControllerRegisters registers;
    private final DmaArea data;
    private final DriverOptions options;

    private IOException failure;
    private boolean done;
    private int status;
    private int dw0;

    /** @param data a page that commands exchange data by */
    AdminQueue(String device, QueuePair pair, ControllerRegisters registers, DmaArea data, DriverOptions options) {
        this.device = device;
        this.pair = pair;
        this.registers = registers;
        this.data = data;
        this.options = options;
    }

    /**
     * Runs a command without data.
     *
     * @param what its name and arguments, for messages
     * @param fields sets the command's own dwords in a cleared entry
     * @return the completion's dword 0
     * @throws CommandFailed if it ends with an error status
     * @throws DeviceFailure if it does not end
     */
    synchronized int run(int opcode, String what, LongConsumer fields) throws IOException {
        return run(opcode, what, 0, fields);
    }

    private int run(int opcode, String what, int dataBytes, LongConsumer fields) throws IOException {
        if (failure != null) {
            throw new DeviceFailure(what + " was not sent: " + failure.getMessage(), failure);
        }
        long sqe = pair.begin(opcode, 0);
        if (sqe == 0) {
            throw new IllegalStateException("no free slot in the admin queue of " + device);
        }
        fields.accept(sqe);
        if (dataBytes > 0) {
            pair.setData(sqe, data.iova(), dataBytes);
        }
        done = false;
        pair.commit(TOKEN);
        try {
            pair.ring();
            await(what);
        } catch (IOException e) {
            failure = e;
            throw e;
        }
        if (!Status.isSuccess(status)) {
            throw new CommandFailed(what, device, status);
        }
        return dw0;
    }

    private void await(String what) throws IOException {
        long timeout = TimeUnit.MILLISECONDS.toNanos(options.commandTimeoutMillis());
        long deadline = options.clock().nanoTime() + timeout;
        for (int polls = 0; !done; polls++) {
            if (pair.poll(this::completed, 1) > 0) {
                continue;
            }
            if (polls < SPINS) {
                Thread.onSpinWait();
                continue;
            }
            if (options.clock().nanoTime() - deadline >= 0) {
                throw late(what);
            }
            options.clock().pause();
        }
    }

    private void completed(long token, int completedStatus, int completedDw0) {
        done = true;
        status = completedStatus;
        dw0 = completedDw0;
    }

    private DeviceFailure late(String what) throws IOException {
        int csts = registers.csts();
        String state =
                Csts.fatal(csts) ? "it reports a fatal error (CSTS.CFS = 1)" : "CSTS is 0x" + Integer.toHexString(csts);
        return new DeviceFailure(what + " on " + device + " did not complete within " + options.commandTimeoutMillis()
                + " ms; " + state + "; reset the device");
    }

    // ---- the commands

    /**
     * Runs an Identify.
     *
     * @param copy gets the answer, {@link Cns#DATA_BYTES} bytes: memory that the device cannot reach
     */
    synchronized void identify(int cns, int nsid, String what, long copy) throws IOException {
        Memory.fill(data.address(), Cns.DATA_BYTES, (byte) 0);
        run(AdminOpcode.IDENTIFY, what, Cns.DATA_BYTES, sqe -> AdminSqe.setIdentify(sqe, cns, nsid));
        Memory.copy(data.address(), copy, Cns.DATA_BYTES);
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

    void deleteSq(int qid) throws IOException {
        run(AdminOpcode.DELETE_IO_SQ, "Delete I/O Submission Queue " + qid, sqe -> AdminSqe.setDeleteQueue(sqe, qid));
    }

    void deleteCq(int qid) throws IOException {
        run(AdminOpcode.DELETE_IO_CQ, "Delete I/O Completion Queue " + qid, sqe -> AdminSqe.setDeleteQueue(sqe, qid));
    }
}
