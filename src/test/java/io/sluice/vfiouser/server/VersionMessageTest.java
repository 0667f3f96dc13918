package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.vfiouser.Capabilities;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Version;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VersionMessageTest extends ServerFixture {
    private static final String QEMU = "{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, "
            + "\"max_dma_maps\": 65535, \"max_data_xfer_size\": 1048576, "
            + "\"migration\": {\"pgsize\": 4096, \"max_bitmap_size\": 268435456}, \"write_multiple\": true}}\0";

    private Version negotiate(RawClient client, int minor, String json) throws IOException {
        byte[] request = Body.version(0, minor, json);
        RawClient.Answer answer = client.request(Command.VERSION, request).assertDone();
        assertTrue(answer.body().remaining() <= request.length, "the reply is longer than the request");
        assertEquals(List.of(), answer.fds());
        if (answer.body().remaining() > 4) {
            assertEquals(0, answer.body().get(answer.body().limit() - 1), "the JSON's NUL");
        }
        return Version.decode(answer.body());
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "2, 1", "65535, 1"})
    void shouldAnswerWithLowerMinorOfBothSides(int theirs, int agreed) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            Version version = negotiate(client, theirs, "");

            assertEquals(0, version.major());
            assertEquals(agreed, version.minor());
            client.assertAlive();
        }
    }

    @Test
    void shouldAnswerQemuWithinWhatItAccepts() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            Version version = negotiate(client, 0, QEMU);
            Capabilities capabilities = Capabilities.parse(version.json());

            assertEquals(0, version.minor());
            assertEquals(16, capabilities.maxMessageFds().orElseThrow());
            assertEquals(1048576, capabilities.maxDataTransferBytes().orElseThrow());
            assertEquals(4096, capabilities.pageSizes().orElseThrow());
            assertEquals(65535, capabilities.maxDmaMaps().orElseThrow());
            assertEquals(true, capabilities.writeMultiple().orElseThrow());
            client.assertAlive();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\0", "{}", "{}\0", "{\"capabilities\":{}}", "{\"capabilities\":{}}\0", "{\"x\":1}\0"})
    void shouldAcceptVersionThatNamesNoCapability(String json) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            assertEquals(
                    Capabilities.NONE,
                    Capabilities.parse(negotiate(client, 1, json).json()));
            client.assertAlive();
        }
    }

    @Test
    void shouldNameOnlyCapabilitiesThatClientNamed() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            Version version = negotiate(client, 1, "{\"capabilities\":{\"max_dma_maps\":7,\"twin_socket\":{}}}\0");

            assertEquals("{\"capabilities\":{\"max_dma_maps\":7}}", version.json());
        }
    }

    @ParameterizedTest
    @CsvSource({"16, 16", "32, 32", "64, 64", "200, 64"})
    void shouldTellHowManyDescriptorsItTakes(int theirs, int told) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            Version version = negotiate(client, 1, "{\"capabilities\":{\"max_msg_fds\":" + theirs + "}}\0");

            assertEquals(
                    told, Capabilities.parse(version.json()).maxMessageFds().orElseThrow());
        }
    }

    @Test
    void shouldTellSmallClientThatItTakesMoreWhereReplyHasRoom() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            Version version = negotiate(client, 1, "{\"capabilities\": {\"max_msg_fds\": 1}}\0");

            assertEquals(16, Capabilities.parse(version.json()).maxMessageFds().orElseThrow());
        }
        try (RawClient client = new RawClient(socket)) {
            Version version = negotiate(client, 1, "{\"capabilities\":{\"max_msg_fds\":1}}\0");

            assertEquals(1, Capabilities.parse(version.json()).maxMessageFds().orElseThrow());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{",
                "nonsense",
                "[]",
                "\"text\"",
                "{} {}",
                "{\"capabilities\": []}",
                "{\"capabilities\": {\"max_msg_fds\": \"many\"}}",
                "{\"capabilities\": {\"pgsizes\": -4096}}"
            })
    void shouldRefuseBadJsonAndDisconnect(String json) throws IOException {
        assertRefusedAndDisconnected(Body.version(0, 1, json));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 65535})
    void shouldRefuseOtherMajorAndDisconnect(int major) throws IOException {
        assertRefusedAndDisconnected(Body.version(major, 0, ""));
    }

    @Test
    void shouldRefuseVersionOfWrongSizeAndDisconnect() throws IOException {
        assertRefusedAndDisconnected(Body.none());
        assertRefusedAndDisconnected(new byte[3]);
        assertRefusedAndDisconnected(Body.version(0, 1, " ".repeat(Version.MAX_JSON_BYTES + 1)));
    }

    private void assertRefusedAndDisconnected(byte[] version) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.request(Command.VERSION, version).assertRefused(Errno.EINVAL);
            client.assertDisconnected();
        }
    }

    @Test
    void shouldRefuseVersionWithDescriptor() throws IOException {
        try (RawClient client = new RawClient(socket);
                EventFd eventFd = EventFd.create()) {
            client.request(Command.VERSION, Body.version(0, 1, ""), eventFd.fd())
                    .assertRefused(Errno.EINVAL);
            client.assertDisconnected();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0, 19, 65535})
    void shouldRefuseAnythingBeforeVersionAndDisconnect(int command) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.request(command, new byte[32]).assertRefused(Errno.EINVAL);
            client.assertDisconnected();
        }
        assertEquals(List.of(), function.calls);
    }

    @Test
    void shouldDisconnectClientThatBeginsWithReply() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.sendBytes(Body.message(1, Command.VERSION.code(), Header.TYPE_REPLY, Body.version(0, 1, "")));
            client.receive().assertRefused(Errno.EINVAL);
            client.assertDisconnected();
        }
    }

    @Test
    void shouldRefuseSecondVersionAndGoOn() throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            client.request(Command.VERSION, Body.version(0, 1, "")).assertRefused(Errno.EINVAL);
            client.assertAlive();
        }
    }

    @Test
    void shouldGoOnAfterVersionThatWantsNoReply() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.post(Command.VERSION, Body.version(0, 1, ""));
            client.assertAlive();
        }
    }

    @Test
    void shouldAttachFunctionOnlyAfterVersion() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.sendBytes(new byte[8]);
        }
        try (RawClient client = new RawClient(socket)) {
            assertFalse(client.connection().awaitReadable(100), "a greeting that nobody asked for");
            assertEquals(List.of(), function.calls);
            client.request(Command.VERSION, Body.version(0, 1, "")).assertDone();
            assertEquals(List.of("attach"), function.calls);
        }
        awaitCall("detach");
        assertEquals(List.of("attach", "detach"), function.calls);
    }
}
