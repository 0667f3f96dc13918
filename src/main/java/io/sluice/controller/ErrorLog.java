package io.sluice.controller;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.Status;
import io.sluice.state.Stores;

/**
 * What has gone wrong, newest first: NVMe 1.4, 5.14.1.1 "Error Information". Every command that ends with an error and the
 * More bit has an entry, and every event of type Error. Belongs to the controller's agent.
 */
final class ErrorLog {
    /** Identify Controller ELPE + 1. */
    static final int ENTRIES = 64;
    /** Parameter Error Location where there is none. */
    static final int NO_LOCATION = ErrorLogEntry.UNKNOWN;

    private static final int AT_COUNT = 0;
    private static final int AT_FORGOTTEN = 8;
    private static final int AT_ENTRIES = 64;

    /** A ring: entry n, counted from 1, is at (n - 1) modulo {@link #ENTRIES}. */
    private final Entry[] ring = new Entry[ENTRIES];

    /** How many there have ever been: Error Count of the newest. */
    private long count;
    /** Entries before this count have been forgotten. */
    private long forgotten;

    private final long kept;
    private final Stores stores;

    /**
     * An empty log.
     *
     * @param address host address of a page of zeroes, where it outlives this process
     */
    ErrorLog(long address, Stores stores) {
        this.kept = address;
        this.stores = stores;
        for (int i = 0; i < ENTRIES; i++) {
            ring[i] = new Entry();
        }
    }

    /** As another process has left it. An entry of the very last moment may be there twice, as its command is done again. */
    void resume() {
        count = Memory.getLong(kept + AT_COUNT);
        forgotten = Memory.getLong(kept + AT_FORGOTTEN);
        for (int i = 0; i < ENTRIES; i++) {
            ring[i].load(keptEntry(i));
        }
    }

    private long keptEntry(int index) {
        return kept + AT_ENTRIES + (long) index * Entry.BYTES;
    }

    private static final class Entry {
        private static final int BYTES = 32;

        private int sqid;
        private int cid;
        private int status;
        private int location;
        private long lba;
        private int nsid;

        void save(long address) {
            Memory.putInt(address, sqid);
            Memory.putInt(address + 4, cid);
            Memory.putInt(address + 8, status);
            Memory.putInt(address + 12, location);
            Memory.putLong(address + 16, lba);
            Memory.putInt(address + 24, nsid);
        }

        void load(long address) {
            sqid = Memory.getInt(address);
            cid = Memory.getInt(address + 4);
            status = Memory.getInt(address + 8);
            location = Memory.getInt(address + 12);
            lba = Memory.getLong(address + 16);
            nsid = Memory.getInt(address + 24);
        }
    }

    /**
     * A command has ended with an error.
     *
     * @param status as in {@link io.sluice.nvme.Status}
     * @param blamedByte offset in the submission queue entry of the field at fault, or {@link #NO_LOCATION}
     * @param blamedBit bit in that byte, 0 to 7
     * @param lba first block that met the error, or 0
     */
    void commandFailed(int sqid, int cid, int status, int blamedByte, int blamedBit, long lba, int nsid) {
        int location =
                blamedByte == NO_LOCATION ? NO_LOCATION : Bits.with(Bits.with(0, 7, 0, blamedByte), 10, 8, blamedBit);
        record(sqid, cid, status | Status.MORE, location, lba, nsid); // as in its completion: there is this entry
    }

    /**
     * Something has gone wrong that belongs to no command, of a queue or, with -1, of none.
     *
     * @param status the one that says best what it was
     */
    void eventHappened(int sqid, Status status) {
        int entry = sqid < 0 ? ErrorLogEntry.UNKNOWN : sqid;
        record(entry, ErrorLogEntry.UNKNOWN, status.code(), NO_LOCATION, 0, 0);
    }

    private void record(int sqid, int cid, int status, int location, long lba, int nsid) {
        int index = (int) (count % ENTRIES);
        Entry entry = ring[index];
        count++;
        entry.sqid = sqid;
        entry.cid = cid;
        entry.status = status;
        entry.location = location;
        entry.lba = lba;
        entry.nsid = nsid;
        entry.save(keptEntry(index));
        stores.putLong(kept + AT_COUNT, count);
    }

    /** How many entries there have been: Number of Error Information Log Entries of the SMART log. */
    long count() {
        return count;
    }

    /** Forgets the entries, which another client must not see; the count goes on. */
    void forget() {
        forgotten = count;
        stores.putLong(kept + AT_FORGOTTEN, forgotten);
    }

    /** Writes the page: {@link #ENTRIES} entries, newest first, those that do not exist zero. The target is zeroes. */
    void write(long target) {
        long available = Math.min(count - forgotten, ENTRIES);
        for (int age = 0; age < available; age++) {
            long number = count - age;
            Entry entry = ring[(int) ((number - 1) % ENTRIES)];
            long address = target + (long) age * ErrorLogEntry.BYTES;
            ErrorLogEntry.ERROR_COUNT.set(address, number);
            ErrorLogEntry.SQID.set(address, entry.sqid);
            ErrorLogEntry.CID.set(address, entry.cid);
            ErrorLogEntry.setStatus(address, entry.status);
            ErrorLogEntry.PARAMETER_LOCATION.set(address, entry.location);
            ErrorLogEntry.LBA.set(address, entry.lba);
            ErrorLogEntry.NSID.set(address, Integer.toUnsignedLong(entry.nsid));
        }
    }
}
