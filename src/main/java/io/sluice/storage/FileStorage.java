package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.linux.LinuxException;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.IdentifyNamespace;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.FileRequest.Work;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;

/**
 * A namespace in a file, or on a block device, of the host: what was flushed outlives the process and the host.
 *
 * <pre>
 *   poller: submit ─▶ todo ─▶ a worker: preadv, pwritev2, fallocate, fdatasync ─▶ done ─▶ poller, woken: poll ─▶ complete
 * </pre>
 *
 * <p>The calls move data straight between the file and the guest's memory. A command that hangs in one stays pending, and with
 * it the memory; whatever has not been started is ended as soon as that is asked for. NVMe gives no order between commands in
 * flight, but whole blocks, so those that write to the same blocks are put off until the ones before them have ended.
 *
 * <p>A flush needs a sync that began after it: one is under way at a time, and the next one serves all that came meanwhile.
 */
public final class FileStorage implements Synced, Resizable {
    /** More than a few do not make a device quicker that keeps its data in the page cache. */
    private static final int WORKERS = 4;

    private static final int MAX_PENDING = 128;

    /** Deallocations that may be pending. What comes beyond is left as it is, which is a controller's right. */
    static final int MAX_DEALLOCATIONS = 16;

    /** Most that a step makes a hole of: others' commands and a cancellation come between two. */
    static final long DEALLOCATE_STEP_BYTES = 1L << 30;

    /** The same for zeroes, which may have to be written. */
    static final long ZERO_STEP_BYTES = 16L << 20;

    /** The same for what is only read. */
    static final long VERIFY_STEP_BYTES = 16L << 20;

    /** The same for what is read and written. */
    static final long COPY_STEP_BYTES = 4L << 20;

    /** Copies that may be pending: each new command is compared with all of their ranges. */
    static final int MAX_COPIES = 4;

    private static final int ABORTED = Status.ABORTED_SQ_DELETION.code();
    private static final int FAILED_FUSED = Status.ABORTED_FAILED_FUSED.dnr();

    /** What file systems give back and devices write at a time; smaller pieces of it are a guest's loss. */
    private static final int GRAIN_BYTES = 4096;

    private static final int UNREADABLE = Status.UNRECOVERED_READ_ERROR.dnr();

    private Namespace namespace;
    private final RawFile file;
    private final FileMarks marks;
    private final FileWork work;
    private final FileWorkers workers;
    private final Handover todo = new Handover(2 * MAX_PENDING);
    private final Handover done = new Handover(2 * MAX_PENDING);

    /** The last one is the storage's own, for syncs. */
    private final FileRequest[] requests = new FileRequest[MAX_PENDING + 1];

    private final FileRequest sync;

    /** Indices of those that are free: a stack. */
    private final int[] free = new int[MAX_PENDING];

    private int freeCount;

    /** Requests that wait for a sync, in the order of those. */
    private final ArrayDeque<FileRequest> waiting = new ArrayDeque<>(MAX_PENDING + 1);

    private boolean syncing;
    private long syncsBegun;
    private long syncsEnded;

    /** The last sync that somebody other than a request wants; 0 for none. */
    private long wantedSync;

    /** The sync that a shutdown waits for; 0 for none. */
    private long settlingSync;

    /** How the last one ended. Once one has failed, all that come later fail. */
    private int lastSyncStatus;

    private int deallocations;
    private int copies;

    /**
     * A namespace in a file.
     *
     * @param namespace of the file's size
     * @param file closed with this
     * @param wake makes the controller's agent run soon; called from any thread
     * @throws LinuxException if there is not enough memory
     */
    public FileStorage(Namespace namespace, RawFile file, Runnable wake) throws LinuxException {
        this.namespace = namespace;
        this.file = file;
        this.marks = new FileMarks(file.marks(), namespace.blockShift());
        for (int i = 0; i < requests.length; i++) {
            requests[i] = new FileRequest(i, namespace.blockShift());
        }
        for (int i = 0; i < MAX_PENDING; i++) {
            free[i] = i;
        }
        freeCount = MAX_PENDING;
        sync = requests[MAX_PENDING];
        sync.takeSync();
        work = new FileWork(file, namespace.bytes());
        try {
            workers = new FileWorkers(WORKERS, work, requests, todo, done, wake);
        } catch (LinuxException e) {
            work.close();
            throw e;
        }
    }

    @Override
    public List<Namespace> namespaces() {
        return List.of(namespace);
    }

    @Override
    public int maxPending() {
        return MAX_PENDING;
    }

    @Override
    public boolean hasVolatileCache() {
        return true;
    }

    @Override
    public int sglAlignmentBytes() {
        return 1;
    }

    /** Write Uncorrectable where there is a place for its marks, which must outlive a restart. */
    @Override
    public boolean offers(int opcode) {
        return switch (opcode) {
            case NvmOpcode.COMPARE,
                    NvmOpcode.VERIFY,
                    NvmOpcode.WRITE_ZEROES,
                    NvmOpcode.DATASET_MANAGEMENT,
                    NvmOpcode.COPY -> true;
            case NvmOpcode.WRITE_UNCORRECTABLE -> file.keepsMarks();
            default -> false;
        };
    }

    @Override
    public boolean offersFused() {
        return true;
    }

    @Override
    public NamespaceTraits traits(int nsid) {
        int grain = namespace.blockBytes() < GRAIN_BYTES ? GRAIN_BYTES / namespace.blockBytes() : 0;
        int deallocation = IdentifyNamespace.DLFEAT_READS_ZEROES | IdentifyNamespace.DLFEAT_WRITE_ZEROES_DEALLOCATES;
        return new NamespaceTraits(
                deallocation, 0, grain, grain, grain, grain, grain, Copies.limits(namespace.blockShift()));
    }

    // ---- another size

    @Override
    public void makeRoom(long bytes) throws IOException {
        file.resize(bytes);
    }

    @Override
    public void setBlockCount(long blockCount) {
        long gone = namespace.blockCount() - blockCount;
        if (gone > 0 && marks.remove(blockCount, gone)) {
            beginSync(); // it may become larger again
        }
        namespace = namespace.withBlockCount(blockCount);
        work.setFileBytes(namespace.bytes());
    }

    @Override
    public void giveBack(long bytes) throws IOException {
        file.resize(bytes);
    }

    // ---- commands

    @Override
    public int submit(IoCommand command) {
        int opcode = command.opcode();
        boolean hint = opcode == NvmOpcode.DATASET_MANAGEMENT;
        if (hint && (!command.deallocate() || command.byteCount() == 0 || deallocations == MAX_DEALLOCATIONS)) {
            return Status.OK;
        }
        if (!hasRequest() || conflicts(command)) {
            return BUSY;
        }
        int status = marks.begin(command);
        if (status != Status.OK) {
            return status;
        }
        FileRequest request = requests[free[--freeCount]];
        request.take(command, workOf(opcode));
        command.setProgress(request.index() + 1L);
        begin(request, command);
        return PENDING;
    }

    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        if (!hasRequest() || conflicts(write)) {
            return false;
        }
        if (!compare.isCompared() && !marks.isGood(compare.slba(), compare.blockCount())) {
            complete(compare, UNREADABLE, write, FAILED_FUSED);
            return true;
        }
        FileRequest request = requests[free[--freeCount]];
        request.takeFused(compare, write);
        compare.setProgress(request.index() + 1L);
        write.setProgress(request.index() + 1L);
        begin(request, write);
        return true;
    }

    private boolean hasRequest() {
        if (freeCount == 0) {
            poll(); // what was withdrawn comes back even when no command is pending
        }
        return freeCount > 0;
    }

    private static Work workOf(int opcode) {
        return switch (opcode) {
            case NvmOpcode.READ -> Work.READ;
            case NvmOpcode.VERIFY -> Work.VERIFY;
            case NvmOpcode.COMPARE -> Work.COMPARE;
            case NvmOpcode.WRITE -> Work.WRITE;
            case NvmOpcode.COPY -> Work.COPY;
            case NvmOpcode.WRITE_ZEROES -> Work.ZERO;
            case NvmOpcode.DATASET_MANAGEMENT -> Work.DEALLOCATE;
            case NvmOpcode.WRITE_UNCORRECTABLE -> Work.MARK;
            case NvmOpcode.FLUSH -> Work.SYNC;
            default -> throw new IllegalStateException(NvmOpcode.name(opcode) + " passed the gate");
        };
    }

    private void begin(FileRequest request, IoCommand command) {
        switch (request.work()) {
            case READ, COMPARE, WRITE, COMPARE_AND_WRITE -> {
                request.setSpan(offset(command.slba()), command.byteCount());
                request.setStep(offset(command.slba()), command.byteCount());
                hand(request);
            }
            case VERIFY, ZERO -> {
                request.setSpan(offset(command.slba()), command.byteCount());
                goOn(request);
            }
            case COPY -> {
                copies++;
                request.setSpan(offset(command.slba()), command.byteCount());
                goOn(request);
            }
            case DEALLOCATE -> {
                deallocations++;
                goOn(request);
            }
            case MARK -> {
                request.setSpan(offset(command.slba()), command.byteCount());
                request.setChangesMarks();
                awaitSync(request);
            }
            case SYNC -> awaitSync(request);
        }
    }

    private boolean conflicts(IoCommand command) {
        int opcode = command.opcode();
        if (opcode == NvmOpcode.FLUSH || opcode == NvmOpcode.DATASET_MANAGEMENT || freeCount == MAX_PENDING) {
            return false;
        }
        boolean writes = opcode != NvmOpcode.READ && opcode != NvmOpcode.COMPARE && opcode != NvmOpcode.VERIFY;
        long start = offset(command.slba());
        return conflicts(writes, start, start + command.byteCount())
                || (opcode == NvmOpcode.COPY && (copies == MAX_COPIES || sourcesConflict(command)));
    }

    private boolean sourcesConflict(IoCommand copy) {
        for (int i = 0; i < copy.rangeCount(); i++) {
            long range = copy.rangesAddress() + (long) i * CopyRange.BYTES;
            long start = offset(CopyRange.slba(range));
            if (conflicts(false, start, start + offset(CopyRange.blockCount(range)))) {
                return true;
            }
        }
        return false;
    }

    private boolean conflicts(boolean writes, long start, long end) {
        for (int i = 0; i < MAX_PENDING; i++) {
            if (requests[i].conflicts(writes, start, end)) {
                return true;
            }
        }
        return false;
    }

    private long offset(long lba) {
        return lba << namespace.blockShift();
    }

    private void hand(FileRequest request) {
        request.queue();
        if (!todo.offer(request.index())) {
            throw new IllegalStateException("more is asked for than there are requests");
        }
        workers.wakeOne();
    }

    /** The next step, or the end, after one that has succeeded. */
    private void goOn(FileRequest request) {
        marks.stepDone(request);
        boolean more = switch (request.work()) {
            case VERIFY -> nextBlocks(request, VERIFY_STEP_BYTES);
            case ZERO -> nextBlocks(request, ZERO_STEP_BYTES);
            case COPY -> nextCopy(request);
            case DEALLOCATE -> nextHole(request);
            default -> false;
        };
        boolean stepwise = request.work() == Work.ZERO || request.work() == Work.COPY;
        if (more && request.isCancelled()) {
            end(request, ABORTED);
        } else if (more && request.work() == Work.COPY && !marks.isSourceGood(request)) {
            conclude(request, UNREADABLE);
        } else if (more) {
            hand(request);
        } else if (stepwise && request.isDurable()) {
            awaitSync(request);
        } else {
            conclude(request, Status.OK);
        }
    }

    /** Ends it, if need be after the marks that have changed for it have been saved. */
    private void conclude(FileRequest request, int status) {
        if (request.changesMarks()) {
            request.setOutcome(status);
            awaitSync(request);
        } else {
            end(request, status);
        }
    }

    private boolean nextBlocks(FileRequest request, long most) {
        IoCommand command = request.command();
        long bytes = Math.min(command.byteCount() - request.done(), most);
        request.setStep(offset(command.slba()) + request.done(), bytes);
        request.addDone(bytes);
        return bytes > 0;
    }

    /** A step is of one range, which is named in the completion if it cannot be copied. */
    private boolean nextCopy(FileRequest request) {
        IoCommand command = request.command();
        long rangeStart = 0; // in the sum of all ranges
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * CopyRange.BYTES;
            long length = offset(CopyRange.blockCount(range));
            long skip = request.done() - rangeStart;
            if (skip < length) {
                long to = offset(command.slba()) + request.done();
                long bytes = Math.min(length - skip, COPY_STEP_BYTES);
                request.setCopyStep(i, offset(CopyRange.slba(range)) + skip, to, bytes);
                request.addDone(bytes);
                return true;
            }
            rangeStart += length;
        }
        return false;
    }

    /** Its progress is the bytes of its ranges, in order, that have been done. */
    private boolean nextHole(FileRequest request) {
        IoCommand command = request.command();
        long rangeStart = 0; // in the sum of all ranges
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * DsmRange.BYTES;
            long length = DsmRange.blockCount(range) << namespace.blockShift();
            long skip = request.done() - rangeStart;
            if (skip < length) {
                long bytes = Math.min(length - skip, DEALLOCATE_STEP_BYTES);
                request.setStep(offset(DsmRange.slba(range)) + skip, bytes);
                request.addDone(bytes);
                return true;
            }
            rangeStart += length;
        }
        return false;
    }

    private void end(FileRequest request, int status) {
        IoCommand command = request.command();
        IoCommand fused = request.fused();
        if (request.work() == Work.COPY && !Status.isSuccess(status)) {
            command.setResult(request.range());
        }
        boolean same = request.isWriting();
        release(request);
        if (fused == null) {
            command.complete(status);
        } else {
            complete(command, same ? Status.OK : status, fused, same ? status : FAILED_FUSED);
        }
    }

    private static void complete(IoCommand compare, int compared, IoCommand write, int written) {
        compare.complete(compared);
        write.complete(written);
    }

    private void release(FileRequest request) {
        forget(request);
        free[freeCount++] = request.index();
    }

    /** Its commands have ended, or are about to. */
    private void forget(FileRequest request) {
        if (request.command() != null) {
            deallocations -= request.work() == Work.DEALLOCATE ? 1 : 0;
            copies -= request.work() == Work.COPY ? 1 : 0;
            request.leaveCommand();
        }
    }

    @Override
    public int poll() {
        int count = 0;
        for (int index = done.poll(); index != Handover.NOTHING; index = done.poll()) {
            count++;
            FileRequest request = requests[index];
            if (request == sync) {
                syncEnded(request.status());
            } else if (request.command() == null) {
                release(request); // it had been withdrawn
            } else if (request.hasFailed()) {
                conclude(request, request.status());
            } else {
                goOn(request);
            }
            if (count == requests.length) {
                break;
            }
        }
        return count;
    }

    @Override
    public boolean has(IoCommand command) {
        long index = command.progress() - 1;
        return index >= 0 && requests[(int) index].isOf(command);
    }

    @Override
    public void cancel(IoCommand command) {
        FileRequest request = requests[(int) command.progress() - 1];
        if (waiting.remove(request)) {
            end(request, ABORTED); // no worker has it: a sync is nobody's
        } else if (request.withdraw()) {
            IoCommand first = request.command();
            IoCommand second = request.fused();
            forget(request); // it is free once a worker has given it back
            if (second == null) {
                first.complete(ABORTED);
            } else {
                complete(first, ABORTED, second, ABORTED);
            }
        } else {
            request.cancel();
        }
    }

    // ---- syncs

    private void awaitSync(FileRequest request) {
        request.setSyncNumber(syncsBegun + 1);
        waiting.add(request);
        if (!syncing) {
            startSync();
        }
    }

    @Override
    public long beginSync() {
        wantedSync = syncsBegun + 1;
        if (!syncing) {
            startSync();
        }
        return wantedSync;
    }

    @Override
    public int syncStatus(long number) {
        return syncsEnded >= number ? lastSyncStatus : PENDING;
    }

    private void startSync() {
        syncing = true;
        syncsBegun++;
        sync.setMarks(marks.takeChanges());
        hand(sync);
    }

    private void syncEnded(int status) {
        syncing = false;
        syncsEnded = syncsBegun;
        lastSyncStatus = status;
        if (sync.marks() != null && sync.savedStatus() != Status.OK) {
            marks.putBack();
        }
        while (!waiting.isEmpty() && waiting.peek().syncNumber() <= syncsEnded) {
            FileRequest request = waiting.remove();
            end(request, outcome(request, status));
        }
        if (!waiting.isEmpty() || wantedSync > syncsEnded) {
            startSync();
        }
    }

    private int outcome(FileRequest request, int status) {
        if (request.outcome() != Status.OK || status != Status.OK) {
            return request.outcome() != Status.OK ? request.outcome() : status;
        }
        return request.changesMarks() ? sync.savedStatus() : Status.OK;
    }

    /** What cannot be made safe any more is told in the log, and does not keep the guest from shutting down. */
    @Override
    public boolean settle() {
        if (settlingSync == 0) {
            settlingSync = beginSync();
        }
        poll();
        if (syncsEnded < settlingSync) {
            return false;
        }
        settlingSync = 0;
        return true;
    }

    @Override
    public void settleAbandoned() {
        settlingSync = 0;
    }

    @Override
    public void close() {
        boolean ended = workers.stop(file.name());
        file.close();
        if (ended) { // else the kernel may still read what is written from there
            work.close();
        }
    }
}
