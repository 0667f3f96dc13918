package io.sluice.controller;

import io.sluice.mem.Memory;

/** The pages of a {@link BounceArea}, taken and given back one by one. Belongs to the controller's agent. */
final class BouncePages implements AutoCloseable {
    static final int NONE = -1;

    private final BounceArea area;
    private final int count;

    /** Those that are free: a stack. */
    private final int[] free;

    private int freeCount;

    /** Pages from this one on have not been used since they were cleared. */
    private int used;

    BouncePages(BounceArea area, int count) {
        this.area = area;
        this.count = count;
        this.free = new int[count];
        for (int i = 0; i < count; i++) {
            free[i] = count - 1 - i; // so that neighbours come one after the other, and become one piece
        }
        freeCount = count;
    }

    /** A page, or {@link #NONE}. What is in it may be anything of the same guest's. */
    int take() {
        if (freeCount == 0) {
            return NONE;
        }
        int page = free[--freeCount];
        used = Math.max(used, page + 1);
        return page;
    }

    /** Nothing uses a page any more. */
    void give(int page) {
        free[freeCount++] = page;
    }

    /** Whether nobody has any. */
    boolean isWhole() {
        return freeCount == count;
    }

    long hva(int page) {
        return area.hva() + (long) page * Memory.PAGE_BYTES;
    }

    long dataAddress(int page) {
        return area.dataAddress() + (long) page * Memory.PAGE_BYTES;
    }

    /** What is in them is nobody else's business. */
    void clear() {
        Memory.fill(area.hva(), (long) used * Memory.PAGE_BYTES, (byte) 0);
        used = 0;
    }

    @Override
    public void close() {
        area.close();
    }
}
