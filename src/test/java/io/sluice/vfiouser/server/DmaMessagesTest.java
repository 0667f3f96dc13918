package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.sluice.dma.MessagedMemory;
import io.sluice.dma.MessagedMemory.Progress;
import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.linux.UnixConnection;
import io.sluice.mem.Memory;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DmaAccess;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** Requests to a client of a test's own, which answers what and when the test says; this thread is the poller's and the connection's. */
@Timeout(60)
class DmaMessagesTest {
    private static final long GPA = 0x1234_5000L;
    private static final int BYTES = 64;
    private static final int MAX_MESSAGE_BYTES = 1 << 20;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final AtomicInteger wakes = new AtomicInteger();
    private MessageChannel server;
    private MessageChannel client;
    private DmaMessages messages;
    private Fd file;
    private Mapping memory;

    @BeforeEach
    void start() throws Exception {
        ((Logger) LoggerFactory.getLogger("io.sluice.vfiouser")).setLevel(Level.ERROR);
        UnixConnection[] pair = UnixConnection.pair();
        server = new MessageChannel(pair[0], MAX_MESSAGE_BYTES);
        client = new MessageChannel(pair[1], MAX_MESSAGE_BYTES);
        messages = new DmaMessages("test", server);
        messages.listen(wakes::incrementAndGet);
        file = Memfd.create("memory", DmaMessages.MAX_BYTES);
        memory = Mapping.shared(file, 0, DmaMessages.MAX_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    @AfterEach
    void stop() {
        messages.close();
        client.close();
        server.close();
        memory.close();
        file.close();
    }

    /** What the client has been asked. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Asked(Header header, DmaAccess access, byte[] data) {
        boolean isRead() {
            return header.command() == Command.DMA_READ.code();
        }
    }

    private Asked asked() throws IOException {
        Message message = client.receive();
        boolean read = message.header().command() == Command.DMA_READ.code();
        DmaAccess access =
                read ? DmaAccess.decode(message.body(), "a read") : DmaAccess.decodeWithData(message.body(), "a write");
        byte[] data = new byte[message.body().remaining()];
        message.body().get(data);
        return new Asked(message.header(), access, data);
    }

    /** Sends a reply of the client's, and has the server take it. */
    private void reply(Header header, DmaAccess access, byte[] data, Fd... fds) throws IOException {
        client.send(
                header,
                out -> {
                    access.encode(out);
                    out.put(data);
                },
                List.of(fds));
        messages.answered(server.receive());
    }

    private void reply(Asked asked, byte[] data) throws IOException {
        reply(asked.header.reply(DmaAccess.BYTES + data.length), asked.access, data);
    }

    private void refuse(Header header) throws IOException {
        client.send(header.errorReply(Errno.EFAULT));
        messages.answered(server.receive());
    }

    private static byte[] bytes(int seed, int count) {
        byte[] data = new byte[count];
        new Random(seed).nextBytes(data);
        return data;
    }

    private byte[] taken(long ticket, int count) {
        messages.take(ticket, memory.address());
        byte[] data = new byte[count];
        Memory.copyOut(memory.address(), data, 0, count);
        return data;
    }

    private void assertBrings(byte[] data) throws IOException {
        long ticket = messages.read(GPA, data.length);
        assertNotEquals(MessagedMemory.NONE, ticket);
        reply(asked(), data);
        assertEquals(Progress.DONE, messages.look(ticket));
        assertArrayEquals(data, taken(ticket, data.length));
        messages.end(ticket);
    }

    // ---- what it is for

    @Test
    void shouldBringWhatIsAskedFor() throws Exception {
        long ticket = messages.read(GPA, BYTES);
        assertEquals(Progress.PENDING, messages.look(ticket));
        Asked asked = asked();
        assertTrue(asked.isRead());
        assertEquals(new DmaAccess(GPA, BYTES), asked.access);
        assertEquals(0, wakes.get());

        reply(asked, bytes(1, BYTES));

        assertEquals(Progress.DONE, messages.look(ticket));
        assertEquals(1, wakes.get());
        assertArrayEquals(bytes(1, BYTES), taken(ticket, BYTES));
    }

    @ParameterizedTest
    @EnumSource
    void shouldTakeToTheClientWhatWasThereWhenItWasAsked(WriteReply how) throws Exception {
        Memory.copyIn(bytes(2, BYTES), 0, memory.address(), BYTES);
        long ticket = messages.write(GPA, memory.address(), BYTES);
        Memory.fill(memory.address(), BYTES, (byte) 0);
        Asked asked = asked();
        assertEquals(new DmaAccess(GPA, BYTES), asked.access);
        assertArrayEquals(bytes(2, BYTES), asked.data);
        assertEquals(Progress.PENDING, messages.look(ticket));

        if (how == WriteReply.WITH_BODY) {
            reply(asked, new byte[0]);
        } else {
            client.send(asked.header.reply(0));
            messages.answered(server.receive());
        }

        assertEquals(Progress.DONE, messages.look(ticket));
    }

    enum WriteReply {
        WITH_BODY,
        WITHOUT_BODY
    }

    @Test
    void shouldKnowRepliesByTheirIdsInWhateverOrderTheyCome() throws Exception {
        List<Long> tickets = new ArrayList<>();
        List<Asked> asked = new ArrayList<>();
        for (int i = 0; i < DmaMessages.SLOTS; i++) {
            tickets.add(messages.read(GPA + (long) i * BYTES, BYTES));
            asked.add(asked());
        }
        for (int i = DmaMessages.SLOTS - 1; i >= 0; i--) {
            assertEquals(Progress.PENDING, messages.look(tickets.get(i)));
            reply(asked.get(i), bytes(i, BYTES));
        }
        for (int i = 0; i < DmaMessages.SLOTS; i++) {
            assertEquals(GPA + (long) i * BYTES, asked.get(i).access.address());
            assertEquals(Progress.DONE, messages.look(tickets.get(i)));
            assertArrayEquals(bytes(i, BYTES), taken(tickets.get(i), BYTES), "request " + i);
        }
    }

    // ---- bounds

    @Test
    void shouldTakeNoMoreThanItHasSlotsUntilOneHasEnded() throws Exception {
        List<Long> tickets = new ArrayList<>();
        for (int i = 0; i < DmaMessages.SLOTS; i++) {
            tickets.add(messages.read(GPA, BYTES));
            assertNotEquals(MessagedMemory.NONE, tickets.get(i));
        }
        assertEquals(MessagedMemory.NONE, messages.read(GPA, BYTES));
        assertEquals(MessagedMemory.NONE, messages.write(GPA, memory.address(), BYTES));
        reply(asked(), bytes(0, BYTES));
        assertEquals(
                MessagedMemory.NONE, messages.read(GPA, BYTES), "an answer that nobody has taken still has its slot");

        messages.end(tickets.getFirst());

        assertNotEquals(MessagedMemory.NONE, messages.read(GPA, BYTES));
        assertEquals(MessagedMemory.NONE, messages.read(GPA, BYTES));
    }

    @Test
    void shouldAskForNoMoreBytesThanFitIntoTheSockets() throws Exception {
        List<Long> tickets = new ArrayList<>();
        for (int bytes = 0; bytes < DmaMessages.WINDOW_BYTES; bytes += DmaMessages.MAX_BYTES) {
            tickets.add(messages.read(GPA, DmaMessages.MAX_BYTES));
        }
        assertTrue(tickets.stream().noneMatch(ticket -> ticket == MessagedMemory.NONE));
        assertEquals(MessagedMemory.NONE, messages.read(GPA, 1));

        refuse(asked().header);
        messages.end(tickets.getFirst());

        assertNotEquals(MessagedMemory.NONE, messages.read(GPA, 1));
    }

    @Test
    void shouldAskForNoMoreThanTheClientTakes() {
        messages.limitTo(4096);
        assertEquals(4096, messages.maxBytes());
        messages.limitTo(Long.MAX_VALUE);
        assertEquals(DmaMessages.MAX_BYTES, messages.maxBytes());
    }

    // ---- what is called off

    /** The slot has another request by then, and the one before is answered. */
    @Test
    void shouldThrowAwayAnAnswerThatComesAfterItsRequestWasCalledOff() throws Exception {
        List<Long> tickets = new ArrayList<>();
        for (int i = 0; i < DmaMessages.SLOTS; i++) {
            tickets.add(messages.read(GPA, BYTES));
        }
        List<Asked> asked = new ArrayList<>();
        for (int i = 0; i < DmaMessages.SLOTS; i++) {
            asked.add(asked());
        }
        messages.end(tickets.getFirst());
        long next = messages.read(GPA, BYTES);
        assertNotEquals(MessagedMemory.NONE, next, "what was called off keeps its slot from others");
        Asked askedNext = asked();
        assertNotEquals(asked.getFirst().header.id(), askedNext.header.id());

        reply(asked.getFirst(), bytes(1, BYTES));

        assertEquals(1, messages.strays());
        assertEquals(Progress.PENDING, messages.look(next));
        assertEquals(Progress.FAILED, messages.look(tickets.getFirst()));
        reply(askedNext, bytes(2, BYTES));
        assertEquals(Progress.DONE, messages.look(next));
        assertArrayEquals(bytes(2, BYTES), taken(next, BYTES));
    }

    /** Another thread is about to send something else, so it is not its turn yet. */
    @Test
    void shouldNotSendWhatWasCalledOffBeforeItsTurn() throws Exception {
        CountDownLatch sending = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Thread other = Thread.ofPlatform().start(() -> sendWhen(sending, go));
        sending.await();
        long dropped = messages.read(GPA, BYTES);
        long kept = messages.read(GPA + BYTES, BYTES);
        messages.end(dropped);
        assertEquals(Progress.FAILED, messages.look(dropped));
        go.countDown();
        other.join();

        assertEquals(Command.VERSION.code(), client.receive().header().command());
        Asked asked = asked();
        assertEquals(GPA + BYTES, asked.access.address(), "what was called off has gone out");
        reply(asked, bytes(1, BYTES));
        assertEquals(Progress.DONE, messages.look(kept));
    }

    private void sendWhen(CountDownLatch sending, CountDownLatch go) {
        try {
            server.sendIf(
                    () -> {
                        sending.countDown();
                        try {
                            go.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        return true;
                    },
                    Header.command(7, Command.VERSION, 0),
                    out -> {},
                    List.of());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldGoOnWithAClientThatNeverAnswersWhatIsCalledOff() throws Exception {
        for (int round = 0; round < 100; round++) {
            List<Long> tickets = new ArrayList<>();
            for (int i = 0; i < DmaMessages.SLOTS; i++) {
                long ticket = messages.read(GPA, BYTES);
                assertNotEquals(MessagedMemory.NONE, ticket, "request " + i + " of round " + round);
                tickets.add(ticket);
                asked();
            }
            tickets.forEach(messages::end);
        }
        assertBrings(bytes(3, BYTES));
    }

    @Test
    void shouldTakeNothingAnyMoreWhenItIsClosed() throws Exception {
        long ticket = messages.read(GPA, BYTES);
        messages.close();
        messages.end(ticket);

        assertEquals(MessagedMemory.NONE, messages.read(GPA, BYTES));
        assertEquals(MessagedMemory.NONE, messages.write(GPA, memory.address(), BYTES));
    }

    // ---- answers that are none

    enum Wrong {
        REFUSED,
        OTHER_COMMAND,
        SHORT,
        LONG,
        NO_BODY,
        HALF_A_HEADER,
        OTHER_ADDRESS,
        OTHER_COUNT,
        DESCRIPTOR;

        /** Whether a write's answer can be this; it has no data, so it cannot have too little. */
        boolean isPossible(boolean read) {
            return read || (this != SHORT && this != NO_BODY);
        }
    }

    private void replyWrongly(Asked asked, Wrong wrong) throws IOException {
        int data = asked.isRead() ? BYTES : 0;
        Header good = asked.header.reply(DmaAccess.BYTES + data);
        switch (wrong) {
            case REFUSED -> refuse(asked.header);
            case OTHER_COMMAND -> {
                Command other = asked.isRead() ? Command.DMA_WRITE : Command.DMA_READ;
                Header header = new Header(good.id(), other.code(), good.messageBytes(), good.flags(), good.errno());
                reply(header, asked.access, new byte[data]);
            }
            case SHORT -> reply(asked.header.reply(DmaAccess.BYTES + data - 1), asked.access, new byte[data - 1]);
            case LONG -> reply(asked.header.reply(DmaAccess.BYTES + data + 1), asked.access, new byte[data + 1]);
            case NO_BODY, HALF_A_HEADER -> {
                int bytes = wrong == Wrong.NO_BODY ? 0 : DmaAccess.BYTES / 2;
                client.send(asked.header.reply(bytes), out -> out.put(new byte[bytes]), List.of());
                messages.answered(server.receive());
            }
            case OTHER_ADDRESS -> reply(good, new DmaAccess(GPA + 1, BYTES), new byte[data]);
            case OTHER_COUNT -> reply(good, new DmaAccess(GPA, BYTES - 1), new byte[data]);
            case DESCRIPTOR -> reply(good, asked.access, new byte[data], file);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldFailTheRequestThatIsAnsweredWronglyAndNoOther(Wrong wrong) throws Exception {
        for (boolean read : new boolean[] {true, false}) {
            if (wrong.isPossible(read)) {
                long other = messages.read(GPA, BYTES);
                Asked askedOther = asked();
                long ticket = read ? messages.read(GPA, BYTES) : messages.write(GPA, memory.address(), BYTES);
                replyWrongly(asked(), wrong);

                assertEquals(Progress.FAILED, messages.look(ticket), wrong + " to a " + (read ? "read" : "write"));
                assertEquals(Progress.PENDING, messages.look(other));
                messages.end(ticket);
                reply(askedOther, bytes(5, BYTES));
                assertArrayEquals(bytes(5, BYTES), taken(other, BYTES));
                messages.end(other);
                assertBrings(bytes(4, BYTES));
            }
        }
        assertEquals(0, messages.strays());
    }

    @Test
    void shouldKeepTheFirstOfTwoAnswers() throws Exception {
        long ticket = messages.read(GPA, BYTES);
        Asked asked = asked();
        reply(asked, bytes(1, BYTES));

        reply(asked, bytes(2, BYTES));
        refuse(asked.header);

        assertEquals(2, messages.strays());
        assertEquals(Progress.DONE, messages.look(ticket));
        assertArrayEquals(bytes(1, BYTES), taken(ticket, BYTES));
    }

    @Test
    void shouldGoOnInAFloodOfAnswersThatNobodyHasAskedFor() throws Exception {
        System.out.println("DmaMessagesTest seed " + seed);
        Random random = new Random(seed);
        List<Long> tickets = new ArrayList<>();
        List<Asked> asked = new ArrayList<>();
        boolean[] taken = new boolean[1 << Short.SIZE];
        for (int i = 0; i < DmaMessages.SLOTS - 1; i++) {
            tickets.add(messages.read(GPA, BYTES));
            asked.add(asked());
            taken[asked.get(i).header.id()] = true;
        }
        Command[] commands = Command.values();
        int flood = 0;
        while (flood < 50_000) {
            int id = random.nextInt(1 << Short.SIZE);
            if (!taken[id]) {
                byte[] data = new byte[random.nextInt(2 * BYTES)];
                int command = commands[random.nextInt(commands.length)].code();
                int flags = Header.TYPE_REPLY | (random.nextInt(4) == 0 ? Header.ERROR : 0);
                long bytes = (long) Header.BYTES + DmaAccess.BYTES + data.length;
                reply(new Header(id, command, bytes, flags, 0), new DmaAccess(GPA, BYTES), data);
                flood++;
            }
        }

        assertEquals(flood, messages.strays());
        assertEquals(0, wakes.get());
        for (int i = 0; i < tickets.size(); i++) {
            assertEquals(Progress.PENDING, messages.look(tickets.get(i)));
            reply(asked.get(i), bytes(i, BYTES));
            assertArrayEquals(bytes(i, BYTES), taken(tickets.get(i), BYTES));
        }
        assertBrings(bytes(4, BYTES));
    }

    /** In slots that come again and again, with all that can happen to a request, in random order. */
    @Test
    void shouldBringEachRequestItsOwnDataWhateverBecomesOfOthers() throws Exception {
        System.out.println("DmaMessagesTest seed " + seed);
        Random random = new Random(seed);
        List<Asked> calledOff = new ArrayList<>();
        for (int round = 0; round < 20_000; round++) {
            int count = 1 + random.nextInt(BYTES);
            long gpa = random.nextLong();
            long ticket = messages.read(gpa, count);
            assertNotEquals(MessagedMemory.NONE, ticket, "seed " + seed + ", round " + round);
            Asked asked = asked();
            assertEquals(new DmaAccess(gpa, count), asked.access);
            switch (random.nextInt(4)) {
                case 0 -> {
                    messages.end(ticket);
                    calledOff.add(asked);
                }
                case 1 -> {
                    refuse(asked.header);
                    assertEquals(Progress.FAILED, messages.look(ticket));
                    messages.end(ticket);
                }
                default -> {
                    reply(asked, bytes(round, count));
                    assertEquals(Progress.DONE, messages.look(ticket));
                    assertArrayEquals(bytes(round, count), taken(ticket, count));
                    messages.end(ticket);
                }
            }
            if (calledOff.size() > 10) {
                Asked late = calledOff.remove(random.nextInt(calledOff.size()));
                reply(late, new byte[(int) late.access.count()]);
            }
        }
        assertTrue(messages.strays() > 1000, "few answers were late: " + messages.strays());
    }
}
