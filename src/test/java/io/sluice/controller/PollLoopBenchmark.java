package io.sluice.controller;

import io.sluice.dma.DmaLimits;
import io.sluice.dma.DmaSpace;
import io.sluice.dma.Transaction;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.storage.MemoryStorage;
import io.sluice.storage.NoopStorage;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one 4 KiB read costs the poller, from the doorbell to the completion, guest's side of the queue included: doorbell,
 * completion space, copy, gate, PRP, path, completion. With the no-op storage that is the controller's own cost.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED"})
@State(Scope.Thread)
public class PollLoopBenchmark {
    private static final int COMMANDS = 1024;
    private static final int ENTRIES = 1024;
    private static final long MEMORY_BYTES = 16 << 20;
    private static final long CQ_GPA = 0x10_0000;
    private static final long DATA_GPA = 0x20_0000;
    private static final int DRIVE_BYTES = 64 << 20;

    @Param({"1", "32"})
    private int batch;

    @Param({"noop", "memory"})
    private String storage;

    private DmaSpace space;
    private Mapping memory;
    private Mapping bar0;
    private IoPath path;
    private IoQueues queues;
    private ControllerState state;
    private int tail;

    @Setup(Level.Trial)
    public void open() throws Exception {
        int readWrite = Mapping.PROT_READ | Mapping.PROT_WRITE;
        Fd file = Memfd.create("guest", MEMORY_BYTES);
        memory = Mapping.shared(file, 0, MEMORY_BYTES, readWrite);
        bar0 = Mapping.anonymous(16 << 10, readWrite);
        space = new DmaSpace("benchmark", DmaLimits.DEFAULT);
        Transaction transaction = space.begin();
        transaction.map(0, MEMORY_BYTES, Translator.READ | Translator.WRITE, file, 0);
        transaction.commit();
        Namespace namespace = new Namespace(1, DRIVE_BYTES / 4096, 4096, 0, 0, 0, false);
        path = storage.equals("noop") ? new NoopStorage(namespace) : new MemoryStorage(namespace);
        state = TestState.of(path);
        queues = new IoQueues(path, 1, 1 << 20, bar0.address(), vector -> {}, new IgnoreEvents(), state);
        queues.enable(space, Memory.PAGE_BYTES);
        queues.createCompletionQueue(1, ENTRIES, CQ_GPA, VirtualCompletionQueue.NO_VECTOR);
        queues.createSubmissionQueue(1, ENTRIES, 0, 1);
        fillSubmissionQueue();
    }

    private void fillSubmissionQueue() {
        for (int i = 0; i < ENTRIES; i++) {
            long sqe = memory.address() + (long) i * Sqe.BYTES;
            Sqe.setCommand(sqe, NvmOpcode.READ, i);
            Sqe.setNsid(sqe, 1);
            Sqe.setPrp1(sqe, DATA_GPA + (long) (i % 1024) * Memory.PAGE_BYTES);
            Sqe.setSlba(sqe, i * 7L % (DRIVE_BYTES / 4096));
            Sqe.setBlockCount(sqe, 1);
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        queues.close();
        state.close();
        path.close();
        space.close();
        memory.close();
        bar0.close();
    }

    @Benchmark
    @OperationsPerInvocation(COMMANDS)
    public int read() {
        int done = 0;
        while (done < COMMANDS) {
            tail = (tail + batch) % ENTRIES;
            Memory.putIntRelease(bar0.address() + Doorbells.sqTailDoorbell(1), tail);
            done += queues.doWork();
            Memory.putIntRelease(bar0.address() + Doorbells.cqHeadDoorbell(1), tail);
        }
        return done;
    }

    private static final class IgnoreEvents implements QueueListener {
        @Override
        public void invalidDoorbell(int qid, boolean cqHead, int value) {
            throw new IllegalStateException("doorbell " + value);
        }

        @Override
        public void queueMemoryUnreachable(int qid, boolean completionQueue, long code) {
            throw new IllegalStateException("queue memory " + code);
        }

        @Override
        public void completionLost(int cqid, int sqid, int cid) {
            throw new IllegalStateException("completion lost");
        }
    }
}
