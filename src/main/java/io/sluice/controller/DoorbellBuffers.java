package io.sluice.controller;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.DoorbellBuffer;
import io.sluice.nvme.Doorbells;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;

/**
 * Where the doorbells of the I/O queues are: on BAR0's page, or in the guest's memory from Doorbell Buffer Config on (NVMe 1.4,
 * 5.7 and 7.13). One place at a time, for all queues; the admin queue's stay on the page. Belongs to the controller's agent.
 *
 * <pre>
 *   PAGE ──Doorbell Buffer Config──▶ SHADOW ◀──mapped again── LOST  nothing is taken, nothing more is consumed
 *     ▲                              │    └────unmapped───────▶ │
 *     └────────── reset ─────────────┴──────────────────────────┘
 * </pre>
 *
 * <p>A guest that moves a doorbell stores it in the shadow buffer, then looks at EventIdx, and writes the doorbell's register only
 * if it has passed that. A poller that looks at the shadow all the time needs no such write. One that is about to sleep asks for
 * the next one:
 *
 * <pre>
 *   guest                            {@link #arm}
 *     shadow := tail                   EventIdx := the tail that has been seen
 *     full fence                       full fence
 *     EventIdx passed? ─▶ register     shadow moved? ─▶ no sleep
 * </pre>
 *
 * <p>Whichever fence comes second sees the other's store, so no doorbell is slept over. What has been passed stays passed until
 * the index has come round, so nothing needs to be taken back when the poller is awake. No wake is needed for heads of completion
 * queues: commands that wait for room there keep the poller awake, and so does the pin while it is asserted.
 */
final class DoorbellBuffers implements AutoCloseable {
    private static final int ACCESS = Translator.READ | Translator.WRITE;
    private static final long NOWHERE = 0;

    private final long page;

    /** In the place of the shadow while that is out of reach. */
    private final Mapping substitute;

    private Translator memory;
    private boolean configured;
    private long shadowGpa;
    private long eventIdxGpa;
    private long shadow;
    private long eventIdx;
    private long fault;

    /** @param bar0Address host address of BAR0's byte 0 */
    DoorbellBuffers(long bar0Address) throws LinuxException {
        page = bar0Address + Doorbells.OFFSET;
        substitute = Mapping.anonymous(Memory.PAGE_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    /** The controller is enabled: all doorbells are on the page. */
    void enable(Translator guestMemory) {
        memory = guestMemory;
        clear();
    }

    /** The controller is reset, and has no queues. */
    void clear() {
        configured = false;
        shadow = NOWHERE;
        eventIdx = NOWHERE;
    }

    /** Whether a buffer can be there: whether all of its page can be read and written here. */
    boolean isReachable(long gpa, int pageBytes) {
        for (int offset = 0; offset < pageBytes; offset += Memory.PAGE_BYTES) {
            if (memory.translate(gpa + offset, Memory.PAGE_BYTES, ACCESS) < 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Moves the doorbells of these queues, with their values, and of all that will be created.
     *
     * @param newShadowGpa page-aligned, as the other one, and {@link #isReachable}
     */
    void configure(long newShadowGpa, long newEventIdxGpa, VirtualSubmissionQueue[] sqs, VirtualCompletionQueue[] cqs) {
        configured = true;
        shadowGpa = newShadowGpa;
        eventIdxGpa = newEventIdxGpa;
        find();
        for (VirtualSubmissionQueue queue : sqs) {
            int value = queue.doorbell();
            Memory.putIntVolatile(sqTail(queue.qid()), value);
            Memory.putIntVolatile(eventIdxOf(queue), value);
            queue.moveDoorbell(sqTail(queue.qid()));
        }
        for (VirtualCompletionQueue queue : cqs) {
            Memory.putIntVolatile(cqHead(queue.qid()), queue.doorbell());
            queue.moveDoorbell(cqHead(queue.qid()));
        }
    }

    /** Writes where the doorbells are. */
    void save(SnapshotWriter out) {
        out.put(configured);
        out.put(shadowGpa);
        out.put(eventIdxGpa);
    }

    /** They are where another process had them. The queues are added after this, and then {@link #memoryChanged} is called. */
    void resume(SnapshotReader in) {
        configured = in.getBoolean();
        shadowGpa = in.getLong();
        eventIdxGpa = in.getLong();
        if (configured) {
            find();
        }
    }

    private void find() {
        long shadowCode = memory.translate(shadowGpa, Memory.PAGE_BYTES, ACCESS);
        long eventIdxCode = memory.translate(eventIdxGpa, Memory.PAGE_BYTES, ACCESS);
        fault = Math.min(Math.min(shadowCode, eventIdxCode), 0);
        shadow = fault < 0 ? NOWHERE : shadowCode;
        eventIdx = fault < 0 ? NOWHERE : eventIdxCode;
    }

    /** Host address of the doorbell of a submission queue. */
    long sqTail(int qid) {
        return base() + DoorbellBuffer.sqTailOffset(qid);
    }

    /** Host address of the doorbell of a completion queue. */
    long cqHead(int qid) {
        return base() + DoorbellBuffer.cqHeadOffset(qid);
    }

    private long base() {
        if (!configured) {
            return page;
        }
        return shadow == NOWHERE ? substitute.address() : shadow;
    }

    private long eventIdxOf(VirtualSubmissionQueue queue) {
        return eventIdx + DoorbellBuffer.sqTailOffset(queue.qid());
    }

    /** Zeroes the doorbell of a submission queue that is being created. */
    void beginSqTail(int qid) {
        Memory.putIntVolatile(sqTail(qid), 0);
        if (eventIdx != NOWHERE) {
            Memory.putIntVolatile(eventIdx + DoorbellBuffer.sqTailOffset(qid), 0);
        }
    }

    /** Zeroes the doorbell of a completion queue that is being created. */
    void beginCqHead(int qid) {
        Memory.putIntVolatile(cqHead(qid), 0);
    }

    /** The guest's memory has changed: the buffers are looked for again. */
    void memoryChanged(VirtualSubmissionQueue[] sqs, VirtualCompletionQueue[] cqs) {
        if (!configured) {
            return;
        }
        find();
        for (VirtualSubmissionQueue queue : sqs) {
            if (isLost()) {
                Memory.putIntVolatile(sqTail(queue.qid()), queue.head());
            }
            queue.moveDoorbell(sqTail(queue.qid()));
        }
        for (VirtualCompletionQueue queue : cqs) {
            if (isLost()) {
                Memory.putIntVolatile(cqHead(queue.qid()), queue.head());
            }
            queue.moveDoorbell(cqHead(queue.qid()));
        }
    }

    /** Whether the guest has unmapped the buffers that it has configured. */
    boolean isLost() {
        return configured && shadow == NOWHERE;
    }

    /** While {@link #isLost}: the code of {@link Translator}. */
    long fault() {
        return fault;
    }

    /** Whether {@link #arm} is needed: doorbells are written without a message. */
    boolean isConfigured() {
        return configured;
    }

    /**
     * Asks for a message with the next doorbell of any of these queues.
     *
     * @param untilWoken whether the agent's thread would sleep until it is woken, so that nothing may be left to do; else it
     *     rests a little, and comes back to what it could not take
     * @return whether no doorbell has been written meanwhile, so that it may
     */
    boolean arm(VirtualSubmissionQueue[] queues, boolean untilWoken) {
        if (isLost()) {
            return !untilWoken;
        }
        publish(queues);
        Memory.fullFence();
        return untilWoken ? isQuiet(queues) : !hasMoved(queues);
    }

    /** The value as it is there, valid or not: whatever the guest writes next, it then passes EventIdx. */
    void publish(VirtualSubmissionQueue[] queues) {
        for (VirtualSubmissionQueue queue : queues) {
            Memory.putIntOpaque(eventIdxOf(queue), Doorbells.index(queue.doorbell()));
        }
    }

    /** Whether everything has been taken, and no doorbell has passed what has been published. */
    boolean isQuiet(VirtualSubmissionQueue[] queues) {
        for (VirtualSubmissionQueue queue : queues) {
            if (queue.available() > 0) {
                return false;
            }
        }
        return !hasMoved(queues);
    }

    private boolean hasMoved(VirtualSubmissionQueue[] queues) {
        for (VirtualSubmissionQueue queue : queues) {
            if (Doorbells.index(queue.doorbell()) != Memory.getIntOpaque(eventIdxOf(queue))) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() {
        substitute.close();
    }
}
