package io.sluice.poll;

/**
 * A piece of work that is polled. It belongs to one thread, is run by an {@link AgentRunner}, and runs the same when a test
 * calls {@link #doWork} by hand.
 */
public interface Agent {
    /** A short name for logs and for the thread. */
    String name();

    /**
     * Does what is there to do, in a bounded step, without blocking.
     *
     * @return how much was done, in pieces of any size; 0 lets the runner idle
     */
    int doWork();

    /**
     * Whether nothing but a wake can bring work, now that {@link #doWork} has found none: there is no memory to look at, and
     * no time to wait for. The runner then sleeps until it is woken, and costs nothing. Called on the agent's thread.
     */
    default boolean isDormant() {
        return false;
    }

    /**
     * How long its thread may rest at most, now that {@link #doWork} has found nothing and it is not dormant: it waits for a
     * time, of which nobody else tells it. Called on the agent's thread.
     *
     * @return nanoseconds; {@link Long#MAX_VALUE} if it waits for none, 0 or less if that time has come
     */
    default long maxRestNanos() {
        return Long.MAX_VALUE;
    }

    /**
     * Whether it knows of a reason for an access error that came up in somebody else's work: memory of its own that was taken
     * away. Called on the agent's thread.
     */
    default boolean isAtFault() {
        return false;
    }

    /**
     * Something escaped from {@link #doWork}, or an asynchronous {@link InternalError} reached its thread: an access to
     * mapped memory whose file has been truncated is reported late, in whatever code runs then. The agent finds out whether
     * it is the one at fault and contains it. Called on the agent's thread.
     */
    void onFault(Throwable fault);
}
