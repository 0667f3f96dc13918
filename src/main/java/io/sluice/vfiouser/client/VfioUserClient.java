package io.sluice.vfiouser.client;

import io.sluice.device.InterruptKind;
import io.sluice.device.MappedBar;
import io.sluice.device.PciDevice;
import io.sluice.device.Region;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.UnixConnection;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Capabilities;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DeviceInfo;
import io.sluice.vfiouser.DmaMap;
import io.sluice.vfiouser.DmaUnmap;
import io.sluice.vfiouser.IrqInfo;
import io.sluice.vfiouser.IrqSet;
import io.sluice.vfiouser.Version;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A PCI device behind a vfio-user socket.
 *
 * <p>Thread-safe, one request at a time. A server that goes away, hangs, or breaks the protocol ends the connection: the
 * call says how, and every later one says so too. Memory is mapped with its descriptor, so a server has no need of DMA by
 * message; if it asks nevertheless, it gets an error. A client of {@link #connectUnshared} keeps the descriptors to itself, and
 * answers DMA by message.
 */
public final class VfioUserClient implements PciDevice {
    /** How long a server may take to reply. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(5);

    private static final int INTERRUPT_LIMIT = 2048;

    private final Exchange exchange;
    private final Regions regions;
    private final DeviceInfo info;
    private final int maxMessageFds;
    private final List<MappedBar> bars = new ArrayList<>();
    /** IOVA to length of what is mapped, in order of mapping. */
    private final Map<Long, Long> maps = new LinkedHashMap<>();

    /** What the server asks for by messages; null where it has the descriptors. */
    private final UnsharedMemory unshared;

    private boolean closed;

    private VfioUserClient(Exchange exchange, UnsharedMemory unshared) throws IOException {
        this.exchange = exchange;
        this.unshared = unshared;
        this.regions = new Regions(exchange);
        this.maxMessageFds = negotiate();
        this.info = deviceInfo();
    }

    /**
     * Connects, agrees on a version, and asks what the device is.
     *
     * @throws IOException where nobody listens, or it is no vfio-user server of a PCI device
     */
    public static VfioUserClient connect(Path socket) throws IOException {
        return connect(socket, DEFAULT_TIMEOUT);
    }

    /** As {@link #connect(Path)}; with a time for each reply. */
    public static VfioUserClient connect(Path socket, Duration timeout) throws IOException {
        return over(socket.toString(), UnixConnection.connect(socket), timeout);
    }

    /**
     * As {@link #connect(Path, Duration)}, and keeps its memory to itself: the server gets it by DMA_READ and DMA_WRITE.
     *
     * @param between may answer some requests otherwise than the memory's own answerer would, which it is given: for tests of servers
     */
    public static VfioUserClient connectUnshared(Path socket, Duration timeout, UnaryOperator<DmaAnswerer> between)
            throws IOException {
        UnsharedMemory memory = new UnsharedMemory();
        DmaAnswerer answerer = between.apply(memory);
        return over(new Exchange(socket.toString(), UnixConnection.connect(socket), timeout, answerer), memory);
    }

    /** As {@link #connect(Path, Duration)}, over a connection that is there already and is owned by the client. */
    static VfioUserClient over(String name, UnixConnection connection, Duration timeout) throws IOException {
        return over(new Exchange(name, connection, timeout), null);
    }

    /** Over an exchange, which is owned by the client, and with memory of its own or null. */
    static VfioUserClient over(Exchange exchange, UnsharedMemory memory) throws IOException {
        try {
            return new VfioUserClient(exchange, memory);
        } catch (IOException | RuntimeException e) {
            exchange.close();
            throw e;
        }
    }

    /** Returns how many descriptors the server takes with one message. */
    private int negotiate() throws IOException {
        Capabilities ours = new Capabilities(
                OptionalLong.of(UnixConnection.MAX_FDS),
                OptionalLong.of(Capabilities.DEFAULT_MAX_DATA_TRANSFER_BYTES),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.empty());
        Version request = new Version(Version.MAJOR, Version.MINOR, ours.toJson());
        Version reply = exchange.call(
                Command.VERSION,
                request.bytes(),
                request::encode,
                List.of(),
                message -> Version.decode(message.body()));
        if (reply.major() != Version.MAJOR || reply.minor() > Version.MINOR) {
            throw new IOException("the server of " + name() + " speaks vfio-user " + reply.major() + "."
                    + reply.minor() + "; this client speaks " + Version.MAJOR + ".0 to " + Version.MAJOR + "."
                    + Version.MINOR);
        }
        long fds = Capabilities.parse(reply.json()).maxMessageFdsOrDefault();
        return (int) Math.min(Math.max(fds, 1), UnixConnection.MAX_FDS);
    }

    private DeviceInfo deviceInfo() throws IOException {
        DeviceInfo request = new DeviceInfo(DeviceInfo.BYTES, 0, 0, 0);
        DeviceInfo reply = exchange.call(
                Command.DEVICE_GET_INFO,
                DeviceInfo.BYTES,
                request::encode,
                List.of(),
                message -> DeviceInfo.decode(message.body()));
        if ((reply.flags() & DeviceInfo.PCI) == 0 || reply.regionCount() <= Region.CONFIG) {
            throw new IOException("the server of " + name() + " does not serve a PCI device (flags 0x"
                    + Integer.toHexString(reply.flags()) + ", "
                    + Integer.toUnsignedString(reply.regionCount()) + " regions)");
        }
        return reply;
    }

    @Override
    public String name() {
        return exchange.peer();
    }

    @Override
    public int readConfig(int offset, int bytes) throws IOException {
        requireConfigWidth(bytes);
        return (int) regions.read(Region.CONFIG, offset, bytes);
    }

    @Override
    public void writeConfig(int offset, int bytes, int value) throws IOException {
        requireConfigWidth(bytes);
        regions.write(Region.CONFIG, offset, bytes, value);
    }

    private static void requireConfigWidth(int bytes) {
        if (bytes != Byte.BYTES && bytes != Short.BYTES && bytes != Integer.BYTES) {
            throw new IllegalArgumentException("configuration space is accessed by 1, 2 or 4 bytes, not " + bytes);
        }
    }

    @Override
    public synchronized Bar openBar(int index) throws IOException {
        if (index < Region.BAR0 || index > Region.BAR5) {
            throw new IllegalArgumentException("BARs are 0 to 5, not " + index);
        }
        MappedBar bar = regions.openBar(index);
        bars.add(bar);
        return bar;
    }

    @Override
    public int interruptCount(InterruptKind kind) throws IOException {
        if (kind.index() >= info.interruptKinds()) {
            return 0;
        }
        IrqInfo request = new IrqInfo(IrqInfo.BYTES, 0, kind.index(), 0);
        IrqInfo reply = exchange.call(
                Command.DEVICE_GET_IRQ_INFO,
                IrqInfo.BYTES,
                request::encode,
                List.of(),
                message -> IrqInfo.decode(message.body()));
        if (reply.count() > INTERRUPT_LIMIT) {
            throw new IOException(
                    "the server of " + name() + " claims " + reply.count() + " interrupts of kind " + kind);
        }
        return (int) reply.count();
    }

    /** Sends the eventfds in as many messages as the server's limit of descriptors asks for. */
    @Override
    public void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets) throws IOException {
        int from = 0;
        while (from < targets.size()) {
            int to = endOfRun(targets, from);
            List<Fd> fds = targets.get(from) == null
                    ? List.of()
                    : targets.subList(from, to).stream().map(EventFd::fd).toList();
            setIrqs(IrqSet.DATA_EVENTFD | IrqSet.ACTION_TRIGGER, kind, start + from, to - from, fds);
            from = to;
        }
    }

    /** Where a message ends that begins at {@code from}: it has eventfds only, or none and so takes them away. */
    private int endOfRun(List<EventFd> targets, int from) {
        boolean absent = targets.get(from) == null;
        int limit = absent ? targets.size() : Math.min(targets.size(), from + maxMessageFds);
        int to = from + 1;
        while (to < limit && (targets.get(to) == null) == absent) {
            to++;
        }
        return to;
    }

    @Override
    public void disableInterrupts(InterruptKind kind) throws IOException {
        setIrqs(IrqSet.DATA_NONE | IrqSet.ACTION_TRIGGER, kind, 0, 0, List.of());
    }

    @Override
    public void unmaskInterrupts(InterruptKind kind, int start, int count) throws IOException {
        setIrqs(IrqSet.DATA_NONE | IrqSet.ACTION_UNMASK, kind, start, count, List.of());
    }

    private void setIrqs(int flags, InterruptKind kind, int start, int count, List<Fd> fds) throws IOException {
        IrqSet request = IrqSet.of(flags, kind.index(), start, count);
        command(Command.DEVICE_SET_IRQS, IrqSet.FIXED_BYTES, request::encode, fds);
    }

    @Override
    public synchronized void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        int flags = ((access & Translator.READ) == 0 ? 0 : DmaMap.READABLE)
                | ((access & Translator.WRITE) == 0 ? 0 : DmaMap.WRITABLE);
        DmaMap request = new DmaMap(DmaMap.BYTES, flags, offset, iova, bytes);
        if (unshared == null) {
            command(Command.DMA_MAP, DmaMap.BYTES, request::encode, List.of(memory));
        } else {
            mapUnshared(request, memory, access);
        }
        maps.put(iova, bytes);
    }

    private void mapUnshared(DmaMap request, Fd memory, int access) throws IOException {
        unshared.map(memory, request.offset(), request.size(), request.address(), access);
        try {
            DmaMap withoutFile = new DmaMap(DmaMap.BYTES, request.flags(), 0, request.address(), request.size());
            command(Command.DMA_MAP, DmaMap.BYTES, withoutFile::encode, List.of());
        } catch (IOException | RuntimeException e) {
            unshared.unmap(request.address());
            throw e;
        }
    }

    @Override
    public synchronized void unmapDma(long iova, long bytes) throws IOException {
        DmaUnmap request = new DmaUnmap(DmaUnmap.BYTES, 0, iova, bytes);
        command(Command.DMA_UNMAP, DmaUnmap.BYTES, request::encode, List.of());
        maps.remove(iova);
        if (unshared != null) {
            unshared.unmap(iova);
        }
    }

    /** Its server has left, or hangs: the connection has ended, and there is no other. */
    @Override
    public boolean isGone() {
        return !exchange.isOpen();
    }

    @Override
    public void reset() throws IOException {
        if ((info.flags() & DeviceInfo.RESET) == 0) {
            throw new IOException("the device behind " + name() + " cannot be reset");
        }
        command(Command.DEVICE_RESET, 0, out -> {}, List.of());
    }

    /** A command whose reply says no more than that it is done. */
    private void command(Command command, int bytes, Consumer<ByteBuffer> body, List<Fd> fds) throws IOException {
        exchange.call(command, bytes, body, fds, reply -> null);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            for (Map.Entry<Long, Long> map : List.copyOf(maps.entrySet())) {
                unmapDma(map.getKey(), map.getValue());
            }
        } catch (IOException unreachable) {
            // The server takes the memory away itself when the connection ends, which is next.
        }
        exchange.close();
        if (unshared != null) {
            unshared.close();
        }
        bars.forEach(MappedBar::close);
    }
}
