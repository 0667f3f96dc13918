package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.Arrays;

/**
 * The guest memory of one queue, entry by entry. It is contiguous for the guest, from a page boundary on (CAP.CQR = 1), but
 * not for us: with a vIOMMU each page may be mapped by itself. Entries never cross a page. Host addresses are kept per page
 * until the guest's memory changes.
 */
final class QueueMemory {
    private static final long UNKNOWN = 0;

    private final Translator translator;
    private final long baseGpa;
    private final int access;
    private final int entryBytes;
    private final int entriesPerPageShift;
    private final long[] pageHvas;

    /**
     * @param baseGpa a multiple of 4096
     * @param entryBytes a power of two, at most 4096
     */
    QueueMemory(Translator translator, long baseGpa, int entries, int entryBytes, int access) {
        this.translator = translator;
        this.baseGpa = baseGpa;
        this.access = access;
        this.entryBytes = entryBytes;
        this.entriesPerPageShift = Integer.numberOfTrailingZeros(Memory.PAGE_BYTES / entryBytes);
        this.pageHvas = new long[((entries - 1) >>> entriesPerPageShift) + 1];
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

    /** Whether every page can be reached now. */
    boolean isWhole() {
        for (int page = 0; page < pageHvas.length; page++) {
            if (address(page << entriesPerPageShift) < 0) {
                return false;
            }
        }
        return true;
    }

    /** The guest's memory has changed: no address so far is good any more. */
    void forget() {
        Arrays.fill(pageHvas, UNKNOWN);
    }
}
