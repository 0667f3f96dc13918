package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;

/**
 * A namespace in this process's memory. It starts as zeroes, costs memory only where it is written, gives memory back where
 * it is deallocated, and is gone when the process ends.
 *
 * <p>Reads and writes are done at once. Zeroing can be long (a Dataset Management command may cover terabytes), so more than
 * a little of it stays pending and goes on in {@link #poll}, where those that are pending take turns. Deallocations never
 * take more than their share of what may be pending: the rest is for commands that must be done.
 */
public final class MemoryStorage implements Resizable {
    /** Most that is zeroed at once, in bytes. */
    static final long AT_ONCE_BYTES = 1 << 20;
    /** Most that a step of a pending command zeroes, in bytes: some 100 us where pages must be given back. */
    static final long STEP_BYTES = 4 << 20;
    /** Deallocations that may be pending. What comes beyond is left as it is, which is a controller's right. */
    public static final int MAX_DEALLOCATIONS = 16;
    /** Below this, writing zeroes is quicker than giving pages back and taking new ones. */
    private static final long MIN_DISCARD_BYTES = 64 << 10;

    private static final int MAX_PENDING = 64;

    private static final int UNREADABLE = Status.UNRECOVERED_READ_ERROR.dnr();
    private static final int COMPARE_FAILURE = Status.COMPARE_FAILURE.code();
    private static final int TOO_MANY_BAD_BLOCKS = Status.WRITE_FAULT.dnr();
    private static final int FAILED_FUSED = Status.ABORTED_FAILED_FUSED.dnr();

    private final BadBlocks badBlocks = new BadBlocks();
    private Namespace namespace;
    private final int blockShift;
    private Mapping mapping;
    private long base;

    /** Hugepages are not given back: the pool has no more of them for us than we have reserved, and others would take them. */
    private final boolean keepsPages;

    private final ArrayDeque<IoCommand> zeroing = new ArrayDeque<>(MAX_PENDING);
    private final ArrayDeque<IoCommand> deallocating = new ArrayDeque<>(MAX_DEALLOCATIONS);
    private final ArrayDeque<IoCommand> copying = new ArrayDeque<>(MAX_PENDING);

    /**
     * A namespace full of zeroes.
     *
     * @throws LinuxException if there is not so much address space
     */
    public MemoryStorage(Namespace namespace) throws LinuxException {
        this(namespace, Mapping.sparse(roundUpToPage(namespace.bytes())), false);
    }

    private MemoryStorage(Namespace namespace, Mapping mapping, boolean keepsPages) {
        this.namespace = namespace;
        this.blockShift = namespace.blockShift();
        this.mapping = mapping;
        this.base = mapping.address();
        this.keepsPages = keepsPages;
    }

    /**
     * The same on hugepages of 2 MiB, all of which are reserved now.
     *
     * @throws IOException if there are not so many, with what to do
     */
    public static MemoryStorage onHugePages(Namespace namespace) throws IOException {
        long pages = Math.ceilDiv(namespace.bytes(), Memfd.HUGE_PAGE_BYTES);
        long bytes = pages * Memfd.HUGE_PAGE_BYTES;
        try (Fd fd = Memfd.createHuge("sluice namespace " + namespace.nsid(), bytes)) {
            Mapping mapping = Mapping.shared(fd, 0, bytes, Mapping.PROT_READ | Mapping.PROT_WRITE);
            return new MemoryStorage(namespace, mapping, true);
        } catch (LinuxException e) {
            throw new IOException(
                    pages + " hugepages of 2 MiB cannot be had: " + e.getMessage()
                            + " As root, add as many to the pool (sysctl vm.nr_hugepages), or do without hugepages",
                    e);
        }
    }

    @Override
    public void setBlockCount(long blockCount) throws IOException {
        Namespace resized = namespace.withBlockCount(blockCount);
        if (keepsPages) {
            throw new IOException("namespace " + namespace.nsid()
                    + " is on hugepages and keeps its size: detach it, and attach another one");
        }
        mapping = mapping.resized(roundUpToPage(resized.bytes()));
        base = mapping.address();
        if (blockCount < namespace.blockCount()) {
            written(blockCount, namespace.blockCount() - blockCount);
            long end = base + resized.bytes();
            Memory.fill(end, roundUpToPage(end) - end, (byte) 0); // it may become larger again
        }
        namespace = resized;
    }

    private static long roundUpToPage(long bytes) {
        return Math.ceilDiv(bytes, (long) Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
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
        return false; // nothing here survives the process, and nothing needs a flush to survive the guest
    }

    @Override
    public int sglAlignmentBytes() {
        return 1;
    }

    @Override
    public boolean offers(int opcode) {
        return switch (opcode) {
            case NvmOpcode.COMPARE,
                    NvmOpcode.VERIFY,
                    NvmOpcode.WRITE_UNCORRECTABLE,
                    NvmOpcode.WRITE_ZEROES,
                    NvmOpcode.DATASET_MANAGEMENT,
                    NvmOpcode.COPY -> true;
            default -> false;
        };
    }

    @Override
    public boolean offersFused() {
        return true;
    }

    @Override
    public NamespaceTraits traits(int nsid) {
        return NamespaceTraits.OF_MEMORY.withCopy(Copies.limits(blockShift));
    }

    @Override
    public int submit(IoCommand command) {
        return switch (command.opcode()) {
            case NvmOpcode.READ -> read(command);
            case NvmOpcode.COMPARE -> compare(command);
            case NvmOpcode.VERIFY -> isReadable(command) ? Status.OK : UNREADABLE;
            case NvmOpcode.WRITE_UNCORRECTABLE ->
                badBlocks.add(command.slba(), command.blockCount()) ? Status.OK : TOO_MANY_BAD_BLOCKS;
            case NvmOpcode.WRITE -> write(command);
            case NvmOpcode.FLUSH -> Status.OK;
            case NvmOpcode.WRITE_ZEROES -> writeZeroes(command);
            case NvmOpcode.DATASET_MANAGEMENT -> manage(command);
            case NvmOpcode.COPY -> copy(command);
            default -> throw new IllegalStateException(NvmOpcode.name(command.opcode()) + " passed the gate");
        };
    }

    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        int compared = compare.isCompared() ? Status.OK : compare(compare);
        if (compared == Status.OK) {
            compare.setCompared();
        }
        int written = compared == Status.OK ? write(write) : FAILED_FUSED;
        compare.complete(compared);
        write.complete(written);
        return true;
    }

    private boolean isReadable(IoCommand command) {
        return isReadable(command.slba(), command.blockCount());
    }

    private boolean isReadable(long slba, long blockCount) {
        return badBlocks.isEmpty() || !badBlocks.hasAny(slba, blockCount);
    }

    private int compare(IoCommand command) {
        if (!isReadable(command)) {
            return UNREADABLE;
        }
        long stored = address(command.slba());
        Pieces pieces = command.pieces();
        boolean same = true;
        for (int i = 0; i < pieces.count() && same; i++) {
            same = Memory.isSame(stored, pieces.address(i), pieces.bytes(i));
            stored += pieces.bytes(i);
        }
        command.spend(command.byteCount());
        return same ? Status.OK : COMPARE_FAILURE;
    }

    private int read(IoCommand command) {
        if (!isReadable(command)) {
            return UNREADABLE;
        }
        long source = address(command.slba());
        Pieces pieces = command.pieces();
        for (int i = 0; i < pieces.count(); i++) {
            Memory.copy(source, pieces.address(i), pieces.bytes(i));
            source += pieces.bytes(i);
        }
        command.spend(command.byteCount());
        return Status.OK;
    }

    private int write(IoCommand command) {
        long target = address(command.slba());
        Pieces pieces = command.pieces();
        for (int i = 0; i < pieces.count(); i++) {
            Memory.copy(pieces.address(i), target, pieces.bytes(i));
            target += pieces.bytes(i);
        }
        written(command.slba(), command.blockCount());
        command.spend(command.byteCount());
        return Status.OK;
    }

    private int writeZeroes(IoCommand command) {
        if (command.byteCount() <= AT_ONCE_BYTES) {
            return zeroAtOnce(command);
        }
        zeroing.add(command);
        return PENDING;
    }

    /** NVMe 1.4, 6.7.1.1, Deallocate: "may deallocate all provided ranges". */
    private int manage(IoCommand command) {
        if (!command.deallocate()) {
            return Status.OK;
        }
        if (command.byteCount() <= AT_ONCE_BYTES) {
            return zeroAtOnce(command);
        }
        if (deallocating.size() == MAX_DEALLOCATIONS) {
            return Status.OK;
        }
        deallocating.add(command);
        return PENDING;
    }

    private int zeroAtOnce(IoCommand command) {
        zeroStep(command);
        command.spend(command.byteCount());
        return Status.OK;
    }

    @Override
    public int poll() {
        return goOn(zeroing) + goOn(deallocating) + goOn(copying);
    }

    /** A step of the first in a line; if it is not done by then it goes to the end. */
    private int goOn(ArrayDeque<IoCommand> line) {
        IoCommand command = line.peek();
        if (command == null) {
            return 0;
        }
        int status = step(command);
        line.remove();
        if (status == PENDING) {
            line.add(command);
        } else {
            command.complete(status);
        }
        return 1;
    }

    private int step(IoCommand command) {
        if (command.opcode() == NvmOpcode.COPY) {
            return copyStep(command);
        }
        return zeroStep(command) ? Status.OK : PENDING;
    }

    private int copy(IoCommand command) {
        if (command.byteCount() > AT_ONCE_BYTES) {
            copying.add(command);
            return PENDING;
        }
        command.spend(command.byteCount());
        return copyStep(command);
    }

    /**
     * One step of a Copy, whose progress is the bytes that are copied. Range after range: where a range overlaps the blocks that are
     * written, what is there in the end is not specified. A range that cannot be read ends it, with its number in the completion.
     */
    private int copyStep(IoCommand command) {
        long progress = command.progress();
        long end = Math.min(progress + STEP_BYTES, command.byteCount());
        long rangeStart = 0; // in the sum of all ranges
        for (int i = 0; i < command.rangeCount() && rangeStart < end; i++) {
            long range = command.rangesAddress() + (long) i * CopyRange.BYTES;
            long rangeEnd = rangeStart + ((long) CopyRange.blockCount(range) << blockShift);
            long from = Math.max(progress, rangeStart);
            long to = Math.min(end, rangeEnd);
            if (from < to) {
                if (!isReadable(CopyRange.slba(range), CopyRange.blockCount(range))) {
                    command.setResult(i);
                    return UNREADABLE;
                }
                copy(address(CopyRange.slba(range)) + from - rangeStart, command.slba(), from, to);
            }
            rangeStart = rangeEnd;
        }
        command.setProgress(end);
        return end == command.byteCount() ? Status.OK : PENDING;
    }

    /** Copies to a destination's bytes from one on, up to another; both are multiples of a block's. */
    private void copy(long source, long destinationLba, long from, long to) {
        Memory.copy(source, address(destinationLba) + from, to - from);
        written(destinationLba + (from >> blockShift), (to - from) >> blockShift);
    }

    @Override
    public boolean has(IoCommand command) {
        return zeroing.contains(command) || deallocating.contains(command) || copying.contains(command);
    }

    @Override
    public void cancel(IoCommand command) {
        if (zeroing.remove(command) || deallocating.remove(command) || copying.remove(command)) {
            command.complete(Status.ABORTED_SQ_DELETION.code());
        }
    }

    /** One step of a command whose progress is the bytes of its ranges, in order, that are zeroed. Whether it is done. */
    private boolean zeroStep(IoCommand command) {
        boolean ranges = command.opcode() == NvmOpcode.DATASET_MANAGEMENT;
        int rangeCount = ranges ? command.rangeCount() : 1;
        long done = command.progress();
        long budget = STEP_BYTES;
        long rangeStart = 0; // in the sum of all ranges
        for (int i = 0; i < rangeCount; i++) {
            long range = command.rangesAddress() + (long) i * DsmRange.BYTES;
            long slba = ranges ? DsmRange.slba(range) : command.slba();
            long bytes = (ranges ? DsmRange.blockCount(range) : command.blockCount()) << blockShift;
            long skip = Math.min(Math.max(done - rangeStart, 0), bytes);
            long now = Math.min(bytes - skip, budget);
            zero(address(slba) + skip, now);
            written(slba + (skip >> blockShift), now >> blockShift);
            budget -= now;
            if (skip + now < bytes) {
                command.setProgress(done + STEP_BYTES - budget);
                return false;
            }
            rangeStart += bytes;
        }
        return true;
    }

    private void zero(long address, long bytes) {
        long firstPage = roundUpToPage(address);
        long pagesBytes = (address + bytes - firstPage) / Memory.PAGE_BYTES * Memory.PAGE_BYTES;
        if (keepsPages || pagesBytes < MIN_DISCARD_BYTES) {
            Memory.fill(address, bytes, (byte) 0);
            return;
        }
        Memory.fill(address, firstPage - address, (byte) 0);
        mapping.discard(firstPage - base, pagesBytes);
        long lastPagesEnd = firstPage + pagesBytes;
        Memory.fill(lastPagesEnd, address + bytes - lastPagesEnd, (byte) 0);
    }

    /** Whatever was wrong with blocks is good again. */
    private void written(long slba, long blockCount) {
        if (!badBlocks.isEmpty()) {
            badBlocks.remove(slba, blockCount);
        }
    }

    private long address(long lba) {
        return base + (lba << blockShift);
    }

    @Override
    public void close() {
        mapping.close();
    }
}
