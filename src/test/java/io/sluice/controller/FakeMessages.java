package io.sluice.controller;

import io.sluice.dma.MessagedMemory;
import io.sluice.mem.Memory;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongPredicate;

/** Pages of a {@link FakeGuest} that have no file descriptor, had by messages: answered at once, or when a test says so. */
final class FakeMessages implements MessagedMemory {
    private static final int MAX_REQUESTS = 32;

    private final FakeGuest guest;
    private final Map<Long, Request> requests = new TreeMap<>();
    private long made;

    /** Whether requests are answered at once. */
    boolean prompt = true;

    /** Which addresses the client refuses to have read or written. */
    LongPredicate refuses = gpa -> false;

    private static final class Request {
        private final long gpa;
        private final byte[] data;
        private final boolean write;
        private Progress progress = Progress.PENDING;

        private Request(long gpa, byte[] data, boolean write) {
            this.gpa = gpa;
            this.data = data;
            this.write = write;
        }
    }

    FakeMessages(FakeGuest guest) {
        this.guest = guest;
    }

    /** How many somebody waits for. */
    int underWay() {
        return requests.size();
    }

    /** How many have been made. */
    long made() {
        return made;
    }

    /** Whether somebody waits for an address of a range. */
    boolean isAsked(long gpa, long bytes) {
        return requests.values().stream().anyMatch(request -> request.gpa >= gpa && request.gpa < gpa + bytes);
    }

    /** Answers what somebody waits for, where the address is as the test likes. */
    void answer(LongPredicate which) {
        for (Request request : requests.values()) {
            if (request.progress == Progress.PENDING && which.test(request.gpa)) {
                answer(request);
            }
        }
    }

    private void answer(Request request) {
        if (refuses.test(request.gpa)) {
            request.progress = Progress.FAILED;
            return;
        }
        if (request.write) {
            Memory.copyIn(request.data, 0, guest.hva(request.gpa), request.data.length);
        } else {
            Memory.copyOut(guest.hva(request.gpa), request.data, 0, request.data.length);
        }
        request.progress = Progress.DONE;
    }

    @Override
    public int maxBytes() {
        return Memory.PAGE_BYTES;
    }

    @Override
    public void listen(Runnable wake) {}

    @Override
    public long read(long gpa, int bytes) {
        return request(new Request(gpa, new byte[bytes], false));
    }

    @Override
    public long write(long gpa, long hva, int bytes) {
        byte[] data = new byte[bytes];
        Memory.copyOut(hva, data, 0, bytes);
        return request(new Request(gpa, data, true));
    }

    private long request(Request request) {
        if (requests.size() == MAX_REQUESTS) {
            return NONE;
        }
        requests.put(++made, request);
        if (prompt) {
            answer(request);
        }
        return made;
    }

    @Override
    public Progress look(long ticket) {
        return requests.get(ticket).progress;
    }

    @Override
    public void take(long ticket, long hva) {
        byte[] data = requests.get(ticket).data;
        Memory.copyIn(data, 0, hva, data.length);
    }

    @Override
    public void end(long ticket) {
        requests.remove(ticket);
    }
}
