package io.sluice.controller;

import io.sluice.mem.Memory;
import java.io.IOException;

/**
 * Has the bounce memory of a controller made, when it is needed first, by a thread of its own: where a device is to reach it, that takes
 * a call of its driver's, for which the agent must not wait.
 */
final class BounceMaker implements AutoCloseable {
    private final IoPath path;
    private final int count;
    private Thread thread;
    private volatile BouncePages pages;
    private volatile String failure;
    private boolean told;

    /** @param count how many pages */
    BounceMaker(IoPath path, int count) {
        this.path = path;
        this.count = count;
    }

    /** The pages; null as long as they are being made, which the first call begins. */
    BouncePages pages() {
        if (pages == null && thread == null) {
            thread = Thread.ofPlatform().daemon().name("sluice bounce memory").start(this::make);
        }
        return pages;
    }

    /** Whether there will never be any: a listener is told why, once. */
    boolean hasFailed(QueueListener listener) {
        if (failure != null && !told) {
            told = true;
            listener.noBounceMemory(failure);
        }
        return failure != null;
    }

    private void make() {
        try {
            pages = new BouncePages(path.bounceArea((long) count * Memory.PAGE_BYTES), count);
        } catch (IOException | RuntimeException e) {
            failure = String.valueOf(e.getMessage());
        }
    }

    /** The next guest must not see what is in there. Nothing is in use. */
    void clear() {
        if (pages != null) {
            pages.clear();
        }
    }

    /** Waits for what is being made. */
    @Override
    public void close() {
        boolean interrupted = false;
        while (thread != null && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (pages != null) {
            pages.close();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
