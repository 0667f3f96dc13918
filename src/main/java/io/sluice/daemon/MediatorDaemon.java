package io.sluice.daemon;

import io.sluice.config.ConfigException;
import io.sluice.config.Position;
import io.sluice.config.ServePlan;
import io.sluice.config.ServeSettings;
import io.sluice.config.TargetSettings;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.NvmeController;
import io.sluice.host.DriverClock;
import io.sluice.host.DriverOptions;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.Timeouts;
import io.sluice.hostpci.PciAddress;
import io.sluice.linux.SocketOptions;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device, cut into volumes, each of which is served to a guest as an NVMe controller of its own.
 *
 * <pre>
 *   guest ─ socket ─▶ VfioUserServer ┐
 *   guest ─ socket ─▶ VfioUserServer ┼─▶ Mediation (one poller) ─▶ NvmeSession ─▶ device
 *   guest ─ socket ─▶ VfioUserServer ┘
 * </pre>
 */
public final class MediatorDaemon implements Service.Served {
    private static final Logger LOG = LoggerFactory.getLogger(MediatorDaemon.class);

    /** A server gives up after ten. */
    private static final int STOP_SECONDS = 12;

    /** In a hurry the device has ended all commands before, so that they have little left to do. */
    private static final int HURRIED_STOP_SECONDS = 2;

    private static final long LOOK_MILLIS = 20;

    /** Another one each time, as the data is: two daemons' volumes must not look like one to a guest that has both. */
    private static final String MODEL_SERIAL = "MODEL-";

    private static final int HASH_LENGTH = 8;

    private final NvmeSession session;
    private final Mediation mediation;
    private final AbandonableClock clock;
    private final AtomicBoolean lost;
    private final List<VfioUserServer> servers = new ArrayList<>();

    private final AtomicBoolean closing = new AtomicBoolean();
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean hurried;
    private volatile boolean endedInOrder;
    private long turnsBefore = -1;

    /** How a device is opened; a test opens one of its own. */
    @FunctionalInterface
    interface Opener {
        NvmeSession open(DriverOptions options, Runnable onLoss) throws IOException;
    }

    private MediatorDaemon(NvmeSession session, Mediation mediation, AbandonableClock clock, AtomicBoolean lost) {
        this.session = session;
        this.mediation = mediation;
        this.clock = clock;
        this.lost = lost;
    }

    // ---- start

    /**
     * Takes a device and serves its volumes: on return their guests can connect.
     *
     * @param stop if it is asked before this returns, no device is waited for any longer, and this fails; asked from here when
     *     the device is lost
     * @throws IOException what cannot be had, and what to do; nothing is left behind
     */
    public static MediatorDaemon start(ServeSettings settings, Service.Stop stop) throws IOException {
        DeviceTarget target = target(settings.device().target());
        return start(
                settings, stop, DriverClock.system(), (options, onLoss) -> NvmeSession.open(target, options, onLoss));
    }

    static MediatorDaemon start(ServeSettings settings, Service.Stop stop, DriverClock base, Opener opener)
            throws IOException {
        AbandonableClock clock =
                new AbandonableClock(base, settings.device().target().toString());
        stop.onAsked(() -> clock.abandon("this process was told to end before it was ready"));
        try {
            AtomicBoolean lost = new AtomicBoolean();
            // On the thread that watches the device, which closing the session waits for: so it tells, and does nothing
            // else.
            Runnable onLoss = () -> {
                lost.set(true);
                stop.ask();
            };
            NvmeSession session = opener.open(options(settings).withClock(clock), onLoss);
            MediatorDaemon daemon = new MediatorDaemon(session, mediate(settings, session), clock, lost);
            daemon.listen(settings.volumes());
            return daemon;
        } finally {
            stop.onAsked(() -> {}); // an orderly end waits for the device
        }
    }

    private static DriverOptions options(ServeSettings settings) {
        Timeouts usual = Timeouts.DEFAULT;
        Timeouts timeouts = new Timeouts(
                settings.device().timeoutMillis(), usual.adminMillis(), usual.graceMillis(), usual.maxResets());
        return DriverOptions.polled(
                        settings.device().queuePairs(), settings.device().queueEntries())
                .withTimeouts(timeouts);
    }

    private static Mediation mediate(ServeSettings settings, NvmeSession session) throws IOException {
        try {
            LOG.info("{}", DeviceSelection.introduce(session.driver()));
            List<NamespaceInfo> planned = session.driver().namespaces();
            List<ServePlan.Volume> plan = plan(settings, session);
            if (!settings.device().destroyData()) {
                DeviceSelection.requireEmpty(session, plan, consent(settings));
            }
            return Mediation.start(session, plan, planned, settings.poller());
        } catch (IOException | RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    /** How its user says that a device that is not empty is to be taken. */
    private static String consent(ServeSettings settings) {
        Position device = settings.origins().of("device");
        return device.line() > 0 ? "device.destroy-data: true (at " + device + ")" : "--destroy-data";
    }

    private static List<ServePlan.Volume> plan(ServeSettings settings, NvmeSession session) throws IOException {
        try {
            ServePlan plan = ServePlan.resolve(settings, DeviceSelection.facts(session.driver()));
            plan.notes().forEach(note -> LOG.info("{}", note));
            return plan.volumes();
        } catch (ConfigException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static DeviceTarget target(TargetSettings target) {
        String serial = MODEL_SERIAL + UUID.randomUUID().toString().substring(0, HASH_LENGTH);
        return switch (target) {
            case TargetSettings.Pci pci -> new DeviceTarget.Pci(PciAddress.parse(pci.address()));
            case TargetSettings.Socket socket -> new DeviceTarget.Socket(Path.of(socket.path()));
            case TargetSettings.Model model ->
                new DeviceTarget.Model(
                        model.toString(),
                        new DriveOptions(
                                model.bytes(), model.blockBytes(), serial, false, DriveOptions.MAX_QUEUE_PAIRS));
            case TargetSettings.ModelFile model -> {
                Medium.File file = new Medium.File(Path.of(model.path()), model.bytes(), model.blockBytes(), false);
                yield new DeviceTarget.Model(
                        model.toString(), new DriveOptions(file, file.serial(), DriveOptions.MAX_QUEUE_PAIRS));
            }
        };
    }

    private void listen(List<VolumeSettings> volumes) throws IOException {
        try {
            for (int i = 0; i < volumes.size(); i++) {
                VolumeSettings volume = volumes.get(i);
                SocketOptions access = new SocketOptions(volume.mode(), volume.owner(), volume.group());
                servers.add(serve(volume, access, mediation.controllers().get(i)));
            }
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private static VfioUserServer serve(VolumeSettings volume, SocketOptions access, NvmeController controller)
            throws IOException {
        try {
            return new VfioUserServer(Path.of(volume.socket()), access, controller, ServerLimits.DEFAULT);
        } catch (IOException e) {
            throw new IOException("volume " + volume.name() + " cannot be served: " + e.getMessage(), e);
        }
    }

    // ---- meanwhile

    /** What polls; it outlives the daemon where it does not come back. */
    Mediation mediation() {
        return mediation;
    }

    @Override
    public String status() {
        String device = session.driver().name();
        if (lost.get()) {
            return "lost " + device;
        }
        String health = session.driver().isDead() ? "dead" : session.driver().resets() + " resets";
        String changed = mediation.changedNamespaces().stream()
                .map(nsid -> "; namespace " + nsid + " is not what it was")
                .collect(Collectors.joining());
        return servers.size() + " volumes of " + device + " (" + health + changed + ")";
    }

    @Override
    public boolean isLost() {
        return lost.get();
    }

    @Override
    public boolean hasProgressed() {
        long turns = mediation.turns();
        boolean progressed = turns != turnsBefore;
        turnsBefore = turns;
        return progressed;
    }

    // ---- end
    //
    //   guests ─▶ servers stop ─▶ poller stops ─▶ device is shut down (CC.SHN) ─▶ session, with all memory
    //                  │              │                                               ▲
    //                  └──────────────┴── one that does not: the device is shut down all the same, memory stays
    //
    // One thread does it, holding nothing that another could want; whoever else comes waits for its end. In a hurry the
    // clock
    // is abandoned, which ends what it waits for, and the device is shut down first, which ends the guests' commands.

    /**
     * Takes no more commands, lets those in flight end, and has the device put everything in a safe place. Idempotent. A device
     * that is lost is only let go of.
     */
    @Override
    public boolean close() {
        if (!closing.compareAndSet(false, true)) {
            return awaitEnd();
        }
        try {
            endedInOrder = end();
        } finally {
            closed.countDown();
        }
        return endedInOrder;
    }

    /** Lets go of everything at once; what is in a volatile cache of the device may be lost. Idempotent. */
    @Override
    public void closeNow() {
        hurried = true;
        clock.abandon("this process was told to end at once");
        close();
    }

    private boolean awaitEnd() {
        try {
            closed.await();
            return endedInOrder;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private boolean isHurried() {
        return hurried || lost.get();
    }

    private boolean end() {
        boolean detached = stopServers();
        boolean polled = !mediation.stop(detached);
        boolean safe = shutDown();
        if (detached && !polled) {
            session.close();
        } else {
            LOG.error(
                    "{}: a {} does not come back; it keeps what it uses until this process ends",
                    session.driver().name(),
                    detached ? "poller" : "controller");
        }
        return detached && !polled && safe && !isHurried();
    }

    /** All at the same time: each may have to wait for commands in flight. Returns whether no controller is called any more. */
    private boolean stopServers() {
        CountDownLatch running = new CountDownLatch(servers.size());
        for (VfioUserServer server : servers) {
            Thread.ofPlatform().name("stop-" + server.socket()).daemon().start(() -> {
                if (server.stop()) {
                    running.countDown();
                }
            });
        }
        try {
            return await(running) || (isHurried() && shutDownFor(running));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Until all have stopped, the time is over, or there is no time any more. */
    private boolean await(CountDownLatch running) throws InterruptedException {
        long start = System.nanoTime();
        boolean all = running.getCount() == 0;
        while (!all && !isHurried() && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(STOP_SECONDS)) {
            all = running.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        }
        return all;
    }

    private boolean shutDownFor(CountDownLatch running) throws InterruptedException {
        shutDown();
        return running.await(HURRIED_STOP_SECONDS, TimeUnit.SECONDS);
    }

    private boolean shutDown() {
        try {
            session.driver().shutDown();
            return true;
        } catch (IOException e) {
            LOG.error("{}: was not shut down in order: {}", session.driver().name(), e.getMessage());
            return false;
        }
    }
}
