package io.sluice.daemon;

import io.sluice.controller.ForwardingPath;
import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Another storage as a slow device would be: some commands are done, and touch their guest's memory, only a while after they
 * were submitted; of those that are cancelled, some end only then. Belongs to the controller's agent.
 */
final class DelayingStorage extends ForwardingPath {
    static final long MAX_DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final int MAX_HELD = 64;
    /** One in so many is delayed at first. */
    private static final int DELAYED = 16;
    /** One in so many that are cancelled ends late. */
    private static final int LATE = 4;

    private record Held(IoCommand command, long dueNanos) {}

    private final Random random;
    private final List<Held> held = new ArrayList<>(MAX_HELD);
    /** Those of {@link #held} that will end without being done. */
    private final List<IoCommand> cancelled = new ArrayList<>(MAX_HELD);

    private volatile long maxDelayNanos = MAX_DELAY_NANOS;
    private volatile int delayed = DELAYED;

    DelayingStorage(IoPath storage, long seed) {
        super(storage);
        this.random = new Random(seed);
    }

    /**
     * For those that come from now on. From any thread.
     *
     * @param oneIn of so many one is delayed
     */
    void delay(int oneIn, long newMaxDelayNanos) {
        delayed = oneIn;
        maxDelayNanos = newMaxDelayNanos;
    }

    @Override
    public int maxPending() {
        return storage.maxPending() + MAX_HELD;
    }

    @Override
    public boolean hasVolatileCache() {
        return true;
    }

    @Override
    public int sglAlignmentBytes() {
        return storage.sglAlignmentBytes();
    }

    @Override
    public int submit(IoCommand command) {
        boolean delayable = command.opcode() == NvmOpcode.READ
                || command.opcode() == NvmOpcode.WRITE
                || command.opcode() == NvmOpcode.COMPARE
                || command.opcode() == NvmOpcode.FLUSH;
        if (delayable && held.size() < MAX_HELD && random.nextInt(delayed) == 0) {
            double part = random.nextDouble();
            held.add(new Held(command, System.nanoTime() + (long) (part * part * maxDelayNanos)));
            return PENDING;
        }
        return storage.submit(command);
    }

    @Override
    public int poll() {
        int ended = 0;
        long now = System.nanoTime();
        for (int i = held.size() - 1; i >= 0; i--) {
            if (now - held.get(i).dueNanos >= 0) {
                IoCommand command = held.remove(i).command;
                int status = cancelled.remove(command)
                        ? Status.ABORTED_SQ_DELETION.code()
                        : storage.submit(command); // here it is that it touches the guest's memory
                command.complete(status);
                ended++;
            }
        }
        return ended + storage.poll();
    }

    @Override
    public void cancel(IoCommand command) {
        for (int i = 0; i < held.size(); i++) {
            if (held.get(i).command == command) {
                cancelHeld(i, command);
                return;
            }
        }
        storage.cancel(command);
    }

    private void cancelHeld(int index, IoCommand command) {
        if (cancelled.contains(command)) {
            return; // asked again
        }
        if (random.nextInt(LATE) == 0) {
            cancelled.add(command);
        } else {
            held.remove(index);
            command.complete(Status.ABORTED_SQ_DELETION.code());
        }
    }
}
