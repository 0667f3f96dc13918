package io.sluice.daemon;

import io.sluice.config.ServeSettings;
import io.sluice.config.VolumeSettings;
import io.sluice.host.DriverOptions;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.Timeouts;
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
public final class MediatorDaemon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MediatorDaemon.class);

    /** A server gives up after ten. */
    private static final int STOP_SECONDS = 12;

    private final NvmeSession session;
    private final Mediation mediation;
    private final List<VfioUserServer> servers;
    private boolean closed;

    private MediatorDaemon(NvmeSession session, Mediation mediation, List<VfioUserServer> servers) {
        this.session = session;
        this.mediation = mediation;
        this.servers = servers;
    }

    /**
     * Takes a device and serves its volumes: on return their guests can connect.
     *
     * @param onLoss called on another thread if the host wants the device back, or it has failed on its bus: the caller then
     *     closes this at once, by {@link #closeNow}
     * @throws IOException what cannot be had, and what to do; nothing is left behind
     */
    public static MediatorDaemon start(ServeSettings settings, Runnable onLoss) throws IOException {
        NvmeSession session = openDevice(settings, onLoss);
        try {
            List<PlannedVolume> plan = PlannedVolume.plan(settings.volumes(), session.driver());
            if (!settings.device().destroyData()) {
                requireEmpty(session, plan);
            }
            return serve(session, Mediation.start(session, plan, settings.poller()), settings.volumes());
        } catch (IOException | RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    private static NvmeSession openDevice(ServeSettings settings, Runnable onLoss) throws IOException {
        Timeouts usual = Timeouts.DEFAULT;
        Timeouts timeouts = new Timeouts(
                settings.device().timeoutMillis(), usual.adminMillis(), usual.graceMillis(), usual.maxResets());
        DriverOptions options = DriverOptions.polled(
                        settings.device().queuePairs(), settings.device().queueEntries())
                .withTimeouts(timeouts);
        return NvmeSession.open(DeviceTarget.parse(settings.device().target()), options, onLoss);
    }

    private static void requireEmpty(NvmeSession session, List<PlannedVolume> plan) throws IOException {
        for (NamespaceInfo namespace : session.driver().namespaces()) {
            if (plan.stream().anyMatch(volume -> volume.slice().hostNsid() == namespace.nsid())) {
                session.requireEmpty(namespace, namespace.bytes());
            }
        }
    }

    private static MediatorDaemon serve(NvmeSession session, Mediation mediation, List<VolumeSettings> volumes)
            throws IOException {
        List<VfioUserServer> servers = new ArrayList<>();
        MediatorDaemon daemon = new MediatorDaemon(session, mediation, servers);
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

    /** The driver of the device, for what is told of it. */
    public NvmeDriver driver() {
        return session.driver();
    }

    /** Takes no more commands, lets those in flight end, and has the device put everything in a safe place. Idempotent. */
    @Override
    public void close() {
        close(true);
    }

    /** Lets go of everything at once; what is in a volatile cache of the device may be lost. Idempotent. */
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
                    driver().name());
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
            LOG.error("{}: was not shut down in order: {}", driver().name(), e.getMessage());
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
