package io.sluice.controller;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.Status;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A path whose blocks outlive it: commands to the lower half of them are done at once, the others in a later {@link #poll}, the last
 * one first. Of fused ones, the Write is done in a step after the Compare.
 */
final class DurableDrive implements IoPath {
    static final int BLOCK = 512;
    static final int BLOCKS = 256;
    static final int MAX_PENDING = 8;

    private final long blocks;
    private final long count;
    private final ArrayDeque<IoCommand> pending = new ArrayDeque<>();
    private final AtomicInteger executed = new AtomicInteger();
    private int polls;

    /** Fused commands are not taken when they come first, and taken when they come again. */
    private boolean busy;

    /** @param platter where the blocks are */
    DurableDrive(Mapping platter) {
        this(platter, BLOCKS);
    }

    /** @param count how many blocks there are */
    DurableDrive(Mapping platter, long count) {
        blocks = platter.address();
        this.count = count;
    }

    @Override
    public List<Namespace> namespaces() {
        return List.of(new Namespace(1, count, BLOCK, 0, 0, 0, false));
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
    public boolean offers(int opcode) {
        return opcode == NvmOpcode.COMPARE || opcode == NvmOpcode.WRITE_ZEROES;
    }

    @Override
    public boolean offersFused() {
        return true;
    }

    @Override
    public int submit(IoCommand command) {
        if (command.opcode() == NvmOpcode.FLUSH || command.slba() >= count / 2) {
            pending.add(command);
            return PENDING;
        }
        return execute(command);
    }

    /** How many commands it has done, Flushes aside. From any thread. */
    int executed() {
        return executed.get();
    }

    private int execute(IoCommand command) {
        if (command.opcode() != NvmOpcode.FLUSH) {
            executed.incrementAndGet();
        }
        return switch (command.opcode()) {
            case NvmOpcode.READ -> move(command, false);
            case NvmOpcode.WRITE -> move(command, true);
            case NvmOpcode.COMPARE -> isSame(command) ? Status.OK : Status.COMPARE_FAILURE.code();
            case NvmOpcode.WRITE_ZEROES -> {
                Memory.fill(address(command), command.byteCount(), (byte) 0);
                yield Status.OK;
            }
            default -> Status.OK;
        };
    }

    private long address(IoCommand command) {
        return blocks + command.slba() * BLOCK;
    }

    private int move(IoCommand command, boolean in) {
        Pieces pieces = command.pieces();
        long at = address(command);
        for (int i = 0; i < pieces.count(); i++) {
            Memory.copy(in ? pieces.address(i) : at, in ? at : pieces.address(i), pieces.bytes(i));
            at += pieces.bytes(i);
        }
        return Status.OK;
    }

    private boolean isSame(IoCommand command) {
        Pieces pieces = command.pieces();
        long at = address(command);
        boolean same = true;
        for (int i = 0; i < pieces.count(); i++) {
            same &= Memory.isSame(at, pieces.address(i), pieces.bytes(i));
            at += pieces.bytes(i);
        }
        return same;
    }

    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        busy = !busy;
        if (busy) {
            return false;
        }
        int compared = compare.isCompared() ? Status.OK : execute(compare);
        if (compared == Status.OK) {
            compare.setCompared();
        }
        int written = compared == Status.OK ? execute(write) : Status.ABORTED_FAILED_FUSED.dnr();
        compare.complete(compared);
        write.complete(written);
        return true;
    }

    @Override
    public int poll() {
        if (++polls % 3 != 0 || pending.isEmpty()) {
            return 0;
        }
        IoCommand command = pending.removeLast();
        command.complete(execute(command));
        return 1;
    }

    @Override
    public void cancel(IoCommand command) {
        if (pending.remove(command)) {
            command.complete(Status.ABORTED_SQ_DELETION.code());
        }
    }

    @Override
    public boolean has(IoCommand command) {
        return pending.contains(command);
    }

    @Override
    public void close() {}
}
