package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Writes, flushes and zeroings of random blocks, several at a time, at a socket whose server may be killed meanwhile. */
final class OracleLoad implements AutoCloseable {
    private static final int DEPTH = 16;
    private static final int MAX_BLOCKS = 8;
    private static final int NSID = 1;

    private record Command(int first, int blocks) {
        static final Command FLUSH = new Command(0, 0);
    }

    private final BlockOracle oracle;
    private final Random random;
    private final VfioUserClient client;
    private final NvmeDriver driver;
    private final DmaArea data;
    private final QueuePair pair;

    /** By token; null where there is none. */
    private final Command[] commands = new Command[DEPTH];

    private int inFlight;
    private long ended;

    OracleLoad(Path socket, BlockOracle oracle, Random random) throws IOException {
        this.oracle = oracle;
        this.random = random;
        client = VfioUserClient.connect(socket);
        IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL)));
        driver = NvmeDriver.start(client, iovas, DriverOptions.polled(1, 2 * DEPTH));
        data = driver.allocate("data", (long) DEPTH * MAX_BLOCKS * oracle.blockBytes());
        pair = driver.queuePairs().getFirst();
    }

    /** How many commands have ended. */
    long ended() {
        return ended;
    }

    /** Reads the whole drive. Nothing is in flight. */
    void verify() throws IOException {
        for (int first = 0; first < oracle.blocks(); first += MAX_BLOCKS) {
            assertTrue(pair.read(NSID, first, MAX_BLOCKS, data.iova(), MAX_BLOCKS * oracle.blockBytes(), 0));
            commands[0] = new Command(first, 0);
            inFlight++;
            finish();
            oracle.check(first, MAX_BLOCKS, data.address());
        }
    }

    void runUntil(int completions) throws IOException {
        long goal = ended + completions;
        runWhile(() -> ended < goal);
    }

    void runWhile(BooleanSupplier going) throws IOException {
        while (going.getAsBoolean()) {
            for (int slot = 0; slot < DEPTH; slot++) {
                if (commands[slot] == null) {
                    begin(slot);
                }
            }
            pair.ring();
            poll();
        }
        poll(); // what was completed at the very end was completed
    }

    private void begin(int slot) {
        int what = random.nextInt(10);
        int blocks = 1 + random.nextInt(MAX_BLOCKS);
        int first = random.nextInt(oracle.blocks() - blocks + 1);
        if (what == 0) {
            start(slot, Command.FLUSH, pair.flush(NSID, slot));
            return;
        }
        if (!oracle.isFree(first, blocks)) {
            return;
        }
        int bytes = blocks * oracle.blockBytes();
        long offset = (long) slot * MAX_BLOCKS * oracle.blockBytes();
        if (what == 1) {
            oracle.beginZeroes(first, blocks);
            boolean deallocate = random.nextBoolean();
            start(slot, new Command(first, blocks), pair.writeZeroes(NSID, first, blocks, deallocate, slot));
            return;
        }
        oracle.beginWrite(first, blocks, data.address() + offset);
        long iova = data.iova() + offset;
        boolean submitted = what == 2
                ? pair.writeThrough(NSID, first, blocks, iova, bytes, slot)
                : pair.write(NSID, first, blocks, iova, bytes, slot);
        start(slot, new Command(first, blocks), submitted);
    }

    private void start(int slot, Command command, boolean submitted) {
        assertTrue(submitted, "the queue is longer than the load is deep");
        commands[slot] = command;
        inFlight++;
    }

    private void poll() throws IOException {
        if (pair.poll((token, status, dw0) -> end((int) token, status), DEPTH) == 0) {
            LockSupport.parkNanos(10_000);
        }
    }

    private void end(int slot, int status) {
        assertEquals(Status.OK, status, () -> Status.describe(status));
        oracle.end(commands[slot].first, commands[slot].blocks);
        commands[slot] = null;
        inFlight--;
        ended++;
    }

    /** Waits for all that is in flight. */
    void finish() throws IOException {
        pair.ring();
        while (inFlight > 0) {
            poll();
        }
    }

    @Override
    public void close() {
        data.close();
        driver.close();
        client.close();
    }
}
