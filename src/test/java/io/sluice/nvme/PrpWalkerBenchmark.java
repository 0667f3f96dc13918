package io.sluice.nvme;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What resolving a data pointer costs, for transfers of one page and of long lists, contiguous in the host or not. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class PrpWalkerBenchmark {
    private static final int PAGE = 4096;
    private static final int MAX = 1 << 20;
    private static final long LIST = 2L * MAX;

    /** Bytes a transfer. */
    @Param({"4096", "8192", "131072", "1048576"})
    public int bytes;

    /** Whether the data's pages follow each other, as in a guest with huge pages, or skip every other page. */
    @Param({"true", "false"})
    public boolean contiguous;

    private final Scratch guest = Scratch.of(2 * MAX + 2 * PAGE);
    private final Pieces pieces = new Pieces(Pieces.capacityFor(MAX));
    private PrpWalker walker;
    private long prp2;

    /** Writes the list: 256 entries at the most, so one page of it is enough. */
    @Setup
    public void prepare() {
        long base = guest.address();
        long end = guest.bytes();
        Translator translator = (address, span, access) ->
                Long.compareUnsigned(address, end - span) <= 0 ? base + address : Translator.NOT_MAPPED;
        walker = new PrpWalker(translator, PAGE, MAX);
        long step = contiguous ? PAGE : 2 * PAGE;
        for (int i = 1; i < bytes / PAGE; i++) {
            Memory.putLong(base + LIST + 8L * (i - 1), i * step);
        }
        prp2 = bytes == 2 * PAGE ? step : LIST;
    }

    /** Walks once; the result is the number of pieces. */
    @Benchmark
    public int walk() {
        int status = walker.walk(0, prp2, bytes, Translator.WRITE, pieces);
        if (status != Status.OK) {
            throw new IllegalStateException(Status.describe(status));
        }
        return pieces.count();
    }
}
