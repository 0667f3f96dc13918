package io.sluice.state;

import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * A memfd with state in it. Its descriptor is all that the next process needs. Belongs to one thread.
 *
 * <pre>
 *   0h            1000h                                             areaAddress
 *   | header      | snapshot, even numbers | snapshot, odd numbers | words … |
 *
 *   header: magic, kind, version, shape, sizes | number of the good snapshot, 0 for none
 * </pre>
 */
public final class StateFile implements AutoCloseable {
    private static final long MAGIC = 0x5f65_7461_7473_5f73L; // "s_state_", little-endian
    private static final int AT_MAGIC = 0;
    private static final int AT_KIND = 8;
    private static final int AT_VERSION = 16;
    private static final int AT_SNAPSHOT_BYTES = 20;
    private static final int AT_SHAPE = 24;
    private static final int AT_AREA_BYTES = 32;

    /** In a cache line of its own. */
    private static final int AT_NUMBER = 64;

    private static final int SEALS = Memfd.SEAL_SHRINK | Memfd.SEAL_GROW | Memfd.SEAL_SEAL;

    private final Fd fd;
    private final StateLayout layout;
    private final Stores stores;
    private final Mapping mapping;

    private StateFile(Fd fd, StateLayout layout, Stores stores, Mapping mapping) {
        this.fd = fd;
        this.layout = layout;
        this.stores = stores;
        this.mapping = mapping;
    }

    /**
     * Makes a file without a snapshot, all of whose words are 0.
     *
     * @param name for /proc
     */
    public static StateFile create(String name, StateLayout layout, Stores stores) throws LinuxException {
        Fd fd = Memfd.create(name, bytes(layout));
        try {
            Memfd.addSeals(fd, SEALS);
            StateFile file = map(fd, layout, stores);
            file.writeHeader();
            return file;
        } catch (LinuxException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Opens a file that another one has left.
     *
     * @param fd owned by the result
     * @throws IOException if it is not one with this layout; what differs is in the message. The descriptor stays the caller's then
     */
    public static StateFile open(Fd fd, StateLayout layout, Stores stores) throws IOException {
        FileStatus status = FileStatus.of(fd);
        if (!status.isRegularFile() || status.size() != bytes(layout) || (Memfd.seals(fd) & SEALS) != SEALS) {
            throw new IOException("the state of " + layout.kind() + " cannot be taken over: " + fd.describe() + " has "
                    + status.size() + " bytes, or may change its size; expected are " + bytes(layout)
                    + " that may not. It is of another configuration or version; start afresh");
        }
        StateFile file = map(fd, layout, stores);
        try {
            file.checkHeader();
            return file;
        } catch (IOException e) {
            file.mapping.close();
            throw e;
        }
    }

    private static StateFile map(Fd fd, StateLayout layout, Stores stores) throws LinuxException {
        Mapping mapping = Mapping.shared(fd, 0, bytes(layout), Mapping.PROT_READ | Mapping.PROT_WRITE);
        return new StateFile(fd, layout, stores, mapping);
    }

    private static long bytes(StateLayout layout) {
        return Memory.PAGE_BYTES + 2L * layout.snapshotBytes() + layout.areaBytes();
    }

    private void writeHeader() {
        long header = mapping.address();
        Memory.putLong(header + AT_KIND, layout.kindWord());
        Memory.putInt(header + AT_VERSION, layout.version());
        Memory.putInt(header + AT_SNAPSHOT_BYTES, layout.snapshotBytes());
        Memory.putLong(header + AT_SHAPE, layout.shape());
        Memory.putLong(header + AT_AREA_BYTES, layout.areaBytes());
        Memory.putLongRelease(header + AT_MAGIC, MAGIC);
    }

    private void checkHeader() throws IOException {
        long header = mapping.address();
        check("a state file", Memory.getLong(header + AT_MAGIC), MAGIC);
        check("of its kind", Memory.getLong(header + AT_KIND), layout.kindWord());
        check("of its version", Memory.getInt(header + AT_VERSION), layout.version());
        check("of its snapshots' size", Memory.getInt(header + AT_SNAPSHOT_BYTES), layout.snapshotBytes());
        check("of its configuration", Memory.getLong(header + AT_SHAPE), layout.shape());
        check("of its words' size", Memory.getLong(header + AT_AREA_BYTES), layout.areaBytes());
    }

    private void check(String what, long found, long expected) throws IOException {
        if (found != expected) {
            throw new IOException("the state of " + layout.kind() + " cannot be taken over: it is not " + what + " (0x"
                    + Long.toHexString(found) + ", not 0x" + Long.toHexString(expected) + "); start afresh");
        }
    }

    /** The file. Owned by this; whoever keeps it duplicates it. */
    public Fd fd() {
        return fd;
    }

    /** How words are stored. */
    public Stores stores() {
        return stores;
    }

    /** Host address of the words that are stored one by one. */
    public long areaAddress() {
        return mapping.address() + Memory.PAGE_BYTES + 2L * layout.snapshotBytes();
    }

    /** Makes a snapshot, which is the good one from the moment on that this returns. */
    public void commit(Consumer<SnapshotWriter> content) {
        long next = number() + 1;
        content.accept(new SnapshotWriter(snapshotAddress(next), layout.snapshotBytes(), stores));
        stores.putLong(mapping.address() + AT_NUMBER, next);
    }

    /** Whether there is a snapshot. */
    public boolean hasSnapshot() {
        return number() > 0;
    }

    /** The good snapshot, of which there must be one. */
    public SnapshotReader snapshot() {
        return new SnapshotReader(snapshotAddress(number()), layout.snapshotBytes());
    }

    private long number() {
        return Memory.getLongAcquire(mapping.address() + AT_NUMBER);
    }

    private long snapshotAddress(long number) {
        return mapping.address() + Memory.PAGE_BYTES + number % 2 * layout.snapshotBytes();
    }

    @Override
    public void close() {
        mapping.close();
        fd.close();
    }
}
