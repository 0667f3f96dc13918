package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.AccessRefused;
import io.sluice.device.InterruptKind;
import io.sluice.device.Region;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.pci.CapabilityId;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import io.sluice.poll.CommandQueue;
import io.sluice.state.DroppingStores;
import io.sluice.state.Stores;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * A controller that is dropped in the middle of what it does, as often as a test likes, and made again from what it has left. The
 * guest's memory, the drive's blocks and the mapped doorbells stay; messages that have not been answered are sent again.
 */
final class RevivedController implements AutoCloseable {
    private static final long RAM_BYTES = 4 << 20;
    private static final int MAX_LIVES = 1_000;

    /** So many cycles with nothing to do come one after the other, and then only one in a while. */
    private static final int MAX_SPINS = 100;

    private static final long REST_NANOS = 50_000;

    final FakeGuest guest;
    private final Platter platter;
    private final ControllerConfig config;

    /** Null where the guest shares all of its memory. */
    private final RemoteClient client;

    /** How many steps each life has. */
    private final LongSupplier spans;

    private DroppingStores stores;
    private ControllerState state;
    private NvmeController controller;
    private Mapping doorbells;
    private int lives;
    private int idle;

    /** The guest's ends of its interrupts; empty if it has none. */
    private List<EventFd> lines = List.of();

    /** The controller's ends of them, which end with its process. */
    private final List<EventFd> given = new ArrayList<>();

    /**
     * A controller that nothing has been asked of.
     *
     * @param platter closed with this
     * @param maker makes the client of a guest that does not share all of its memory; returns null for one that does
     */
    RevivedController(
            ControllerConfig config, LongSupplier spans, Platter platter, Function<FakeGuest, RemoteClient> maker)
            throws IOException {
        this.config = config;
        this.spans = spans;
        this.platter = platter;
        guest = new FakeGuest(RAM_BYTES);
        client = maker.apply(guest);
        IoPath path = open();
        make(path, with -> ControllerState.create(config, ControllerState.slotsFor(path), with));
        attach();
    }

    @FunctionalInterface
    private interface StateMaker {
        ControllerState make(Stores stores) throws IOException;
    }

    /** A process can end as early as that. */
    private IoPath open() throws IOException {
        IoPath path = null;
        while (path == null) {
            stores = new DroppingStores(spans.getAsLong());
            try {
                path = platter.open(guest, stores);
            } catch (DroppingStores.Dropped e) {
                assertTrue(++lives < MAX_LIVES, "it does not get anywhere");
                platter.kill();
            }
        }
        return path;
    }

    private void make(IoPath path, StateMaker states) throws IOException {
        state = states.make(stores);
        controller = new NvmeController(config, path, state, CommandQueue.direct(), () -> {}, () -> 0);
        if (client != null) {
            client.connect(stores);
        }
    }

    private GuestMemory memory() {
        return client == null ? guest : client;
    }

    /** A client that has no answer to its first message has not come yet. */
    private void attach() throws IOException {
        for (boolean attached = false; !attached; ) {
            try {
                controller.attach(memory());
                platter.resumed();
                attached = !stores.isDropped();
            } catch (DroppingStores.Dropped e) {
                attached = false;
            }
            if (!attached) {
                makeAgain();
            }
        }
        Region.Mappable page = controller.region(Region.BAR0).mappable().orElseThrow();
        doorbells = Mapping.shared(page.memory(), page.offset(), page.bytes(), Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    private void makeAgain() throws IOException {
        assertTrue(++lives < MAX_LIVES, "it does not get anywhere");
        Fd stateFd = state.stateFd().duplicate();
        Fd doorbellFd = state.doorbellFd().duplicate();
        platter.kill();
        if (client != null) {
            client.drop();
        }
        closeController();
        IoPath path = open();
        make(path, with -> ControllerState.open(config, path, stateFd, doorbellFd, with));
    }

    private void closeController() {
        controller.close();
        given.forEach(EventFd::close);
        given.clear();
    }

    private void revive() throws IOException {
        do {
            makeAgain();
            try {
                controller.resume(memory());
                platter.resumed();
                connectLines();
            } catch (DroppingStores.Dropped e) {
                assertTrue(stores.isDropped());
            }
        } while (stores.isDropped());
    }

    /** The guest has MSI-X, and as many vectors. */
    void useInterrupts(int vectors) throws IOException {
        List<EventFd> made = new ArrayList<>();
        for (int i = 0; i < vectors; i++) {
            made.add(EventFd.create());
        }
        lines = made;
        byte[] on = {(byte) 0, (byte) (MsixCapability.CONTROL_ENABLE >> Byte.SIZE)};
        send(to -> to.write(Region.CONFIG, msixControl(to), on));
        send(to -> connectLines());
    }

    private static int msixControl(NvmeController of) throws AccessRefused {
        byte[] config = new byte[PciSide.CONFIG_BYTES];
        of.read(Region.CONFIG, 0, config);
        int at = config[PciHeader.CAPABILITIES_POINTER] & 0xff;
        while (config[at] != CapabilityId.MSIX) {
            at = config[at + 1] & 0xff;
        }
        return at + MsixCapability.CONTROL;
    }

    /** As a connection does that has found its client again. */
    private void connectLines() {
        if (!lines.isEmpty() && !stores.isDropped()) {
            controller.setInterruptTargets(InterruptKind.MSIX, 0, duplicates());
        }
    }

    private List<EventFd> duplicates() {
        try {
            List<EventFd> ends = new ArrayList<>();
            for (EventFd line : lines) {
                ends.add(EventFd.adopt(line.fd().duplicate()));
            }
            given.addAll(ends);
            return ends;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a vector has interrupted since the last call; without interrupts, always. */
    boolean hasInterrupted(int vector) {
        return lines.isEmpty() || lines.get(vector).drain() > 0;
    }

    /** What is stored, for messages. */
    String describe() {
        StringBuilder text = new StringBuilder();
        text.append("CSTS ")
                .append(Integer.toHexString(csts()))
                .append("; ")
                .append(client)
                .append("; ");
        for (int qid = 0; qid <= 4; qid++) {
            RingRecord ring = state.ring(qid);
            text.append(qid)
                    .append(": SQ head ")
                    .append(ring.sqHead())
                    .append(" count ")
                    .append(ring.cqCountInSq());
            text.append(", CQ count ")
                    .append(ring.cqCount())
                    .append(" head ")
                    .append(ring.cqHead())
                    .append(" sent ")
                    .append(ring.cqSent(ring.cqCount()))
                    .append("; ");
        }
        for (int slot = 0; slot < state.slots(); slot++) {
            SlotRecord record = state.slot(slot);
            record.load();
            text.append("slot ")
                    .append(slot)
                    .append(": state ")
                    .append(record.state())
                    .append(" SQ ")
                    .append(record.sqid());
            text.append(" CID ").append(record.guestCid()).append("; ");
        }
        return text.toString();
    }

    private int csts() {
        byte[] target = new byte[Registers.CSTS.bytes()];
        try {
            controller.read(Region.BAR0, Registers.CSTS.offset(), target);
        } catch (AccessRefused e) {
            throw new AssertionError(e);
        }
        return (int) LittleEndian.get(target);
    }

    /** How many times it has been made again. */
    int revivals() {
        return lives;
    }

    /** Steps of this life. */
    long steps() {
        return stores.steps();
    }

    /** A message, sent until it is answered. */
    @FunctionalInterface
    interface Message {
        void send(NvmeController to) throws AccessRefused;
    }

    void send(Message message) throws IOException {
        boolean answered = false;
        while (!answered) {
            try {
                message.send(controller);
                answered = !stores.isDropped();
            } catch (DroppingStores.Dropped e) {
                assertTrue(stores.isDropped());
            } catch (AccessRefused e) {
                throw new IOException(e);
            }
            if (!answered) {
                revive();
            }
        }
    }

    void write(Registers register, long value) throws IOException {
        byte[] source = new byte[register.bytes()];
        LittleEndian.put(value, source);
        send(to -> to.write(Region.BAR0, register.offset(), source));
    }

    int read(Registers register) throws IOException {
        byte[] target = new byte[register.bytes()];
        send(to -> to.read(Region.BAR0, register.offset(), target));
        return (int) LittleEndian.get(target);
    }

    void ring(int bar0Offset, int value) {
        Memory.putIntRelease(doorbells.address() + bar0Offset - Doorbells.OFFSET, value);
    }

    /** A duty cycle. Other threads get a processor if there was nothing to do. */
    void step() throws IOException {
        int work = 0;
        try {
            work = platter.beforeTurn() + controller.doWork() + platter.afterTurn();
        } catch (DroppingStores.Dropped e) {
            assertTrue(stores.isDropped());
        }
        if (stores.isDropped()) {
            revive();
        }
        boolean served = client != null && client.serve();
        idle = work > 0 || served ? 0 : idle + 1;
        if (idle > MAX_SPINS) {
            LockSupport.parkNanos(REST_NANOS);
        } else if (idle > 0) {
            Thread.onSpinWait();
        }
    }

    byte block(long lba, int offset) throws IOException {
        return platter.at(lba, offset);
    }

    @Override
    public void close() {
        platter.kill();
        closeController();
        lines.forEach(EventFd::close);
        doorbells.close();
        platter.close();
        guest.close();
    }
}
