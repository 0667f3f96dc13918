package io.sluice.host;

import io.sluice.device.PciDevice.Bar;
import io.sluice.mem.Memory;
import java.io.IOException;

/** One doorbell register: a store where its page is mapped, a message otherwise. */
final class Doorbell {
    private final Bar bar;
    private final long offset;
    /** Host address of the register, or 0. */
    private final long address;

    Doorbell(Bar bar, long offset) {
        this.bar = bar;
        this.offset = offset;
        this.address = bar.mappedAddress(offset, Integer.BYTES);
    }

    /** Tells the device of all queue entries stored before: the store is a release, which x86-64 gives for nothing. */
    void ring(int index) throws IOException {
        if (address != 0) {
            Memory.putIntRelease(address, index);
        } else {
            bar.writeInt(offset, index);
        }
    }
}
