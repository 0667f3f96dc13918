package io.sluice.controller;

import io.sluice.nvme.NamespaceList;
import io.sluice.nvme.Sqe;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * Namespaces that have changed since the log page was last read: NVMe 1.4, 5.14.1.4. Belongs to the controller's agent.
 */
final class ChangedNamespaces {
    private final TreeSet<Integer> nsids = new TreeSet<>(Integer::compareUnsigned);
    private boolean tooMany;

    /** Those in the page as it was written last, which have not changed since. */
    private final Set<Integer> written = new HashSet<>();

    private boolean writtenTooMany;

    void add(int nsid) {
        nsids.add(nsid);
        written.remove(nsid);
        if (nsids.size() > NamespaceList.MAX_COUNT) {
            nsids.clear();
            tooMany = true;
            writtenTooMany = false;
        }
    }

    boolean isEmpty() {
        return nsids.isEmpty() && !tooMany;
    }

    void save(SnapshotWriter out) {
        out.put(tooMany);
        out.put(nsids.stream().mapToInt(Integer::intValue).toArray());
    }

    void resume(SnapshotReader in) {
        clear();
        tooMany = in.getBoolean();
        for (int nsid : in.getInts()) {
            nsids.add(nsid);
        }
    }

    /** The guest has the page as it was written last, and may have waited for it while others have changed. */
    void read() {
        nsids.removeAll(written);
        tooMany &= !writtenTooMany;
    }

    /** The controller is reset. */
    void clear() {
        nsids.clear();
        tooMany = false;
    }

    /** Writes the page: identifiers in ascending order, or FFFFFFFFh first if there are too many. The target is zeroes. */
    void write(long target) {
        int index = 0;
        written.clear();
        written.addAll(nsids);
        writtenTooMany = tooMany;
        if (tooMany) {
            NamespaceList.setNsid(target, 0, Sqe.NSID_ALL);
            return;
        }
        for (int nsid : nsids) {
            NamespaceList.setNsid(target, index++, nsid);
        }
    }
}
