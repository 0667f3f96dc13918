package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.sluice.device.InterruptKind;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FullEventFd;
import io.sluice.linux.Memfd;
import io.sluice.linux.Pipe;
import io.sluice.linux.UnixConnection;
import io.sluice.vfiouser.Command;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DEVICE_SET_IRQS. */
class InterruptMessageTest extends ServerFixture {
    private static final int NONE = 1;
    private static final int BOOL = 2;
    private static final int EVENTFD = 4;
    private static final int MASK = 8;
    private static final int UNMASK = 0x10;
    private static final int TRIGGER = 0x20;
    private static final int INTX = 0;
    private static final int MSI = 1;
    private static final int MSIX = 2;
    private static final int ERR = 3;
    private static final int REQ = 4;

    private final List<EventFd> eventFds = new ArrayList<>();
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        client = RawClient.ready(socket);
        for (int i = 0; i < 9; i++) {
            eventFds.add(EventFd.create());
        }
    }

    @AfterEach
    void disconnect() {
        client.close();
        eventFds.forEach(EventFd::close);
    }

    private Fd[] fds(int count) {
        return eventFds.stream().limit(count).map(EventFd::fd).toArray(Fd[]::new);
    }

    private RawClient.Answer set(int flags, int index, int start, int count, Fd... fds) throws IOException {
        return client.request(Command.DEVICE_SET_IRQS, Body.irqs(flags, index, start, count), fds);
    }

    private RawClient.Answer setBooleans(int action, int index, int start, int... booleans) throws IOException {
        Body body = Body.of()
                .u32(20 + booleans.length)
                .u32(BOOL | action)
                .u32(index)
                .u32(start)
                .u32(booleans.length);
        Arrays.stream(booleans).forEach(value -> body.raw((byte) value));
        return client.request(Command.DEVICE_SET_IRQS, body.bytes());
    }

    private List<String> calls() {
        return function.calls.stream().skip(1).toList(); // a copy: the server adds to it meanwhile
    }

    @Test
    void shouldSignalEventFdsThatWereSet() throws IOException {
        set(EVENTFD | TRIGGER, MSIX, 0, 8, fds(8)).assertDoneWithoutBody();
        set(NONE | TRIGGER, MSIX, 3, 2).assertDoneWithoutBody();

        assertEquals(List.of("targets MSIX 0 eeeeeeee", "trigger MSIX 3 2"), calls());
        for (int i = 0; i < 8; i++) {
            assertEquals(i == 3 || i == 4 ? 1 : 0, eventFds.get(i).drain(), "vector " + i);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, INTX", "3, ERR", "4, REQ"})
    void shouldSetEventFdOfEverySingleInterrupt(int index, InterruptKind kind) throws IOException {
        set(EVENTFD | TRIGGER, index, 0, 1, fds(1)).assertDone();
        set(NONE | TRIGGER, index, 0, 1).assertDone();

        assertEquals(1, eventFds.getFirst().drain());
        set(NONE | TRIGGER, index, 0, 0).assertDone();
        assertNull(function.target(kind, 0));
    }

    @Test
    void shouldTakeTargetsAwayWhereNoDescriptorsCome() throws IOException {
        set(EVENTFD | TRIGGER, MSIX, 0, 8, fds(8)).assertDone();
        set(EVENTFD | TRIGGER, MSIX, 2, 3).assertDone();

        assertEquals("targets MSIX 2 ---", calls().getLast());
        assertNotNull(function.target(InterruptKind.MSIX, 1));
        assertNull(function.target(InterruptKind.MSIX, 2));
    }

    @Test
    void shouldDisableKindByCountOfZero() throws IOException {
        set(EVENTFD | TRIGGER, MSIX, 0, 8, fds(8)).assertDone();
        set(NONE | TRIGGER, MSIX, 0, 0).assertDone();

        assertEquals(List.of("targets MSIX 0 eeeeeeee", "targets MSIX 0 --------", "unmask MSIX 0 8"), calls());
    }

    @Test
    void shouldHaveNothingToDisableWhereKindHasNoInterrupts() throws IOException {
        set(NONE | TRIGGER, MSI, 0, 0).assertDone();

        assertEquals(List.of(), calls());
    }

    @Test
    void shouldGoThroughQemusChurn() throws IOException {
        set(EVENTFD | TRIGGER, INTX, 0, 1, fds(1)).assertDone();
        set(NONE | UNMASK, INTX, 0, 1).assertDone();
        set(NONE | TRIGGER, INTX, 0, 0).assertDone();
        // MSI-X is first enabled with one vector and no descriptor at all.
        set(EVENTFD | TRIGGER, MSIX, 0, 1).assertDone();
        for (int queues = 1; queues <= 4; queues++) {
            set(NONE | TRIGGER, MSIX, 0, 0).assertDone();
            set(EVENTFD | TRIGGER, MSIX, 0, queues, fds(queues)).assertDone();
        }

        assertNotNull(function.target(InterruptKind.MSIX, 3));
        assertNull(function.target(InterruptKind.MSIX, 4));
    }

    @Test
    void shouldMaskUnmaskAndTriggerRanges() throws IOException {
        set(NONE | MASK, MSIX, 1, 7).assertDone();
        set(NONE | UNMASK, MSIX, 0, 8).assertDone();
        set(NONE | MASK, INTX, 0, 1).assertDone();
        set(NONE | UNMASK, INTX, 0, 1).assertDone();
        set(NONE | TRIGGER, ERR, 0, 1).assertDone();

        assertEquals(
                List.of("mask MSIX 1 7", "unmask MSIX 0 8", "mask INTX 0 1", "unmask INTX 0 1", "trigger ERR 0 1"),
                calls());
    }

    @Test
    void shouldActOnlyWhereBooleanIsTrue() throws IOException {
        setBooleans(MASK, MSIX, 2, 1, 0, 255).assertDone();
        setBooleans(UNMASK, INTX, 0, 1).assertDone();
        setBooleans(TRIGGER, MSIX, 7, 1).assertDone();
        setBooleans(TRIGGER, REQ, 0, 1).assertDone();
        setBooleans(TRIGGER, MSIX, 0, 0, 0, 0).assertDone();

        assertEquals(
                List.of("mask MSIX 2 1", "mask MSIX 4 1", "unmask INTX 0 1", "trigger MSIX 7 1", "trigger REQ 0 1"),
                calls());
    }

    @Test
    void shouldMaskAndUnmaskIntxWhenEventFdsAreSignalled() throws IOException {
        EventFd mask = eventFds.get(0);
        EventFd unmask = eventFds.get(1);
        set(EVENTFD | UNMASK, INTX, 0, 1, unmask.fd()).assertDone();
        unmask.signal();
        awaitCall("unmask INTX 0 1");
        set(EVENTFD | MASK, INTX, 0, 1, mask.fd()).assertDone();
        mask.signal();
        awaitCall("mask INTX 0 1");
        client.assertAlive();
        unmask.signal();
        await("a second unmask", () -> calls().size() == 3);

        assertEquals(List.of("unmask INTX 0 1", "mask INTX 0 1", "unmask INTX 0 1"), calls());
    }

    @Test
    void shouldNotHearTakenAwayUnmaskEventFd() throws IOException {
        set(EVENTFD | UNMASK, INTX, 0, 1, fds(1)).assertDone();
        set(EVENTFD | UNMASK, INTX, 0, 1).assertDone();
        eventFds.getFirst().signal();
        client.assertAlive();
        set(EVENTFD | UNMASK, INTX, 0, 1, eventFds.get(1).fd()).assertDone();
        set(NONE | TRIGGER, INTX, 0, 0).assertDone();
        eventFds.get(1).signal();
        client.assertAlive();
        client.assertAlive();

        assertEquals(List.of("targets INTX 0 -", "unmask INTX 0 1"), calls());
    }

    @ParameterizedTest
    @CsvSource({
        // No data, two kinds of data, no action, two actions, unknown flags.
        "0x20, 2, 0, 1",
        "0x23, 2, 0, 1",
        "0x01, 2, 0, 1",
        "0x19, 2, 0, 1",
        "0x61, 2, 0, 1",
        "0x80000021, 2, 0, 1",
        "0, 2, 0, 1",
        // No such kind; no interrupts of the kind; out of range; wrapping.
        "0x21, 5, 0, 1",
        "0x21, -1, 0, 1",
        "0x21, 1, 0, 1",
        "0x21, 2, 0, 9",
        "0x21, 2, 8, 1",
        "0x21, 2, 7, 2",
        "0x21, 2, 0, -1",
        "0x21, 2, -1, 1",
        "0x21, 2, -1, 2",
        "0x21, 2, 2147483647, 2147483647",
        "0x24, 2, 0, 9",
        // A count of zero other than to disable.
        "0x09, 2, 0, 0",
        "0x11, 0, 0, 0",
        "0x24, 2, 0, 0",
        "0x22, 2, 0, 0",
        "0x21, 2, 1, 0",
        // Masks of what has none; eventfds that mask anything but INTx.
        "0x09, 3, 0, 1",
        "0x11, 4, 0, 1",
        "0x14, 2, 0, 1",
        "0x0c, 2, 0, 1",
        "0x14, 3, 0, 1"
    })
    void shouldRefuseWhatMakesNoSense(String flags, int index, int start, int count) throws IOException {
        set(Long.decode(flags).intValue(), index, start, count).assertRefused(Errno.EINVAL);

        assertEquals(List.of(), calls());
        client.assertAlive();
    }

    @Test
    void shouldRefuseMessagesOfWrongSize() throws IOException {
        byte[] body = Body.irqs(NONE | TRIGGER, MSIX, 0, 8);
        for (int length : new int[] {0, 1, 19, 21, 52, 65536}) {
            client.request(Command.DEVICE_SET_IRQS, Arrays.copyOf(body, length)).assertRefused(Errno.EINVAL);
        }
        byte[] booleans = Body.of()
                .u32(28)
                .u32(BOOL | TRIGGER)
                .u32(MSIX)
                .u32(0)
                .u32(8)
                .u64(0x0101_0101_0101_0101L)
                .bytes();
        for (int length : new int[] {20, 27, 29, 4096}) {
            client.request(Command.DEVICE_SET_IRQS, Arrays.copyOf(booleans, length))
                    .assertRefused(Errno.EINVAL);
        }
        byte[] wrongArgsz = body.clone();
        wrongArgsz[0]++;
        client.request(Command.DEVICE_SET_IRQS, wrongArgsz).assertRefused(Errno.EINVAL);

        assertEquals(List.of(), calls());
    }

    @ParameterizedTest
    @CsvSource({"1, 2", "2, 1", "8, 7", "7, 8", "8, 9"})
    void shouldRefuseAnotherNumberOfDescriptorsThanInterrupts(int interrupts, int descriptors) throws IOException {
        set(EVENTFD | TRIGGER, MSIX, 0, interrupts, fds(descriptors)).assertRefused(Errno.EINVAL);

        assertEquals(List.of(), calls());
        assertNothingKept();
    }

    @Test
    void shouldRefuseDescriptorsWhereNoneBelong() throws IOException {
        set(NONE | TRIGGER, MSIX, 0, 1, fds(1)).assertRefused(Errno.EINVAL);
        set(NONE | TRIGGER, MSIX, 0, 0, fds(1)).assertRefused(Errno.EINVAL);
        set(NONE | MASK, INTX, 0, 1, fds(1)).assertRefused(Errno.EINVAL);
        Fd[] many = new Fd[64];
        Arrays.fill(many, eventFds.getFirst().fd());
        set(EVENTFD | TRIGGER, MSIX, 0, 8, many).assertRefused(Errno.EINVAL);

        assertNothingKept();
    }

    /** All eventfds in this process are the test's own. */
    private void assertNothingKept() throws IOException {
        assertEquals(eventFds.size(), ProcSelf.descriptors("anon_inode:[eventfd]"));
    }

    @Test
    void shouldRefuseWhatIsNoEventFd() throws IOException {
        List<Fd> wrong = new ArrayList<>(Pipe.open());
        wrong.add(Memfd.create("test-not-an-eventfd", 4096));
        UnixConnection[] pair = UnixConnection.pair();
        wrong.add(pair[0].fd());
        for (Fd fd : wrong) {
            set(EVENTFD | TRIGGER, MSIX, 0, 1, fd).assertRefused(Errno.EINVAL);
            set(EVENTFD | UNMASK, INTX, 0, 1, fd).assertRefused(Errno.EINVAL);
            // One bad one among good ones: none is taken.
            set(
                            EVENTFD | TRIGGER,
                            MSIX,
                            0,
                            3,
                            eventFds.get(0).fd(),
                            fd,
                            eventFds.get(1).fd())
                    .assertRefused(Errno.EINVAL);
        }
        assertEquals(List.of(), calls());
        assertNothingKept();
        wrong.forEach(Fd::close);
        pair[1].close();
    }

    @Test
    void shouldDisconnectAClientThatMakesAnEventFdBlock() throws IOException {
        EventFd hostile = eventFds.getFirst();
        set(EVENTFD | TRIGGER, MSIX, 0, 1, hostile.fd()).assertDone();
        FullEventFd.makeBlocking(hostile);
        FullEventFd.fill(hostile);

        client.send(Command.DEVICE_SET_IRQS, Body.irqs(NONE | TRIGGER, MSIX, 0, 1));

        client.assertDisconnected();
        assertNothingKeptByTheLastClient();
    }

    @ParameterizedTest
    @ValueSource(ints = {MASK, UNMASK})
    void shouldGoOnWhenAnEventFdThatMasksIntxBlocks(int action) throws IOException {
        set(EVENTFD | TRIGGER, INTX, 0, 1, eventFds.get(1).fd()).assertDone();
        set(EVENTFD | action, INTX, 0, 1, eventFds.getFirst().fd()).assertDone();
        FullEventFd.makeBlocking(eventFds.getFirst());

        // The one that is signalled is read; the one that is not, and would block, is not.
        set(EVENTFD | (MASK + UNMASK - action), INTX, 0, 1, eventFds.get(2).fd())
                .assertDone();
        eventFds.get(2).signal();
        awaitCall((action == MASK ? "unmask" : "mask") + " INTX 0 1");
        client.assertAlive();
        eventFds.getFirst().signal();
        awaitCall((action == MASK ? "mask" : "unmask") + " INTX 0 1");
        client.assertAlive();
    }

    private void assertNothingKeptByTheLastClient() throws IOException {
        client.close();
        client = RawClient.ready(socket);
        client.assertAlive();
        assertNothingKept();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8})
    void shouldLetGoOfEventFdsWhenClientIsGone(int count) throws IOException {
        set(EVENTFD | TRIGGER, MSIX, 0, count, fds(count)).assertDone();
        set(EVENTFD | UNMASK, INTX, 0, 1, fds(1)).assertDone();
        set(EVENTFD | MASK, INTX, 0, 1, fds(1)).assertDone();
        client.close();
        // The next one is served only when the last one has been cleaned up after.
        client = RawClient.ready(socket);

        assertFalse(function.calls.isEmpty());
        assertNothingKept();
    }
}
