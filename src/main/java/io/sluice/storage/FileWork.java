package io.sluice.storage;

import io.sluice.linux.Errno;
import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.Status;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One step of a request, on a worker's thread: the system calls for it, and what their failures mean for a guest. Data goes
 * straight between the file and the guest's memory, which only the kernel touches: if that is gone, it says so (EFAULT).
 *
 * <p>After a sync has failed nobody knows what is on the medium (Linux forgets which pages it could not write), and after the
 * file was cut shorter some of it is not: from then on nothing is promised any more, and all writes and flushes fail.
 */
final class FileWork {
    private static final Logger LOG = LoggerFactory.getLogger(FileWork.class);

    /** What zeroes are written from, again and again. */
    private static final int ZEROES_BYTES = 64 << 10;

    private static final int WRITE_FAULT = Status.WRITE_FAULT.dnr();
    private static final int COMPARE_FAILURE = Status.COMPARE_FAILURE.code();
    private static final int UNREADABLE = Status.UNRECOVERED_READ_ERROR.dnr();

    private final RawFile file;
    private volatile long fileBytes;
    private final Mapping zeroes;

    /** Whether the file may have less than guests were told. */
    private volatile boolean failed;

    private volatile boolean cannotPunch;
    private volatile boolean cannotZero;
    private volatile boolean cannotWriteDurably;

    /** @param fileBytes how long the file is to be */
    FileWork(RawFile file, long fileBytes) throws LinuxException {
        this.file = file;
        this.fileBytes = fileBytes;
        this.zeroes = Mapping.anonymous(ZEROES_BYTES, Mapping.PROT_READ);
    }

    /** It is to be so long from now on: at once longer, or soon shorter. */
    void setFileBytes(long bytes) {
        fileBytes = bytes;
    }

    /** Does it. Returns a status as in {@link Status}. */
    int perform(FileRequest request, FileScratch scratch) {
        try {
            return switch (request.work()) {
                case READ -> read(request, scratch);
                case VERIFY -> verify(request, scratch);
                case COMPARE -> isReadableNow(request) ? compare(request, scratch) : UNREADABLE;
                case WRITE -> mayWrite() ? write(request, request.pieces(), scratch) : WRITE_FAULT;
                case COMPARE_AND_WRITE -> compareAndWrite(request, scratch);
                case ZERO -> mayWrite() ? zero(request, scratch.vectors()) : WRITE_FAULT;
                case COPY -> mayWrite() ? copy(request, scratch) : WRITE_FAULT;
                case DEALLOCATE -> mayWrite() ? deallocate(request) : WRITE_FAULT;
                case SYNC -> mayWrite() ? syncAndSave(request) : WRITE_FAULT;
                case MARK -> throw new IllegalStateException("marks are changed by the poller");
            };
        } catch (LinuxException e) {
            return tell(request, e);
        } catch (RuntimeException | Error e) {
            LOG.error("{}: internal error in a guest's {}", file.name(), request.work(), e);
            return Status.INTERNAL_ERROR.code();
        }
    }

    /** With FUA, what is read is on the medium. */
    private boolean isReadableNow(FileRequest request) {
        return !request.isDurable() || sync() == Status.OK;
    }

    private int read(FileRequest request, FileScratch scratch) throws LinuxException {
        if (!isReadableNow(request)) {
            return UNREADABLE;
        }
        for (long done = 0; done < request.bytes(); ) {
            int count = scratch.fill(request.pieces(), done, request.bytes() - done);
            long now = read(scratch.vectors(), count, request.offset() + done);
            if (now == 0) {
                return UNREADABLE;
            }
            done += now;
        }
        return Status.OK;
    }

    /** Returns 0 if there is nothing there. */
    private long read(IoVectors vectors, int count, long offset) throws LinuxException {
        long now = file.read(vectors, count, offset);
        if (now == 0) {
            fail("is shorter than it was (" + file.size() + " bytes, not " + fileBytes + "): somebody has cut it");
        }
        return now;
    }

    /** Reads a chunk of the file. Whether all of it is there. */
    private boolean readChunk(FileScratch scratch, long offset, int bytes) throws LinuxException {
        for (long done = 0; done < bytes; ) {
            long now = read(scratch.filesVector(done, bytes), 1, offset + done);
            if (now == 0) {
                return false;
            }
            done += now;
        }
        return true;
    }

    private static int chunk(FileRequest request, long done) {
        return (int) Math.min(request.bytes() - done, FileScratch.CHUNK_BYTES);
    }

    /** NVM Command Set 1.0, 3.2.4: the blocks are read, and nothing is done with them. */
    private int verify(FileRequest request, FileScratch scratch) throws LinuxException {
        if (!isReadableNow(request)) {
            return UNREADABLE;
        }
        for (long done = 0; done < request.bytes(); done += chunk(request, done)) {
            if (!readChunk(scratch, request.offset() + done, chunk(request, done))) {
                return UNREADABLE;
            }
        }
        return Status.OK;
    }

    private int compare(FileRequest request, FileScratch scratch) throws LinuxException {
        for (long done = 0; done < request.bytes(); done += chunk(request, done)) {
            int bytes = chunk(request, done);
            if (!readChunk(scratch, request.offset() + done, bytes)) {
                return UNREADABLE;
            }
            scratch.gather(request.pieces(), done, bytes);
            if (!Memory.isSame(scratch.filesBytes(), scratch.guestsBytes(), bytes)) {
                return COMPARE_FAILURE;
            }
        }
        return Status.OK;
    }

    /** Nothing comes between the two: no other command that touches these blocks has been begun. */
    private int compareAndWrite(FileRequest request, FileScratch scratch) throws LinuxException {
        int status = request.command().isCompared() ? Status.OK : compare(request, scratch);
        if (status != Status.OK) {
            return status;
        }
        request.command().setCompared();
        request.setWriting(true);
        return mayWrite() ? write(request, request.fusedPieces(), scratch) : WRITE_FAULT;
    }

    private int copy(FileRequest request, FileScratch scratch) throws LinuxException {
        for (long done = 0; done < request.bytes(); done += chunk(request, done)) {
            int bytes = chunk(request, done);
            request.setWriting(false);
            if (!readChunk(scratch, request.source() + done, bytes)) {
                return UNREADABLE;
            }
            request.setWriting(true);
            for (long written = 0; written < bytes; ) {
                long to = request.offset() + done + written;
                written += progress(file.write(scratch.filesVector(written, bytes), 1, to, false));
            }
        }
        return Status.OK;
    }

    private int write(FileRequest request, Pieces pieces, FileScratch scratch) throws LinuxException {
        boolean durably = request.isDurable() && !cannotWriteDurably;
        for (long done = 0; done < request.bytes(); ) {
            int count = scratch.fill(pieces, done, request.bytes() - done);
            done += write(scratch.vectors(), count, request.offset() + done, durably);
            durably &= !cannotWriteDurably;
        }
        return request.isDurable() && !durably ? sync() : Status.OK;
    }

    private long write(IoVectors vectors, int count, long offset, boolean durably) throws LinuxException {
        try {
            return progress(file.write(vectors, count, offset, durably));
        } catch (LinuxException e) {
            if (!durably || e.errno() == Errno.EFAULT || isFull(e)) {
                throw e;
            }
            if (e.errno() == Errno.EOPNOTSUPP) {
                cannotWriteDurably = true;
                return progress(file.write(vectors, count, offset, false));
            }
            fail("has lost writes: " + e.getMessage());
            throw e;
        }
    }

    /** A write of something that does nothing and reports nothing would go on for ever. */
    static long progress(long written) throws LinuxException {
        if (written <= 0) {
            throw new LinuxException("pwritev2", "that wrote nothing", Errno.EIO);
        }
        return written;
    }

    /** Without a wish to deallocate, the room that blocks have stays theirs where the file system can do that. */
    private int zero(FileRequest request, IoVectors vectors) throws LinuxException {
        boolean punched = request.mayDeallocate() && punch(request);
        if (punched || zeroed(request) || (!request.mayDeallocate() && punch(request))) {
            return Status.OK;
        }
        for (long done = 0; done < request.bytes(); ) {
            int count = 0;
            for (long left = request.bytes() - done; left > 0 && count < IoVectors.MAX; left -= ZEROES_BYTES) {
                vectors.set(count++, zeroes.address(), Math.min(left, ZEROES_BYTES));
            }
            done += progress(file.write(vectors, count, request.offset() + done, false));
        }
        return Status.OK;
    }

    /** Where a hole cannot be made the blocks stay as they are, which is a controller's right: NVMe 1.4, 6.7.1.1. */
    private int deallocate(FileRequest request) throws LinuxException {
        request.setWriting(punch(request));
        return Status.OK;
    }

    private boolean punch(FileRequest request) throws LinuxException {
        if (cannotPunch) {
            return false;
        }
        try {
            file.punch(request.offset(), request.bytes());
            return true;
        } catch (LinuxException e) {
            cannotPunch = requireMereInability(e);
            return false;
        }
    }

    private boolean zeroed(FileRequest request) throws LinuxException {
        if (cannotZero) {
            return false;
        }
        try {
            file.zero(request.offset(), request.bytes());
            return true;
        } catch (LinuxException e) {
            cannotZero = requireMereInability(e);
            return false;
        }
    }

    /** Some file systems and devices say EINVAL for what they do not do, or not at this alignment. */
    private static boolean requireMereInability(LinuxException e) throws LinuxException {
        if (e.errno() != Errno.EOPNOTSUPP && e.errno() != Errno.EINVAL && e.errno() != Errno.ENOSYS) {
            throw e;
        }
        return e.errno() != Errno.EINVAL;
    }

    /** In this order: a block whose mark is gone for good has for good what was written to it. */
    private int syncAndSave(FileRequest request) {
        int status = sync();
        request.setSavedStatus(status == Status.OK ? save(request.marks()) : status);
        return status;
    }

    private int save(long[] marks) {
        if (marks == null) {
            return Status.OK;
        }
        try {
            file.saveMarks(marks);
            return Status.OK;
        } catch (IOException e) {
            LOG.error(
                    "{}: which blocks are written uncorrectable cannot be saved; commands that change it fail: {}",
                    file.name(),
                    e.toString());
            return WRITE_FAULT;
        }
    }

    private int sync() {
        if (failed) {
            return WRITE_FAULT;
        }
        try {
            file.sync();
            return Status.OK;
        } catch (LinuxException e) {
            fail("could not be flushed, and what was written since the last flush may be lost: " + e.getMessage());
            return WRITE_FAULT;
        }
    }

    /** A write past the end of a file that was cut would make it long again, and the loss would go unnoticed. */
    private boolean mayWrite() throws LinuxException {
        if (!failed && file.size() < fileBytes) {
            fail("is shorter than it was (" + file.size() + " bytes, not " + fileBytes + "): somebody has cut it");
        }
        return !failed;
    }

    private void fail(String what) {
        if (!failed) {
            failed = true;
            LOG.error(
                    "{} {}. Its guest's writes and flushes fail from now on; save what is there, and start again",
                    file.name(),
                    what);
        }
    }

    private int tell(FileRequest request, LinuxException e) {
        int status = statusOf(request, e);
        String text = Status.describe(status);
        if (e.errno() == Errno.EFAULT) {
            LOG.warn("{}: the guest's memory is gone under a {}: {}", file.name(), request.work(), text);
        } else {
            LOG.error(
                    "{}: {} of {} bytes at offset {} failed; the guest gets {}: {}",
                    file.name(),
                    request.work(),
                    request.bytes(),
                    request.offset(),
                    text,
                    e.getMessage());
        }
        return status;
    }

    private static int statusOf(FileRequest request, LinuxException e) {
        if (e.errno() == Errno.EFAULT) {
            return Status.DATA_TRANSFER_ERROR.code();
        }
        if (isFull(e)) {
            return Status.CAPACITY_EXCEEDED.dnr();
        }
        return switch (request.work()) {
            case READ, VERIFY, COMPARE -> UNREADABLE;
            case COMPARE_AND_WRITE, COPY -> request.isWriting() ? WRITE_FAULT : UNREADABLE;
            case WRITE, ZERO, DEALLOCATE, MARK, SYNC -> WRITE_FAULT;
        };
    }

    private static boolean isFull(LinuxException e) {
        return e.errno() == Errno.ENOSPC || e.errno() == Errno.EDQUOT;
    }

    /** Nobody performs anything any more, except those that hang in the kernel. */
    void close() {
        zeroes.close();
    }
}
