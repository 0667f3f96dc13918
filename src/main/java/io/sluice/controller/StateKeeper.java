package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Feature;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;

/**
 * Keeps what changes seldom of a controller where it outlives this process, and brings it back. Belongs to the controller's agent.
 *
 * <p>A step that changes any of it ends with {@link #commit}, before anybody can see what it has done: before the reply to a register's
 * write, before an admin command's completion, before CSTS says so. So a step that was cut short has not happened, and whoever has
 * not got its answer asks again.
 */
final class StateKeeper {
    private static final int REGISTERS = 1;
    private static final int PCI = 2;
    private static final int FEATURES = 3;
    private static final int EVENTS = 4;
    private static final int LOGS = 5;
    private static final int ADMIN_QUEUES = 6;
    private static final int IO_QUEUES = 7;

    private final ControllerState state;
    private final RegisterFile registers;
    private final Lifecycle lifecycle;
    private final PciSide pci;
    private final Features features;
    private final AsyncEvents events;
    private final ChangedNamespaces changedNamespaces;
    private final Health health;
    private final AdminQueue adminQueue;
    private final IoQueues queues;

    StateKeeper(
            ControllerState state,
            RegisterFile registers,
            Lifecycle lifecycle,
            PciSide pci,
            Features features,
            AsyncEvents events,
            ChangedNamespaces changedNamespaces,
            Health health,
            AdminQueue adminQueue,
            IoQueues queues) {
        this.state = state;
        this.registers = registers;
        this.lifecycle = lifecycle;
        this.pci = pci;
        this.features = features;
        this.events = events;
        this.changedNamespaces = changedNamespaces;
        this.health = health;
        this.adminQueue = adminQueue;
        this.queues = queues;
    }

    /** All that has been done is what another process would find, and may be seen. */
    void commit() {
        state.file().commit(this::save);
        lifecycle.committed();
        events.committed();
        state.stores().beforeEffect();
        registers.publish();
    }

    /** The same, if there is something that nobody has committed. */
    void commitIfChanged() {
        if (lifecycle.hasChanged() || events.haveChanged()) {
            commit();
        }
    }

    private void save(SnapshotWriter out) {
        out.part(REGISTERS);
        registers.save(out);
        lifecycle.save(out);
        out.part(PCI);
        pci.save(out);
        out.part(FEATURES);
        features.save(out);
        out.part(EVENTS);
        events.save(out);
        out.part(LOGS);
        changedNamespaces.save(out);
        health.save(out);
        out.part(ADMIN_QUEUES);
        adminQueue.save(out);
        out.part(IO_QUEUES);
        queues.save(out);
    }

    /**
     * Goes on where another process was.
     *
     * @param memory the guest's, as that process had it
     * @param epoch that memory's
     * @return null, or why the controller has to fail
     */
    String resume(GuestMemory memory, GuestData guestData, long epoch) {
        if (!state.isUsed()) {
            return null;
        }
        SnapshotReader in = state.file().snapshot();
        in.part(REGISTERS);
        registers.resume(in);
        lifecycle.resume(in);
        in.part(PCI);
        pci.resume(in);
        in.part(FEATURES);
        features.resume(in);
        in.part(EVENTS);
        events.resume(in);
        in.part(LOGS);
        changedNamespaces.resume(in);
        health.resume(in);
        in.part(ADMIN_QUEUES);
        String fault = adminQueue.resume(in, memory, registers);
        in.part(IO_QUEUES);
        int pageBytes = Cc.pageBytes(registers.cc());
        queues.enable(memory, pageBytes);
        guestData.enable(adminQueue.dataView(), pageBytes);
        queues.setWriteCache(features.value(Feature.VOLATILE_WRITE_CACHE) != 0);
        boolean reached = queues.resume(in, epoch);
        if (fault == null && !reached) {
            fault = "the memory of its I/O queues is not all mapped any more";
        }
        return fault;
    }
}
