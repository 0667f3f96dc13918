package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.AccessRefused;
import io.sluice.device.Region;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import io.sluice.poll.CommandQueue;
import java.util.function.LongConsumer;

/**
 * A controller driven by hand: the test is the driver, the connection and the runner. Nothing happens but in a call of the
 * test's thread, and time stands still unless the test moves it.
 */
final class ControllerRig implements AutoCloseable {
    static final long ASQ = 0x1_0000;
    static final long ACQ = 0x2_0000;
    static final long DATA = 0x10_0000;
    /** Where I/O queues' memory begins: 128 KiB for each of them, submission queues first. */
    static final long QUEUES = 0x40_0000;

    static final int PAGE = Memory.PAGE_BYTES;
    private static final long RAM_BYTES = 16 << 20;
    private static final int STEPS = 8;

    final FakeGuest guest;
    final ManualPath path = new ManualPath();
    final NvmeController controller;
    /** Null where doorbells are trapped. */
    private Mapping doorbells;

    long nanos;

    private int entries;
    private int tail;
    private int head;
    private int phase;
    private int nextCid;

    /** One completion, decoded. */
    record Completion(int cid, int status, int dw0, int sqHead, int sqid) {
        /** The status as the specification names it: without More. */
        int code() {
            return status & ~Status.MORE;
        }
    }

    ControllerRig() throws Exception {
        this(ControllerConfig.of("test", "SN0123"));
    }

    ControllerRig(ControllerConfig config) throws Exception {
        this(config, false);
    }

    ControllerRig(ControllerConfig config, boolean volatileCache) throws Exception {
        this(config, volatileCache, () -> {});
    }

    /** Tells of each reading of the clock. */
    ControllerRig(ControllerConfig config, Runnable onClockRead) throws Exception {
        this(config, false, onClockRead);
    }

    private ControllerRig(ControllerConfig config, boolean volatileCache, Runnable onClockRead) throws Exception {
        this(config, null, volatileCache, onClockRead);
    }

    /** Over another path than {@link #path}; it is closed with this. */
    ControllerRig(ControllerConfig config, IoPath served) throws Exception {
        this(config, served, false, () -> {});
    }

    private ControllerRig(ControllerConfig config, IoPath other, boolean volatileCache, Runnable onClockRead)
            throws Exception {
        path.hasCache = volatileCache;
        guest = new FakeGuest(RAM_BYTES);
        IoPath served = other == null ? path : other;
        controller = new NvmeController(config, served, CommandQueue.direct(), () -> {}, () -> {
            onClockRead.run();
            return nanos;
        });
        controller.attach(guest);
        doorbells = config.trappedDoorbells() ? null : mapDoorbells();
        setBusMaster(true);
    }

    /** The page as a client maps it: the one of the client that is attached now. */
    Mapping mapDoorbells() throws LinuxException {
        Region.Mappable page = controller.region(Region.BAR0).mappable().orElseThrow();
        return Mapping.shared(page.memory(), page.offset(), page.bytes(), Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    /** The client goes, and comes again. */
    void reconnect() throws Exception {
        controller.detach();
        controller.attach(guest);
        doorbells.close();
        doorbells = mapDoorbells();
        setBusMaster(true);
    }

    // ---- registers and configuration space

    int read(Registers register) throws AccessRefused {
        return (int) LittleEndian.get(readBar0(register.offset(), Integer.BYTES));
    }

    byte[] readBar0(long offset, int bytes) throws AccessRefused {
        byte[] value = new byte[bytes];
        controller.read(Region.BAR0, offset, value);
        return value;
    }

    void write(Registers register, long value) throws AccessRefused {
        writeBar0(register.offset(), register.bytes(), value);
    }

    void writeBar0(long offset, int bytes, long value) throws AccessRefused {
        byte[] source = new byte[bytes];
        LittleEndian.put(value, source);
        controller.write(Region.BAR0, offset, source);
    }

    int readConfig(int offset, int bytes) throws AccessRefused {
        byte[] value = new byte[bytes];
        controller.read(Region.CONFIG, offset, value);
        int result = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            result = (result << Byte.SIZE) | Byte.toUnsignedInt(value[i]);
        }
        return result;
    }

    void writeConfig(int offset, int bytes, int value) throws AccessRefused {
        byte[] source = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            source[i] = (byte) (value >>> (i * Byte.SIZE));
        }
        controller.write(Region.CONFIG, offset, source);
    }

    void setBusMaster(boolean on) throws AccessRefused {
        writeConfig(PciHeader.COMMAND, 2, on ? PciHeader.COMMAND_BUS_MASTER : 0);
    }

    int csts() throws AccessRefused {
        return read(Registers.CSTS);
    }

    static int cc(boolean enabled) {
        return Cc.withIocqes(Cc.withIosqes(Cc.withEnabled(0, enabled), Cc.IOSQES), Cc.IOCQES);
    }

    // ---- bringing up

    void enable(int adminEntries) throws AccessRefused {
        setAdminQueue(adminEntries);
        write(Registers.CC, cc(true));
        assertTrue(Csts.ready(csts()), "RDY after CC.EN");
    }

    void setAdminQueue(int adminEntries) throws AccessRefused {
        Memory.fill(guest.hva(ASQ), 64 << 10, (byte) 0);
        Memory.fill(guest.hva(ACQ), 64 << 10, (byte) 0);
        entries = adminEntries;
        tail = 0;
        head = 0;
        phase = 1;
        write(Registers.AQA, Aqa.of(adminEntries, adminEntries));
        write(Registers.ASQ, ASQ);
        write(Registers.ACQ, ACQ);
    }

    // ---- admin commands

    /** Submits a command by the mapped doorbell page; returns its identifier. */
    int submit(int opcode, LongConsumer fill) {
        int cid = nextCid++ & 0x7fff;
        long sqe = guest.hva(ASQ) + (long) tail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, cid);
        fill.accept(sqe);
        tail = (tail + 1) % entries;
        ring(Doorbells.sqTailDoorbell(0), tail);
        return cid;
    }

    /** Steps, and takes the next completion of the admin queue; null if there is none. */
    Completion next() {
        step();
        long cqe = guest.hva(ACQ) + (long) head * Cqe.BYTES;
        long word = Cqe.tail(cqe);
        if (Cqe.phase(word) != phase) {
            return null;
        }
        Completion completion =
                new Completion(Cqe.cid(word), Cqe.status(word), Cqe.dw0(cqe), Cqe.sqHead(word), Cqe.sqid(word));
        head = (head + 1) % entries;
        phase = head == 0 ? phase ^ 1 : phase;
        ring(Doorbells.cqHeadDoorbell(0), head);
        return completion;
    }

    /** Submits a command and takes its completion. */
    Completion admin(int opcode, LongConsumer fill) {
        int cid = submit(opcode, fill);
        Completion completion = next();
        assertEquals(cid, completion == null ? -1 : completion.cid(), "identifier of the completion");
        return completion;
    }

    Completion identify(int cns, int nsid) {
        return admin(AdminOpcode.IDENTIFY, sqe -> {
            AdminSqe.setIdentify(sqe, cns, nsid);
            Sqe.setPrp1(sqe, DATA);
        });
    }

    Completion getLog(int page, long offset, int bytes, boolean retain) {
        return admin(AdminOpcode.GET_LOG_PAGE, sqe -> {
            AdminSqe.setGetLogPage(sqe, Sqe.NSID_ALL, page, offset, bytes, retain);
            Sqe.setPrp1(sqe, DATA);
            Sqe.setPrp2(sqe, DATA + PAGE);
        });
    }

    Completion getFeature(int feature, int select, int cdw11) {
        return admin(AdminOpcode.GET_FEATURES, sqe -> {
            AdminSqe.setGetFeatures(sqe, 0, feature, select);
            Sqe.setCdw11(sqe, cdw11);
        });
    }

    Completion setFeature(int feature, int value) {
        return admin(AdminOpcode.SET_FEATURES, sqe -> AdminSqe.setSetFeatures(sqe, 0, feature, value, false));
    }

    Completion createCq(int qid, int queueEntries, int vectorOrMinusOne) {
        return admin(
                AdminOpcode.CREATE_IO_CQ,
                sqe -> AdminSqe.setCreateCq(
                        sqe, qid, queueEntries, cqGpa(qid), vectorOrMinusOne >= 0, Math.max(vectorOrMinusOne, 0)));
    }

    Completion createSq(int qid, int queueEntries, int cqid) {
        return admin(
                AdminOpcode.CREATE_IO_SQ,
                sqe -> AdminSqe.setCreateSq(sqe, qid, queueEntries, sqGpa(qid), cqid, AdminSqe.QPRIO_MEDIUM));
    }

    Completion delete(int opcode, int qid) {
        return admin(opcode, sqe -> AdminSqe.setDeleteQueue(sqe, qid));
    }

    static long sqGpa(int qid) {
        return QUEUES + qid * 0x2_0000L;
    }

    static long cqGpa(int qid) {
        return QUEUES + 0x40_0000 + qid * 0x2_0000L;
    }

    /** Puts a Flush into an I/O queue at an index, without ringing. */
    void putFlush(int qid, int index, int cid) {
        long sqe = guest.hva(sqGpa(qid)) + (long) index * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.FLUSH, cid);
        Sqe.setNsid(sqe, 1);
    }

    /** Puts a Read of one block to {@link #DATA} into an I/O queue at an index, without ringing. */
    void putRead(int qid, int index, int cid) {
        long sqe = guest.hva(sqGpa(qid)) + (long) index * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.READ, cid);
        Sqe.setNsid(sqe, 1);
        Sqe.setBlockCount(sqe, 1);
        Sqe.setPrp1(sqe, DATA);
    }

    /** The last 8 bytes of an entry of an I/O completion queue. */
    long ioCqe(int qid, int index) {
        return Cqe.tail(guest.hva(cqGpa(qid)) + (long) index * Cqe.BYTES);
    }

    // ---- doorbells and time

    /** Creates queue pair 1, and has the storage keep a READ in flight. */
    void holdOneCommand() {
        createCq(1, 16, -1);
        createSq(1, 16, 1);
        path.holds = true;
        putRead(1, 0, 0x77);
        ring(Doorbells.sqTailDoorbell(1), 1);
        step();
        assertEquals(1, path.held.size());
    }

    /** Writes the mapped page, or a message where doorbells are trapped. */
    void ring(int bar0Offset, int value) {
        if (doorbells == null) {
            ringByMessage(bar0Offset, value);
            return;
        }
        Memory.putIntRelease(doorbells.address() + bar0Offset - Doorbells.OFFSET, value);
    }

    void ringByMessage(int bar0Offset, int value) {
        try {
            writeBar0(bar0Offset, Integer.BYTES, value);
        } catch (AccessRefused e) {
            throw new AssertionError(e);
        }
    }

    int doorbell(int bar0Offset) {
        return Memory.getIntAcquire(doorbells.address() + bar0Offset - Doorbells.OFFSET);
    }

    void step() {
        for (int i = 0; i < STEPS; i++) {
            controller.doWork();
        }
    }

    @Override
    public void close() {
        controller.detach();
        if (doorbells != null) {
            doorbells.close();
        }
        controller.close();
        guest.close();
    }
}
