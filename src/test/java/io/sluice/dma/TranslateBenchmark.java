package io.sluice.dma;

import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.mem.Translator;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What one translation costs, and one change, by the number of regions and by where they are. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TranslateBenchmark {
    private static final int ADDRESSES = 4096;

    /** Where the regions are, and how large they are. */
    public enum Layout {
        /** As guest RAM: whole granules from address 0 on. */
        LOW(0, 2 << 20, 2 << 20),
        /** As a client's own virtual addresses. */
        HIGH(0x2000_0000_0000L, 2 << 20, 2 << 20),
        /** As a guest's strict vIOMMU: single pages, no two contiguous in the file. */
        PAGES(0xffff_0000_0000L, 4096, 4096);

        final long base;
        final long bytes;
        final long stride;

        Layout(long base, long bytes, long stride) {
            this.base = base;
            this.bytes = bytes;
            this.stride = stride;
        }

        long gpa(int region) {
            return base + region * stride;
        }
    }

    /** A space with regions, and addresses in them in random order. */
    @State(Scope.Thread)
    public static class Guest {
        @Param({"1", "8", "64", "10000"})
        int regions;

        @Param({"LOW", "HIGH", "PAGES"})
        Layout layout;

        DmaSpace space;
        Translator view;
        Fd memory;
        final long[] addresses = new long[ADDRESSES];
        int next;

        @Setup(Level.Trial)
        public void map() throws Exception {
            space = new DmaSpace("benchmark", DmaLimits.DEFAULT);
            memory = Memfd.create("benchmark", regions * layout.bytes);
            Transaction transaction = space.begin();
            for (int i = 0; i < regions; i++) {
                // Backwards in the file, so that neighbours in the guest are none in this process.
                long offset = (regions - 1 - i) * layout.bytes;
                transaction.map(
                        layout.gpa(i), layout.bytes, Translator.READ | Translator.WRITE, memory.duplicate(), offset);
            }
            transaction.commit();
            view = space.hostView();
            java.util.Random random = new java.util.Random(1);
            for (int i = 0; i < ADDRESSES; i++) {
                addresses[i] =
                        layout.gpa(random.nextInt(regions)) + random.nextInt((int) (layout.bytes / 4096)) * 4096L;
            }
        }

        @TearDown(Level.Trial)
        public void close() {
            space.close();
            memory.close();
        }

        long nextAddress() {
            return addresses[next++ & (ADDRESSES - 1)];
        }
    }

    /** The cost of {@link #translatePage} without its translation. */
    @Benchmark
    public long baseline(Guest guest) {
        return guest.nextAddress();
    }

    @Benchmark
    public long translatePage(Guest guest) {
        return guest.view.translate(guest.nextAddress(), 4096, Translator.WRITE);
    }

    /** The 32 pages of a 128 KiB transfer: a PRP list. */
    @Benchmark
    public long translateList(Guest guest) {
        long sum = 0;
        for (int i = 0; i < 32; i++) {
            sum += guest.view.translate(guest.nextAddress(), 4096, Translator.READ);
        }
        return sum;
    }

    /** Two changes with one map and one unmap each, as a strict vIOMMU makes them. */
    @Benchmark
    @OutputTimeUnit(TimeUnit.MICROSECONDS)
    public long mapAndUnmap(Guest guest) throws Exception {
        long gpa = guest.layout.gpa(guest.regions) + guest.layout.stride;
        Transaction map = guest.space.begin();
        map.map(gpa, guest.layout.bytes, Translator.READ, guest.memory.duplicate(), 0);
        map.commit();
        Transaction unmap = guest.space.begin();
        long bytes = unmap.unmap(gpa, guest.layout.bytes);
        unmap.commit();
        return bytes;
    }
}
