package io.sluice.daemon;

import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import java.util.List;

/** A storage that notes whatever reaches it of blocks outside of a range. */
final class WatchedStorage implements IoPath {
    private final IoPath storage;
    private volatile long firstAllowed;
    private volatile long endAllowed = Long.MAX_VALUE;
    volatile String violation;
    volatile long commands;

    WatchedStorage(IoPath storage) {
        this.storage = storage;
    }

    /** From now on only blocks {@code first} to {@code end - 1} may be touched. */
    void allowOnly(long first, long end) {
        firstAllowed = first;
        endAllowed = end;
    }

    @Override
    public List<Namespace> namespaces() {
        return storage.namespaces();
    }

    @Override
    public int maxPending() {
        return storage.maxPending();
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
                check(command, DsmRange.slba(range), DsmRange.blockCount(range));
            }
        } else if (command.opcode() != NvmOpcode.FLUSH) {
            check(command, command.slba(), command.blockCount());
        }
        return storage.submit(command);
    }

    private void check(IoCommand command, long slba, long blocks) {
        if (slba < firstAllowed || slba + blocks > endAllowed) {
            violation = NvmOpcode.name(command.opcode()) + " of " + blocks + " blocks at " + slba;
        }
    }

    @Override
    public int poll() {
        return storage.poll();
    }

    @Override
    public void cancel(IoCommand command) {
        storage.cancel(command);
    }

    @Override
    public void close() {
        storage.close();
    }
}
