package io.sluice.poll;

/** What a polling thread does between two duty cycles. Belongs to one thread. */
public interface IdleStrategy {
    /**
     * Called after every duty cycle.
     *
     * @param work what the cycle did; more than 0 means that the thread is busy and returns at once
     */
    default void idle(int work) {
        idle(work, Long.MAX_VALUE);
    }

    /**
     * The same, for no longer than a time that the agent waits for.
     *
     * @param maxRestNanos as {@link Agent#maxRestNanos}
     */
    void idle(int work, long maxRestNanos);

    /** Whether it has been idle for so long that the next {@link #idle} would park: the time to ask for more rest than that. */
    boolean isParking();

    /** Called instead while the agent is dormant: sleeps until the thread is woken, or a little less. */
    void sleep();
}
