package io.sluice.daemon;

import io.sluice.poll.Agent;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has its turn among a poller's other agents, and counts how often: a poller that hangs does not come here, and others can tell.
 */
final class Heartbeat implements Agent {
    private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

    private final AtomicLong turns = new AtomicLong();

    @Override
    public String name() {
        return "heartbeat";
    }

    /** One writer, and nobody who waits for the value: a release store, where a volatile one would fence each duty cycle. */
    @Override
    public int doWork() {
        turns.setRelease(turns.getPlain() + 1);
        return 0;
    }

    @Override
    public boolean isDormant() {
        return true;
    }

    /** It touches no memory but its own: whatever is told in its turn is somebody else's, and late. */
    @Override
    public void onFault(Throwable fault) {
        LOG.error("the poller met a fault that is no guest's, and goes on", fault);
    }

    /** How often it has had its turn; from any thread. */
    long turns() {
        return turns.getAcquire();
    }
}
