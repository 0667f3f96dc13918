package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.device.PciFunction;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ThreadControl;
import io.sluice.poll.AgentRunner;
import io.sluice.poll.BackoffIdle;
import io.sluice.poll.CommandQueue;
import io.sluice.storage.MemoryStorage;
import io.sluice.storage.NoopStorage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The software NVMe model: a storage, and a controller on a polling thread of its own. Who serves it comes on top. */
public final class SoftwareModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SoftwareModel.class);

    /** Without this a park of 50 us takes 100: the kernel gathers timers within 50 us of each other by default. */
    private static final long TIMER_SLACK_NANOS = 1_000;

    private static final int NSID = 1;

    private final NvmeController controller;
    private final AgentRunner runner;

    private SoftwareModel(NvmeController controller, AgentRunner runner) {
        this.controller = controller;
        this.runner = runner;
    }

    /**
     * Starts a model with one namespace in memory, full of zeroes.
     *
     * @throws IOException where memory cannot be had
     * @throws IllegalArgumentException where the serial number is too long, or not printable ASCII
     */
    public static SoftwareModel start(ModelOptions options) throws IOException {
        return start(config(options.serial()).withMaxQueuePairs(options.queuePairs()), newStorage(options));
    }

    /** Starts a model of any storage, which it owns from then on. */
    public static SoftwareModel start(String serial, IoPath storage) throws IOException {
        return start(config(serial), storage);
    }

    private static ControllerConfig config(String serial) {
        return ControllerConfig.of(serial, serial);
    }

    private static SoftwareModel start(ControllerConfig config, IoPath storage) throws IOException {
        AtomicReference<AgentRunner> agent = new AtomicReference<>();
        Runnable wake = () -> agent.get().wake();
        NvmeController controller = newController(config, storage, CommandQueue.to(wake), wake);
        AgentRunner runner = new AgentRunner(controller, BackoffIdle.standard(), SoftwareModel::prepareThread);
        agent.set(runner);
        runner.start();
        return new SoftwareModel(controller, runner);
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

    private static IoPath newStorage(ModelOptions options) throws LinuxException {
        long blockCount = options.bytes() / options.blockBytes();
        ByteBuffer nguid = nguid(options.serial());
        Namespace namespace = new Namespace(
                NSID, blockCount, options.blockBytes(), nguid.getLong(0), nguid.getLong(Long.BYTES), 0, false);
        return options.noop() ? new NoopStorage(namespace) : new MemoryStorage(namespace);
    }

    /** The same for the same serial number, so that a guest knows the drive again; different for all others. */
    private static ByteBuffer nguid(String serial) {
        UUID uuid = UUID.nameUUIDFromBytes(("sluice " + serial).getBytes(StandardCharsets.UTF_8));
        return ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits());
    }

    private static void prepareThread() {
        try {
            ThreadControl.setTimerSlack(TIMER_SLACK_NANOS);
        } catch (LinuxException e) {
            LOG.warn("the poller wakes up late when idle: {}", e.getMessage());
        }
    }

    /** The device side, for whoever serves it. One client at a time may be attached. */
    public PciFunction function() {
        return controller;
    }

    /**
     * Ends the thread and lets go of everything. Nobody may be attached any more. Idempotent.
     *
     * <p>A thread that does not end keeps what it uses: memory taken from under it would end the whole process.
     */
    @Override
    public void close() {
        if (runner.stop()) {
            controller.close();
        } else {
            LOG.error("{}: its memory and descriptors stay until this process ends", controller.name());
        }
    }
}
