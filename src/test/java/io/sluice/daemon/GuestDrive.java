package io.sluice.daemon;

import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import io.sluice.device.PciFunction;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A guest in this process: a driver on a controller, that does one thing after the other. */
final class GuestDrive implements AutoCloseable {
    static final int NSID = 1;
    private static final int QUEUE_ENTRIES = 64;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    final PciDevice device;
    final NvmeDriver driver;
    final DmaArea buffer;
    private final int blockBytes;
    private int status;
    private boolean ended;

    /** @param bufferBytes the longest transfer */
    GuestDrive(PciFunction controller, int queuePairs, int bufferBytes) throws IOException {
        this(new Loopback(controller), queuePairs, bufferBytes);
    }

    /** @param device closed with this */
    GuestDrive(PciDevice device, int queuePairs, int bufferBytes) throws IOException {
        this.device = device;
        try {
            driver = NvmeDriver.start(
                    device,
                    new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL))),
                    DriverOptions.polled(queuePairs, QUEUE_ENTRIES));
        } catch (IOException | RuntimeException e) {
            device.close();
            throw e;
        }
        buffer = driver.allocate("guest's data", bufferBytes);
        blockBytes = driver.namespace(NSID).blockBytes();
    }

    long blocks() {
        return driver.namespace(NSID).blockCount();
    }

    QueuePair queue(int index) {
        return driver.queuePairs().get(index);
    }

    /** Submits something, and waits for its end. Returns its status. */
    int run(QueuePair queue, Submission submission) throws IOException {
        ended = false;
        while (!submission.submit()) {
            poll(queue);
        }
        queue.ring();
        long start = System.nanoTime();
        while (!ended) {
            poll(queue);
            if (System.nanoTime() - start > PATIENCE_NANOS) {
                throw new AssertionError("no completion for a minute on " + driver.name());
            }
        }
        return status;
    }

    private void poll(QueuePair queue) throws IOException {
        int count = queue.poll(
                (token, newStatus, dw0) -> {
                    status = newStatus;
                    ended = true;
                },
                1);
        if (count == 0) {
            Thread.onSpinWait();
        }
    }

    /** One command. */
    @FunctionalInterface
    interface Submission {
        boolean submit();
    }

    int write(long slba, byte[] data) throws IOException {
        Memory.copyIn(data, 0, buffer.address(), data.length);
        QueuePair queue = queue(0);
        return run(queue, () -> queue.write(NSID, slba, data.length / blockBytes, buffer.iova(), data.length, 0));
    }

    int read(long slba, byte[] data) throws IOException {
        QueuePair queue = queue(0);
        int end = run(queue, () -> queue.read(NSID, slba, data.length / blockBytes, buffer.iova(), data.length, 0));
        Memory.copyOut(buffer.address(), data, 0, data.length);
        return end;
    }

    int flush() throws IOException {
        QueuePair queue = queue(0);
        return run(queue, () -> queue.flush(NSID, 0));
    }

    @Override
    public void close() {
        driver.close();
        device.close();
    }
}
