package io.sluice.pci;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;

/**
 * The MSI-X table and pending bit array in a BAR: PCI Local Bus 3.0, 6.8.2.6 to 6.8.2.10. A view of memory that somebody
 * else owns; it has no state of its own.
 *
 * <pre>
 *   entry, 16 bytes:  0 message address (63:2) | 8 message data | 12 vector control (bit 0: masked)
 *   pending bits:     one 8-byte word for 64 vectors, bit n for vector n
 * </pre>
 */
public final class MsixTable {
    /** Size of an entry in bytes. */
    public static final int ENTRY_BYTES = 16;

    private static final int ADDRESS = 0;
    private static final int DATA = 8;
    private static final int CONTROL = 12;
    /** The lowest bits of an address are always zero, since messages are aligned dwords. */
    private static final long ADDRESS_MASK = ~3L;

    private final long table;
    private final long pending;
    private final int vectors;

    /**
     * Views two pieces of memory, 8-byte aligned.
     *
     * @param table host address of {@link #tableBytes} bytes
     * @param pending host address of {@link #pendingBytes} bytes
     * @param vectors 1 to 2048
     */
    public MsixTable(long table, long pending, int vectors) {
        if (vectors < 1 || vectors > MsixCapability.MAX_VECTORS) {
            throw new IllegalArgumentException(vectors + " MSI-X vectors; a table has 1 to 2048");
        }
        this.table = table;
        this.pending = pending;
        this.vectors = vectors;
    }

    /** Size of a table in bytes. */
    public static int tableBytes(int vectors) {
        return vectors * ENTRY_BYTES;
    }

    /** Size of a pending bit array in bytes: whole 8-byte words. */
    public static int pendingBytes(int vectors) {
        return Math.ceilDiv(vectors, Long.SIZE) * Long.BYTES;
    }

    /** The state after reset: every vector masked, nothing pending, addresses and data zero. */
    public void reset() {
        Memory.fill(table, tableBytes(vectors), (byte) 0);
        Memory.fill(pending, pendingBytes(vectors), (byte) 0);
        for (int vector = 0; vector < vectors; vector++) {
            setMasked(vector, true);
        }
    }

    /** The number of vectors. */
    public int vectors() {
        return vectors;
    }

    public long messageAddress(int vector) {
        return Memory.getLong(entry(vector) + ADDRESS) & ADDRESS_MASK;
    }

    public int messageData(int vector) {
        return Memory.getInt(entry(vector) + DATA);
    }

    /** Whether this vector alone is masked; see also {@link ConfigSpace#msixFunctionMasked}. */
    public boolean isMasked(int vector) {
        return Bits.isSet(Memory.getInt(entry(vector) + CONTROL), 0);
    }

    public void setMessage(int vector, long address, int data) {
        Memory.putLong(entry(vector) + ADDRESS, address & ADDRESS_MASK);
        Memory.putInt(entry(vector) + DATA, data);
    }

    public void setMasked(int vector, boolean masked) {
        long control = entry(vector) + CONTROL;
        Memory.putInt(control, Bits.with(Memory.getInt(control), 0, masked));
    }

    public boolean isPending(int vector) {
        return Bits.isSet(Memory.getLong(word(vector)), vector % Long.SIZE);
    }

    public void setPending(int vector, boolean value) {
        long word = word(vector);
        Memory.putLong(word, Bits.with(Memory.getLong(word), vector % Long.SIZE, value));
    }

    private long entry(int vector) {
        check(vector);
        return table + (long) vector * ENTRY_BYTES;
    }

    private long word(int vector) {
        check(vector);
        return pending + (long) (vector / Long.SIZE) * Long.BYTES;
    }

    private void check(int vector) {
        if (vector < 0 || vector >= vectors) {
            throw new IllegalArgumentException("MSI-X vector " + vector + " of a table of " + vectors);
        }
    }
}
