package io.sluice.bench;

import io.sluice.controller.ForwardingPath;
import io.sluice.controller.IoCommand;
import io.sluice.controller.Namespace;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntUnaryOperator;

/** Storage in memory that does wrong what a test tells it to. */
final class FaultyStorage extends ForwardingPath {
    static final int BLOCK_BYTES = 512;

    /** The LBA whose first byte reads wrong; -1 for none. */
    volatile long corruptLba = -1;

    /** Opcode to status, instead of doing the command; -1 to do it. Given an opcode and LBA parity by the tests. */
    volatile IntUnaryOperator failure = opcode -> -1;

    /** Whether commands are taken and never completed. */
    volatile boolean stuck;

    /** How many of the next commands are taken and never completed. */
    final AtomicInteger toLose = new AtomicInteger();

    private final Set<IoCommand> lost = Collections.newSetFromMap(new IdentityHashMap<>());

    FaultyStorage(long blocks) throws LinuxException {
        super(new MemoryStorage(new Namespace(1, blocks, BLOCK_BYTES, 1, 2, 0, false)));
    }

    @Override
    public int maxPending() {
        return 256;
    }

    @Override
    public boolean hasVolatileCache() {
        return false;
    }

    @Override
    public int submit(IoCommand command) {
        if (stuck || (toLose.get() > 0 && toLose.getAndDecrement() > 0)) {
            lost.add(command);
            return PENDING;
        }
        int failed = failure.applyAsInt(command.opcode());
        if (failed >= 0) {
            return failed;
        }
        int status = storage.submit(command);
        long offset = (corruptLba - command.slba()) * BLOCK_BYTES;
        if (command.opcode() == NvmOpcode.READ
                && offset >= 0
                && offset < command.pieces().bytes(0)) {
            long wrong = command.pieces().address(0) + offset;
            Memory.putByte(wrong, (byte) (Memory.getByte(wrong) ^ 0x40));
        }
        return status;
    }

    @Override
    public void cancel(IoCommand command) {
        if (lost.remove(command)) {
            command.complete(Status.ABORTED_SQ_DELETION.code());
        } else {
            storage.cancel(command);
        }
    }
}
