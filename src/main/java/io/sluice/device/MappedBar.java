package io.sluice.device;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.List;

/**
 * A BAR of which some parts are mapped into this process, and the rest is reached in some other way: by messages, by calls,
 * by pread and pwrite.
 */
public final class MappedBar implements PciDevice.Bar, AutoCloseable {
    private final String name;
    private final long bytes;
    private volatile List<Piece> pieces;
    private final Fallback fallback;

    /**
     * A mapped part.
     *
     * @param offset in the BAR, in bytes
     * @param mapping owned by the BAR
     */
    public record Piece(long offset, Mapping mapping) {
        private boolean holds(long from, long count) {
            return from >= offset && from - offset <= mapping.length() - count;
        }

        private long address(long from) {
            return mapping.address() + (from - offset);
        }
    }

    /** Access to what is not mapped: aligned, of 4 or 8 bytes, inside of the BAR. */
    public interface Fallback {
        /** The bytes as a number, little endian; for 4 bytes only the lower half counts. */
        long read(long offset, int width) throws IOException;

        /** Writes the lower {@code width} bytes of a number; returns when that is done. */
        void write(long offset, int width, long value) throws IOException;
    }

    /**
     * @param name for messages: "BAR 0 of /run/nvme.sock"
     * @param bytes size of the BAR
     * @param pieces that are mapped; closed with the BAR
     */
    public MappedBar(String name, long bytes, List<Piece> pieces, Fallback fallback) {
        this.name = name;
        this.bytes = bytes;
        this.pieces = List.copyOf(pieces);
        this.fallback = fallback;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public int readInt(long offset) throws IOException {
        long address = addressOf(offset, Integer.BYTES);
        return address != 0 ? Memory.getIntVolatile(address) : (int) fallback.read(offset, Integer.BYTES);
    }

    @Override
    public long readLong(long offset) throws IOException {
        long address = addressOf(offset, Long.BYTES);
        return address != 0 ? Memory.getLongVolatile(address) : fallback.read(offset, Long.BYTES);
    }

    @Override
    public void writeInt(long offset, int value) throws IOException {
        long address = addressOf(offset, Integer.BYTES);
        if (address != 0) {
            Memory.putIntVolatile(address, value);
        } else {
            fallback.write(offset, Integer.BYTES, value);
        }
    }

    @Override
    public void writeLong(long offset, long value) throws IOException {
        long address = addressOf(offset, Long.BYTES);
        if (address != 0) {
            Memory.putLongVolatile(address, value);
        } else {
            fallback.write(offset, Long.BYTES, value);
        }
    }

    private long addressOf(long offset, int width) {
        if (offset < 0 || offset > bytes - width || offset % width != 0) {
            throw new IllegalArgumentException("an access of " + width + " bytes at offset 0x"
                    + Long.toHexString(offset) + " of " + name + ", which has " + bytes + " bytes");
        }
        return mappedAddress(offset, width);
    }

    @Override
    public long mappedAddress(long offset, long count) {
        for (Piece piece : pieces) {
            if (piece.holds(offset, count)) {
                return piece.address(offset);
            }
        }
        return 0;
    }

    /** Unmaps. Addresses given out may not be used any more; all access goes by the fallback from now on. Idempotent. */
    @Override
    public void close() {
        List<Piece> mapped = pieces;
        pieces = List.of();
        mapped.forEach(piece -> piece.mapping().close());
    }
}
