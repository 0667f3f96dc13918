package io.sluice.daemon;

import io.sluice.controller.ForwardingPath;
import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A storage in slices of the same size, which counts how often each of them is reached, and notes what reaches beyond the
 * slice that it begins in.
 */
final class WatchedStorage extends ForwardingPath {
    private final long blocksEach;
    private final AtomicLongArray reached;
    volatile String violation;
    volatile long commands;

    WatchedStorage(IoPath storage, int slices, long blocksEach) {
        super(storage);
        this.blocksEach = blocksEach;
        reached = new AtomicLongArray(slices);
    }

    /** How many commands, and ranges of Dataset Management and Copy, were of blocks of a slice until now. */
    long reached(int slice) {
        return reached.get(slice);
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // the device's poller alone writes it
    public boolean submitFused(IoCommand compare, IoCommand write) {
        commands += 2;
        note(compare, compare.slba(), compare.blockCount());
        note(write, write.slba(), write.blockCount());
        return storage.submitFused(compare, write);
    }

    @Override
    public boolean hasVolatileCache() {
        return true;
    }

    @Override
    public int sglAlignmentBytes() {
        return storage.sglAlignmentBytes();
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // the device's poller alone writes it
    public int submit(IoCommand command) {
        commands++;
        if (command.opcode() == NvmOpcode.DATASET_MANAGEMENT) {
            for (int i = 0; i < command.rangeCount(); i++) {
                long range = command.rangesAddress() + (long) i * DsmRange.BYTES;
                note(command, DsmRange.slba(range), DsmRange.blockCount(range));
            }
        } else if (command.opcode() == NvmOpcode.COPY) {
            for (int i = 0; i < command.rangeCount(); i++) {
                long range = command.rangesAddress() + (long) i * CopyRange.BYTES;
                note(command, CopyRange.slba(range), CopyRange.blockCount(range));
            }
            note(command, command.slba(), command.blockCount());
        } else if (command.opcode() != NvmOpcode.FLUSH) {
            note(command, command.slba(), command.blockCount());
        }
        return storage.submit(command);
    }

    private void note(IoCommand command, long slba, long blocks) {
        if (blocks == 0) {
            return; // a range may be empty
        }
        long slice = slba / blocksEach;
        if (slba < 0 || slice >= reached.length() || slba + blocks > (slice + 1) * blocksEach) {
            violation = NvmOpcode.name(command.opcode()) + " of " + blocks + " blocks at " + slba;
        } else {
            reached.incrementAndGet((int) slice);
        }
    }
}
