package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;

/**
 * Which blocks of a {@link FileStorage} are marked as not readable, and whether that has been handed out to be saved. Belongs to the
 * poller.
 */
final class FileMarks {
    private static final int UNREADABLE = Status.UNRECOVERED_READ_ERROR.dnr();
    private static final int TOO_MANY_RANGES = Status.WRITE_FAULT.dnr();

    private final BadBlocks blocks = new BadBlocks();
    private final int blockShift;

    /** Since it was handed out last. */
    private boolean changed;

    /** @param ranges in bytes, as {@link RawFile#marks} has them: of another block size perhaps, so what is touched is marked */
    FileMarks(long[] ranges, int blockShift) {
        this.blockShift = blockShift;
        for (int i = 0; i < ranges.length; i += 2) {
            long first = ranges[i] >> blockShift;
            long last = (ranges[i] + ranges[i + 1] - 1) >> blockShift;
            blocks.add(first, last - first + 1);
        }
    }

    /** Whether none of some blocks is marked. */
    boolean isGood(long slba, long blockCount) {
        return blocks.isEmpty() || !blocks.hasAny(slba, blockCount);
    }

    /**
     * A command comes, and nothing else that touches its blocks has been begun: if it is to mark them, they are marked.
     *
     * @return OK, or what it ends with: it would read what is marked, or there are too many ranges already
     */
    int begin(IoCommand command) {
        return switch (command.opcode()) {
            case NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY ->
                isGood(command.slba(), command.blockCount()) ? Status.OK : UNREADABLE;
            case NvmOpcode.WRITE_UNCORRECTABLE ->
                add(command.slba(), command.blockCount()) ? Status.OK : TOO_MANY_RANGES;
            default -> Status.OK;
        };
    }

    private boolean add(long slba, long blockCount) {
        boolean added = blocks.add(slba, blockCount);
        changed |= added;
        return added;
    }

    /** Whether all of the range that a Copy's step is about can be read. */
    boolean isSourceGood(FileRequest copy) {
        long range = copy.command().rangesAddress() + (long) copy.range() * CopyRange.BYTES;
        return isGood(CopyRange.slba(range), CopyRange.blockCount(range));
    }

    /** A step has succeeded, or the first is yet to come: what has been written can be read again. */
    void stepDone(FileRequest request) {
        boolean written = switch (request.work()) {
            case WRITE, COMPARE_AND_WRITE -> true;
            case ZERO, COPY -> request.done() > 0;
            case DEALLOCATE -> request.isWriting();
            default -> false;
        };
        if (written && remove(request.offset() >> blockShift, request.bytes() >> blockShift)) {
            request.setChangesMarks();
        }
    }

    /** Blocks have been written. Whether that has taken marks away. */
    boolean remove(long slba, long blockCount) {
        if (isGood(slba, blockCount)) {
            return false;
        }
        blocks.remove(slba, blockCount);
        changed = true;
        return true;
    }

    /** What is to be saved, in bytes; null if that is saved, or being saved. */
    long[] takeChanges() {
        if (!changed) {
            return null;
        }
        changed = false;
        long[] ranges = blocks.toArray();
        for (int i = 0; i < ranges.length; i++) {
            ranges[i] <<= blockShift;
        }
        return ranges;
    }

    /** It could not be saved: the next time all of it is. */
    void putBack() {
        changed = true;
    }
}
