package io.sluice.controller;

import io.sluice.device.AccessRefused;
import io.sluice.device.FunctionStalled;
import io.sluice.device.InterruptBank;
import io.sluice.device.InterruptKind;
import io.sluice.device.PciFunction;
import io.sluice.device.Region;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.DmaReader;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.EventFd;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Bits;
import io.sluice.nvme.Cc;
import io.sluice.pci.ConfigSpace;
import io.sluice.poll.Agent;
import io.sluice.poll.CommandQueue;
import io.sluice.poll.CommandQueue.AgentStalled;
import io.sluice.state.Stores;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NVMe 1.4 controller as a PCI function: registers, configuration space, admin commands, I/O queues, over an {@link
 * IoPath}.
 *
 * <pre>
 *   connection's thread                          agent's thread
 *   read a register   ──▶ served there
 *   write, interrupts,
 *   attach, reset, …  ──▶ CommandQueue ────────▶ drain ─▶ admin queue ─▶ I/O queues ─▶ interrupts
 * </pre>
 *
 * <p>As a {@link PciFunction} it is called by one thread at a time, as an {@link Agent} by its runner's. It owns the I/O path.
 *
 * <p>Whatever goes wrong in here, a bug or a file of the guest's that was cut short under its mapping, fails this controller
 * only: CSTS.CFS, until the guest resets it.
 */
public final class NvmeController implements PciFunction, Agent, AutoCloseable {
    /** In which a completion queue's head doorbell is looked at, which nobody needs unless it is wrong. */
    private static final int IDLE_CYCLES_PER_CHECK = 8;

    private static final Logger LOG = LoggerFactory.getLogger(NvmeController.class);

    private final String name;
    private final CommandQueue commands;
    private final AgentCalls agent;
    private final Runnable wake;
    private final IoPath path;
    private final boolean trapped;

    private final ControllerState state;
    private final StateKeeper keeper;
    private final DoorbellPage doorbells;
    private final RegisterFile registers;
    private final PciSide pci;
    private final InterruptBank bank;
    private final Interrupts interrupts;
    private final InterruptCalls interruptCalls;
    private final ErrorLog errorLog;
    private final AsyncEvents events = new AsyncEvents();
    private final ChangedNamespaces changedNamespaces = new ChangedNamespaces();
    private final Health health;
    private final Features features;
    private final GuestData guestData;
    private final IoQueues queues;
    private final AdminQueue adminQueue;
    private final QueueFaults faults;
    private final MessagedDoorbells messagedDoorbells;
    private final Lifecycle lifecycle;
    private final LiveNamespaces liveNamespaces;
    private final RegisterFile.Effects effects;

    /** Of the client that is attached; null between clients. */
    private GuestMemory memory;

    /** Of that client's memory, and of one's that has left, until the last of its commands has ended. */
    private DmaReader reader;

    private long epoch;
    private int idleCycles;

    /**
     * Makes a controller that is as after power-on, with no client.
     *
     * @param path where I/O commands go; closed with the controller
     * @param commands to this controller's agent; not shared with other agents
     * @param wake makes the agent's thread run soon; called from any thread
     * @param clock nanoseconds of any origin, such as {@link System#nanoTime}
     */
    public NvmeController(
            ControllerConfig config, IoPath path, CommandQueue commands, Runnable wake, LongSupplier clock)
            throws LinuxException {
        this(
                config,
                path,
                ControllerState.create(config, ControllerState.slotsFor(path), new Stores()),
                commands,
                wake,
                clock);
    }

    /**
     * Makes a controller of a state that another one, in this process or one before it, has left: first of all {@link #resume} is to be
     * called.
     *
     * @param state closed with the controller
     */
    public NvmeController(
            ControllerConfig config,
            IoPath path,
            ControllerState state,
            CommandQueue commands,
            Runnable wake,
            LongSupplier clock)
            throws LinuxException {
        this.state = state;
        this.name = config.name();
        this.path = path;
        this.trapped = config.trappedDoorbells();
        this.commands = commands;
        this.agent = new AgentCalls(name, commands, this::onFault, this::commit);
        this.wake = wake;
        doorbells = new DoorbellPage(name, config.trappedDoorbells(), state);
        errorLog = new ErrorLog(state.errorLog(), state.stores());
        registers = new RegisterFile(config.maxQueueEntries());
        pci = new PciSide(config, state);
        bank = new InterruptBank(config.interruptVectors());
        features = new Features(
                config,
                path.maxNsid(),
                path.namespaces().stream().mapToInt(Namespace::nsid).toArray(),
                clock);
        interrupts = new Interrupts(bank, registers, pci.config(), features, clock);
        interruptCalls = new InterruptCalls(bank, agent, commands, this::updatePin);
        lifecycle = new Lifecycle(name, registers, new Engine());
        effects = new RegisterEffects(lifecycle, interrupts, this::updatePin);
        faults = new QueueFaults(name, clock, errorLog, events, lifecycle);
        queues = new IoQueues(
                path,
                config.maxQueuePairs(),
                config.maxTransferBytes(),
                doorbells.address(),
                interrupts,
                faults,
                state);
        liveNamespaces = new LiveNamespaces(agent, path, queues, features, changedNamespaces, events);
        health = new Health(clock, queues.counters(), errorLog, features);
        guestData = new GuestData(config.maxTransferBytes());
        adminQueue =
                new AdminQueue(doorbells.address(), adminCommands(config), interrupts, faults, state, this::commit);
        messagedDoorbells = new MessagedDoorbells(doorbells, adminQueue, queues, features, faults);
        keeper = new StateKeeper(
                state, registers, lifecycle, pci, features, events, changedNamespaces, health, adminQueue, queues);
    }

    private void commit() {
        keeper.commit();
    }

    private AdminCommands adminCommands(ControllerConfig config) {
        return new AdminCommands(
                config,
                new QueueCommands(config, queues, registers, features, interrupts),
                new IdentifyCommand(new Identification(config, path, this::sharesAdminQueue), guestData),
                new FeatureCommands(
                        config,
                        features,
                        queues,
                        interrupts.coalescing(),
                        new EventConditions(features, events, health, changedNamespaces),
                        guestData,
                        path.hasVolatileCache()),
                new LogCommands(config, path, guestData, errorLog, health, changedNamespaces, events),
                events,
                errorLog,
                queues);
    }

    /** Whether the guest's memory is of the kind that doorbells can be in: then its admin queue is shared. */
    private boolean sharesAdminQueue() {
        return !adminQueue.isMirrored();
    }

    // ---- PciFunction

    @Override
    public String name() {
        return name;
    }

    @Override
    public Region region(int index) {
        return switch (index) {
            case Region.BAR0 -> doorbells.region();
            case PciSide.MSIX_BAR -> Region.plain(index, PciSide.MSIX_BAR_BYTES);
            case Region.CONFIG -> Region.plain(index, PciSide.CONFIG_BYTES);
            default -> Region.absent(index);
        };
    }

    @Override
    public int interruptCount(InterruptKind kind) {
        return bank.count(kind);
    }

    @Override
    public Optional<DeviceMemory> deviceMemory() {
        return path.deviceMemory();
    }

    @Override
    public void attach(GuestMemory guestMemory) {
        agent.call(
                "end the last client's commands",
                AgentCalls.FIRST_STEP_TIMEOUT_NANOS,
                () -> lifecycle.resetFunction() && hasLeft());
        runOnAgent("attach a client", () -> {
            renewDoorbells();
            connect(guestMemory);
            path.adoptedAll(); // what is left of a client before is nobody's
            commit();
        });
    }

    /**
     * Goes on with the client of the controller that has left the state that this one was made with: in the place of {@link #attach}, with
     * the client's memory as that one had it. Interrupts go nowhere before {@link #setInterruptTargets}, but none is lost.
     *
     * <p>What cannot be done because memory is not there any more fails the controller, as always.
     */
    public void resume(GuestMemory guestMemory) {
        runOnAgent("go on with a client", () -> {
            connect(guestMemory);
            String fault = keeper.resume(guestMemory, guestData, epoch);
            interrupts.coalescing().configured();
            path.adoptedAll();
            if (fault != null) {
                lifecycle.fail(fault, null);
            }
            commit();
        });
    }

    private void runOnAgent(String what, Runnable step) {
        try {
            commands.run(what, AgentCalls.SECOND_STEP_TIMEOUT_NANOS, step);
        } catch (AgentStalled e) {
            throw agent.stalled(e);
        }
    }

    private void connect(GuestMemory guestMemory) {
        memory = guestMemory;
        reader = guestMemory.register(name, wake);
        epoch = reader.current();
        if (memory.messages() != null) {
            memory.messages().listen(wake);
        }
    }

    private void renewDoorbells() {
        try {
            doorbells.renew();
        } catch (LinuxException e) {
            throw new UncheckedIOException("no new doorbell page for the next client: " + e.getMessage(), e);
        }
    }

    @Override
    public void detach() {
        try {
            agent.call("end all commands", AgentCalls.FIRST_STEP_TIMEOUT_NANOS, lifecycle::resetFunction);
        } catch (FunctionStalled e) {
            LOG.error("{}: commands of the client that left are still in flight: {}", name, e.getMessage());
        }
        List<EventFd> taken = new ArrayList<>();
        BooleanSupplier step = agent.once(() -> {
            taken.addAll(bank.powerOn());
            errorLog.forget();
            health.powerCycled();
            memory = null;
            hasLeft();
        });
        agent.send("detach the client", AgentCalls.SECOND_STEP_TIMEOUT_NANOS, step, () -> InterruptCalls.close(taken));
        InterruptCalls.close(taken);
    }

    /** Whether nothing uses the memory of the client that has left any more. If not, later cycles see to it. */
    private boolean hasLeft() {
        if (reader == null) {
            return true;
        }
        queues.endLost();
        if (!queues.anyPendingBefore(Long.MAX_VALUE)) {
            reader.close();
        }
        if (queues.anyPending()) {
            return false;
        }
        queues.clientHasLeft();
        reader = null;
        return true;
    }

    @Override
    public void read(int region, long offset, byte[] target) throws AccessRefused {
        switch (region) {
            case Region.CONFIG -> pci.config().read((int) offset, target, 0, target.length);
            case Region.BAR0 -> readBar0(offset, target);
            case PciSide.MSIX_BAR -> readMsixBar(offset, target);
            default -> throw new AccessRefused("region " + region + " of " + name + " does not exist");
        }
    }

    private void readBar0(long offset, byte[] target) throws AccessRefused {
        RegisterFile.checkAligned("read", offset, target.length);
        if (!pci.isPoweredUp()) {
            Arrays.fill(target, (byte) 0xff); // D3hot: nobody answers on the bus
            return;
        }
        long value = registers.read(offset, target.length);
        if (DoorbellPage.contains(offset)) {
            value = doorbells.read((int) offset);
            if (target.length == Long.BYTES) {
                value = Bits.with(value, 63, 32, Integer.toUnsignedLong(doorbells.read((int) offset + Integer.BYTES)));
            }
        }
        LittleEndian.put(value, target);
    }

    private void readMsixBar(long offset, byte[] target) throws AccessRefused {
        agent.run("look at pending interrupts", () -> {
            for (int vector = 0; vector < bank.count(InterruptKind.MSIX); vector++) {
                pci.showPending(vector, bank.isMsixPending(vector));
            }
        });
        pci.readMsixBar(offset, target);
    }

    @Override
    public void write(int region, long offset, byte[] source) throws AccessRefused {
        switch (region) {
            case Region.CONFIG -> writeConfig(offset, source);
            case Region.BAR0 -> writeBar0(offset, source);
            case PciSide.MSIX_BAR -> pci.writeMsixBar(offset, source);
            default -> throw new AccessRefused("region " + region + " of " + name + " does not exist");
        }
    }

    private void writeConfig(long offset, byte[] source) {
        AtomicInteger effects = new AtomicInteger();
        agent.run("write configuration space", AgentCalls.SECOND_STEP_TIMEOUT_NANOS, () -> {
            effects.set(pci.config().write((int) offset, source, 0, source.length));
            updatePin();
        });
        if ((effects.get() & ConfigSpace.FUNCTION_LEVEL_RESET) != 0) {
            agent.call("end all commands", AgentCalls.FIRST_STEP_TIMEOUT_NANOS, lifecycle::resetFunction);
        }
    }

    private void writeBar0(long offset, byte[] source) throws AccessRefused {
        boolean doorbell = DoorbellPage.contains(offset);
        RegisterFile.checkWrite(offset, source.length);
        if (!pci.isPoweredUp()) {
            return;
        }
        long value = LittleEndian.get(source);
        if (doorbell) {
            agent.post("ring a doorbell", () -> messagedDoorbells.ring((int) offset, (int) value));
        } else {
            agent.run("write a register", () -> registers.write(offset, source.length, value, effects));
        }
    }

    @Override
    public void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets) {
        interruptCalls.setTargets(kind, start, targets);
    }

    @Override
    public void maskInterrupts(InterruptKind kind, int start, int count) {
        interruptCalls.mask(kind, start, count);
    }

    @Override
    public void unmaskInterrupts(InterruptKind kind, int start, int count) {
        interruptCalls.unmask(kind, start, count);
    }

    @Override
    public void triggerInterrupts(InterruptKind kind, int start, int count) {
        interruptCalls.trigger(kind, start, count);
    }

    @Override
    public void reset() {
        agent.call("end all commands", AgentCalls.TIMEOUT_NANOS, lifecycle::resetFunction);
    }

    /** How its namespaces are changed while a guest uses it. */
    public LiveNamespaces liveNamespaces() {
        return liveNamespaces;
    }

    // ---- Agent

    @Override
    public int doWork() {
        int work = commands.drain();
        return reader == null ? work : work + cycle();
    }

    /** Nobody is attached; or the controller is not enabled, or shut down; or doorbells come as messages, which wake the agent. */
    @Override
    public boolean isDormant() {
        if (reader == null || lifecycle.isAtRest()) {
            return isDormantUntilWoken();
        }
        return trapped && isDormantUntilWoken() && queues.armDoorbells(true, interrupts.isPinAsserted());
    }

    /** Whether nothing waits for a later cycle, the guest's taking of completions included. */
    private boolean isSettled() {
        return lifecycle.isAtRest()
                || (lifecycle.isReady() && !adminQueue.hasWork() && !queues.hasWork() && !hasTimer());
    }

    /** Whether a time is waited for: of the host's Keep Alive, or of interrupts that may be raised when it has come. */
    private boolean hasTimer() {
        return isKeptAlive() || hasInterrupts();
    }

    private boolean isKeptAlive() {
        return features.keepAlive().isOn() && lifecycle.takesCommands();
    }

    private boolean hasInterrupts() {
        return interrupts.coalescing().isWaiting() && pci.mayAccessMemory();
    }

    @Override
    public long maxRestNanos() {
        if (trapped && lifecycle.isReady() && !queues.armDoorbells(false, false)) {
            return 0;
        }
        long nanos = hasInterrupts() ? interrupts.coalescing().nanosToDeadline() : Long.MAX_VALUE;
        return isKeptAlive() ? Math.min(nanos, features.keepAlive().nanosToDeadline()) : nanos;
    }

    /**
     * Whether it is dormant for a driver that wakes it whenever it has rung a doorbell, although doorbells are in memory.
     */
    public boolean isDormantUntilWoken() {
        return reader == null || (!queues.anyPending() && isSettled());
    }

    private int cycle() {
        failIfLeftBehind();
        long now = reader.current();
        if (now != epoch) {
            epoch = now;
            queues.memoryChanged(now);
            adminQueue.memoryChanged();
        }
        int work = lifecycle.advance();
        keeper.commitIfChanged();
        if (memory == null) {
            return work + queues.finish() + (hasLeft() ? 1 : 0);
        }
        if (lifecycle.isReady()) {
            work += serve();
        }
        if (isKeptAlive() && features.keepAlive().hasExpired()) {
            faults.keepAliveExpired(); // after what has come in time, if the poller is late
        }
        keeper.commitIfChanged();
        if (reader.acknowledged() != now && !queues.anyPendingBefore(now)) {
            reader.acknowledge(now);
        }
        return work;
    }

    /**
     * The client was told that memory is its own again while commands in flight, or the cycle before this one, still used it.
     * Nothing of that time may go on, and what it did may be wrong: only a reset makes this good. Or the path has failed.
     */
    private void failIfLeftBehind() {
        String why = reader.takeMissed()
                ? "an unmap had to be answered before the commands in flight were done with the memory"
                : path.failure();
        if (why != null && lifecycle.isReady()) {
            lifecycle.fail(why, null);
        }
    }

    private int serve() {
        if (!pci.mayAccessMemory()) {
            return 0; // no Bus Master, or powered down: nothing is fetched, and nothing posted (PCI 3.0, 6.2.2)
        }
        if (!lifecycle.takesCommands()) { // what is in flight ends
            int ended = queues.finish() + adminQueue.exchange();
            adminQueue.signal();
            interrupts.coalescing().flush();
            updatePin();
            return ended;
        }
        int work = adminQueue.doWork() + queues.doWork() + events.deliver(adminQueue);
        work += interrupts.coalescing().signalDue();
        if (work == 0 && ++idleCycles % IDLE_CYCLES_PER_CHECK == 0) {
            adminQueue.checkHead();
            queues.checkAHead();
        }
        adminQueue.signal();
        updatePin();
        faults.cycleEnded();
        return work;
    }

    private void updatePin() {
        interrupts.updatePin(adminQueue, queues);
    }

    @Override
    public boolean isAtFault() {
        return memory != null && memory.damaged();
    }

    @Override
    public void onFault(Throwable fault) {
        lifecycle.fail(
                isAtFault() ? "a file of the guest's memory has been cut short under its mapping" : "internal error",
                fault);
        keeper.commitIfChanged();
    }

    /** Lets go of everything, the I/O path included. The agent must not run any more, and no client be attached. */
    @Override
    public void close() {
        queues.close();
        adminQueue.close();
        guestData.close();
        doorbells.close();
        state.close();
        path.close();
    }

    /** What {@link Lifecycle} starts and stops. */
    private final class Engine implements Lifecycle.Machinery {
        @Override
        public String start() {
            if (memory == null) {
                return "no client's memory is attached";
            }
            doorbells.clear();
            int pageBytes = Cc.pageBytes(registers.cc());
            String fault = adminQueue.open(memory, registers);
            if (fault != null) {
                return fault;
            }
            queues.enable(memory, pageBytes);
            guestData.enable(adminQueue.dataView(), pageBytes);
            return null;
        }

        @Override
        public boolean stop() {
            adminQueue.forget();
            events.reset();
            features.reset();
            changedNamespaces.clear();
            interrupts.clear();
            boolean ended = queues.reset();
            return ended || (queues.finish() > 0 && queues.reset());
        }

        @Override
        public void powerOn() {
            pci.reset();
            doorbells.clear();
        }

        @Override
        public boolean isQuiet() {
            return !queues.anyPending() && queues.isVisible() && adminQueue.isVisible() && path.settle();
        }
    }
}
