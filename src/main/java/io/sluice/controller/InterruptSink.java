package io.sluice.controller;

/** How an interrupt is raised. */
@FunctionalInterface
interface InterruptSink {
    /** Completions have been posted to a queue of this vector, of which the guest is to be told now. */
    void completionsPosted(int vector);

    /**
     * Completions have been posted to an I/O queue of this vector: the guest is to be told now, or as it has configured.
     *
     * @param count how many, 1 or more
     * @param anyFailed whether any of them says that its command has failed
     */
    default void completionsPosted(int vector, int count, boolean anyFailed) {
        completionsPosted(vector);
    }

    /** A queue of this vector goes: nothing of it is to be told later. */
    default void queueDeleted(int vector) {}
}
