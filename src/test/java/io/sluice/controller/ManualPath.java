package io.sluice.controller;

import io.sluice.nvme.Status;
import java.util.ArrayList;
import java.util.List;

/** An I/O path that a test steers: it does every command at once, or keeps it until the test ends it. */
final class ManualPath implements IoPath {
    static final long BLOCKS = 1000;
    static final long NGUID_HIGH = 0x0102_0304_0506_0708L;
    static final long NGUID_LOW = 0x090a_0b0c_0d0e_0f10L;
    static final long EUI64 = 0x1122_3344_5566_7788L;

    final List<IoCommand> held = new ArrayList<>();
    boolean holds;
    boolean cancelsLate;
    boolean endsInPoll;
    boolean hasCache;
    int sglAlignmentBytes;
    boolean discards = true;
    /** Why it has failed: what it holds then ends when the client has left. */
    String failure;

    RuntimeException bug;
    int submitted;

    @Override
    public List<Namespace> namespaces() {
        return List.of(
                new Namespace(1, BLOCKS, 512, NGUID_HIGH, NGUID_LOW, EUI64, false),
                new Namespace(3, 2 * BLOCKS, 4096, 0, 0, 0, true));
    }

    @Override
    public int maxPending() {
        return 8;
    }

    @Override
    public boolean hasVolatileCache() {
        return hasCache;
    }

    @Override
    public int sglAlignmentBytes() {
        return sglAlignmentBytes;
    }

    @Override
    public long discardPage(long hostPage) {
        return discards ? hostPage : 0;
    }

    @Override
    public int submit(IoCommand command) {
        if (bug != null) {
            throw bug;
        }
        submitted++;
        if (!holds) {
            return Status.OK;
        }
        held.add(command);
        return PENDING;
    }

    @Override
    public int poll() {
        int ended = endsInPoll ? held.size() : 0;
        if (endsInPoll) {
            endAll(Status.OK);
        }
        return ended;
    }

    @Override
    public void cancel(IoCommand command) {
        if (!cancelsLate && failure == null) {
            held.remove(command);
            command.complete(Status.ABORTED_SQ_DELETION.code());
        }
    }

    @Override
    public String failure() {
        return held.isEmpty() ? null : failure;
    }

    @Override
    public void endLost() {
        if (failure != null) {
            endAll(Status.INTERNAL_ERROR.dnr());
        }
    }

    /** Ends all that is held. */
    void endAll(int status) {
        List<IoCommand> ending = List.copyOf(held);
        held.clear();
        ending.forEach(command -> command.complete(status));
    }

    @Override
    public void close() {}
}
