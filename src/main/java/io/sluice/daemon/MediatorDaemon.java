package io.sluice.daemon;

import io.sluice.config.ConfigException;
import io.sluice.config.DeviceFacts;
import io.sluice.config.ServePlan;
import io.sluice.config.ServeSettings;
import io.sluice.config.TargetSettings;
import io.sluice.config.VolumeSettings;
import io.sluice.host.DriverOptions;
import io.sluice.host.IoHints;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.host.Timeouts;
import io.sluice.hostpci.PciAddress;
import io.sluice.linux.SocketOptions;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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

    private static final String MODEL_SERIAL = "SHARED-MODEL";

    /** Hears that the device is lost, perhaps before there is a daemon, and ends that at once. */
    private static final class Loss implements Runnable {
        private MediatorDaemon daemon;
        private volatile boolean lost;

        @Override
        public void run() {
            MediatorDaemon told;
            synchronized (this) {
                lost = true;
                told = daemon;
            }
            if (told != null) {
                told.closeNow();
            }
        }

        void tell(MediatorDaemon started) {
            synchronized (this) {
                daemon = started;
            }
            if (lost) {
                started.closeNow();
            }
        }
    }

    private final NvmeSession session;
    private final Mediation mediation;
    private final List<VfioUserServer> servers;
    private final Loss loss;
    private boolean closed;

    private MediatorDaemon(NvmeSession session, Mediation mediation, List<VfioUserServer> servers, Loss loss) {
        this.session = session;
        this.mediation = mediation;
        this.servers = servers;
        this.loss = loss;
    }

    /**
     * Takes a device and serves its volumes: on return their guests can connect.
     *
     * @throws IOException what cannot be had, and what to do; nothing is left behind
     */
    public static MediatorDaemon start(ServeSettings settings) throws IOException {
        Loss loss = new Loss();
        NvmeSession session = openDevice(settings, loss);
        try {
            List<ServePlan.Volume> plan = plan(settings, session);
            if (!settings.device().destroyData()) {
                requireEmpty(session, plan);
            }
            Mediation mediation = Mediation.start(session, plan, settings.poller());
            MediatorDaemon daemon = serve(session, mediation, settings.volumes(), loss);
            loss.tell(daemon);
            return daemon;
        } catch (IOException | RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    private static List<ServePlan.Volume> plan(ServeSettings settings, NvmeSession session) throws IOException {
        try {
            ServePlan plan = ServePlan.resolve(settings, facts(session.driver()));
            plan.notes().forEach(note -> LOG.info("{}", note));
            return plan.volumes();
        } catch (ConfigException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static DeviceFacts facts(NvmeDriver driver) {
        List<DeviceFacts.Namespace> namespaces = driver.namespaces().stream()
                .map(some -> new DeviceFacts.Namespace(
                        some.nsid(),
                        some.blockBytes(),
                        some.blockCount(),
                        alignmentBlocks(some.hints()) * some.blockBytes(),
                        some.unusableBecause()))
                .toList();
        int transferBytes = driver.queuePairs().stream()
                .mapToInt(QueuePair::maxTransferBytes)
                .min()
                .orElse(0);
        return new DeviceFacts(
                driver.name(), namespaces, transferBytes, driver.queuePairs().size());
    }

    private static long alignmentBlocks(IoHints hints) {
        return Math.max(
                hints.optimalBoundaryBlocks(),
                Math.max(hints.writeGranularityBlocks(), hints.deallocateGranularityBlocks()));
    }

    private static DeviceTarget target(TargetSettings target) {
        return switch (target) {
            case TargetSettings.Pci pci -> new DeviceTarget.Pci(PciAddress.parse(pci.address()));
            case TargetSettings.Socket socket -> new DeviceTarget.Socket(Path.of(socket.path()));
            case TargetSettings.Model model ->
                new DeviceTarget.Model(
                        model.toString(),
                        new DriveOptions(
                                model.bytes(), model.blockBytes(), MODEL_SERIAL, false, DriveOptions.MAX_QUEUE_PAIRS));
        };
    }

    private static NvmeSession openDevice(ServeSettings settings, Runnable onLoss) throws IOException {
        Timeouts usual = Timeouts.DEFAULT;
        Timeouts timeouts = new Timeouts(
                settings.device().timeoutMillis(), usual.adminMillis(), usual.graceMillis(), usual.maxResets());
        DriverOptions options = DriverOptions.polled(
                        settings.device().queuePairs(), settings.device().queueEntries())
                .withTimeouts(timeouts);
        return NvmeSession.open(target(settings.device().target()), options, onLoss);
    }

    private static void requireEmpty(NvmeSession session, List<ServePlan.Volume> plan) throws IOException {
        for (NamespaceInfo namespace : session.driver().namespaces()) {
            if (plan.stream().anyMatch(volume -> volume.settings().nsid() == namespace.nsid())) {
                session.requireEmpty(namespace, namespace.bytes());
            }
        }
    }

    private static MediatorDaemon serve(
            NvmeSession session, Mediation mediation, List<VolumeSettings> volumes, Loss loss) throws IOException {
        List<VfioUserServer> servers = new ArrayList<>();
        MediatorDaemon daemon = new MediatorDaemon(session, mediation, servers, loss);
        try {
            for (int i = 0; i < volumes.size(); i++) {
                VolumeSettings volume = volumes.get(i);
                SocketOptions access = new SocketOptions(volume.mode(), volume.owner(), volume.group());
                servers.add(new VfioUserServer(
                        Path.of(volume.socket()),
                        access,
                        mediation.controllers().get(i),
                        ServerLimits.DEFAULT));
            }
            return daemon;
        } catch (IOException | RuntimeException | Error e) {
            if (daemon.stopServers()) {
                mediation.stop();
            }
            throw e;
        }
    }

    @Override
    public String status() {
        if (loss.lost) {
            return "lost " + session.driver().name();
        }
        String health = session.driver().isDead() ? "dead" : session.driver().resets() + " resets";
        return servers.size() + " volumes of " + session.driver().name() + " (" + health + ")";
    }

    @Override
    public boolean isLost() {
        return loss.lost;
    }

    /** Takes no more commands, lets those in flight end, and has the device put everything in a safe place. Idempotent. */
    @Override
    public void close() {
        close(true);
    }

    /** Lets go of everything at once; what is in a volatile cache of the device may be lost. Idempotent. */
    @Override
    public void closeNow() {
        close(false);
    }

    private synchronized void close(boolean orderly) {
        if (closed) {
            return;
        }
        closed = true;
        if (!stopServers()) {
            LOG.error(
                    "{}: a controller does not come back; it keeps what it uses until this process ends",
                    session.driver().name());
            return;
        }
        if (mediation.stop() && orderly) {
            shutDown();
        }
        session.close();
    }

    private void shutDown() {
        try {
            session.driver().shutDown();
        } catch (IOException e) {
            LOG.error("{}: was not shut down in order: {}", session.driver().name(), e.getMessage());
        }
    }

    /** All at the same time: each may have to wait for commands in flight. Returns whether no controller is called any more. */
    private boolean stopServers() {
        CountDownLatch stopped = new CountDownLatch(servers.size());
        for (VfioUserServer server : servers) {
            Thread.ofPlatform().name("stop-" + server.socket()).daemon().start(() -> {
                if (server.stop()) {
                    stopped.countDown();
                }
            });
        }
        try {
            return stopped.await(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
