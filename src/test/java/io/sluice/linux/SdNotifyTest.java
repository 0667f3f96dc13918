package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a service manager hears, over a real socket. */
class SdNotifyTest {
    private static final long PID = 4711;

    @TempDir
    private Path folder;

    private String path() {
        return folder.resolve("notify").toString();
    }

    private static SdNotify notify(String socket) {
        return SdNotify.of(Map.of("NOTIFY_SOCKET", socket), PID);
    }

    @Test
    void shouldTellTheManagerInItsWords() throws Exception {
        try (NotifySocket manager = NotifySocket.at(path())) {
            SdNotify notify = notify(path());
            assertTrue(notify.ready("2 volumes"));
            assertEquals("READY=1\nSTATUS=2 volumes", manager.next());
            assertTrue(notify.status("one\nREADY=0\ttwo"));
            assertEquals("STATUS=one READY=0 two", manager.next());
            assertTrue(notify.watchdog());
            assertEquals("WATCHDOG=1", manager.next());
            assertTrue(notify.stopping());
            assertEquals("STOPPING=1", manager.next());
            assertTrue(notify.extendTimeout(30_000_000));
            assertEquals("EXTEND_TIMEOUT_USEC=30000000", manager.next());
        }
    }

    @Test
    void shouldReachAbstractNames() throws Exception {
        String name = "@sluice-test-" + ProcessHandle.current().pid() + "/a//b";
        try (NotifySocket manager = NotifySocket.at(name)) {
            assertTrue(notify(name).stopping());
            assertEquals("STOPPING=1", manager.next());
        }
    }

    @Test
    void shouldCutWhatIsTooLongBetweenCharacters() throws Exception {
        try (NotifySocket manager = NotifySocket.at(path())) {
            assertTrue(notify(path()).status("x" + "\uD83D\uDE00".repeat(5000)));
            String message = manager.next();
            assertTrue(message.startsWith("STATUS=x\uD83D\uDE00"), message);
            assertTrue(message.endsWith("\uD83D\uDE00"), message);
            int bytes = message.getBytes(StandardCharsets.UTF_8).length;
            assertTrue(bytes <= SdNotify.MAX_MESSAGE_BYTES && bytes > SdNotify.MAX_MESSAGE_BYTES / 2, "" + bytes);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "@", "relative", "vsock:2:1234", "/nowhere/at/all"})
    void shouldDoNothingWhenNobodyListens(String socket) {
        SdNotify notify = notify(socket);
        assertFalse(notify.ready("x") || notify.status("x") || notify.watchdog() || notify.stopping());
    }

    @Test
    void shouldDoNothingWhenThereIsNoManagerOrItsAddressIsTooLong() {
        assertFalse(SdNotify.of(Map.of(), PID).ready("x"));
        assertFalse(notify("/" + "x".repeat(107)).ready("x"));
    }

    @Test
    void shouldNotWaitLongForAManagerThatDoesNotRead() throws Exception {
        try (NotifySocket manager = NotifySocket.at(path())) {
            SdNotify notify = notify(path());
            int sent = 0;
            while (sent < 100_000 && notify.watchdog()) {
                sent++;
            }
            assertTrue(sent > 0 && sent < 100_000, "the queue never filled up: " + sent);
            assertEquals("WATCHDOG=1", manager.next());
            assertTrue(notify.watchdog(), "it gave up for good");
        }
    }

    @Test
    void shouldKnowHowOftenToSayThatItIsAlive() {
        Map<String, String> environment = Map.of("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "3000000");
        assertEquals(OptionalLong.of(3_000_000), SdNotify.of(environment, PID).watchdogMicros());
        assertEquals(OptionalLong.empty(), notify("/run/x").watchdogMicros());
        for (String pid : new String[] {"4711", "4712"}) {
            Map<String, String> meant =
                    Map.of("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "3000000", "WATCHDOG_PID", pid);
            assertEquals(
                    pid.equals("4711"), SdNotify.of(meant, PID).watchdogMicros().isPresent());
        }
        Map<String, String> nonsense = Map.of("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "often");
        assertEquals(OptionalLong.empty(), SdNotify.of(nonsense, PID).watchdogMicros());
    }
}
