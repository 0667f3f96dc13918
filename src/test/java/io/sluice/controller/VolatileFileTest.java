package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FaultPlan;
import io.sluice.storage.FileStorage;
import io.sluice.storage.RawFile;
import io.sluice.storage.VolatileFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A drive whose volatile cache is lost in a crash, or kept by an end in order. */
@Timeout(300) // a hang, not a measure
class VolatileFileTest {
    private static final int BLOCK = 512;
    private static final int BLOCKS = 4096;

    @TempDir
    private Path folder;

    /** A file of a drive that loses its power, instead of being closed. */
    private record PowerCut(RawFile cached, BackingFile medium) implements RawFile {
        @Override
        public String name() {
            return cached.name();
        }

        @Override
        public long read(IoVectors vectors, int count, long offset) throws LinuxException {
            return cached.read(vectors, count, offset);
        }

        @Override
        public long write(IoVectors vectors, int count, long offset, boolean durable) throws LinuxException {
            return cached.write(vectors, count, offset, durable);
        }

        @Override
        public void sync() throws LinuxException {
            cached.sync();
        }

        @Override
        public void punch(long offset, long bytes) throws LinuxException {
            cached.punch(offset, bytes);
        }

        @Override
        public void zero(long offset, long bytes) throws LinuxException {
            cached.zero(offset, bytes);
        }

        @Override
        public long size() throws LinuxException {
            return cached.size();
        }

        @Override
        public void resize(long bytes) throws IOException {
            cached.resize(bytes);
        }

        @Override
        public void close() {
            medium.close();
        }
    }

    private Path path() {
        return folder.resolve("disk.img");
    }

    private StorageRig open(long seed, boolean crashes) throws Exception {
        OptionalLong bytes = OptionalLong.of((long) BLOCKS * BLOCK);
        BackingFile medium = BackingFile.open(path(), bytes, OptionalInt.of(BLOCK), false);
        RawFile cached = new VolatileFile(medium, BLOCK, FaultPlan.parse("torn", seed));
        RawFile file = crashes ? new PowerCut(cached, medium) : cached;
        return new StorageRig(new FileStorage(new Namespace(1, BLOCKS, BLOCK, 0, 0, 0, false), file, () -> {}));
    }

    private static long seed(String test) {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("VolatileFileTest." + test + " seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
        return seed;
    }

    @Test
    void shouldReadWhatWasWrittenAndHoldItAfterAnEndInOrder() throws Exception {
        long seed = seed("holds");
        Random random = new Random(seed);
        byte[] model = new byte[BLOCKS * BLOCK];
        for (int life = 0; life < 3; life++) {
            try (StorageRig rig = open(seed, false)) {
                for (int i = 0; i < 300; i++) {
                    change(rig, random, model);
                }
            }
            assertArrayEquals(model, Files.readAllBytes(path()), "life " + life);
        }
    }

    private static void change(StorageRig rig, Random random, byte[] model) {
        int blocks = 1 + random.nextInt(random.nextInt(4) > 0 ? 8 : 2048);
        int slba = random.nextInt(BLOCKS - blocks + 1);
        int from = slba * BLOCK;
        int to = from + blocks * BLOCK;
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> {
                byte[] data = new byte[to - from];
                random.nextBytes(data);
                rig.write(slba, blocks, data);
                System.arraycopy(data, 0, model, from, data.length);
            }
            case 3 -> {
                Memory.fill(rig.buffer(0), to - from, (byte) 9);
                rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.WRITE, slba, blocks, 0));
                Arrays.fill(model, from, to, (byte) 9);
            }
            case 4 -> {
                rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE_ZEROES, slba, blocks, 0));
                Arrays.fill(model, from, to, (byte) 0);
            }
            case 5 -> {
                rig.assertEnds(Status.SUCCESS, rig.deallocate(new long[] {slba, blocks}));
                Arrays.fill(model, from, to, (byte) 0);
            }
            case 6 -> rig.assertEnds(Status.SUCCESS, rig.flush());
            default -> assertArrayEquals(Arrays.copyOfRange(model, from, to), rig.read(slba, blocks));
        }
    }

    /** What each block may be after a crash: what the last flush covers, and all that came later. */
    private static final class Expected {
        private final List<Set<Integer>> candidates = new ArrayList<>();
        private final int[] newest = new int[BLOCKS];
        private int oldFound;
        private int newFound;

        Expected() {
            for (int i = 0; i < BLOCKS; i++) {
                candidates.add(new HashSet<>(Set.of(0)));
            }
        }

        void written(int block, int version) {
            candidates.get(block).add(version);
            newest[block] = version;
        }

        void safe(int block) {
            candidates.set(block, new HashSet<>(Set.of(newest[block])));
        }

        void check(byte[] found) {
            for (int block = 0; block < BLOCKS; block++) {
                int version = versionIn(found, block);
                assertTrue(
                        candidates.get(block).contains(version),
                        "block " + block + " has write " + version + ", not of " + candidates.get(block));
                if (candidates.get(block).size() > 1) {
                    newFound += version == newest[block] ? 1 : 0;
                    oldFound += version == newest[block] ? 0 : 1;
                }
                newest[block] = version;
                safe(block);
            }
        }

        private static int versionIn(byte[] found, int block) {
            byte[] data = Arrays.copyOfRange(found, block * BLOCK, (block + 1) * BLOCK);
            int version = ByteBuffer.wrap(data).getInt(0);
            assertArrayEquals(
                    version == 0 ? new byte[BLOCK] : dataOf(block, version), data, "block " + block + " is torn");
            return version;
        }
    }

    private static byte[] dataOf(int block, int version) {
        byte[] data = new byte[BLOCK];
        new Random(block * 31L + version).nextBytes(data);
        ByteBuffer.wrap(data).putInt(0, version);
        return data;
    }

    private static void write(StorageRig rig, Expected expected, int slba, int blocks, int version, boolean forced) {
        for (int i = 0; i < blocks; i++) {
            Memory.copyIn(dataOf(slba + i, version), 0, rig.buffer(0) + (long) i * BLOCK, BLOCK);
            expected.written(slba + i, version);
        }
        int cid = forced
                ? rig.submitForced(NvmOpcode.WRITE, slba, blocks, 0)
                : rig.submit(NvmOpcode.WRITE, slba, blocks, 0);
        rig.assertEnds(Status.SUCCESS, cid);
        for (int i = 0; i < blocks && forced; i++) {
            expected.safe(slba + i);
        }
    }

    @Test
    void shouldHaveWhatWasFlushedAndWholeBlocksOfTheRestAfterACrash() throws Exception {
        long seed = seed("crash");
        Random random = new Random(seed);
        Expected expected = new Expected();
        int version = 0;
        for (int crash = 0; crash < 20; crash++) {
            try (StorageRig rig = open(seed + crash, true)) {
                int commands = random.nextInt(150);
                for (int i = 0; i < commands; i++) {
                    int what = random.nextInt(20);
                    if (what == 0) {
                        rig.assertEnds(Status.SUCCESS, rig.flush());
                        for (int block = 0; block < BLOCKS; block++) {
                            expected.safe(block);
                        }
                    } else {
                        int blocks = 1 + random.nextInt(64);
                        write(rig, expected, random.nextInt(BLOCKS - blocks), blocks, ++version, what == 1);
                    }
                }
            }
            expected.check(Files.readAllBytes(path()));
        }
        assertTrue(expected.oldFound > 100 && expected.newFound > 100, expected.oldFound + ", " + expected.newFound);
    }

    /** More than the cache has room for: the rest goes to the file early, and nothing is lost. */
    @Test
    void shouldWriteBackWhenTheCacheIsFull() throws Exception {
        OptionalLong bytes = OptionalLong.of(128L << 20);
        FaultPlan plan = FaultPlan.parse("torn", 3);
        BackingFile medium = BackingFile.open(path(), bytes, OptionalInt.of(4096), false);
        Namespace namespace = new Namespace(1, (128 << 20) / 4096, 4096, 0, 0, 0, false);
        try (StorageRig rig =
                new StorageRig(new FileStorage(namespace, new VolatileFile(medium, 4096, plan), () -> {}))) {
            for (int mib = 0; mib < 128; mib++) {
                rig.write(mib * 256L, 256, numbered(mib));
            }
            for (int mib = 0; mib < 128; mib++) {
                assertArrayEquals(numbered(mib), rig.read(mib * 256L, 256));
            }
        }
        assertEquals(128L << 20, Files.size(path()));
    }

    private static byte[] numbered(int mib) {
        byte[] data = new byte[1 << 20];
        new Random(mib).nextBytes(data);
        return data;
    }

    @Test
    void shouldTearTheSameWayWithTheSameSeed() throws Exception {
        byte[] once = crash(5);
        assertArrayEquals(once, crash(5));
        assertNotEquals(Arrays.hashCode(once), Arrays.hashCode(crash(6)));
    }

    private byte[] crash(long seed) throws Exception {
        Files.deleteIfExists(path());
        try (StorageRig rig = open(seed, true)) {
            Expected expected = new Expected();
            for (int i = 0; i < 50; i++) {
                write(rig, expected, i * 70, 64, i + 1, false);
            }
        }
        return Files.readAllBytes(path());
    }
}
