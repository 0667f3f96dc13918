package io.sluice.bench;

import io.sluice.host.DriverStatus;
import java.util.Map;
import java.util.TreeMap;

/** Counts failed commands by status. Adding allocates nothing; the number of kinds is bounded. */
final class StatusTally {
    private static final int KINDS = 32;

    private final int[] statuses = new int[KINDS];
    private final long[] counts = new long[KINDS];
    private int kinds;
    private long others;

    void add(int status) {
        for (int i = 0; i < kinds; i++) {
            if (statuses[i] == status) {
                counts[i]++;
                return;
            }
        }
        if (kinds == KINDS) {
            others++;
            return;
        }
        statuses[kinds] = status;
        counts[kinds] = 1;
        kinds++;
    }

    /** Adds the counts to a map by the statuses' names. */
    void addTo(Map<String, Long> byName) {
        for (int i = 0; i < kinds; i++) {
            byName.merge(DriverStatus.describe(statuses[i]), counts[i], Long::sum);
        }
        if (others > 0) {
            byName.merge("other statuses", others, Long::sum);
        }
    }

    /** All counts of several tallies, in order of name. */
    static Map<String, Long> byName(Iterable<StatusTally> tallies) {
        Map<String, Long> byName = new TreeMap<>();
        tallies.forEach(tally -> tally.addTo(byName));
        return byName;
    }
}
