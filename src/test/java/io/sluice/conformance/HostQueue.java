package io.sluice.conformance;

import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The host's side of a submission queue and its completion queue: NVMe 1.4, 4.1. */
final class HostQueue {
    private static final int SQE_BYTES = 64;
    private static final int CQE_BYTES = 16;
    private static final int DOORBELLS = 0x1000;

    /** On a machine that is busy with other things. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private static final int SPINS = 1000;

    /** Time for a completion that must not come. */
    private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Host host;
    private final int sqid;
    private final int cqid;
    private final int sqEntries;
    private final int cqEntries;
    private final long sqOffset;
    private final long cqOffset;
    private int tail;
    private int head;
    private int phase = 1;
    private int nextCid;

    /** @param sqOffset where it is in the host's memory, and */
    HostQueue(Host host, int sqid, int cqid, int sqEntries, int cqEntries, long sqOffset, long cqOffset) {
        this.host = host;
        this.sqid = sqid;
        this.cqid = cqid;
        this.sqEntries = sqEntries;
        this.cqEntries = cqEntries;
        this.sqOffset = sqOffset;
        this.cqOffset = cqOffset;
        Memory.fill(host.address(cqOffset), (long) cqEntries * CQE_BYTES, (byte) 0);
    }

    /** Puts it into the queue, without ringing. Returns its identifier. */
    int put(Command command) {
        int cid = nextCid++ & 0x7fff;
        long entry = host.address(sqOffset + (long) tail * SQE_BYTES);
        for (int i = 0; i < command.dwords.length; i++) {
            Memory.putInt(entry + 4L * i, i == 0 ? (command.dwords[0] & 0xffff) | (cid << 16) : command.dwords[i]);
        }
        tail = (tail + 1) % sqEntries;
        return cid;
    }

    void ring() throws IOException {
        host.write(DOORBELLS + 8 * sqid, tail);
    }

    int submit(Command command) throws IOException {
        int cid = put(command);
        ring();
        return cid;
    }

    /** Submits it and waits for its completion, which must be the next one. */
    Completion run(Command command) throws IOException {
        int cid = submit(command);
        Completion completion = await();
        if (completion.cid() != cid) {
            throw new AssertionError("expected was the completion of " + cid + ", found " + completion);
        }
        return completion;
    }

    /** The next completion, of which the controller is told. */
    Completion await() throws IOException {
        Completion completion = awaitUntold();
        tell();
        return completion;
    }

    Completion awaitUntold() {
        long start = System.nanoTime();
        for (int turn = 1; !hasNext(); turn++) {
            if (System.nanoTime() - start > PATIENCE_NANOS) {
                throw new AssertionError("no completion in queue " + cqid + " within a minute");
            }
            if (turn % SPINS == 0) {
                LockSupport.parkNanos(1); // for the controller, where processors are scarce
            }
            Thread.onSpinWait();
        }
        long entry = entry();
        Completion completion = new Completion(
                Memory.getInt(entry), Memory.getInt(entry + 4), Memory.getInt(entry + 8), Memory.getInt(entry + 12));
        head = (head + 1) % cqEntries;
        phase ^= head == 0 ? 1 : 0;
        return completion;
    }

    void tell() throws IOException {
        host.write(DOORBELLS + 8 * cqid + 4, head);
    }

    /** Whether a completion is there. */
    boolean hasNext() {
        return (Memory.getIntVolatile(entry() + 12) >>> 16 & 1) == phase;
    }

    /** Whether none comes for a while. */
    boolean staysQuiet() {
        long start = System.nanoTime();
        while (!hasNext() && System.nanoTime() - start < QUIET_NANOS) {
            Thread.onSpinWait();
        }
        return !hasNext();
    }

    private long entry() {
        return host.address(cqOffset + (long) head * CQE_BYTES);
    }
}
