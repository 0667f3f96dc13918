package io.sluice.host;

import io.sluice.device.PciDevice.Bar;
import io.sluice.mem.Memory;
import io.sluice.nvme.DoorbellBuffer;
import java.io.IOException;

/**
 * One doorbell register: a store where its page is mapped, a message otherwise. With a Doorbell Buffer the index goes to
 * memory, and the register is written only if the device has asked to be woken at that point (EventIdx).
 */
final class Doorbell {
    private final Bar bar;
    private final long offset;
    /** Host address of the register, or 0. */
    private final long address;
    /** Host addresses of the shadow doorbell and its EventIdx, or 0. */
    private final long shadow;

    private final long eventIdx;
    private int rung;

    Doorbell(Bar bar, long offset) {
        this(bar, offset, 0, 0);
    }

    /**
     * @param shadow host address of its entry in the shadow doorbell buffer, or 0 for none
     * @param eventIdx host address of its entry in the EventIdx buffer
     */
    Doorbell(Bar bar, long offset, long shadow, long eventIdx) {
        this.bar = bar;
        this.offset = offset;
        this.address = bar.mappedAddress(offset, Integer.BYTES);
        this.shadow = shadow;
        this.eventIdx = eventIdx;
    }

    /** Tells the device of all queue entries stored before: the store is a release, which x86-64 gives for nothing. */
    void ring(int index) throws IOException {
        if (shadow != 0 && !mustWake(index)) {
            return;
        }
        if (address != 0) {
            Memory.putIntRelease(address, index);
        } else {
            bar.writeInt(offset, index);
        }
    }

    /**
     * The device stores its EventIdx, fences, and looks at the shadow once more before it sleeps; this side stores the shadow,
     * fences, and then looks at the EventIdx: so at least one of the two sees what the other has stored.
     */
    private boolean mustWake(int index) {
        int before = rung;
        rung = index;
        Memory.putIntRelease(shadow, index); // after the queue's entries
        Memory.fullFence();
        return DoorbellBuffer.needsEvent(Memory.getIntAcquire(eventIdx), index, before);
    }

    /** Goes on where another process has rung. */
    void resumeAt(int index) {
        rung = index;
    }

    /**
     * Tells the device of an index that another process may have told it of already: in any case by the register. A device may say
     * that it has been told twice (NVMe 1.4, 5.2.1, Invalid Doorbell Write Value), and does nothing else about it.
     */
    void ringAgain(int index) throws IOException {
        rung = index;
        if (shadow != 0) {
            Memory.putIntRelease(shadow, index);
            Memory.fullFence();
        }
        if (address != 0) {
            Memory.putIntRelease(address, index);
        } else {
            bar.writeInt(offset, index);
        }
    }

    /** The queue begins again at 0; nobody reads the shadow meanwhile. */
    void restart() {
        rung = 0;
        if (shadow != 0) {
            Memory.putIntRelease(shadow, 0);
            Memory.putIntRelease(eventIdx, 0);
        }
    }
}
