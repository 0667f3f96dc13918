package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.device.Loopback;
import io.sluice.device.PciFunction;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sgl;
import io.sluice.nvme.Sqe;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A guest that tries to reach blocks and memory that are not its own: random and mutated commands, while another of its threads
 * rewrites entries, PRP lists, SGL segments and ranges under the controller's eyes.
 *
 * <pre>
 *   a file of its memory:  | not mapped | read and write | not mapped | read only | not mapped |
 * </pre>
 */
final class HostileGuest implements AutoCloseable {
    static final int PAGE = Memory.PAGE_BYTES;
    private static final long QUEUES = 0x10_0000;
    private static final long DATA = 0x2000_0000_0000L;
    private static final long GUARDED = 0x3000_0000_0000L;
    private static final int GUARDED_PAGES = 160;
    private static final int OPEN_PAGE = 32;
    private static final int OPEN_PAGES = 32;
    private static final int READ_ONLY_PAGE = 96;
    private static final int READ_ONLY_PAGES = 32;
    private static final int BATCH = 64;
    private static final int BLOCKS_PER_PAGE = PAGE / MediatedRig.BLOCK_BYTES;
    private static final int RACED_BYTES = 4 * PAGE;
    private static final long MARK = 0x5afe_5afe_5afe_5afeL;

    private static final int[] OPCODES = {
        NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.WRITE_ZEROES, NvmOpcode.DATASET_MANAGEMENT, NvmOpcode.FLUSH,
    };

    private final RawController raw;
    private final RawQueue queue;
    private final Fd guarded;
    private final Mapping guardedMemory;
    private final Random random;
    private final long blocks;
    private final long[] addresses;
    private final AtomicBoolean racing = new AtomicBoolean();

    /** @param blocks of its volume */
    HostileGuest(PciFunction controller, long blocks, long seed) throws Exception {
        this.blocks = blocks;
        random = new Random(seed);
        raw = new RawController(new Loopback(controller), QUEUES, DATA);
        raw.enablePci();
        raw.mapQueues();
        raw.mapData();
        raw.enable();
        raw.createQueues();
        queue = new RawQueue(raw);
        guarded = Memfd.create("guarded", (long) GUARDED_PAGES * PAGE);
        guardedMemory = Mapping.shared(guarded, 0, (long) GUARDED_PAGES * PAGE, Mapping.PROT_READ | Mapping.PROT_WRITE);
        for (long at = 0; at < guardedMemory.length(); at += Long.BYTES) {
            Memory.putLong(guardedMemory.address() + at, MARK);
        }
        map(OPEN_PAGE, OPEN_PAGES, Translator.READ | Translator.WRITE);
        map(READ_ONLY_PAGE, READ_ONLY_PAGES, Translator.READ);
        long lists = QUEUES + RawController.LISTS;
        addresses = new long[] {
            DATA,
            DATA + 0x1_0000,
            DATA + RawController.MEMORY_BYTES - PAGE,
            DATA + RawController.MEMORY_BYTES,
            DATA - PAGE,
            lists,
            lists + PAGE - 16,
            lists + PAGE,
            gpa(OPEN_PAGE),
            gpa(OPEN_PAGE + OPEN_PAGES - 1),
            gpa(OPEN_PAGE + OPEN_PAGES),
            gpa(READ_ONLY_PAGE),
            gpa(READ_ONLY_PAGE - 1),
            0,
            -PAGE,
            0xfebf_5000L
        };
    }

    private static long gpa(int page) {
        return GUARDED + (long) page * PAGE;
    }

    private void map(int page, int pages, int access) throws Exception {
        raw.device.mapDma(guarded, (long) page * PAGE, (long) pages * PAGE, gpa(page), access);
    }

    /** Sends so many commands, in batches, each of which ends before the next begins. */
    void attack(long commands) throws Exception {
        racing.set(true);
        long racersSeed = random.nextLong();
        Thread racer = Thread.ofPlatform().daemon().start(() -> race(new Random(racersSeed)));
        try {
            for (long sent = 0; sent < commands; sent += BATCH) {
                for (int i = 0; i < BATCH; i++) {
                    fill(queue.next(NvmOpcode.READ));
                }
                queue.ring();
                for (int i = 0; i < BATCH; i++) {
                    queue.await(); // exactly one completion for each entry, whatever is in it
                }
            }
        } finally {
            racing.set(false);
            racer.join();
        }
    }

    private void fill(long sqe) {
        if (random.nextInt(2) == 0) {
            fillWell(sqe);
        } else {
            fillBadly(sqe);
        }
    }

    /** A command that is as it should be, unless the racer gets at it: what is refused all the time shows little. */
    private void fillWell(long sqe) {
        Sqe.setOpcode(sqe, OPCODES[random.nextInt(3)]);
        Sqe.setNsid(sqe, 1);
        Sqe.setPrp1(sqe, DATA + random.nextInt((int) (RawController.MEMORY_BYTES / PAGE)) * (long) PAGE);
        Sqe.setSlba(sqe, random.nextInt((int) blocks - BLOCKS_PER_PAGE));
        Sqe.setBlockCount(sqe, 1 + random.nextInt(BLOCKS_PER_PAGE));
    }

    private void fillBadly(long sqe) {
        int opcode = random.nextInt(64) == 0 ? random.nextInt(256) : OPCODES[random.nextInt(OPCODES.length)];
        Sqe.setOpcode(sqe, opcode);
        Sqe.setNsid(sqe, random.nextInt(16) == 0 ? random.nextInt() : 1);
        Sqe.setPrp1(sqe, address());
        Sqe.setPrp2(sqe, address());
        Sqe.setSlba(sqe, lba());
        Sqe.setBlockCount(sqe, random.nextInt(8) == 0 ? 1 + random.nextInt(65536) : 1 + random.nextInt(64));
        if (opcode == NvmOpcode.DATASET_MANAGEMENT) {
            Sqe.setDsm(sqe, 1 + random.nextInt(8), Sqe.DSM_DEALLOCATE);
            writeRanges();
        }
        if (random.nextInt(4) == 0) {
            useSgl(sqe, opcode == NvmOpcode.DATASET_MANAGEMENT ? Sqe.dsmRangeCount(sqe) * DsmRange.BYTES : bytes(sqe));
        }
        while (random.nextInt(8) == 0) {
            flip(sqe + random.nextInt(Sqe.BYTES / Long.BYTES) * (long) Long.BYTES);
        }
    }

    private static int bytes(long sqe) {
        return Sqe.blockCount(sqe) * MediatedRig.BLOCK_BYTES;
    }

    /** An SGL of one block, or of a segment among the lists, which may lead to another; mostly as long as the data. */
    private void useSgl(long sqe, int bytes) {
        Sqe.setPsdt(sqe, random.nextInt(32) == 0 ? Sqe.PSDT_RESERVED : 1 + random.nextInt(2));
        int count = random.nextInt(9);
        if (count == 0) {
            Sqe.setPrp2(sqe, Sgl.word1(Sgl.TYPE_DATA_BLOCK, Sgl.SUBTYPE_ADDRESS, bytes));
            return;
        }
        long offset = random.nextInt(RACED_BYTES / 8 - 2 * count) * 8L;
        int rest = bytes;
        for (int i = 0; i < count; i++) {
            int length = i == count - 1 ? rest : random.nextInt(rest + 1);
            boolean leads = random.nextInt(32) == 0;
            int type = leads ? Sgl.TYPE_SEGMENT + random.nextInt(2) : Sgl.TYPE_DATA_BLOCK;
            long at = raw.queueAddress(RawController.LISTS) + offset + (long) i * Sgl.BYTES;
            Memory.putLongOpaque(at, leads ? QUEUES + RawController.LISTS + random.nextInt(RACED_BYTES) : address());
            long said = leads ? 16L * random.nextInt(600) : length;
            Memory.putLongOpaque(at + Long.BYTES, Sgl.word1(type, Sgl.SUBTYPE_ADDRESS, said));
            rest -= length;
        }
        Sqe.setPrp1(sqe, QUEUES + RawController.LISTS + offset);
        int type = Sgl.TYPE_SEGMENT + random.nextInt(2);
        Sqe.setPrp2(sqe, Sgl.word1(type, Sgl.SUBTYPE_ADDRESS, (long) count * Sgl.BYTES));
    }

    /** Around the borders of the volume, of the device and of 64 bits; most of them inside. */
    private long lba() {
        return switch (random.nextInt(8)) {
            case 0 -> blocks - random.nextInt(70);
            case 1 -> -1 - random.nextInt(70);
            case 2 -> -blocks + random.nextInt(140) - 70;
            case 3 -> random.nextLong();
            case 4 -> blocks + random.nextInt((int) blocks);
            default -> random.nextInt((int) blocks);
        };
    }

    private long address() {
        long base = random.nextInt(32) == 0 ? random.nextLong() : addresses[random.nextInt(addresses.length)];
        return random.nextInt(8) == 0 ? base + random.nextInt(PAGE) : base;
    }

    /** At the first data page; lists of PRPs in the lists' pages. */
    private void writeRanges() {
        for (int i = 0; i < 8; i++) {
            DsmRange.set(raw.dataAddress((long) i * DsmRange.BYTES), 0, random.nextInt(128), lba());
        }
    }

    private void flip(long address) {
        Memory.putLongOpaque(address, Memory.getLongOpaque(address) ^ 1L << random.nextInt(Long.SIZE));
    }

    /** With random numbers of its own: each thread's commands and changes are those of the one seed that is told. */
    private void race(Random other) {
        while (racing.get()) {
            long target = switch (other.nextInt(4)) {
                case 0 -> raw.queueAddress(RawController.IO_SQ) + other.nextInt(RawController.IO_ENTRIES) * 64L;
                case 1 -> raw.dataAddress(0);
                default -> raw.queueAddress(RawController.LISTS) + other.nextInt(RACED_BYTES / 64) * 64L;
            };
            target += other.nextInt(8) * 8L;
            long value = other.nextInt(2) == 0
                    ? Memory.getLongOpaque(target) ^ 1L << other.nextInt(Long.SIZE)
                    : addresses[other.nextInt(addresses.length)];
            Memory.putLongOpaque(target, value);
        }
    }

    /** What of its own memory no command may have changed: what is not mapped, and what is mapped for reading only. */
    void assertGuardsAreWhole() {
        for (int page = 0; page < GUARDED_PAGES; page++) {
            if (page >= OPEN_PAGE && page < OPEN_PAGE + OPEN_PAGES) {
                continue;
            }
            for (int at = 0; at < PAGE; at += Long.BYTES) {
                assertEquals(MARK, Memory.getLong(guardedMemory.address() + (long) page * PAGE + at), "page " + page);
            }
        }
    }

    /** How many words of all that it may write have a certain upper half: what has leaked to it. */
    long countWords(int upperHalf) {
        return count(raw.dataAddress(0), RawController.MEMORY_BYTES, upperHalf)
                + count(raw.queueAddress(0), RawController.MEMORY_BYTES, upperHalf)
                + count(guardedMemory.address(), guardedMemory.length(), upperHalf);
    }

    private static long count(long address, long bytes, int upperHalf) {
        long found = 0;
        for (long at = 0; at < bytes; at += Long.BYTES) {
            found += (int) (Memory.getLong(address + at) >>> Integer.SIZE) == upperHalf ? 1 : 0;
        }
        return found;
    }

    @Override
    public void close() {
        raw.close();
        guardedMemory.close();
        guarded.close();
    }
}
