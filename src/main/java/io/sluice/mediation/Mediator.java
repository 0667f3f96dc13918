package io.sluice.mediation;

import io.sluice.poll.Agent;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty cycle of one poller: what the device has completed, then each guest's controller, then one doorbell for each of the
 * device's queues that got commands.
 *
 * <pre>
 *   device's completions ─▶ guest, guest, guest … (the first turn goes round) ─▶ device's doorbells ─▶ (a model's part)
 * </pre>
 *
 * <p>What goes wrong in one guest's turn is contained there.
 */
public final class Mediator implements Agent {
    private static final Logger LOG = LoggerFactory.getLogger(Mediator.class);

    /** The device's part of a cycle. */
    interface Device {
        /** Takes what has been completed. Returns how much. */
        int poll();

        /** Submits what is due for all guests together, and rings. Returns how much. */
        int submit();

        /** Whether it has no commands, and no reset has to be met. */
        boolean isQuiet();

        /** The poller may sleep before the next cycle. */
        void mayRest();

        /** Has somebody asked whether an access error that comes up in the device's part is a guest's, and is dealt with. */
        void onAccessError(Predicate<InternalError> isDealtWith);
    }

    /** For a release store, where a volatile one would fence each duty cycle. */
    private static final VarHandle CYCLES;

    static {
        try {
            CYCLES = MethodHandles.lookup().findVarHandle(Mediator.class, "cycles", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final String name;
    private final Device device;

    /** Replaced, never changed, so that other threads may add and remove. */
    private volatile Agent[] guests = {};

    private int firstTurn;

    private volatile long cycles;

    /** The device itself, where it is a model that has no thread of its own; or null. */
    private Agent model;

    /** @param name of the device, for logs and the thread */
    public Mediator(String name, SharedDevice device) {
        this(name, (Device) device);
    }

    Mediator(String name, Device device) {
        this.name = name;
        this.device = device;
        device.onAccessError(this::blame);
    }

    /** Gives a controller its turn in each cycle from now on; from any thread. */
    public synchronized void add(Agent controller) {
        Agent[] more = Arrays.copyOf(guests, guests.length + 1);
        more[guests.length] = controller;
        guests = more;
    }

    /** Gives the device itself its turn at the end of each cycle; before the first one. */
    public void runModel(Agent lent) {
        model = lent;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int doWork() {
        int work = device.poll();
        Agent[] agents = guests;
        int at = firstTurn < agents.length ? firstTurn : 0;
        firstTurn = at + 1;
        for (int turn = 0; turn < agents.length; turn++) {
            work += serve(agents[at]);
            at = at + 1 < agents.length ? at + 1 : 0;
        }
        work += device.submit();
        CYCLES.setRelease(this, (long) CYCLES.get(this) + 1);
        return model == null ? work : work + serve(model);
    }

    /**
     * How many duty cycles there have been: one that hangs is not counted, and others can tell. From any thread.
     */
    public long cycles() {
        return cycles;
    }

    private int serve(Agent guest) {
        try {
            return guest.doWork();
        } catch (RuntimeException | Error fault) {
            if (!blame(fault)) {
                contain(guest, fault);
            }
            return 1;
        }
    }

    /** An access error is the fault of whoever cut its memory short, and not of whose turn it was. */
    private void contain(Agent guest, Throwable fault) {
        if (fault instanceof InternalError) {
            LOG.error(
                    "{}: an access to memory was at fault in the turn of {} or before, and nobody's memory is short now: nobody"
                            + " fails for it, and the turn goes on in the next cycle",
                    name,
                    guest.name(),
                    fault);
        } else {
            guest.onFault(fault);
        }
    }

    /**
     * An access to memory that was taken away is told late, in whoever's turn it is then. Whether its owner was found. Whose turn
     * was cut short goes on in its next.
     */
    private boolean blame(Throwable fault) {
        boolean found = false;
        if (fault instanceof InternalError) {
            for (Agent guest : guests) {
                if (guest.isAtFault()) {
                    guest.onFault(fault);
                    found = true;
                }
            }
        }
        return found;
    }

    @Override
    public boolean isDormant() {
        device.mayRest(); // this is asked before each rest
        if (!device.isQuiet() || (model != null && !model.isDormant())) {
            return false;
        }
        for (Agent guest : guests) {
            if (!guest.isDormant()) {
                return false;
            }
        }
        return true;
    }

    @Override
    public long maxRestNanos() {
        long shortest = model == null ? Long.MAX_VALUE : model.maxRestNanos();
        for (Agent guest : guests) {
            shortest = Math.min(shortest, guest.maxRestNanos());
        }
        return shortest;
    }

    /** Something went wrong outside of the guests' turns. */
    @Override
    public void onFault(Throwable fault) {
        if (!blame(fault)) {
            LOG.error("{}: its poller met a fault that is no guest's, and goes on", name, fault);
        }
    }
}
