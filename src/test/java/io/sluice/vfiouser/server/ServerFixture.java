package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.sluice.linux.SocketOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A server of a {@link RecordingFunction}; after each test the server must still serve, and have broken no rule. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class ServerFixture {
    @TempDir
    Path directory;

    Path socket;
    RecordingFunction function;
    VfioUserServer server;

    @BeforeEach
    void startServer() throws IOException {
        // Hundreds of refusals are the point here, not news.
        ((Logger) LoggerFactory.getLogger("io.sluice.vfiouser")).setLevel(Level.ERROR);
        socket = directory.resolve("device.sock");
        function = new RecordingFunction();
        server = new VfioUserServer(socket, SocketOptions.PRIVATE, function, limits());
    }

    /** For tests that need others. */
    ServerLimits limits() {
        return ServerLimits.DEFAULT.withSendTimeout(Duration.ofMillis(500));
    }

    @AfterEach
    void stopServer() throws IOException {
        if (server != null) {
            try (RawClient client = RawClient.ready(socket)) {
                client.assertAlive();
            }
            server.close();
        }
        assertEquals(List.of(), function.violations);
        function.close();
    }

    /** Waits for what another thread will do; fails only if it hangs. */
    static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, () -> "never happened: " + what);
            Thread.onSpinWait();
        }
    }

    void awaitCall(String call) {
        await(call, () -> function.calls.contains(call));
    }
}
