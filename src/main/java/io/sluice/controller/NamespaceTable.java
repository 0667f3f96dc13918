package io.sluice.controller;

import io.sluice.nvme.CopyLimits;
import java.util.List;

/**
 * The namespaces that commands are checked against. It does not change: when a namespace comes, goes or changes its size, the
 * gate gets another one. Belongs to the controller's agent.
 *
 * <p>One entry for each identifier from 1 to the largest possible one, which is small; that of 0 is never in use.
 */
final class NamespaceTable {
    /** 0 for a namespace that is not there: no other has so few. */
    private final long[] blockCounts;

    private final int[] blockShifts;
    private final boolean[] readOnly;
    private final CopyLimits[] copyLimits;

    private NamespaceTable(int maxNsid) {
        blockCounts = new long[maxNsid + 1];
        blockShifts = new int[maxNsid + 1];
        readOnly = new boolean[maxNsid + 1];
        copyLimits = new CopyLimits[maxNsid + 1];
    }

    private NamespaceTable(NamespaceTable other) {
        blockCounts = other.blockCounts.clone();
        blockShifts = other.blockShifts;
        readOnly = other.readOnly;
        copyLimits = other.copyLimits;
    }

    /** As a path offers them now. */
    static NamespaceTable of(IoPath path) {
        List<Namespace> namespaces = path.namespaces();
        NamespaceTable table = new NamespaceTable(path.maxNsid());
        for (Namespace namespace : namespaces) {
            int nsid = namespace.nsid();
            table.blockCounts[nsid] = namespace.blockCount();
            table.blockShifts[nsid] = namespace.blockShift();
            table.readOnly[nsid] = namespace.readOnly();
            table.copyLimits[nsid] = path.traits(nsid).copy().withRanges(IoCommand.MAX_COPY_RANGES);
        }
        return table;
    }

    /** The same, but one namespace has no more than some blocks; with 0 it is not there. */
    NamespaceTable limited(int nsid, long blockCount) {
        NamespaceTable table = new NamespaceTable(this);
        table.blockCounts[nsid] = Math.min(blockCounts[nsid], blockCount);
        return table;
    }

    /** Whether an identifier is one that a namespace can have: NVMe 1.4, 6.1.4, "valid". */
    boolean isValid(int nsid) {
        return nsid > 0 && nsid < blockCounts.length;
    }

    /** Whether a namespace is there: NVMe 1.4, 6.1.4, "active". */
    boolean isActive(int nsid) {
        return isValid(nsid) && blockCounts[nsid] > 0;
    }

    // ---- of one that is active

    long blockCount(int nsid) {
        return blockCounts[nsid];
    }

    int blockShift(int nsid) {
        return blockShifts[nsid];
    }

    boolean isReadOnly(int nsid) {
        return readOnly[nsid];
    }

    CopyLimits copyLimits(int nsid) {
        return copyLimits[nsid];
    }
}
