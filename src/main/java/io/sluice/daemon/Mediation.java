package io.sluice.daemon;

import io.sluice.config.PollerSettings;
import io.sluice.config.ServePlan;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.NvmeController;
import io.sluice.dma.DeviceMemory;
import io.sluice.host.DriverOptions;
import io.sluice.host.NamespaceChange;
import io.sluice.host.NamespaceInfo;
import io.sluice.mediation.Mediator;
import io.sluice.mediation.SharedDevice;
import io.sluice.poll.AgentRunner;
import io.sluice.poll.BackoffIdle;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The controllers of a device's volumes on a polling thread of their own, and a supervisor. Who serves them comes on top. */
final class Mediation implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Mediation.class);

    private final NvmeSession session;
    private final Mediator mediator;
    private final PollerSettings poller;
    private final List<Volume> volumes = new ArrayList<>();

    /** The one that runs the mediator now, or did last. */
    private final AtomicReference<AgentRunner> runner = new AtomicReference<>();

    private final SharedDevice device;
    private final Set<Integer> changedNamespaces = new ConcurrentSkipListSet<>();
    private Supervisor supervisor;

    private Mediation(NvmeSession session, PollerSettings poller) {
        this.session = session;
        this.poller = poller;
        this.device = new SharedDevice(session.driver(), System::nanoTime);
        this.mediator = new Mediator(session.driver().name(), device);
        runner.set(newRunner());
    }

    /**
     * Starts to poll a device and its volumes.
     *
     * @param session stays the caller's; nobody else uses its queue pairs from now on
     * @param plan one volume or more
     */
    static Mediation start(NvmeSession session, List<ServePlan.Volume> plan, PollerSettings poller) throws IOException {
        return start(session, plan, session.driver().namespaces(), poller);
    }

    /** @param planned the device's namespaces as they were when the volumes were planned */
    static Mediation start(
            NvmeSession session, List<ServePlan.Volume> plan, List<NamespaceInfo> planned, PollerSettings poller)
            throws IOException {
        PollerThread.requireCore(poller);
        Mediation mediation = new Mediation(session, poller);
        try {
            mediation.addVolumes(plan, planned);
        } catch (IOException | RuntimeException | Error e) {
            mediation.volumes.forEach(volume -> volume.controller().close());
            throw e;
        }
        mediation.runner.get().start();
        mediation.supervisor = Supervisor.start(session.driver(), session.isOfThisHost());
        return mediation;
    }

    private void addVolumes(List<ServePlan.Volume> plan, List<NamespaceInfo> planned) throws IOException {
        // First: from here on nothing changes unheard, and what has changed until here is seen below.
        session.driver().listenForNamespaces(this::namespaceChanged);
        DeviceMemory memory = session.memoryForGuests(plan.size());
        for (ServePlan.Volume volume : plan) {
            NamespaceInfo namespace = asPlanned(volume, planned);
            volumes.add(Volume.create(
                    volume, volumes.size(), session.driver().controller(), namespace, device, memory, this::wake));
        }
        volumes.forEach(volume -> mediator.add(volume.controller()));
        if (session.model().isPresent()) {
            mediator.runModel(
                    session.model().get().lendTo(runner::get)); // one thread for all: there is no hardware to wait for
        }
    }

    private void wake() {
        runner.get().wake();
    }

    private AgentRunner newRunner() {
        return new AgentRunner(mediator, idle(poller), () -> PollerThread.prepare(poller));
    }

    /**
     * Runs something while the poller rests, and the caller's thread runs the mediator, and the model if that is lent to it.
     *
     * @throws IOException if the poller does not end, or from the body
     */
    <T> T byTurns(ByTurns<T> body) throws IOException {
        if (!runner.get().stop()) {
            throw new IOException("the poller of " + mediator.name() + " does not stop");
        }
        try {
            return body.run(mediator::doWork);
        } finally {
            runner.set(newRunner());
            runner.get().start();
        }
    }

    /** Reading what is on the device may have taken a while since it was planned, and a reset. */
    private NamespaceInfo asPlanned(ServePlan.Volume volume, List<NamespaceInfo> planned) throws IOException {
        int nsid = volume.settings().nsid();
        NamespaceInfo before = find(planned, nsid);
        NamespaceInfo now = find(session.driver().namespaces(), nsid);
        boolean fits = now != null
                && before != null
                && before.isSameDisk(now)
                && now.unusableBecause().isEmpty()
                && now.blockBytes() == volume.blockBytes()
                && now.blockCount() >= volume.firstLba() + volume.blockCount();
        if (!fits) {
            throw new IOException("namespace " + nsid + " of "
                    + session.driver().name() + " has changed since volume "
                    + volume.settings().name() + " was planned: "
                    + new NamespaceChange(before, now).description() + ", and the volume has " + volume.blockCount()
                    + " blocks of " + volume.blockBytes() + " bytes from block " + volume.firstLba()
                    + " on. Look at what has changed, and start again");
        }
        return now;
    }

    private static NamespaceInfo find(List<NamespaceInfo> namespaces, int nsid) {
        return namespaces.stream()
                .filter(some -> some.nsid() == nsid)
                .findFirst()
                .orElse(null);
    }

    /** One volume that is all of a device's first usable namespace, for the load of a bench. */
    static Mediation ofAll(NvmeSession session, DriverOptions options) throws IOException {
        NamespaceInfo namespace = session.driver().namespaces().stream()
                .filter(some -> some.unusableBecause().isEmpty())
                .findFirst()
                .orElseThrow(() -> new IOException(session.driver().name() + " has no namespace that can be shared"));
        VolumeSettings settings = VolumeSettings.ofAll("mediated", namespace.nsid(), options.queueEntries());
        ServePlan.Volume all = new ServePlan.Volume(settings, 0, namespace.blockCount(), namespace.blockBytes());
        return start(session, List.of(all), PollerSettings.DEFAULT);
    }

    private static BackoffIdle idle(PollerSettings poller) {
        long spin = TimeUnit.MICROSECONDS.toNanos(poller.spinMicros());
        long yield = TimeUnit.MICROSECONDS.toNanos(poller.yieldMicros());
        long park = TimeUnit.MICROSECONDS.toNanos(poller.maxParkMicros());
        return poller.parkIsBound() ? BackoffIdle.exact(spin, yield, park) : new BackoffIdle(spin, yield, park);
    }

    private void namespaceChanged(NamespaceChange change) {
        for (Volume volume : volumes) {
            if (volume.nsid() == change.nsid()) {
                changedNamespaces.add(change.nsid());
                LOG.error(
                        "{}: namespace {} is not what it was; the commands of {} end with Internal Error from now on: {}. Look"
                                + " at what has changed, and start again",
                        session.driver().name(),
                        change.nsid(),
                        volume.controller().name(),
                        change.description());
                volume.path().namespaceGone();
            }
        }
    }

    /** The device's namespaces that are not what they were, whose volumes serve nothing any more. */
    Set<Integer> changedNamespaces() {
        return changedNamespaces;
    }

    /** How often the poller has come round; within a quarter of a second it always does. */
    long turns() {
        return mediator.cycles();
    }

    /** The device side of each volume, in the order of the plan. One client at a time may be attached to each. */
    List<NvmeController> controllers() {
        return volumes.stream().map(Volume::controller).toList();
    }

    /**
     * Ends the threads and lets go of the controllers. The device's queue pairs are the session's again.
     *
     * @param detached whether nobody is attached to any controller any more; if not, the controllers keep what they have
     * @return whether the poller has ended; if not, it goes on to use what it has, which stays
     */
    boolean stop(boolean detached) {
        supervisor.close(); // first: it may wait for a device that the poller runs
        boolean ended = runner.get().stop();
        if (ended) {
            if (detached) {
                volumes.forEach(volume -> volume.controller().close());
                volumes.clear();
            }
            session.model().ifPresent(SoftwareModel::takeBack);
        } else {
            LOG.error(
                    "{}: its poller's memory and descriptors stay until this process ends",
                    session.driver().name());
        }
        return ended;
    }

    @Override
    public void close() {
        stop(true);
    }
}
