package io.sluice.host;

import io.sluice.nvme.Cqe;

/** Words for a completion that no device may post. */
final class FalseCompletion {
    private FalseCompletion() {}

    /**
     * What is wrong with it, to go on from "a completion".
     *
     * @param tail the entry's last 8 bytes
     * @param qid of the only submission queue that posts to its completion queue
     * @param entries of that queue
     */
    static String why(long tail, int qid, int entries) {
        if (Cqe.sqid(tail) != qid) {
            return "for submission queue " + Cqe.sqid(tail) + ", which this completion queue does not serve";
        }
        if (Cqe.sqHead(tail) >= entries) {
            return "with submission queue head " + Cqe.sqHead(tail) + " in a queue of " + entries + " entries";
        }
        return "for command " + Cqe.cid(tail) + ", which is not outstanding";
    }
}
