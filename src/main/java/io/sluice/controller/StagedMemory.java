package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.dma.MessagedMemory.Progress;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.Arrays;

/**
 * Where one command's lists and data are, as far as they are in memory that the guest does not share: in pages of ours. A command is
 * looked at once more for each page of its lists, with what has come until then:
 *
 * <pre>
 *   rewind ─▶ look at the command ─┬─ isFetching: a list is missing ──▶ fetch … DONE ─┐
 *               ▲                  │                                                  │
 *               └──────────────────│──────────────────────────────────────────────────┘
 *                                  ├─ isShort: no page is left
 *                                  └─ else all that it has is known: move brings it in, or takes it to the guest
 * </pre>
 *
 * <p>A list that has come is not asked for again: what is checked is what is used. All addresses that the guest shares stay as they are.
 */
final class StagedMemory {
    /** More pages of lists than any but a mischievous command has. */
    private static final int MAX_FETCHES = 64;

    private static final int FIRST_CAPACITY = 8;

    private final BouncePages pages;
    private final Translator hostView;
    private final MessagedTransfer fetch;
    private final MessagedTransfer in;
    private final MessagedTransfer out;

    /** Spans that have been fetched, each in a page of its own; the last one may be on its way. */
    private final long[] fetchedGpas = new long[MAX_FETCHES];

    private final int[] fetchedBytes = new int[MAX_FETCHES];
    private final int[] fetchedPages = new int[MAX_FETCHES];
    private int fetched;
    private boolean fetching;
    private boolean refused;

    private int[] dataPages = new int[FIRST_CAPACITY];
    private int dataCount;
    private long lastDataPage;
    private boolean shortOfPages;
    private boolean shared;

    StagedMemory(GuestMemory memory, BouncePages pages) {
        this.pages = pages;
        this.hostView = memory.hostView();
        this.fetch = new MessagedTransfer(memory.messages(), hostView, Translator.READ);
        this.in = new MessagedTransfer(memory.messages(), hostView, Translator.READ);
        this.out = new MessagedTransfer(memory.messages(), hostView, Translator.WRITE);
    }

    /** The command will be looked at from its beginning. */
    void rewind() {
        releaseData();
        shortOfPages = false;
        shared = false;
    }

    /** Nobody waits for anything any more, and no page is used. */
    void release() {
        releaseData();
        fetch.clear();
        for (int i = 0; i < fetched; i++) {
            pages.give(fetchedPages[i]);
        }
        fetched = 0;
        fetching = false;
        refused = false;
        shortOfPages = false;
        shared = false;
    }

    private void releaseData() {
        in.clear();
        out.clear();
        for (int i = 0; i < dataCount; i++) {
            pages.give(dataPages[i]);
        }
        dataCount = 0;
    }

    // ---- while the command is looked at

    /** Where lists are, and all that is read or written at once: for {@link Translator#translate}. */
    long list(long gpa, int bytes, int access) {
        long address = hostView.translate(gpa, bytes, access);
        if (address > 0) {
            return address;
        }
        if (!isInPage(gpa, bytes)) {
            return Translator.SPLIT;
        }
        if (address != Translator.NOT_LOCAL || fetching || shortOfPages) {
            return address;
        }
        return access == Translator.READ ? fetched(gpa, bytes) : data(gpa, bytes, access, false);
    }

    /**
     * Where data is that is moved when all of it is known.
     *
     * @param dataView where the path has what is shared with it
     */
    long data(Translator dataView, long gpa, int bytes, int access) {
        long address = dataView.translate(gpa, bytes, access);
        if (address > 0) {
            shared = true;
            return address;
        }
        if (!isInPage(gpa, bytes)) {
            return Translator.SPLIT;
        }
        if (fetching || shortOfPages || hostView.translate(gpa, bytes, access) != Translator.NOT_LOCAL) {
            return address;
        }
        return data(gpa, bytes, access, true);
    }

    private static boolean isInPage(long gpa, int bytes) {
        return offsetInPage(gpa) + bytes <= Memory.PAGE_BYTES;
    }

    private static int offsetInPage(long gpa) {
        return (int) (gpa & (Memory.PAGE_BYTES - 1));
    }

    private long fetched(long gpa, int bytes) {
        for (int i = fetched - 1; i >= 0; i--) {
            long before = gpa - fetchedGpas[i];
            if (before >= 0 && before < fetchedBytes[i] && before + bytes <= fetchedBytes[i]) {
                return pages.hva(fetchedPages[i]) + offsetInPage(gpa);
            }
        }
        int page = fetched == MAX_FETCHES ? BouncePages.NONE : pages.take();
        if (page == BouncePages.NONE) {
            refused |= fetched == MAX_FETCHES;
            shortOfPages = true;
            return Translator.NOT_LOCAL;
        }
        fetchedGpas[fetched] = gpa;
        fetchedBytes[fetched] = bytes;
        fetchedPages[fetched] = page;
        fetched++;
        fetching = true;
        fetch.clear();
        fetch.add(gpa, pages.hva(page) + offsetInPage(gpa), bytes);
        return Translator.NOT_LOCAL;
    }

    private long data(long gpa, int bytes, int access, boolean forPath) {
        int page = dataPage(gpa);
        if (page == BouncePages.NONE) {
            shortOfPages = true;
            return Translator.NOT_LOCAL;
        }
        long hva = pages.hva(page) + offsetInPage(gpa);
        (access == Translator.READ ? in : out).add(gpa, hva, bytes);
        return forPath ? pages.dataAddress(page) + offsetInPage(gpa) : hva;
    }

    /** The page of the span before, if that is in the same one; else another. */
    private int dataPage(long gpa) {
        long gpaPage = gpa - offsetInPage(gpa);
        if (dataCount > 0 && gpaPage == lastDataPage) {
            return dataPages[dataCount - 1];
        }
        int page = pages.take();
        if (page != BouncePages.NONE) {
            if (dataCount == dataPages.length) {
                dataPages = Arrays.copyOf(dataPages, dataCount * 2);
            }
            dataPages[dataCount++] = page;
            lastDataPage = gpaPage;
        }
        return page;
    }

    // ---- when it has been looked at

    /** Whether a list has to come first. */
    boolean isFetching() {
        return fetching;
    }

    /** Whether there were not enough pages. */
    boolean isShort() {
        return shortOfPages;
    }

    /** Whether it is {@link #isShort} because it has more lists than any command needs. */
    boolean hasTooManyLists() {
        return refused;
    }

    /** Whether nobody has any pages, so that one who has been short of them will always be. */
    boolean isWhole() {
        return pages.isWhole();
    }

    /** Whether some of the data is where the guest shares it. */
    boolean isShared() {
        return shared;
    }

    boolean hasIn() {
        return !in.isEmpty();
    }

    boolean hasOut() {
        return !out.isEmpty();
    }

    Progress advanceFetch() {
        Progress progress = fetch.advance();
        fetching = progress == Progress.PENDING;
        return progress;
    }

    /** Goes on bringing data in, where there is any. */
    Progress advanceIn() {
        return in.advance();
    }

    /** Goes on taking data to the guest. */
    Progress advanceOut() {
        return out.advance();
    }

    /** The guest's memory has changed: whether all that is under way is still where it was. */
    boolean recheck() {
        boolean fetchGood = fetch.recheck();
        boolean inGood = in.recheck();
        return out.recheck() && fetchGood && inGood;
    }
}
