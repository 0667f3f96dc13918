package io.sluice.controller;

import io.sluice.dma.DmaReader;
import io.sluice.dma.GuestMemory;
import io.sluice.dma.MessagedMemory;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.state.Stores;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.function.LongPredicate;

/**
 * The client of a guest that does not share all of its memory: it answers requests one after the other, in their order and when it likes.
 * It outlives the controllers that ask it, so it also does what one asked for that is no more.
 */
final class RemoteClient implements GuestMemory {
    /** So that queues and data take several requests, and have to wait for their turn. */
    private static final int MAX_BYTES = 1024;

    private static final int MAX_REQUESTS = 6;

    private final FakeGuest guest;
    private final LongPredicate shares;

    /** Says one of so many numbers, from 0 on. */
    private final IntUnaryOperator choice;

    private final ArrayDeque<Request> sent = new ArrayDeque<>();
    private Connection connection;
    private long requests;

    /** @param shares whether the guest shares a page */
    RemoteClient(FakeGuest guest, LongPredicate shares, IntUnaryOperator choice) {
        this.guest = guest;
        this.shares = shares;
        this.choice = choice;
    }

    private static final class Request {
        private final Connection of;
        private final long gpa;
        private final byte[] data;
        private final boolean writes;
        private boolean done;

        Request(Connection of, long gpa, byte[] data, boolean writes) {
            this.of = of;
            this.gpa = gpa;
            this.data = data;
            this.writes = writes;
        }
    }

    /** A controller begins to ask. */
    void connect(Stores stores) {
        connection = new Connection(stores);
    }

    /** It is no more: of what it asked for, some has not got out. */
    void drop() {
        int lost = switch (choice.applyAsInt(3)) {
            case 0 -> 0;
            case 1 -> sent.size();
            default -> sent.size() / 2;
        };
        for (; lost > 0 && sent.getLast().of == connection; lost--) {
            sent.removeLast();
        }
        connection.ended = true;
    }

    /** Some time of the client's. Whether it had anything to do. */
    boolean serve() {
        boolean any = !sent.isEmpty();
        for (int left = choice.applyAsInt(4); left > 0 && !sent.isEmpty(); left--) {
            serve(sent.remove());
        }
        return any;
    }

    private void serve(Request request) {
        long hva = guest.hva(request.gpa);
        if (request.writes) {
            Memory.copyIn(request.data, 0, hva, request.data.length);
        } else {
            Memory.copyOut(hva, request.data, 0, request.data.length);
        }
        request.done = true; // which nobody hears whose controller is no more
    }

    @Override
    public Translator hostView() {
        Translator all = guest.hostView();
        return (gpa, bytes, access) -> {
            long address = all.translate(gpa, bytes, access);
            return address > 0 && !shares.test(gpa) ? Translator.NOT_LOCAL : address;
        };
    }

    @Override
    public Translator deviceView() {
        Translator all = guest.deviceView();
        return (gpa, bytes, access) -> {
            long address = all.translate(gpa, bytes, access);
            return address > 0 && !shares.test(gpa) ? Translator.NOT_LOCAL : address;
        };
    }

    @Override
    public MessagedMemory messages() {
        return connection;
    }

    @Override
    public DmaReader register(String name, Runnable wake) {
        return guest.register(name, wake);
    }

    @Override
    public boolean damaged() {
        return false;
    }

    @Override
    public String toString() {
        long waiting = connection.tickets.values().stream()
                .filter(request -> !request.done)
                .count();
        return sent.size() + " requests to do, of " + connection.tickets.size() + " are waited for, " + waiting
                + " not done";
    }

    /** What one controller has asked for. */
    private final class Connection implements MessagedMemory {
        private final Stores stores;
        private final Map<Long, Request> tickets = new HashMap<>();
        private boolean ended;

        Connection(Stores stores) {
            this.stores = stores;
        }

        @Override
        public int maxBytes() {
            return MAX_BYTES;
        }

        @Override
        public void listen(Runnable wake) {}

        @Override
        public long read(long gpa, int bytes) {
            return send(gpa, new byte[bytes], false);
        }

        @Override
        public long write(long gpa, long hva, int bytes) {
            byte[] data = new byte[bytes];
            Memory.copyOut(hva, data, 0, bytes);
            return send(gpa, data, true);
        }

        private long send(long gpa, byte[] data, boolean writes) {
            if (tickets.size() == MAX_REQUESTS) {
                return NONE;
            }
            stores.beforeEffect(); // a controller can end between two requests
            Request request = new Request(this, gpa, data, writes);
            sent.add(request);
            tickets.put(++requests, request);
            return requests;
        }

        @Override
        public Progress look(long ticket) {
            return tickets.get(ticket).done ? Progress.DONE : Progress.PENDING;
        }

        @Override
        public void take(long ticket, long hva) {
            byte[] data = tickets.get(ticket).data;
            Memory.copyIn(data, 0, hva, data.length);
        }

        @Override
        public void end(long ticket) {
            Request request = tickets.remove(ticket);
            if (!ended && !request.done && choice.applyAsInt(2) == 0) {
                sent.remove(request); // it has not got out; else it is done for nobody
            }
        }
    }
}
