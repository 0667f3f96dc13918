package io.sluice.host;

import io.sluice.device.PciDevice.Bar;
import java.util.ArrayList;
import java.util.List;

/** A BAR that remembers what was written, and maps nothing. */
class FakeBar implements Bar {
    /** A write as it came. */
    record Write(long offset, long value) {}

    final List<Write> writes = new ArrayList<>();

    @Override
    public long bytes() {
        return 0x4000;
    }

    @Override
    public int readInt(long offset) {
        return 0;
    }

    @Override
    public long readLong(long offset) {
        return 0;
    }

    @Override
    public void writeInt(long offset, int value) {
        writes.add(new Write(offset, value));
    }

    @Override
    public void writeLong(long offset, long value) {
        writes.add(new Write(offset, value));
    }

    @Override
    public long mappedAddress(long offset, long bytes) {
        return 0;
    }
}
