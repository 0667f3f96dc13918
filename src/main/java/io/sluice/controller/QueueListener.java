package io.sluice.controller;

/** What a queue meets that concerns the whole controller. Calls are on the controller's agent; none is on the common path. */
interface QueueListener {
    /**
     * A doorbell holds a value that is no index of its queue, or moves a head past its tail. The queue ignores it, and tells
     * of each such value once.
     */
    void invalidDoorbell(int qid, boolean cqHead, int value);

    /**
     * A queue's own memory cannot be reached now. The queue takes nothing and tries again in the next cycle: a client may be
     * about to map it again. How long to bear with that is the controller's to decide.
     *
     * @param code the {@link io.sluice.mem.Translator}'s
     */
    void queueMemoryUnreachable(int qid, boolean completionQueue, long code);

    /** As {@link #queueMemoryUnreachable}, of the guest's buffers of doorbells: nothing is taken from any queue. */
    default void doorbellBufferUnreachable(long code) {}

    /** A command was done, and its completion could not be posted: the guest unmapped its queue meanwhile. */
    void completionLost(int cqid, int sqid, int cid);

    /**
     * A command is about to end with an error.
     *
     * @param status as in {@link io.sluice.nvme.Status}
     * @return the status to post: the same, or with More if the error log has an entry about it
     */
    default int commandFailed(IoCommand command, int status) {
        return status;
    }

    /** There is no memory to stage data in that the guest does not share, so commands with such data fail. */
    default void noBounceMemory(String why) {}
}
