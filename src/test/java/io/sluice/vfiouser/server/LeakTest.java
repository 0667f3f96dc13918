package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.RegionInfo;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A thousand clients, few of whom say goodbye; counted by the kernel. */
class LeakTest extends ServerFixture {
    private static final int CONNECTIONS = 1000;
    private static final long BYTES = 1 << 20;

    private record Held(long sockets, long eventFds, long files, long mappings, long doorbells) {
        static Held now() throws IOException {
            return new Held(
                    ProcSelf.descriptors("socket:"),
                    ProcSelf.descriptors("anon_inode:"),
                    ProcSelf.descriptors("/memfd:test-leak", "/memfd:test-doorbells", "pipe:"),
                    ProcSelf.mappings("/memfd:test-leak"),
                    ProcSelf.mappings("/memfd:test-doorbells"));
        }
    }

    @Test
    void shouldLeaveNothingBehindAfterThousandConnections() throws IOException {
        try (Fd file = Memfd.create("test-leak", BYTES);
                EventFd eventFd = EventFd.create()) {
            converse(0, file, eventFd);
            awaitNobody();
            Held before = Held.now();
            for (int i = 1; i <= CONNECTIONS; i++) {
                converse(i, file, eventFd);
            }
            awaitNobody();
            assertEquals(before, Held.now());
            assertEquals(
                    CONNECTIONS + 3,
                    function.calls.stream().filter("attach"::equals).count());
        }
    }

    /** One more client is served only when all before it have been cleaned up after; and when it is detached, so is it. */
    private void awaitNobody() throws IOException {
        try (RawClient last = RawClient.ready(socket)) {
            last.assertAlive();
        }
        await("nobody", () -> {
            try {
                // The listener, and nothing else: this test's own sockets are closed.
                return function.memory == null && ProcSelf.descriptors("socket:") == 1;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
    }

    private void converse(int number, Fd file, EventFd eventFd) throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            client.request(Command.DMA_MAP, Body.map(0, BYTES / 2), file).assertDone();
            client.request(Command.DMA_MAP, Body.map(1, BYTES / 2, 0x2000_0000_0000L, BYTES / 2), file)
                    .assertDone();
            client.request(Command.DEVICE_SET_IRQS, Body.irqs(0x24, 2, 0, 2), eventFd.fd(), eventFd.fd())
                    .assertDone();
            client.request(Command.DEVICE_SET_IRQS, Body.irqs(0x14, 0, 0, 1), eventFd.fd())
                    .assertDone();
            mapDoorbells(client);
            leave(number % 8, client, file, eventFd);
        }
    }

    private void mapDoorbells(RawClient client) throws IOException {
        RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(64, 0))
                .assertDone();
        RegionInfo.Area area = RegionInfo.decodeReply(answer.body()).areas().getFirst();
        try (Fd fd = answer.fds().getFirst();
                Mapping page = Mapping.shared(fd, area.offset(), area.size(), 3)) {
            assertEquals(0x1000, page.length());
        }
    }

    private void leave(int how, RawClient client, Fd file, EventFd eventFd) throws IOException {
        byte[] map = Body.message(1, Command.DMA_MAP.code(), 0, Body.map(0x10_0000, 4096));
        switch (how) {
            // In an orderly way.
            case 0 -> client.request(Command.DMA_UNMAP, Body.unmap(2, 0, 0)).assertDone();
            // In the middle of a header; of a body; each with descriptors.
            case 1 -> client.sendBytes(Arrays.copyOf(map, 9), file);
            case 2 -> client.sendBytes(Arrays.copyOf(map, 40), file, eventFd.fd());
            // Between a header and its body.
            case 3 -> client.sendBytes(Arrays.copyOf(map, 16), file);
            // With replies unread, and messages too.
            case 4 -> {
                for (int i = 0; i < 20; i++) {
                    client.sendBytes(map, file);
                }
            }
            // After nonsense.
            case 5 -> {
                client.sendBytes(new byte[16], file);
                client.assertDisconnected();
            }
            // With a region's descriptor on its way.
            case 6 -> client.send(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(64, 0));
            // As a killed process does: without a word.
            default -> assertEquals(List.of(), function.violations);
        }
    }
}
