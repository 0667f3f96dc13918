package io.sluice.controller;

import io.sluice.device.FunctionStalled;
import io.sluice.nvme.AsyncEvent;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

/**
 * Changes the namespaces of a controller while a guest uses it: NVMe 1.4, 5.2, "Namespace Attribute Changed". One change at a
 * time, from any thread but the agent's.
 *
 * <pre>
 *   the gate lets nothing reach further ─▶ what reached further has ended ─▶ the path changes ─▶ gate and features follow
 *                                                        │                                      ─▶ the guest is told
 *                                                        └── not in time: all is as it was
 * </pre>
 */
public final class LiveNamespaces {
    private static final long LOOK_MILLIS = 1;

    /** What becomes of a path's namespaces; on the agent, without blocking. */
    @FunctionalInterface
    public interface Change {
        /**
         * Makes the change.
         *
         * @throws IOException if it cannot be; the path is then as it was
         */
        void apply() throws IOException;
    }

    private final AgentCalls agent;
    private final IoPath path;
    private final IoQueues queues;
    private final Features features;
    private final ChangedNamespaces changed;
    private final AsyncEvents events;

    LiveNamespaces(
            AgentCalls agent,
            IoPath path,
            IoQueues queues,
            Features features,
            ChangedNamespaces changed,
            AsyncEvents events) {
        this.agent = agent;
        this.path = path;
        this.queues = queues;
        this.features = features;
        this.changed = changed;
        this.events = events;
    }

    /**
     * Makes one namespace come, go, or have another size. Returns when the guest's commands meet it as it is then.
     *
     * @param nsid which, 1 to {@link IoPath#maxNsid}
     * @param blockCount how many of its blocks commands may still reach while this waits for those that reach further; 0 for
     *     none, or one that is not there yet
     * @param patienceMillis for how long it waits for them
     * @param quiet whether the path is ready, once those commands have ended; on the agent, again and again
     * @param change what then becomes of {@link IoPath#namespaces} and of what is behind them
     * @throws FunctionStalled if what the guest has begun does not end in time; nothing has changed then
     * @throws IOException of the change
     */
    public void change(int nsid, long blockCount, long patienceMillis, BooleanSupplier quiet, Change change)
            throws IOException {
        try {
            agent.run("limit a namespace", () -> queues.limitNamespace(nsid, blockCount));
            awaitEnd(nsid, blockCount, patienceMillis, quiet);
        } catch (FunctionStalled e) {
            agent.post("leave a namespace as it was", queues::renewNamespaces);
            throw e;
        }
        apply(nsid, change);
    }

    private void awaitEnd(int nsid, long blockCount, long patienceMillis, BooleanSupplier quiet) {
        AtomicReference<Boolean> ended = new AtomicReference<>(false);
        Runnable look = () -> ended.set(!queues.anyReaching(nsid, blockCount) && quiet.getAsBoolean());
        long start = System.nanoTime();
        agent.run("look at a namespace's commands", look);
        while (!ended.get()) {
            if (System.nanoTime() - start > TimeUnit.MILLISECONDS.toNanos(patienceMillis)) {
                throw new FunctionStalled(
                        "commands of the guest's have not ended within " + patienceMillis
                                + " ms, so it stays as it was",
                        null);
            }
            rest();
            agent.run("look at a namespace's commands", look);
        }
    }

    private static void rest() {
        try {
            Thread.sleep(LOOK_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FunctionStalled("interrupted while commands to a namespace ended; it stays as it was", e);
        }
    }

    private void apply(int nsid, Change change) throws IOException {
        AtomicReference<Exception> failure = new AtomicReference<>();
        agent.run("change a namespace", () -> {
            try {
                change.apply();
                tell(nsid);
            } catch (IOException | RuntimeException e) {
                failure.set(e);
            }
            queues.renewNamespaces();
            features.setNamespaces(
                    path.namespaces().stream().mapToInt(Namespace::nsid).toArray());
        });
        switch (failure.get()) {
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case null, default -> {}
        }
    }

    /** On the agent: the guest reads of it in the log of changed namespaces, and is told if it wants to know. */
    void tell(int nsid) {
        changed.add(nsid);
        if (features.isEventEnabled(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED)) {
            events.raise(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED);
        }
    }
}
