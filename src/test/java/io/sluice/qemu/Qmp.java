package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Speaks to a running QEMU by its machine protocol, QMP: JSON, a line each. What QEMU says by itself (events) comes between the
 * answers, and is kept.
 */
final class Qmp implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final SocketChannel channel;
    private final BufferedReader lines;
    private final List<JsonNode> events = new ArrayList<>();

    private Qmp(SocketChannel channel) {
        this.channel = channel;
        lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
    }

    /** QEMU's arguments for listening there. */
    static List<String> arguments(Path socket) {
        return List.of("-qmp", "unix:" + socket + ",server=on,wait=off");
    }

    /** Connects to a QEMU that has come up. */
    static Qmp connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            Qmp qmp = new Qmp(channel);
            assertTrue(qmp.next().has("QMP"), "QEMU does not greet");
            qmp.execute("qmp_capabilities", Map.of());
            return qmp;
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            throw e;
        }
    }

    /** Has QEMU do something; fails if it refuses. */
    JsonNode execute(String command, Map<String, String> arguments) throws IOException {
        String request = JSON.writeValueAsString(Map.of("execute", command, "arguments", arguments)) + "\n";
        ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        while (true) {
            JsonNode said = next();
            if (said.has("event")) {
                events.add(said);
            } else {
                assertTrue(said.has("return"), () -> command + " " + arguments + ": " + said);
                return said.get("return");
            }
        }
    }

    /** Waits until QEMU has said that a device of that name is no more. QEMU's end ends the wait. */
    void awaitDeleted(String device) throws IOException {
        while (events.stream().noneMatch(event -> isDeletion(event, device))) {
            events.add(next());
        }
    }

    private static boolean isDeletion(JsonNode event, String device) {
        return event.path("event").asString("").equals("DEVICE_DELETED")
                && event.path("data").path("device").asString("").equals(device);
    }

    private JsonNode next() throws IOException {
        String line = lines.readLine();
        if (line == null) {
            throw new EOFException("QEMU has ended; until then it said " + events);
        }
        return JSON.readTree(line);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
