package io.sluice.controller;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.PrpWalker;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/**
 * What admin commands send to the guest, or take from it: in a buffer of our own, copied along the command's PRPs. Belongs to the
 * controller's agent.
 */
final class GuestData implements AutoCloseable {
    /** Identify's data, and the longest log page. */
    static final int BUFFER_BYTES = Memory.PAGE_BYTES;

    private final int maxTransferBytes;
    private final Mapping buffer;
    private final Pieces pieces;
    private PrpWalker walker;

    GuestData(int maxTransferBytes) throws LinuxException {
        this.maxTransferBytes = maxTransferBytes;
        this.buffer = Mapping.anonymous(BUFFER_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        this.pieces = new Pieces(Pieces.capacityFor(maxTransferBytes));
    }

    /** The controller is enabled with this memory page size. */
    void enable(Translator guestMemory, int memoryPageBytes) {
        walker = new PrpWalker(guestMemory, memoryPageBytes, maxTransferBytes);
    }

    /** The buffer, {@link #BUFFER_BYTES} zeroes, to be filled for the next {@link #send}. */
    long clearBuffer() {
        Memory.fill(buffer.address(), BUFFER_BYTES, (byte) 0);
        return buffer.address();
    }

    /**
     * Copies from the buffer to where a command wants its data, and zeroes after the buffer's end. Nothing is written unless
     * all of it can be.
     *
     * @param offset in the buffer, 0 to {@link #BUFFER_BYTES}
     * @param bytes how many the command asks for, 4 to 2^34
     * @return {@link Status#OK}, or the status that the command ends with
     */
    int send(long sqe, int offset, long bytes) {
        if (bytes > maxTransferBytes) {
            return Status.INVALID_FIELD.dnr(); // NVMe 1.4, 5.15.2.2, MDTS
        }
        int status = walker.walk(Sqe.prp1(sqe), Sqe.prp2(sqe), (int) bytes, Translator.WRITE, pieces);
        if (status == Status.OK) {
            int filled = (int) Math.min(bytes, BUFFER_BYTES - offset);
            pieces.scatter(buffer.address() + offset, filled);
            zeroAfter(filled);
        }
        return status;
    }

    /**
     * Copies a command's data to the buffer's beginning, once.
     *
     * @param bytes 1 to {@link #BUFFER_BYTES}
     * @return {@link Status#OK}, or the status that the command ends with
     */
    int receive(long sqe, int bytes) {
        int status = walker.walk(Sqe.prp1(sqe), Sqe.prp2(sqe), bytes, Translator.READ, pieces);
        if (status == Status.OK) {
            pieces.gather(buffer.address(), bytes);
        }
        return status;
    }

    /** The 8 bytes of the buffer that begin there. */
    long received(int offset) {
        return Memory.getLong(buffer.address() + offset);
    }

    private void zeroAfter(int filled) {
        int skip = filled;
        for (int i = 0; i < pieces.count(); i++) {
            int skipped = Math.min(skip, pieces.bytes(i));
            Memory.fill(pieces.address(i) + skipped, pieces.bytes(i) - skipped, (byte) 0);
            skip -= skipped;
        }
    }

    @Override
    public void close() {
        buffer.close();
    }
}
