package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;
import io.sluice.controller.IoPath;
import io.sluice.controller.NvmeController;
import io.sluice.device.PciFunction;
import io.sluice.poll.Agent;
import io.sluice.poll.AgentRunner;
import io.sluice.poll.BackoffIdle;
import io.sluice.poll.CommandQueue;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The software NVMe model: a storage, and a controller on a polling thread of its own. Who serves it comes on top. */
public final class SoftwareModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SoftwareModel.class);

    private final NvmeController controller;
    private final ModelNamespaces namespaces;

    /** Knows the one that runs the controller now, or did last. */
    private final AtomicReference<Supplier<AgentRunner>> runner;

    private SoftwareModel(
            NvmeController controller, IoPath storage, String serial, AtomicReference<Supplier<AgentRunner>> runner) {
        this.controller = controller;
        this.namespaces = new ModelNamespaces(
                controller, storage, serial, () -> runner.get().get().wake());
        this.runner = runner;
    }

    /**
     * Starts a model.
     *
     * @param name for messages
     * @throws IOException where memory, or the file, cannot be had
     */
    public static SoftwareModel start(String name, DriveOptions options) throws IOException {
        ControllerConfig config = ControllerConfig.of(name, options.serial()).withMaxQueuePairs(options.queuePairs());
        return start(config, wake -> Media.open(options, wake));
    }

    /** Starts a model of any storage, which it owns from then on. */
    public static SoftwareModel start(String serial, IoPath storage) throws IOException {
        return start(ControllerConfig.of(serial, serial), wake -> storage);
    }

    /** Makes a storage that may wake its controller's thread, also from others. */
    @FunctionalInterface
    private interface StorageMaker {
        IoPath make(Runnable wake) throws IOException;
    }

    private static SoftwareModel start(ControllerConfig config, StorageMaker maker) throws IOException {
        AtomicReference<Supplier<AgentRunner>> runner = new AtomicReference<>();
        Runnable wake = () -> runner.get().get().wake();
        IoPath storage = maker.make(wake);
        NvmeController controller = newController(config, storage, CommandQueue.to(wake), wake);
        SoftwareModel model = new SoftwareModel(controller, storage, config.serialNumber(), runner);
        model.run();
        return model;
    }

    private void run() {
        AgentRunner started = new AgentRunner(controller, BackoffIdle.standard(), PollerThread::wakeInTime);
        runner.set(() -> started);
        started.start();
    }

    private static NvmeController newController(
            ControllerConfig config, IoPath storage, CommandQueue commands, Runnable wake) throws IOException {
        try {
            return new NvmeController(config, storage, commands, wake, System::nanoTime);
        } catch (IOException | RuntimeException e) {
            storage.close();
            throw e;
        }
    }

    /** Makes the thread that runs the model look for work soon; from any thread. */
    void wake() {
        runner.get().get().wake();
    }

    /** Its namespaces, which may come and go. */
    public ModelNamespaces namespaces() {
        return namespaces;
    }

    /** The device side, for whoever serves it. One client at a time may be attached. */
    public PciFunction function() {
        return controller;
    }

    /**
     * Runs something while the model's own thread rests, and the caller's thread runs the model instead. Whoever is attached
     * must not call for anything but data meanwhile: registers and admin commands wait for the model.
     *
     * @throws IOException if the model's thread does not end, or from the body
     */
    public <T> T byTurns(ByTurns<T> body) throws IOException {
        if (!runner.get().get().stop()) {
            throw new IOException(controller.name() + " does not stop polling");
        }
        try {
            return body.run(controller::doWork);
        } finally {
            run();
        }
    }

    /**
     * Has another thread poll the model instead of its own, until {@link #takeBack}.
     *
     * @param host the thread that runs the agent that this returns now, or did last; is woken when there is something to do
     * @throws IOException if the model's own thread does not end
     */
    Agent lendTo(Supplier<AgentRunner> host) throws IOException {
        if (!runner.get().get().stop()) {
            throw new IOException(controller.name() + " does not stop polling");
        }
        runner.set(host);
        return new Lent(controller);
    }

    /**
     * The model on another's thread. The memory that it reaches is the guests', each of whom answers for its own; so it is never
     * at fault itself.
     */
    private record Lent(NvmeController controller) implements Agent {
        @Override
        public String name() {
            return controller.name();
        }

        @Override
        public int doWork() {
            return controller.doWork();
        }

        @Override
        public boolean isDormant() {
            return controller.isDormantUntilWoken(); // its driver is on this thread, or wakes it: see WakingClock
        }

        @Override
        public long maxRestNanos() {
            return controller.maxRestNanos();
        }

        @Override
        public void onFault(Throwable fault) {
            controller.onFault(fault);
        }
    }

    /** The model has a thread of its own again; the other one has ended. */
    void takeBack() {
        run();
    }

    /**
     * Ends the thread and lets go of everything. Nobody may be attached any more. Idempotent.
     *
     * <p>A thread that does not end keeps what it uses: memory taken from under it would end the whole process.
     */
    @Override
    public void close() {
        if (runner.get().get().stop()) {
            controller.close();
        } else {
            LOG.error("{}: its memory and descriptors stay until this process ends", controller.name());
        }
    }
}
