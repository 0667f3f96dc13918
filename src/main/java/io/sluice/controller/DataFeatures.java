package io.sluice.controller;

import io.sluice.nvme.FeatureValue;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** The values of those features that are more than a number: Timestamp and Host Identifier. Belongs to the controller's agent. */
final class DataFeatures {
    /** Timestamp Origin: counted from the controller's reset, or set by the host. NVMe 1.4, figure 302. */
    private static final int SINCE_RESET = 0;

    private static final int SET_BY_HOST = 1;

    private final LongSupplier clock;
    private long millisThen;
    private long nanosThen;
    private int origin;
    private long hostIdLow;
    private long hostIdHigh;

    /** @param clock in nanoseconds */
    DataFeatures(LongSupplier clock) {
        this.clock = clock;
        reset();
    }

    void save(SnapshotWriter out) {
        out.put(millisThen);
        out.put(nanosThen);
        out.put(origin);
        out.put(hostIdLow);
        out.put(hostIdHigh);
    }

    /** The clock is the same one for all processes of a host. */
    void resume(SnapshotReader in) {
        millisThen = in.getLong();
        nanosThen = in.getLong();
        origin = in.getInt();
        hostIdLow = in.getLong();
        hostIdHigh = in.getLong();
    }

    /** Every reset of the controller: NVMe 1.4, 5.21.1.14 and 5.21.1.26. */
    void reset() {
        begin(0, SINCE_RESET);
        setHostId(0, 0);
    }

    private void begin(long millis, int newOrigin) {
        millisThen = millis;
        nanosThen = clock.getAsLong();
        origin = newOrigin;
    }

    /** What the host says that it is now, in milliseconds, modulo 2^48. */
    void setTimestamp(long millis) {
        begin(millis, SET_BY_HOST);
    }

    /** The data that Get Features answers. */
    long timestamp() {
        long passed = TimeUnit.NANOSECONDS.toMillis(clock.getAsLong() - nanosThen);
        return FeatureValue.timestamp(millisThen + passed, false, origin);
    }

    /** @param high 0 for an identifier of 8 bytes */
    void setHostId(long low, long high) {
        hostIdLow = low;
        hostIdHigh = high;
    }

    long hostIdLow() {
        return hostIdLow;
    }

    long hostIdHigh() {
        return hostIdHigh;
    }
}
