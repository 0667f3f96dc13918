package io.sluice.host;

import io.sluice.device.PciDevice;
import io.sluice.dma.DmaRefused;
import io.sluice.dma.IovaAllocator;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Csts;
import io.sluice.state.Stores;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Drives one NVMe controller, whatever is behind the {@link PciDevice}: an SSD, the software model, a socket.
 *
 * <p>{@link #start} brings it up ({@link BringUp} has the steps) with its I/O queue pairs; each {@link QueuePair} then
 * belongs to whoever polls it. The admin queue is this object's own, and its methods may be called from any thread.
 *
 * <pre>
 *   start ─▶ running ──shutDown()──▶ shut down ──close()──▶ closed
 *               └──────────────── close() ────────────────────▲    CC.EN = 0, then the device loses all memory
 * </pre>
 */
public final class NvmeDriver implements AutoCloseable {
    private final PciDevice device;
    private final DriverOptions options;
    private final DriverState state;
    private final Quarantine quarantine = new Quarantine();
    private final DriverMemory memory;
    private final Recovery recovery = new Recovery(this, quarantine);
    private final Namespaces namespaces;

    /** Held while the controller's state is changed: supervising, shutting down, closing. */
    private final ReentrantLock supervision = new ReentrantLock();

    private final List<EventFd> interrupts = new ArrayList<>();
    private final List<QueuePair> queuePairs = new ArrayList<>();

    // Set by the steps of BringUp, in their order.
    private volatile ControllerRegisters registers;
    private AdminQueue admin;
    private ControllerInfo controller;

    private DmaArea adminArea;
    private DmaArea ioArea;
    private ShadowDoorbells shadows;
    private volatile Consumer<DeviceEvent> eventListener;
    private Events events;
    private int abortLimit = 1;
    private CommandLimits commandLimits = CommandLimits.NONE;
    private boolean enabled;
    private boolean shutDown;
    private volatile boolean closed;

    /** Whether all has been adopted that is wanted of what another process had mapped. */
    private volatile boolean leftoversUnwanted;

    private volatile boolean allTakenOver;

    private NvmeDriver(PciDevice device, IovaAllocator iovas, DriverOptions options, DriverState state) {
        this.device = device;
        this.memory = new DriverMemory(device, iovas, quarantine);
        this.options = options;
        this.state = state;
        this.namespaces = new Namespaces(device.name(), options.timeouts().adminMillis(), options.clock());
    }

    /**
     * Takes a controller over, whatever state it is in, and brings it up.
     *
     * @param device stays the caller's, who closes it after the driver
     * @param iovas of this device
     * @throws DeviceFailure if the controller is stuck, gone or broken
     * @throws CommandFailed if it refuses a command that every controller must know
     * @throws IOException if it cannot be driven, or cannot be reached; nothing is left behind
     */
    public static NvmeDriver start(PciDevice device, IovaAllocator iovas, DriverOptions options) throws IOException {
        return start(device, iovas, options, new Stores());
    }

    /** @param stores how what outlives this process is stored */
    static NvmeDriver start(PciDevice device, IovaAllocator iovas, DriverOptions options, Stores stores)
            throws IOException {
        NvmeDriver driver = new NvmeDriver(device, iovas, options, DriverState.create(device.name(), options, stores));
        try {
            iovas.keep(driver.state.newIovas());
            new BringUp(driver).run();
            return driver;
        } catch (DmaRefused e) {
            driver.close();
            throw new IOException(e.getMessage(), e);
        } catch (IOException | RuntimeException | Error e) { // an access that is not decoded is an InternalError
            driver.close();
            throw e;
        }
    }

    /**
     * Goes on with a controller that another process has driven and left as it was: its commands are outstanding here, with the
     * tokens that it gave them, and end here, each once. No queue and no memory of the device's is touched, unless that process was in
     * the middle of a reset, or the controller is not well: then it is reset, and they end with {@link DriverStatus#CONTROLLER_RESET}.
     *
     * @param iovas of this device, of which nothing is taken
     * @param options as that process had them
     * @param left of {@link #left}; owned by the result, and closed if there is none
     * @throws IOException if that cannot be: the device is another one, or keeps no memory of a process that has ended, or what was left
     *     is not whole; it has to be started afresh then
     */
    public static NvmeDriver resume(PciDevice device, IovaAllocator iovas, DriverOptions options, DriverState.Left left)
            throws IOException {
        return resume(device, iovas, options, left, new Stores());
    }

    /** @param stores how what outlives this process is stored */
    static NvmeDriver resume(
            PciDevice device, IovaAllocator iovas, DriverOptions options, DriverState.Left left, Stores stores)
            throws IOException {
        NvmeDriver driver = null;
        try {
            driver = new NvmeDriver(device, iovas, options, DriverState.open(left.state(), options, stores));
            new Takeover(driver, left).run();
            return driver;
        } catch (IOException | RuntimeException | Error e) {
            if (driver != null) {
                driver.leave();
            }
            left.close();
            throw e;
        }
    }

    /** What another process needs to go on, if this one ends now. */
    public DriverState.Left left() {
        return new DriverState.Left(
                state.fd(),
                queueFile(adminArea),
                queueFile(ioArea),
                shadows == null ? null : queueFile(shadows.area()));
    }

    private static Fd queueFile(DmaArea area) {
        return area == null ? null : area.file();
    }

    /**
     * Lets go of all that is this process's, and of nothing of the device's: another one is to go on with that. As it would be if
     * this process were killed now; only {@link #left} has to be kept before.
     */
    public void leave() {
        if (registers != null) {
            registers.abandon("is left to another process");
        }
        supervision.lock();
        try {
            if (!closed) {
                closed = true;
                new Shutdown(this).leave();
            }
        } finally {
            supervision.unlock();
        }
    }

    /** The device's name, for messages. */
    public String name() {
        return device.name();
    }

    /** What the controller says of itself. */
    public ControllerInfo controller() {
        return controller;
    }

    /** What the controller takes with one command of those that have limits of their own. */
    public CommandLimits commandLimits() {
        return commandLimits;
    }

    /** The active namespaces, in order of their identifiers, as they were found last; see {@link #listenForNamespaces}. */
    public List<NamespaceInfo> namespaces() {
        return namespaces.known();
    }

    /**
     * One of the active namespaces.
     *
     * @throws NoSuchElementException if it is not active
     */
    public NamespaceInfo namespace(int nsid) {
        return namespaces.known().stream()
                .filter(namespace -> namespace.nsid() == nsid)
                .findFirst()
                .orElseThrow(() -> new NoSuchElementException(name() + " has no active namespace " + nsid));
    }

    /** The I/O queue pairs: as many as were asked for, or as the controller granted. */
    public List<QueuePair> queuePairs() {
        return List.copyOf(queuePairs);
    }

    /**
     * What a completion queue's interrupts signal, if the driver was started with interrupts.
     *
     * @param qid 0 for the admin queue
     */
    public EventFd interrupt(int qid) {
        return interrupts.get(vector(qid));
    }

    /** Queues share vectors, the admin queue's apart, where there are fewer vectors than queues. */
    int vector(int qid) {
        int shared = interrupts.size() - 1;
        return qid == 0 || shared == 0 ? 0 : 1 + (qid - 1) % shared;
    }

    /**
     * Memory that the device can reach, zeroed, for data. It lives until it is closed, or the driver is.
     *
     * @param name shown in messages
     * @param bytes more than 0; rounded up to whole pages
     */
    public DmaArea allocate(String name, long bytes) throws IOException {
        return memory.allocate(name, bytes);
    }

    /**
     * Whoever goes on with something of another process has done so. What that had mapped for the device, and nobody has taken
     * over, goes from the device as soon as none of its commands is outstanding.
     */
    public void allTakenOver() {
        leftoversUnwanted = true;
        allTakenOver = true;
    }

    /** Whether commands of another process may still use memory that it had mapped. */
    private boolean anyInherited() {
        return queuePairs.stream().anyMatch(pair -> pair.inherited() > 0) || admin.anyOfNobody();
    }

    /** For {@link Recovery}, again and again. */
    void dropLeftovers() {
        if (leftoversUnwanted && !anyInherited()) {
            leftoversUnwanted = false;
            memory.dropLeftovers();
        }
    }

    /** Whether {@link #allTakenOver} has been called. */
    public boolean isAllTakenOver() {
        return allTakenOver;
    }

    /**
     * Looks at the controller's status: a poller that sees no completions cannot tell an idle device from a dead one.
     *
     * @throws DeviceFailure if the controller is gone, fatally ill or disabled
     * @throws IOException if it cannot be reached
     */
    public void checkAlive() throws IOException {
        if (recovery.death() != null) {
            throw recovery.death();
        }
        int csts = registers.csts();
        if (Csts.fatal(csts)) {
            throw new DeviceFailure(name() + " reports a fatal error (CSTS.CFS = 1); reset it");
        }
        if (!Csts.ready(csts)) {
            throw new DeviceFailure(name() + " is not ready any more (CSTS.RDY = 0): somebody else has reset it");
        }
    }

    /**
     * Looks after the controller: aborts commands that are late, resets it when only that helps, gives the queues back after a
     * reset, hears asynchronous events, and lets go of memory that had to wait. To be called again and again, beside the
     * pollers; by one of them too, if it can bear that a reset waits for the controller: there is one try at most in each call,
     * which takes up to three times CAP.TO and the time-out of an admin command.
     *
     * <p>It never fails: what goes wrong leads to a reset, and after too many of them to a dead device ({@link #isDead}), whose
     * commands all end with {@link DriverStatus#DEVICE_DEAD}.
     *
     * @param nowNanos of the driver's {@link DriverClock}
     */
    public void supervise(long nowNanos) {
        supervision.lock();
        try {
            if (!closed && !shutDown) {
                recovery.supervise(nowNanos);
            }
        } finally {
            supervision.unlock();
        }
    }

    /**
     * Whether no I/O command is outstanding and nothing has to be mended, so that {@link #supervise} may be called less often: it
     * then only looks whether the controller is still well, and takes events. From any thread; a glance, without a promise.
     */
    public boolean isResting() {
        return recovery.isResting();
    }

    /** Has the next {@link #supervise} reset the controller. All outstanding commands end with {@link DriverStatus#CONTROLLER_RESET}. */
    public void requestReset(String why) {
        recovery.want(why);
    }

    /** Whether the device is given up: only {@link #close} is left. */
    public boolean isDead() {
        return recovery.death() != null;
    }

    /** How many resets of the controller have ended well since it was brought up. */
    public int resets() {
        return recovery.resets();
    }

    /** How many commands have not ended in their time since the controller was brought up; each of them is aborted. */
    public int lateCommands() {
        return recovery.late();
    }

    /** Why the controller was reset last, for messages; empty where it never was. */
    public Optional<String> lastResetReason() {
        return recovery.lastResetReason();
    }

    /** The current value of one of the controller's features. */
    public int feature(int featureId) throws IOException {
        return admin.feature(featureId, "Get Features 0x" + Integer.toHexString(featureId));
    }

    /** The most data that an admin command carries, in bytes: MDTS, but no more than one PRP list page describes. */
    public int maxAdminBytes() {
        return Math.min(controller.maxTransferBytes(), QueuePair.MAX_TRANSFER_BYTES);
    }

    /**
     * Runs any admin command that is not the driver's own.
     *
     * @throws IllegalArgumentException if it has more data than {@link #maxAdminBytes}
     * @throws CommandFailed if it ends with an error status
     * @throws DeviceFailure if it does not end in its time, or a reset has ended it; the controller is reset then
     */
    public AdminRequest.Answer admin(AdminRequest request) throws IOException {
        String what = AdminOpcode.name(request.opcode());
        int bytes = request.dataBytes();
        if (bytes > maxAdminBytes()) {
            throw new IllegalArgumentException(what + " with " + bytes + " bytes of data cannot be sent: " + name()
                    + " transfers at most " + maxAdminBytes() + " bytes with one command (MDTS); ask for it in pieces");
        }
        byte[] dataIn = new byte[request.dataInBytes()];
        if (bytes == 0) {
            return answer(admin.run(request.opcode(), what, request.timeoutMillis(), request::encode), dataIn);
        }
        // Of its own, so that nobody else's command waits while it is allocated and filled.
        try (DmaArea area = allocate("sluice admin data", bytes)) {
            int dw0 = admin.exchange(
                    request.opcode(), what, request.timeoutMillis(), request::encode, area, request.bytesOut(), dataIn);
            return answer(dw0, dataIn);
        }
    }

    private static AdminRequest.Answer answer(int dw0, byte[] dataIn) {
        return new AdminRequest.Answer(dw0, ByteBuffer.wrap(dataIn).order(ByteOrder.LITTLE_ENDIAN));
    }

    /** The controller's SMART / Health Information log. */
    public HealthLog health() throws IOException {
        return new Logs(admin).health();
    }

    /** The newest errors in the controller's Error Information log, up to {@code limit}, 64, or as many as it keeps. */
    public List<ErrorRecord> errors(int limit) throws IOException {
        return new Logs(admin).errors(Math.min(limit, controller.errorLogEntries()));
    }

    /**
     * Has asynchronous events told to a listener, from {@link #supervise}, on its thread. It may call this driver, but for
     * {@code supervise}; it must not wait for long.
     */
    public void listen(Consumer<DeviceEvent> listener) {
        eventListener = listener;
    }

    /**
     * Has changes of namespaces told to a listener, from {@link #supervise}, on its thread: after the controller has said so, and
     * after a reset, before any queue pair works again. {@link #namespaces} has the new ones by then. A controller that refuses
     * to say what a namespace is now is asked again for as long as an admin command may take, and no queue pair comes out of a
     * reset meanwhile; if it goes on refusing, the namespace has changed into one that cannot be used.
     */
    public void listenForNamespaces(Consumer<NamespaceChange> listener) {
        namespaces.listen(listener);
    }

    /**
     * Ends orderly: deletes the I/O queues, has the controller put everything in a safe place (CC.SHN), and disables it. The
     * pollers' commands end with what the device says, or with {@link DriverStatus#DEVICE_DEAD}. Afterwards there is only {@link
     * #close}. Idempotent.
     *
     * @throws DeviceFailure if the device is dead, or did not say in time that all is safe; all the same it is shut down
     */
    public void shutDown() throws IOException {
        supervision.lock();
        try {
            if (closed || shutDown) {
                return;
            }
            if (isDead()) {
                throw recovery.death();
            }
            shutDown = true;
            new Shutdown(this).run();
        } finally {
            supervision.unlock();
        }
    }

    /**
     * Disables the controller, which ends all its access to memory, then takes the memory away and lets go of it. Without
     * {@link #shutDown} before, data in a volatile cache may be lost. Idempotent; queue pairs and areas must not be used any
     * more. Whoever waits for the device, on whichever thread, gets a {@link DeviceFailure}. It takes no longer than 2 s,
     * whatever the device does.
     */
    @Override
    public void close() {
        if (registers != null) {
            registers.abandon("is being closed");
        }
        supervision.lock();
        try {
            if (!closed) {
                closed = true;
                memory.close();
                new Shutdown(this).letGo();
            }
        } finally {
            supervision.unlock();
        }
    }

    // ---- for BringUp, Takeover, Recovery and Shutdown

    PciDevice device() {
        return device;
    }

    DriverOptions options() {
        return options;
    }

    DriverState state() {
        return state;
    }

    /** Where the admin queues are, and the I/O queues; null where there are none. */
    void queueAreas(DmaArea adminQueues, DmaArea ioQueues) {
        adminArea = adminQueues;
        ioArea = ioQueues;
    }

    DmaArea adminArea() {
        return adminArea;
    }

    /** All queues are there. */
    void cameUp() {
        DriverState.Piece none = DriverState.Piece.NONE;
        state.save(new DriverState.Device(
                controller.serial(),
                controller.model(),
                queuePairs.size(),
                queuePairs.isEmpty() ? 0 : queuePairs.getFirst().memory().entries(),
                adminArea.piece(),
                ioArea == null ? none : ioArea.piece(),
                shadows == null ? none : shadows.area().piece()));
        state.setStage(DriverState.Stage.RUNNING);
    }

    DriverMemory memory() {
        return memory;
    }

    Alarm alarm() {
        return recovery;
    }

    ControllerRegisters registers() {
        return registers;
    }

    /** The controller has been reset otherwise than by {@link #supervise}: what was wrong with it is forgotten. */
    void resetSucceeded() {
        recovery.succeeded();
    }

    int abortLimit() {
        return abortLimit;
    }

    void commandLimits(CommandLimits limits) {
        commandLimits = limits;
    }

    void abortLimit(int limit) {
        abortLimit = limit;
    }

    /** The shadow doorbells, or null where there are none. */
    ShadowDoorbells shadows() {
        return shadows;
    }

    void shadows(ShadowDoorbells configured) {
        shadows = configured;
    }

    /** Both I/O queues of a pair whose memory is empty, after a reset. */
    void createQueues(QueuePair pair) throws IOException {
        admin.createCq(pair, options.interrupts(), options.interrupts() ? vector(pair.qid()) : 0);
        admin.createSq(pair);
    }

    void serveEvents() throws IOException {
        if (events == null && (eventListener != null || namespaces.isListenedTo())) {
            events = new Events(admin, controller, this::tell);
        }
        if (events == null) {
            return;
        }
        events.serve();
        if (events.takeNamespacesChanged()) {
            identifyNamespaces();
            namespaces.tellChanges();
        }
    }

    private void tell(DeviceEvent event) {
        Consumer<DeviceEvent> listener = eventListener;
        if (listener != null) {
            listener.accept(event);
        }
    }

    /** Where the controller has refused to say what its namespaces are, and it is time to ask it once more. */
    void askAgainForNamespaces() throws IOException {
        if (namespaces.isToBeAskedAgain()) {
            identifyNamespaces();
        }
    }

    private void identifyNamespaces() throws IOException {
        try (Identification again = new Identification(admin, name(), registers.cap(), registers.vs())) {
            namespaces.identifyAgain(again);
        }
    }

    Namespaces namespaceTable() {
        return namespaces;
    }

    void registers(ControllerRegisters opened) {
        registers = opened;
    }

    /** From now on the controller may touch memory: closing begins with disabling it. */
    void enabled(AdminQueue queue) {
        admin = queue;
        enabled = true;
    }

    /** Null before {@link #enabled}. */
    AdminQueue admin() {
        return admin;
    }

    boolean isEnabled() {
        return enabled;
    }

    void identified(ControllerInfo info, List<NamespaceInfo> active) {
        controller = info;
        namespaces.found(active);
    }

    void addInterrupt(EventFd interrupt) {
        interrupts.add(interrupt);
    }

    List<EventFd> interrupts() {
        return interrupts;
    }

    void addQueuePair(QueuePair pair) {
        queuePairs.add(pair);
    }
}
