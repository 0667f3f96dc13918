package io.sluice.nvme;

import io.sluice.mem.Memory;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one command costs in the codecs: copying an entry, decoding a Read, building one, publishing a completion. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class SqeBenchmark {
    private final Scratch queue = Scratch.of(4096);
    private final Scratch copy = Scratch.of(Sqe.BYTES);
    private final Scratch completions = Scratch.of(4096);
    private int index;

    /** Fills the queue with Reads. */
    public SqeBenchmark() {
        for (int i = 0; i < 64; i++) {
            build(queue.address() + (long) i * Sqe.BYTES, i);
        }
    }

    private static void build(long sqe, int cid) {
        Sqe.begin(sqe, NvmOpcode.READ, cid, 1);
        Sqe.setPrp1(sqe, 0x1000L * cid);
        Sqe.setTransfer(sqe, 8L * cid, 8, false);
    }

    private int next() {
        index = Rings.next(index, 64);
        return index;
    }

    /** Copies an entry once and decodes every field that a Read is checked for. */
    @Benchmark
    public long copyAndDecode() {
        long sqe = Memory.hint(copy.address());
        Sqe.copy(queue.address() + (long) next() * Sqe.BYTES, sqe);
        int cdw0 = Sqe.cdw0(sqe);
        long fields = (long) Sqe.opcodeOf(cdw0) + Sqe.cidOf(cdw0) + Sqe.psdtOf(cdw0) + Sqe.fuseOf(cdw0) + Sqe.nsid(sqe);
        return fields + Sqe.prp1(sqe) + Sqe.prp2(sqe) + Sqe.slba(sqe) + Sqe.blockCountOf(Sqe.cdw12(sqe));
    }

    /** Builds a Read as a driver does. */
    @Benchmark
    public long buildRead() {
        int cid = next();
        long sqe = queue.address() + (long) cid * Sqe.BYTES;
        build(sqe, cid);
        return sqe;
    }

    /** Writes a completion in release order and reads it back. */
    @Benchmark
    public int publishAndReadCompletion() {
        int cid = next();
        long cqe = completions.address() + (long) cid * Cqe.BYTES;
        Cqe.publish(cqe, 0, cid, 1, cid, Status.OK, Rings.FIRST_PHASE);
        long tail = Cqe.tail(cqe);
        return Cqe.phase(tail) + Cqe.cid(tail) + Cqe.status(tail);
    }
}
