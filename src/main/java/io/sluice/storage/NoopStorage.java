package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.controller.Namespace;
import io.sluice.nvme.Status;
import java.util.List;

/**
 * Storage that does nothing: every command succeeds at once, no data moves, and what is read is whatever was in the guest's
 * memory. For measuring the rest.
 */
public final class NoopStorage implements Resizable {
    private Namespace namespace;

    public NoopStorage(Namespace namespace) {
        this.namespace = namespace;
    }

    @Override
    public List<Namespace> namespaces() {
        return List.of(namespace);
    }

    @Override
    public int maxPending() {
        return 1;
    }

    @Override
    public boolean hasVolatileCache() {
        return false;
    }

    @Override
    public int sglAlignmentBytes() {
        return 1;
    }

    @Override
    public int submit(IoCommand command) {
        return Status.OK;
    }

    @Override
    public void setBlockCount(long blockCount) {
        namespace = namespace.withBlockCount(blockCount);
    }

    @Override
    public int poll() {
        return 0;
    }

    @Override
    public void cancel(IoCommand command) {
        throw new IllegalStateException("nothing is ever pending here");
    }

    @Override
    public void close() {}
}
