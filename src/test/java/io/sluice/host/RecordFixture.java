package io.sluice.host;

import io.sluice.state.Stores;
import java.lang.foreign.Arena;

/** Records of queue pairs that nobody goes on with. */
final class RecordFixture {
    private RecordFixture() {}

    static PairRecord record(int slots) {
        long bytes = PairRecord.RING_BYTES + (long) slots * PairRecord.SLOT_BYTES;
        long address = Arena.global().allocate(bytes, Long.BYTES).address();
        return new PairRecord(address, address + PairRecord.RING_BYTES, new Stores());
    }
}
