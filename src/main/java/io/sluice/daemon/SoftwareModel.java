package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.device.PciFunction;
import io.sluice.linux.LinuxException;
import io.sluice.poll.Agent;
import io.sluice.poll.AgentRunner;
import io.sluice.poll.BackoffIdle;
import io.sluice.poll.CommandQueue;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FaultPlan;
import io.sluice.storage.FaultyStorage;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ManyStorages;
import io.sluice.storage.MemoryStorage;
import io.sluice.storage.NoopStorage;
import io.sluice.storage.RawFile;
import io.sluice.storage.VolatileFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The software NVMe model: a storage, and a controller on a polling thread of its own. Who serves it comes on top. */
public final class SoftwareModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SoftwareModel.class);

    private final NvmeController controller;

    /** Knows the one that runs the controller now, or did last. */
    private final AtomicReference<Supplier<AgentRunner>> runner;

    private SoftwareModel(NvmeController controller, AtomicReference<Supplier<AgentRunner>> runner) {
        this.controller = controller;
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
        return start(config, wake -> newStorage(options, wake));
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
        SoftwareModel model = new SoftwareModel(newController(config, storage, CommandQueue.to(wake), wake), runner);
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

    /** All of a drive's namespaces, each in a storage of its own. */
    private static IoPath newStorage(DriveOptions options, Runnable wake) throws IOException {
        List<IoPath> storages = new ArrayList<>();
        try {
            for (Medium medium : options.media()) {
                storages.add(newStorage(storages.size() + 1, options, medium, wake));
            }
        } catch (IOException | RuntimeException e) {
            storages.forEach(IoPath::close);
            throw e;
        }
        IoPath all = storages.size() == 1 ? storages.getFirst() : new ManyStorages(storages);
        return options.faults().map(faults -> faulty(all, faults)).orElse(all);
    }

    private static IoPath faulty(IoPath storage, FaultPlan faults) {
        LOG.warn("commands meet faults, as was asked for: {} (again with --fault-seed)", faults);
        return new FaultyStorage(storage, faults, System::nanoTime);
    }

    private static IoPath newStorage(int nsid, DriveOptions options, Medium medium, Runnable wake) throws IOException {
        String serial = options.serial();
        return switch (medium) {
            case Medium.Memory(long bytes, int blockBytes, boolean hugePages) -> {
                Namespace namespace = namespace(nsid, serial, bytes, blockBytes, false);
                yield hugePages ? MemoryStorage.onHugePages(namespace) : new MemoryStorage(namespace);
            }
            case Medium.Nothing(long bytes, int blockBytes) ->
                new NoopStorage(namespace(nsid, serial, bytes, blockBytes, false));
            case Medium.File file -> newStorage(nsid, options, file, wake);
        };
    }

    private static IoPath newStorage(int nsid, DriveOptions options, Medium.File medium, Runnable wake)
            throws IOException {
        BackingFile file = BackingFile.open(medium.path(), medium.bytes(), medium.blockBytes(), medium.readOnly());
        try {
            Namespace namespace = namespace(nsid, options.serial(), file.bytes(), file.blockBytes(), medium.readOnly());
            return new FileStorage(namespace, behindCache(file, medium, options), wake);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static RawFile behindCache(BackingFile file, Medium.File medium, DriveOptions options)
            throws LinuxException {
        Optional<FaultPlan> faults = options.faults().filter(FaultPlan::torn);
        return faults.isEmpty() || medium.readOnly() ? file : new VolatileFile(file, file.blockBytes(), faults.get());
    }

    private static Namespace namespace(int nsid, String serial, long bytes, int blockBytes, boolean readOnly) {
        ByteBuffer nguid = Identity.nguid(nsid == 1 ? serial : serial + "\n" + nsid);
        long blockCount = bytes / blockBytes;
        return new Namespace(nsid, blockCount, blockBytes, nguid.getLong(0), nguid.getLong(Long.BYTES), 0, readOnly);
    }

    /** Makes the thread that runs the model look for work soon; from any thread. */
    void wake() {
        runner.get().get().wake();
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
