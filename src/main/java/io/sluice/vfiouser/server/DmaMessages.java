package io.sluice.vfiouser.server;

import io.sluice.dma.MessagedMemory;
import io.sluice.linux.Errno;
import io.sluice.mem.Memory;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DmaAccess;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import io.sluice.vfiouser.VfioUserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * DMA_READs and DMA_WRITEs to one client. Three threads, of which none waits for another:
 *
 * <pre>
 *   poller: read, write ──ring──▶ sender: a thread of its own, may wait for the socket
 *      ▲                                      │
 *      │                                   client
 *      │                                      ▼
 *    look, take ◀──────slot────── the connection's thread, which reads all messages: {@link #answered}
 *
 *   slot:  FREE ─▶ QUEUED ─▶ SENDING ─▶ SENT ─▶ FILLING ─▶ DONE, FAILED ─▶ FREE       in the middle: a reply
 *                    │          │         └─▶ ABANDONED ─▶ FREE                       nobody waits for the reply
 *                    │          └──▶ ABANDONED_SENDING ─▲
 *                    └──▶ DROPPED ─▶ FREE                                             never sent
 * </pre>
 *
 * <p>Slots have buffers of their own, so whoever ends a request can go on at once, whatever the other two threads are doing with
 * it. A message's id is its slot and its slot's generation, so a late reply finds nobody; the generation comes round after
 * 2048 requests in one slot. All requests together are of no more than {@link #WINDOW_BYTES}: they and their replies fit into the
 * sockets' buffers, so a client whose one thread writes a reply while this server writes a request cannot block both for good.
 */
final class DmaMessages implements MessagedMemory, AutoCloseable {
    static final int SLOTS = 32;

    /** Bytes that one request has at most. */
    static final int MAX_BYTES = 32 << 10;

    /** Bytes that all requests under way have together: less than a Unix socket's buffer in Linux has by default. */
    static final int WINDOW_BYTES = 128 << 10;

    private static final Logger LOG = LoggerFactory.getLogger(DmaMessages.class);

    private static final int SLOT_BITS = 5;
    private static final int GENERATIONS = 1 << (Short.SIZE - SLOT_BITS);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

    // States of a slot: the low digit of its word; the rest is its generation.
    private static final int FREE = 0;
    private static final int QUEUED = 1;
    private static final int SENDING = 2;
    private static final int SENT = 3;
    private static final int FILLING = 4;
    private static final int DONE = 5;
    private static final int FAILED = 6;
    private static final int DROPPED = 7;
    private static final int ABANDONED_SENDING = 8;
    private static final int ABANDONED = 9;
    private static final int STATES = 10;

    private final String name;
    private final MessageChannel channel;
    private int maxBytes = MAX_BYTES;
    private volatile Runnable wake = () -> {};
    private volatile boolean closed;

    /** A state and the slot's generation: see {@link #word}. */
    private final AtomicIntegerArray words = new AtomicIntegerArray(SLOTS);

    /** Of a request: the poller's until the slot is QUEUED, then constant. */
    private final long[] gpas = new long[SLOTS];

    private final int[] lengths = new int[SLOTS];
    private final boolean[] writes = new boolean[SLOTS];
    private final byte[][] buffers = new byte[SLOTS][];

    /** Ended while the connection's thread was filling them; the poller's. */
    private final boolean[] orphans = new boolean[SLOTS];

    private int nextSlot;

    /** Slots to send, in order: as many as there are slots, at most. */
    private final AtomicIntegerArray ring = new AtomicIntegerArray(SLOTS);

    private final AtomicLong ringHead = new AtomicLong();
    private final AtomicLong ringTail = new AtomicLong();

    /** Begun with the first request: most clients share their memory. */
    private volatile Thread sender;

    private final AtomicInteger strays = new AtomicInteger();

    /** @param name whose memory it is, for logs */
    DmaMessages(String name, MessageChannel channel) {
        this.name = name;
        this.channel = channel;
    }

    /** The client takes no more than this in one message. Before the first request. */
    void limitTo(long bytes) {
        maxBytes = Math.clamp(bytes, 1, MAX_BYTES);
    }

    // ---- the poller's side

    @Override
    public int maxBytes() {
        return maxBytes;
    }

    @Override
    public void listen(Runnable newWake) {
        wake = newWake;
    }

    @Override
    public long read(long gpa, int bytes) {
        int slot = claim(bytes);
        return slot < 0 ? NONE : submit(slot, gpa, bytes, false);
    }

    @Override
    public long write(long gpa, long hva, int bytes) {
        int slot = claim(bytes);
        if (slot < 0) {
            return NONE;
        }
        Memory.copyOut(hva, buffers[slot], 0, bytes);
        return submit(slot, gpa, bytes, true);
    }

    private long submit(int slot, long gpa, int bytes, boolean write) {
        gpas[slot] = gpa;
        lengths[slot] = bytes;
        writes[slot] = write;
        int generation = (generation(words.get(slot)) + 1) % GENERATIONS;
        words.set(slot, word(generation, QUEUED));
        long tail = ringTail.get();
        ring.set((int) (tail % SLOTS), slot);
        ringTail.set(tail + 1);
        wakeSender();
        return id(slot, generation);
    }

    private void wakeSender() {
        if (sender == null) {
            sender = Thread.ofPlatform().daemon().name("vfio-user DMA " + name).unstarted(this::send);
            sender.start();
        } else {
            LockSupport.unpark(sender);
        }
    }

    /** A free slot with a buffer of so many bytes, or -1. */
    private int claim(int bytes) {
        if (closed) {
            return -1;
        }
        int slot = findFree(bytes);
        if (slot < 0 && reclaim() > 0) {
            slot = findFree(bytes);
        }
        if (slot >= 0 && (buffers[slot] == null || buffers[slot].length < bytes)) {
            buffers[slot] = new byte[bytes];
        }
        return slot;
    }

    private int findFree(int bytes) {
        int found = -1;
        int underWay = 0;
        for (int i = 0; i < SLOTS; i++) {
            int slot = (nextSlot + i) % SLOTS;
            if (isFree(slot)) {
                found = found < 0 ? slot : found;
            } else {
                underWay += lengths[slot];
            }
        }
        if (found < 0 || (underWay > 0 && underWay + bytes > WINDOW_BYTES)) {
            return -1;
        }
        nextSlot = (found + 1) % SLOTS;
        return found;
    }

    private boolean isFree(int slot) {
        int word = words.get(slot);
        int state = state(word);
        if (orphans[slot] && (state == DONE || state == FAILED)) {
            orphans[slot] = false;
            words.set(slot, word(generation(word), FREE));
            return true;
        }
        return state == FREE;
    }

    /** A client that does not answer what was called off, and so may never do, takes no slots from what comes next. */
    private int reclaim() {
        int reclaimed = 0;
        for (int slot = 0; slot < SLOTS; slot++) {
            int word = words.get(slot);
            if (state(word) == ABANDONED) {
                words.compareAndSet(slot, word, word(generation(word), FREE));
                reclaimed++;
            }
        }
        return reclaimed;
    }

    @Override
    public Progress look(long ticket) {
        int word = words.get(slot(ticket));
        if (generation(word) != generationOf(ticket)) {
            return Progress.FAILED;
        }
        return switch (state(word)) {
            case DONE -> Progress.DONE;
            case QUEUED, SENDING, SENT, FILLING -> Progress.PENDING;
            default -> Progress.FAILED;
        };
    }

    @Override
    public void take(long ticket, long hva) {
        int slot = slot(ticket);
        Memory.copyIn(buffers[slot], 0, hva, lengths[slot]);
    }

    @Override
    public void end(long ticket) {
        int slot = slot(ticket);
        boolean done = false;
        while (!done) { // again only if one of the other threads has moved it on, which happens three times at most
            int word = words.get(slot);
            done = generation(word) != generationOf(ticket) || end(slot, word);
        }
    }

    private boolean end(int slot, int word) {
        int next = switch (state(word)) {
            case QUEUED -> DROPPED;
            case SENDING -> ABANDONED_SENDING;
            case SENT -> ABANDONED;
            case DONE, FAILED -> FREE;
            default -> state(word);
        };
        orphans[slot] = state(word) == FILLING;
        return words.compareAndSet(slot, word, word(generation(word), next));
    }

    // ---- the sender's side

    private void send() {
        try {
            while (!closed) {
                long head = ringHead.get();
                if (head == ringTail.get()) {
                    LockSupport.park(this);
                } else {
                    int slot = ring.get((int) (head % SLOTS));
                    ringHead.set(head + 1);
                    send(slot);
                }
            }
        } catch (IOException e) {
            // Nothing can be sent any more: the connection's thread meets the same, and ends the connection.
            LOG.debug("{}: no more DMA by message: {}", name, e.getMessage());
        } catch (RuntimeException | Error e) {
            LOG.error("{}: the client is disconnected because of a bug", name, e);
            channel.shutdown();
        }
    }

    private void send(int slot) throws IOException {
        int generation = generation(words.get(slot));
        int id = id(slot, generation);
        DmaAccess access = new DmaAccess(gpas[slot], lengths[slot]);
        boolean write = writes[slot];
        Header header = write
                ? Header.command(id, Command.DMA_WRITE, DmaAccess.BYTES + lengths[slot])
                : Header.command(id, Command.DMA_READ, DmaAccess.BYTES);
        channel.sendIf(
                () -> isWanted(slot, generation), header, out -> encode(slot, generation, access, out), List.of());
    }

    private boolean isWanted(int slot, int generation) {
        if (words.compareAndSet(slot, word(generation, QUEUED), word(generation, SENDING))) {
            return true;
        }
        words.set(slot, word(generation, FREE)); // it was dropped
        return false;
    }

    private void encode(int slot, int generation, DmaAccess access, ByteBuffer out) {
        access.encode(out);
        if (writes[slot]) {
            out.put(buffers[slot], 0, lengths[slot]);
        }
        if (!words.compareAndSet(slot, word(generation, SENDING), word(generation, SENT))) {
            words.set(slot, word(generation, ABANDONED)); // ended meanwhile
        }
    }

    // ---- the connection's side

    /** A reply has come. One that nobody waits for is counted, and nothing else. */
    void answered(Message reply) {
        Header header = reply.header();
        int slot = slot(header.id());
        int word = words.get(slot);
        if (generation(word) != generationOf(header.id())) {
            stray(header);
        } else if (words.compareAndSet(slot, word(generation(word), SENT), word(generation(word), FILLING))) {
            int end = fill(slot, reply) ? DONE : FAILED;
            words.set(slot, word(generation(word), end));
            wake.run();
        } else {
            words.compareAndSet(slot, word(generation(word), ABANDONED), word(generation(word), FREE));
            stray(header);
        }
    }

    private void stray(Header header) {
        strays.incrementAndGet();
        LOG.debug("{}: nobody waits for this reply: {}", name, header);
    }

    /** Replies that nobody waited for. */
    int strays() {
        return strays.get();
    }

    /** Checks a reply and takes its data. */
    private boolean fill(int slot, Message reply) {
        try {
            check(slot, reply);
            if (!writes[slot]) {
                reply.body().get(buffers[slot], 0, lengths[slot]);
            }
            return true;
        } catch (VfioUserException e) {
            LOG.debug("{}: {}", name, e.getMessage());
            return false;
        }
    }

    private void check(int slot, Message reply) throws VfioUserException {
        Header header = reply.header();
        Command command = writes[slot] ? Command.DMA_WRITE : Command.DMA_READ;
        if (header.command() != command.code() || reply.fdCount() > 0) {
            throw Refuse.invalid("a " + command + " was answered by " + header);
        }
        if (header.isError()) {
            throw new VfioUserException(
                    header.errno(), "a " + command + " was refused with " + Errno.name(header.errno()));
        }
        if (writes[slot] && !reply.body().hasRemaining()) {
            return;
        }
        DmaAccess wanted = new DmaAccess(gpas[slot], lengths[slot]);
        String what = "the reply to " + command;
        DmaAccess answer =
                writes[slot] ? DmaAccess.decode(reply.body(), what) : DmaAccess.decodeWithData(reply.body(), what);
        if (!answer.equals(wanted)) {
            throw Refuse.invalid("a " + command + " of " + wanted + " was answered with " + answer);
        }
    }

    /** Ends the sender. The poller must not use this any more, but nothing happens if it does. */
    @Override
    public void close() {
        closed = true;
        Thread thread = sender;
        if (thread == null) {
            return;
        }
        channel.shutdown();
        LockSupport.unpark(thread);
        try {
            if (!thread.join(CLOSE_TIMEOUT)) {
                LOG.warn("{}: the thread that sends DMA requests has not ended within {}", name, CLOSE_TIMEOUT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- ids and words

    private static int id(int slot, int generation) {
        return slot | generation << SLOT_BITS;
    }

    private static int slot(long id) {
        return (int) id & (SLOTS - 1);
    }

    private static int generationOf(long id) {
        return (int) id >>> SLOT_BITS;
    }

    private static int word(int generation, int state) {
        return generation * STATES + state;
    }

    private static int generation(int word) {
        return word / STATES;
    }

    private static int state(int word) {
        return word % STATES;
    }
}
