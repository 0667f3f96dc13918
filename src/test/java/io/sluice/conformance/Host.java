package io.sluice.conformance;

import io.sluice.device.PciDevice;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.client.OpenClient;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * A host that knows the specification's numbers, and nothing of what Sluice calls them: what the two have misunderstood together would not
 * be found otherwise.
 *
 * <pre>
 *   memory:  0 admin SQ | 1000h admin CQ | 2000h I/O SQ | 4000h I/O CQ | 8000h for more queues | 40000h lists | 100000h data
 * </pre>
 */
final class Host implements AutoCloseable {
    static final int CAP = 0x00;
    static final int VS = 0x08;
    static final int INTMS = 0x0c;
    static final int INTMC = 0x10;
    static final int CC = 0x14;
    static final int CSTS = 0x1c;
    static final int NSSR = 0x20;
    static final int AQA = 0x24;
    static final int ASQ = 0x28;
    static final int ACQ = 0x30;

    /** IOCQES 4, IOSQES 6, EN. */
    static final int CC_ENABLE = 0x0046_0001;

    static final long GPA = 0x4000_0000L;
    static final int MEMORY_BYTES = 8 << 20;
    static final long QUEUES = 0x8000;
    static final long LISTS = 0x4_0000;
    static final long DATA = 0x10_0000;
    static final int ADMIN_ENTRIES = 64;
    static final int IO_ENTRIES = 128;
    private static final long ADMIN_CQ = 0x1000;
    private static final long IO_SQ = 0x2000;
    private static final long IO_CQ = 0x4000;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    final PciDevice device;
    private final OpenClient messages;
    private final PciDevice.Bar bar;
    private final Fd file;
    private final Mapping memory;
    private HostQueue admin;
    private HostQueue io;

    /** Of memory that is shared in part: so many pages are, and so many are not. */
    private static final long STRIPE_BYTES = 37L * 4096;

    Host(OpenClient client) throws IOException {
        this(client, true);
    }

    /** @param shares whether all of its memory is shared; if not, only the queues are, and every other stripe of the data */
    Host(OpenClient client, boolean shares) throws IOException {
        messages = client;
        device = client.client();
        bar = device.openBar(0);
        file = Memfd.create("host", MEMORY_BYTES);
        memory = Mapping.shared(file, 0, MEMORY_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        device.writeConfig(4, 2, 6); // Memory Space, Bus Master
        share(0, shares ? MEMORY_BYTES : LISTS);
        if (!shares) {
            mapStripes();
        }
    }

    private void share(long offset, long bytes) throws IOException {
        device.mapDma(file, offset, bytes, gpa(offset), Translator.READ | Translator.WRITE);
    }

    private void mapStripes() throws IOException {
        messages.mapUnshared(file, LISTS, DATA - LISTS, gpa(LISTS));
        boolean shared = false;
        for (long offset = DATA; offset < MEMORY_BYTES; offset += STRIPE_BYTES) {
            long bytes = Math.min(STRIPE_BYTES, MEMORY_BYTES - offset);
            if (shared) {
                share(offset, bytes);
            } else {
                messages.mapUnshared(file, offset, bytes, gpa(offset));
            }
            shared = !shared;
        }
    }

    /** Here, of a byte of the host's memory. */
    long address(long offset) {
        return memory.address() + offset;
    }

    /** The same as the controller addresses it. */
    static long gpa(long offset) {
        return GPA + offset;
    }

    // ---- registers

    int read(int offset) throws IOException {
        return bar.readInt(offset);
    }

    long readLong(int offset) throws IOException {
        return bar.readLong(offset);
    }

    void write(int offset, int value) throws IOException {
        bar.writeInt(offset, value);
    }

    void writeLong(int offset, long value) throws IOException {
        bar.writeLong(offset, value);
    }

    /** The same for a register that is mapped, by a message. */
    void send(int offset, int value) throws IOException {
        messages.write(0, offset, value);
    }

    boolean isReady() throws IOException {
        return (read(CSTS) & 1) != 0;
    }

    boolean hasFailed() throws IOException {
        return (read(CSTS) & 2) != 0;
    }

    void await(int offset, int mask, int value) throws IOException {
        long start = System.nanoTime();
        while ((read(offset) & mask) != value) {
            if (System.nanoTime() - start > PATIENCE_NANOS) {
                throw new AssertionError("register %02xh is %08xh for a minute".formatted(offset, read(offset)));
            }
        }
    }

    // ---- life

    /** NVMe 1.4, 7.6.1, "Initialization": from CC.EN = 0 to CSTS.RDY = 1. */
    void enable() throws IOException {
        setAdminQueue();
        write(CC, CC_ENABLE);
        await(CSTS, 1, 1);
    }

    void setAdminQueue() throws IOException {
        admin = new HostQueue(this, 0, 0, ADMIN_ENTRIES, ADMIN_ENTRIES, 0, ADMIN_CQ);
        write(AQA, (ADMIN_ENTRIES - 1) | ((ADMIN_ENTRIES - 1) << 16));
        writeLong(ASQ, gpa(0));
        writeLong(ACQ, gpa(ADMIN_CQ));
    }

    void disable() throws IOException {
        write(CC, 0);
        await(CSTS, 1, 0);
    }

    /** As it is before each rule: enabled, with I/O queue pair 1. */
    void renew() throws IOException {
        disable();
        Memory.fill(memory.address(), MEMORY_BYTES, (byte) 0);
        enable();
        io = createPair(1, IO_ENTRIES, IO_SQ, IO_CQ);
    }

    HostQueue createPair(int qid, int entries, long sqOffset, long cqOffset) throws IOException {
        admin(createCq(qid, entries, cqOffset)).good();
        admin(createSq(qid, entries, sqOffset, qid)).good();
        return new HostQueue(this, qid, qid, entries, entries, sqOffset, cqOffset);
    }

    static Command createCq(int qid, int entries, long offset) {
        return new Command(0x05)
                .prp1(gpa(offset))
                .dw(10, qid | ((entries - 1) << 16))
                .dw(11, 1);
    }

    static Command createSq(int qid, int entries, long offset, int cqid) {
        return new Command(0x01)
                .prp1(gpa(offset))
                .dw(10, qid | ((entries - 1) << 16))
                .dw(11, 1 | cqid << 16);
    }

    // ---- commands

    HostQueue admin() {
        return admin;
    }

    HostQueue io() {
        return io;
    }

    Completion admin(Command command) throws IOException {
        return admin.run(command);
    }

    Completion io(Command command) throws IOException {
        return io.run(command);
    }

    // ---- data

    int dword(long offset) {
        return Memory.getInt(address(offset));
    }

    int word(long offset) {
        return dword(offset & ~3L) >>> ((offset & 2) * 8) & 0xffff;
    }

    int octet(long offset) {
        return Memory.getByte(address(offset)) & 0xff;
    }

    long qword(long offset) {
        return Memory.getLong(address(offset));
    }

    byte[] bytes(long offset, int count) {
        byte[] bytes = new byte[count];
        Memory.copyOut(address(offset), bytes, 0, count);
        return bytes;
    }

    void fill(long offset, int count, int value) {
        Memory.fill(address(offset), count, (byte) value);
    }

    void put(long offset, byte[] bytes) {
        Memory.copyIn(bytes, 0, address(offset), bytes.length);
    }

    void putQword(long offset, long value) {
        Memory.putLong(address(offset), value);
    }

    void putDword(long offset, int value) {
        Memory.putInt(address(offset), value);
    }

    @Override
    public void close() {
        device.close();
        memory.close();
        file.close();
    }
}
