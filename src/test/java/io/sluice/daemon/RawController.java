package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.PciDevice;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Drives a controller by hand, register by register: for tests that do what no driver does. Two files of memory, one with the
 * queues and one with data, each mapped for DMA when the test says so.
 *
 * <pre>
 *   queue memory:  0 admin SQ | 1000h admin CQ | 2000h I/O SQ | 6000h I/O CQ | 8000h PRP lists …
 * </pre>
 */
final class RawController implements AutoCloseable {
    static final int PAGE = Memory.PAGE_BYTES;
    static final long MEMORY_BYTES = 2 << 20;
    static final int ADMIN_ENTRIES = 16;
    static final int IO_ENTRIES = 128;
    static final long ADMIN_CQ = 0x1000;
    static final long IO_SQ = 0x2000;
    static final long IO_CQ = 0x6000;
    static final long LISTS = 0x8000;
    static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** For what has no deadline, on a machine that is busy with other things: the tests' own, and nothing that they prove. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private static final int MSIX_CAPABILITY = 0x11;
    private static final int MSIX_ENABLE = 1 << 15;
    private static final int CAPABILITIES_LIMIT = 48;

    final PciDevice device;
    final PciDevice.Bar bar;
    final long queueIova;
    final long dataIova;
    private final Fd queueFile;
    private Fd dataFile;
    private final Mapping queueMemory;
    private Mapping dataMemory;
    private int adminEntries = ADMIN_ENTRIES;
    private int adminTail;
    private int adminHead;
    private int adminPhase;

    RawController(PciDevice device, long queueIova, long dataIova) throws IOException {
        this.device = device;
        this.queueIova = queueIova;
        this.dataIova = dataIova;
        this.bar = device.openBar(0);
        this.queueFile = Memfd.create("queues", MEMORY_BYTES);
        this.dataFile = Memfd.create("data", MEMORY_BYTES);
        int readWrite = Mapping.PROT_READ | Mapping.PROT_WRITE;
        this.queueMemory = Mapping.shared(queueFile, 0, MEMORY_BYTES, readWrite);
        this.dataMemory = Mapping.shared(dataFile, 0, MEMORY_BYTES, readWrite);
    }

    long queueAddress(long offset) {
        return queueMemory.address() + offset;
    }

    long dataAddress(long offset) {
        return dataMemory.address() + offset;
    }

    Fd queueFile() {
        return queueFile;
    }

    Fd dataFile() {
        return dataFile;
    }

    /** Other data memory in the place of what there was, which is not mapped for DMA any more. */
    void renewData() throws IOException {
        dataMemory.close();
        dataFile.close();
        dataFile = Memfd.create("data", MEMORY_BYTES);
        dataMemory = Mapping.shared(dataFile, 0, MEMORY_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    void mapQueues() throws IOException {
        device.mapDma(queueFile, 0, MEMORY_BYTES, queueIova, Translator.READ | Translator.WRITE);
    }

    void mapData() throws IOException {
        device.mapDma(dataFile, 0, MEMORY_BYTES, dataIova, Translator.READ | Translator.WRITE);
    }

    void unmapQueues() throws IOException {
        device.unmapDma(queueIova, MEMORY_BYTES);
    }

    void unmapData() throws IOException {
        device.unmapDma(dataIova, MEMORY_BYTES);
    }

    /** Memory space and bus master. */
    void enablePci() throws IOException {
        device.writeConfig(4, 2, 6);
    }

    /** Sets MSI-X Enable in the capability's Message Control. */
    void enableMsix() throws IOException {
        int offset = device.readConfig(PciHeader.CAPABILITIES_POINTER, 1);
        for (int i = 0; i < CAPABILITIES_LIMIT && device.readConfig(offset, 1) != MSIX_CAPABILITY; i++) {
            offset = device.readConfig(offset + 1, 1);
        }
        assertEquals(MSIX_CAPABILITY, device.readConfig(offset, 1));
        device.writeConfig(offset + 2, 2, MSIX_ENABLE);
    }

    int read(Registers register) throws IOException {
        return bar.readInt(register.offset());
    }

    /** Sets the admin queues and CC.EN, and waits for CSTS.RDY. */
    void enable() throws IOException {
        enable(ADMIN_ENTRIES);
    }

    /** The same with admin queues of any size up to {@link #ADMIN_ENTRIES}. */
    void enable(int entries) throws IOException {
        prepareToEnable(entries);
        bar.writeInt(Registers.CC.offset(), enabledCc());
        awaitReady(true);
    }

    /** Enables with one register as a test wants it, and waits for nothing. */
    void enableWith(Registers register, long value) throws IOException {
        prepareToEnable(ADMIN_ENTRIES);
        if (register.bytes() == Long.BYTES) {
            bar.writeLong(register.offset(), value);
        } else {
            bar.writeInt(register.offset(), (int) value);
        }
        bar.writeInt(Registers.CC.offset(), register == Registers.CC ? (int) value : enabledCc());
    }

    static int enabledCc() {
        int cc = Cc.withIosqes(Cc.withIocqes(0, Cc.IOCQES), Cc.IOSQES);
        return Cc.withEnabled(cc, true);
    }

    private void prepareToEnable(int entries) throws IOException {
        adminEntries = entries;
        Memory.fill(queueMemory.address(), LISTS, (byte) 0);
        bar.writeInt(Registers.AQA.offset(), Aqa.of(entries, entries));
        bar.writeLong(Registers.ASQ.offset(), queueIova);
        bar.writeLong(Registers.ACQ.offset(), queueIova + ADMIN_CQ);
        adminTail = 0;
        adminHead = 0;
        adminPhase = 1;
    }

    /** Clears CC.EN, and waits for RDY to fall. */
    void disable() throws IOException {
        bar.writeInt(Registers.CC.offset(), 0);
        awaitReady(false);
    }

    void awaitReady(boolean ready) throws IOException {
        long start = System.nanoTime();
        while (Csts.ready(read(Registers.CSTS)) != ready) {
            assertTrue(
                    System.nanoTime() - start < PATIENCE_NANOS,
                    "CSTS is 0x" + Integer.toHexString(read(Registers.CSTS)) + " and not "
                            + (ready ? "ready" : "unready") + " within a minute");
        }
    }

    /** One I/O queue pair of {@link #IO_ENTRIES}, polled. */
    void createQueues() throws IOException {
        createQueues(false, 0);
    }

    /** The same with interrupts. */
    void createQueues(int vector) throws IOException {
        createQueues(true, vector);
    }

    private void createQueues(boolean interrupts, int vector) throws IOException {
        long cq = adminSqe(AdminOpcode.CREATE_IO_CQ);
        AdminSqe.setCreateCq(cq, 1, IO_ENTRIES, queueIova + IO_CQ, interrupts, vector);
        assertEquals(Status.OK, runAdmin());
        long sq = adminSqe(AdminOpcode.CREATE_IO_SQ);
        AdminSqe.setCreateSq(sq, 1, IO_ENTRIES, queueIova + IO_SQ, 1, AdminSqe.QPRIO_URGENT);
        assertEquals(Status.OK, runAdmin());
    }

    /** The next admin entry, cleared but for its opcode; {@link #runAdmin} submits it. */
    long adminSqe(int opcode) {
        long sqe = queueMemory.address() + (long) adminTail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, adminTail);
        return sqe;
    }

    /** Submits the entry, and waits only until the controller has taken it: a parked command has no completion. */
    void submitAdmin() {
        advanceAdmin();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }

    /** Submits the entry and waits for its completion. Returns its status. */
    int runAdmin() {
        advanceAdmin();
        return awaitAdmin().status();
    }

    /** Submits the entry. */
    void advanceAdmin() {
        adminTail = (adminTail + 1) % adminEntries;
        ring(Doorbells.sqTailDoorbell(0), adminTail);
    }

    /** A completion in the admin queue. */
    record Completion(int cid, int dw0, int status) {}

    /** Waits for a completion in the admin queue, and consumes it. */
    Completion awaitAdmin() {
        long cqe = queueMemory.address() + ADMIN_CQ + (long) adminHead * Cqe.BYTES;
        long start = System.nanoTime();
        while (Cqe.phase(Cqe.tail(cqe)) != adminPhase) {
            assertTrue(System.nanoTime() - start < PATIENCE_NANOS, "an admin command took more than a minute");
            LockSupport.parkNanos(10_000);
        }
        Completion completion = new Completion(Cqe.cid(Cqe.tail(cqe)), Cqe.dw0(cqe), Cqe.status(Cqe.tail(cqe)));
        adminHead = (adminHead + 1) % adminEntries;
        adminPhase ^= adminHead == 0 ? 1 : 0;
        ring(Doorbells.cqHeadDoorbell(0), adminHead);
        return completion;
    }

    /** Rings the admin doorbells as they were last rung. */
    void rewindAdminDoorbells() {
        ring(Doorbells.sqTailDoorbell(0), adminTail);
        ring(Doorbells.cqHeadDoorbell(0), adminHead);
    }

    /** By the mapped page. */
    void ring(int doorbell, int value) {
        Memory.putIntRelease(bar.mappedAddress(doorbell, Integer.BYTES), value);
    }

    @Override
    public void close() {
        device.close();
        queueMemory.close();
        dataMemory.close();
        queueFile.close();
        dataFile.close();
    }
}
