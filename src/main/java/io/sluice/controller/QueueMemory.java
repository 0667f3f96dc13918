package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.Arrays;

/**
 * The guest memory of one queue, entry by entry. It is contiguous for the guest, from a page boundary on (CAP.CQR = 1), but
 * not for us: with a vIOMMU each page may be mapped by itself. Entries never cross a page. Host addresses are kept per page
 * until the guest's memory changes. Where the guest does not share it, it is a copy ({@link MirroredRing}).
 */
final class QueueMemory implements AutoCloseable {
    /** For a copy, if one is needed, that need not outlive this process. */
    static final long ANYWHERE = 0;

    private static final long UNKNOWN = 0;

    private final Translator translator;
    private final long baseGpa;
    private final int access;
    private final int entryBytes;
    private final int entriesPerPageShift;
    private final int entries;
    private final long copyAddress;
    private final long[] pageHvas;

    /** Null where the guest shares it. */
    private MirroredRing mirror;

    /**
     * @param baseGpa a multiple of 4096
     * @param entryBytes a power of two, at most 4096
     * @param copyAddress host address of memory for a copy, if one is needed, or {@link #ANYWHERE}
     */
    QueueMemory(Translator translator, long baseGpa, int entries, int entryBytes, int access, long copyAddress) {
        this.translator = translator;
        this.baseGpa = baseGpa;
        this.access = access;
        this.entryBytes = entryBytes;
        this.entries = entries;
        this.copyAddress = copyAddress;
        this.entriesPerPageShift = Integer.numberOfTrailingZeros(Memory.PAGE_BYTES / entryBytes);
        this.pageHvas = new long[((entries - 1) >>> entriesPerPageShift) + 1];
    }

    /** Where the guest has it. */
    long baseGpa() {
        return baseGpa;
    }

    /** The host address of an entry, or a negative code of {@link Translator}. */
    long address(int index) {
        int page = index >>> entriesPerPageShift;
        long pageHva = pageHvas[page];
        if (pageHva == UNKNOWN) {
            pageHva = translator.translate(baseGpa + (long) page * Memory.PAGE_BYTES, Memory.PAGE_BYTES, access);
            if (pageHva < 0) {
                return pageHva; // not kept: the page may be mapped again
            }
            pageHvas[page] = pageHva;
        }
        return pageHva + (long) (index - (page << entriesPerPageShift)) * entryBytes;
    }

    /**
     * Whether every page can be reached now; if that is by messages only, a copy is made.
     *
     * @param guest whose memory it is
     */
    boolean reach(GuestMemory guest) {
        boolean messaged = false;
        for (int page = 0; page < pageHvas.length; page++) {
            long code = address(page << entriesPerPageShift);
            messaged |= code == Translator.NOT_LOCAL;
            if (code < 0 && (code != Translator.NOT_LOCAL || guest.messages() == null)) {
                return false;
            }
        }
        return !messaged || mirror(guest);
    }

    private boolean mirror(GuestMemory guest) {
        try {
            mirror = new MirroredRing(guest, baseGpa, entries, entryBytes, access, copyAddress);
        } catch (LinuxException e) {
            return false; // out of memory, or of mappings
        }
        for (int page = 0; page < pageHvas.length; page++) {
            pageHvas[page] = mirror.address() + (long) page * Memory.PAGE_BYTES;
        }
        return true;
    }

    /** Null where the guest shares the memory. */
    MirroredRing mirror() {
        return mirror;
    }

    /** The guest's memory has changed: no address so far is good any more. */
    void forget() {
        if (mirror == null) {
            Arrays.fill(pageHvas, UNKNOWN);
        } else {
            mirror.recheck();
        }
    }

    /** The queue is deleted. */
    @Override
    public void close() {
        if (mirror != null) {
            mirror.close();
        }
    }
}
