package io.sluice.controller;

import io.sluice.dma.MessagedMemory;
import io.sluice.dma.MessagedMemory.Progress;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.Arrays;

/**
 * Moves spans between the guest's memory, where it is not shared, and ours: in as many requests as it takes, of which some are
 * under way at a time. Used again and again; belongs to the controller's agent.
 *
 * <pre>
 *   add, add … ──▶ advance ──▶ PENDING ──▶ advance … ──▶ DONE, or FAILED as soon as one has failed: then no request is left
 * </pre>
 *
 * <p>Each address is looked up when its request is made, so what has been shared or moved meanwhile is copied, and what has gone
 * is not asked for.
 */
final class MessagedTransfer {
    /** {@link #fault()} where the client has refused a request, or answered it with something else. */
    static final long REFUSED = -16;

    private static final int FIRST_CAPACITY = 4;
    private static final int MAX_REQUESTS = 8;

    private final MessagedMemory messages;
    private final Translator hostView;
    private final int access;

    private long[] gpas = new long[FIRST_CAPACITY];
    private long[] hvas = new long[FIRST_CAPACITY];
    private int[] lengths = new int[FIRST_CAPACITY];
    private int spans;

    /** What has not been asked for begins here. */
    private int span;

    private int offset;

    private final long[] tickets = new long[MAX_REQUESTS];
    private final long[] requestGpas = new long[MAX_REQUESTS];
    private final long[] requestHvas = new long[MAX_REQUESTS];
    private final int[] requestBytes = new int[MAX_REQUESTS];
    private int requests;
    private long fault;

    /** @param access {@link Translator#READ} to bring the guest's memory here, {@link Translator#WRITE} to write to it */
    MessagedTransfer(MessagedMemory messages, Translator hostView, int access) {
        this.messages = messages;
        this.hostView = hostView;
        this.access = access;
    }

    /** Forgets all spans; nobody waits for what is under way. */
    void clear() {
        endAll();
        spans = 0;
        span = 0;
        offset = 0;
        fault = 0;
    }

    boolean isEmpty() {
        return spans == 0;
    }

    /** Adds a span that does not go past 2^64; neighbours become one. */
    void add(long gpa, long hva, int bytes) {
        int last = spans - 1;
        if (last >= 0 && gpas[last] + lengths[last] == gpa && hvas[last] + lengths[last] == hva) {
            lengths[last] += bytes;
            return;
        }
        if (spans == gpas.length) {
            gpas = Arrays.copyOf(gpas, spans * 2);
            hvas = Arrays.copyOf(hvas, spans * 2);
            lengths = Arrays.copyOf(lengths, spans * 2);
        }
        gpas[spans] = gpa;
        hvas[spans] = hva;
        lengths[spans] = bytes;
        spans++;
    }

    /** Takes what has come, and asks for more. */
    Progress advance() {
        takeAnswers();
        while (fault == 0 && span < spans && requests < MAX_REQUESTS && request()) {
            // As much as may be under way.
        }
        if (fault != 0) {
            endAll();
            return Progress.FAILED;
        }
        return span == spans && requests == 0 ? Progress.DONE : Progress.PENDING;
    }

    /** Why it has failed: one of the codes of {@link Translator}, or {@link #REFUSED}; 0 if it has not. */
    long fault() {
        return fault;
    }

    private void takeAnswers() {
        for (int i = requests - 1; i >= 0; i--) {
            Progress progress = messages.look(tickets[i]);
            if (progress == Progress.PENDING) {
                continue;
            }
            if (progress == Progress.FAILED) {
                fault = REFUSED;
            } else if (access == Translator.READ) {
                messages.take(tickets[i], requestHvas[i]);
            }
            end(i);
        }
    }

    /** Asks for the next part. False if that cannot be now. */
    private boolean request() {
        long gpa = gpas[span] + offset;
        long hva = hvas[span] + offset;
        int bytes = Math.min(lengths[span] - offset, messages.maxBytes());
        long address = hostView.translate(gpa, bytes, access);
        if (address == Translator.SPLIT) {
            bytes = Math.min(bytes, Memory.PAGE_BYTES - (int) (gpa & (Memory.PAGE_BYTES - 1)));
            address = hostView.translate(gpa, bytes, access);
        }
        if (address > 0) {
            copy(address, hva, bytes);
        } else if (address != Translator.NOT_LOCAL) {
            fault = address;
            return false;
        } else if (!send(gpa, hva, bytes)) {
            return false;
        }
        offset += bytes;
        if (offset == lengths[span]) {
            span++;
            offset = 0;
        }
        return true;
    }

    private void copy(long address, long hva, int bytes) {
        if (access == Translator.READ) {
            Memory.copy(address, hva, bytes);
        } else {
            Memory.copy(hva, address, bytes);
        }
    }

    private boolean send(long gpa, long hva, int bytes) {
        long ticket = access == Translator.READ ? messages.read(gpa, bytes) : messages.write(gpa, hva, bytes);
        if (ticket == MessagedMemory.NONE) {
            return false;
        }
        tickets[requests] = ticket;
        requestGpas[requests] = gpa;
        requestHvas[requests] = hva;
        requestBytes[requests] = bytes;
        requests++;
        return true;
    }

    /**
     * The guest's memory has changed: whether what is under way is still where it was. If not, it is called off before this
     * returns, and {@link #advance} says that it has failed.
     */
    boolean recheck() {
        for (int i = 0; i < requests; i++) {
            long address = hostView.translate(requestGpas[i], requestBytes[i], access);
            if (address != Translator.NOT_LOCAL && address != Translator.SPLIT) {
                fault = address > 0 ? Translator.NOT_MAPPED : address;
                endAll();
                return false;
            }
        }
        return true;
    }

    private void endAll() {
        for (int i = requests - 1; i >= 0; i--) {
            end(i);
        }
    }

    private void end(int request) {
        messages.end(tickets[request]);
        requests--;
        tickets[request] = tickets[requests];
        requestGpas[request] = requestGpas[requests];
        requestHvas[request] = requestHvas[requests];
        requestBytes[request] = requestBytes[requests];
    }
}
