package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.DoorbellBuffer;

/** The memory of Doorbell Buffer Config (NVMe 1.4, 5.7): a page of shadow doorbells, then a page of EventIdx. */
record ShadowDoorbells(DmaArea area) {
    static final long BYTES = 2L * Memory.PAGE_BYTES;

    /** The most I/O queue pairs that fit. */
    static final int MAX_QUEUE_PAIRS = DoorbellBuffer.maxQid(Memory.PAGE_BYTES);

    /** Host address of an entry of the shadow doorbells. */
    long doorbell(int offset) {
        return area.address() + offset;
    }

    /** Host address of an entry of the EventIdx buffer. */
    long eventIdx(int offset) {
        return area.address() + Memory.PAGE_BYTES + offset;
    }

    long doorbellsIova() {
        return area.iova();
    }

    long eventIdxIova() {
        return area.iova() + Memory.PAGE_BYTES;
    }
}
