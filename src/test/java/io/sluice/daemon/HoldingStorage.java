package io.sluice.daemon;

import io.sluice.controller.ForwardingPath;
import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A storage with a volatile cache, whose flushes are counted, and which can keep all commands until it is told to go on. */
final class HoldingStorage extends ForwardingPath {
    private final List<IoCommand> held = new CopyOnWriteArrayList<>();
    volatile boolean holds;
    volatile int flushes;
    volatile int forced;

    HoldingStorage(IoPath storage) {
        super(storage);
    }

    /** From any thread. */
    int heldCount() {
        return held.size();
    }

    @Override
    public boolean hasVolatileCache() {
        return true;
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // the device's poller alone writes them
    public int submit(IoCommand command) {
        flushes += command.opcode() == NvmOpcode.FLUSH ? 1 : 0;
        forced += command.forceUnitAccess() ? 1 : 0;
        if (holds) {
            held.add(command);
            return PENDING;
        }
        return storage.submit(command);
    }

    @Override
    public int poll() {
        if (holds || held.isEmpty()) {
            return storage.poll();
        }
        List<IoCommand> going = List.copyOf(held);
        held.clear();
        for (IoCommand command : going) {
            int status = storage.submit(command);
            if (status != PENDING) {
                command.complete(status);
            }
        }
        return going.size() + storage.poll();
    }

    @Override
    public void cancel(IoCommand command) {
        if (held.remove(command)) {
            command.complete(Status.ABORTED_SQ_DELETION.code());
        } else {
            storage.cancel(command);
        }
    }
}
