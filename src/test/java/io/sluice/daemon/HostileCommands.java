package io.sluice.daemon;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sgl;
import io.sluice.nvme.Sqe;
import java.util.Arrays;
import java.util.Random;
import java.util.function.LongSupplier;

/** Makes the commands of a hostile guest: half of them as they should be, half of them for blocks and memory that are not its own. */
final class HostileCommands {
    private static final int PAGE = Memory.PAGE_BYTES;
    private static final int BLOCKS_PER_PAGE = PAGE / MediatedRig.BLOCK_BYTES;
    /** Where lists are: those of PRPs wherever a command says, SGLs anywhere in them. */
    private static final int LIST_BYTES = 4 * PAGE;

    /** Behind the lists. */
    private static final long RANGES = LIST_BYTES;

    private static final int MAX_RANGES = 8;

    private static final int MAX_SOURCES = MAX_RANGES * DsmRange.BYTES / CopyRange.BYTES;

    /** NVMe 1.4, 6.9: CDW10 and 11. */
    private static final int SLBA_WORD = 5;

    private static final int[] OPCODES = {
        NvmOpcode.READ,
        NvmOpcode.WRITE,
        NvmOpcode.WRITE_ZEROES,
        NvmOpcode.DATASET_MANAGEMENT,
        NvmOpcode.COMPARE,
        NvmOpcode.VERIFY,
        NvmOpcode.COPY,
        NvmOpcode.WRITE_UNCORRECTABLE,
        NvmOpcode.FLUSH,
    };

    private static final int[] ADMIN_OPCODES = {
        AdminOpcode.IDENTIFY, AdminOpcode.GET_LOG_PAGE, AdminOpcode.GET_FEATURES, AdminOpcode.ABORT,
    };

    private final HostileMemory memory;
    private final long blocks;
    private final Random random;
    private final long[] addresses;

    /**
     * @param blocks of its volume
     * @param others addresses of others, of the device's and of this process's memory
     */
    HostileCommands(HostileMemory memory, long blocks, Random random, long... others) {
        this.memory = memory;
        this.blocks = blocks;
        this.random = random;
        long lists = HostileMemory.LISTS.gpa();
        long data = HostileMemory.DATA[0].gpa();
        long half = HostileMemory.DATA[1].gpa();
        long end = half + HostileMemory.DATA[1].bytes();
        long readOnly = HostileMemory.READ_ONLY.gpa();
        long[] own = {
            data,
            data + 0x1_0000,
            half,
            end - PAGE,
            end,
            data - PAGE,
            lists,
            lists + PAGE - 16,
            lists + PAGE,
            lists + LIST_BYTES,
            lists - PAGE,
            readOnly,
            readOnly - PAGE,
            0,
            -PAGE,
            0xfebf_5000L,
        };
        addresses = Arrays.copyOf(own, own.length + others.length);
        System.arraycopy(others, 0, addresses, own.length, others.length);
    }

    /** What rewrites them, which is aimed at nothing yet. */
    Racer newRacer(long seed) {
        Random other = new Random(seed);
        return new Racer(other, addresses, () -> lba(other));
    }

    /** What may be rewritten besides entries. */
    Racer.Target[] racedLists() {
        long lists = memory.address(HostileMemory.LISTS);
        return new Racer.Target[] {
            new Racer.Target(lists, LIST_BYTES, LIST_BYTES, -1),
            new Racer.Target(lists + RANGES, (long) MAX_RANGES * DsmRange.BYTES, DsmRange.BYTES / Long.BYTES, 1)
        };
    }

    /** The entries of a submission queue. */
    static Racer.Target racedEntries(long address, long bytes) {
        return new Racer.Target(address, bytes, Sqe.BYTES / Long.BYTES, SLBA_WORD);
    }

    void fill(long sqe) {
        if (random.nextInt(2) == 0) {
            fillWell(sqe);
        } else {
            fillBadly(sqe);
        }
    }

    /** A command that is as it should be, unless the racer gets at it: what is refused all the time shows little. */
    private void fillWell(long sqe) {
        HostileMemory.Part half = HostileMemory.DATA[random.nextInt(2)];
        int opcode = OPCODES[random.nextInt(7)];
        Sqe.setOpcode(sqe, opcode);
        if (opcode == NvmOpcode.DATASET_MANAGEMENT) {
            Sqe.setDsm(sqe, 1, Sqe.DSM_DEALLOCATE);
            Sqe.setPrp1(sqe, HostileMemory.LISTS.gpa() + RANGES + random.nextInt(MAX_RANGES) * (long) DsmRange.BYTES);
            return;
        }
        if (opcode == NvmOpcode.COPY) {
            writeSources(() -> random.nextInt((int) blocks - BLOCKS_PER_PAGE));
            Sqe.setCopy(sqe, random.nextInt((int) blocks / 2), 1 + random.nextInt(MAX_SOURCES), false);
            Sqe.setPrp1(sqe, HostileMemory.LISTS.gpa() + RANGES);
            return;
        }
        Sqe.setPrp1(sqe, half.gpa() + random.nextInt(half.pages()) * (long) PAGE);
        Sqe.setSlba(sqe, random.nextInt((int) blocks - BLOCKS_PER_PAGE));
        Sqe.setBlockCount(sqe, 1 + random.nextInt(BLOCKS_PER_PAGE));
    }

    /** A Compare and a Write that are fused, or that something is wrong with. */
    void fillFused(long first, long second) {
        int slba = random.nextInt((int) blocks - BLOCKS_PER_PAGE);
        int count = 1 + random.nextInt(BLOCKS_PER_PAGE);
        for (long sqe : new long[] {first, second}) {
            HostileMemory.Part half = HostileMemory.DATA[random.nextInt(2)];
            Sqe.setPrp1(sqe, half.gpa() + random.nextInt(half.pages()) * (long) PAGE);
            Sqe.setSlba(sqe, slba);
            Sqe.setBlockCount(sqe, count);
            Sqe.setOpcode(sqe, sqe == first ? NvmOpcode.COMPARE : NvmOpcode.WRITE);
            Sqe.setFuse(sqe, sqe == first ? Sqe.FUSE_FIRST : Sqe.FUSE_SECOND);
            if (random.nextInt(4) == 0) {
                mutate(sqe);
            }
        }
    }

    private void fillBadly(long sqe) {
        int opcode = random.nextInt(64) == 0 ? random.nextInt(256) : OPCODES[random.nextInt(OPCODES.length)];
        Sqe.setOpcode(sqe, opcode);
        Sqe.setNsid(sqe, random.nextInt(16) == 0 ? random.nextInt() : 1);
        Sqe.setPrp1(sqe, address());
        Sqe.setPrp2(sqe, address());
        Sqe.setSlba(sqe, lba(random));
        Sqe.setBlockCount(sqe, random.nextInt(8) == 0 ? 1 + random.nextInt(65536) : 1 + random.nextInt(64));
        if (opcode == NvmOpcode.DATASET_MANAGEMENT) {
            Sqe.setDsm(sqe, 1 + random.nextInt(MAX_RANGES), Sqe.DSM_DEALLOCATE);
            writeRanges();
            if (random.nextInt(2) == 0) {
                Sqe.setPrp1(sqe, HostileMemory.LISTS.gpa() + RANGES);
            }
        }
        if (opcode == NvmOpcode.COPY) {
            Sqe.setCopy(sqe, lba(random), 1 + random.nextInt(2 * MAX_SOURCES), random.nextInt(4) == 0);
            writeSources(() -> lba(random));
            if (random.nextInt(2) == 0) {
                Sqe.setPrp1(sqe, HostileMemory.LISTS.gpa() + RANGES);
            }
        }
        if (random.nextInt(8) == 0) {
            Sqe.setFuse(sqe, random.nextInt(4));
        }
        if (random.nextInt(4) == 0) {
            useSgl(sqe, dataBytes(sqe, opcode));
        }
        mutate(sqe);
    }

    private void mutate(long sqe) {
        while (random.nextInt(8) == 0) {
            long word = sqe + random.nextInt(Sqe.BYTES / Long.BYTES) * (long) Long.BYTES;
            Memory.putLongOpaque(word, Memory.getLongOpaque(word) ^ 1L << random.nextInt(Long.SIZE));
        }
    }

    /** An opcode for {@link #fillAdmin}: of those that leave the queues and the features as they are. */
    int adminOpcode() {
        return ADMIN_OPCODES[random.nextInt(ADMIN_OPCODES.length)];
    }

    /** An admin command that was cleared, with data anywhere. */
    void fillAdmin(long sqe) {
        Sqe.setNsid(sqe, random.nextInt(4) == 0 ? random.nextInt() : 1);
        Sqe.setPrp1(sqe, address());
        Sqe.setPrp2(sqe, address());
        Sqe.setCdw10(sqe, random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(32));
        Sqe.setCdw11(sqe, random.nextInt(4) == 0 ? random.nextInt() : 0);
        Sqe.setCdw12(sqe, random.nextInt(8) == 0 ? random.nextInt() : 0);
    }

    private static int dataBytes(long sqe, int opcode) {
        return switch (opcode) {
            case NvmOpcode.DATASET_MANAGEMENT -> Sqe.dsmRangeCount(sqe) * DsmRange.BYTES;
            case NvmOpcode.COPY -> Sqe.copyRangeCount(sqe) * CopyRange.BYTES;
            default -> bytes(sqe);
        };
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
        long lists = HostileMemory.LISTS.gpa();
        long offset = random.nextInt(LIST_BYTES / 8 - 2 * count) * 8L;
        int rest = bytes;
        for (int i = 0; i < count; i++) {
            int length = i == count - 1 ? rest : random.nextInt(rest + 1);
            boolean leads = random.nextInt(32) == 0;
            int data = random.nextInt(8) == 0 ? Sgl.TYPE_BIT_BUCKET : Sgl.TYPE_DATA_BLOCK;
            int type = leads ? Sgl.TYPE_SEGMENT + random.nextInt(2) : data;
            long at = memory.address(HostileMemory.LISTS) + offset + (long) i * Sgl.BYTES;
            Memory.putLongOpaque(at, leads ? lists + random.nextInt(LIST_BYTES) : address());
            long said = leads ? 16L * random.nextInt(600) : length;
            Memory.putLongOpaque(at + Long.BYTES, Sgl.word1(type, Sgl.SUBTYPE_ADDRESS, said));
            rest -= length;
        }
        Sqe.setPrp1(sqe, lists + offset);
        int type = Sgl.TYPE_SEGMENT + random.nextInt(2);
        Sqe.setPrp2(sqe, Sgl.word1(type, Sgl.SUBTYPE_ADDRESS, (long) count * Sgl.BYTES));
    }

    /** Around the borders of the volume, of the device and of 64 bits; most of them inside. */
    private long lba(Random with) {
        return switch (with.nextInt(8)) {
            case 0 -> blocks - with.nextInt(70);
            case 1 -> -1 - with.nextInt(70);
            case 2 -> -blocks + with.nextInt(140) - 70;
            case 3 -> with.nextLong();
            case 4 -> blocks + with.nextInt((int) blocks);
            default -> with.nextInt((int) blocks);
        };
    }

    private long address() {
        long base = random.nextInt(32) == 0 ? random.nextLong() : addresses[random.nextInt(addresses.length)];
        return random.nextInt(8) == 0 ? base + random.nextInt(PAGE) : base;
    }

    /** Half as many as ranges fit where those of Dataset Management are. */
    private void writeSources(LongSupplier slba) {
        for (int i = 0; i < MAX_SOURCES; i++) {
            long range = memory.address(HostileMemory.LISTS) + RANGES + (long) i * CopyRange.BYTES;
            CopyRange.set(
                    range, slba.getAsLong(), 1 + random.nextInt(random.nextInt(16) == 0 ? 65536 : BLOCKS_PER_PAGE));
        }
    }

    private void writeRanges() {
        for (int i = 0; i < MAX_RANGES; i++) {
            long range = memory.address(HostileMemory.LISTS) + RANGES + (long) i * DsmRange.BYTES;
            DsmRange.set(range, 0, random.nextInt(128), lba(random));
        }
    }
}
