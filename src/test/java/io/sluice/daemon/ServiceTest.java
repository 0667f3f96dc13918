package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.NotifySocket;
import io.sluice.linux.Posix;
import io.sluice.linux.SdNotify;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From start to end: signals, and what the service manager hears. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class ServiceTest {
    private static final int SIGTERM = 15;
    private static final long OFTEN_MICROS = 20_000;

    @TempDir
    private Path folder;

    private final List<String> calls = new CopyOnWriteArrayList<>();
    private volatile String status = "good";

    private final class Fake implements Service.Served {
        @Override
        public String status() {
            return status;
        }

        @Override
        public void close() {
            calls.add("close");
        }

        @Override
        public void closeNow() {
            calls.add("closeNow");
        }
    }

    private SdNotify manager() {
        return SdNotify.of(
                Map.of("NOTIFY_SOCKET", folder + "/notify", "WATCHDOG_USEC", Long.toString(OFTEN_MICROS)),
                ProcessHandle.current().pid());
    }

    @Test
    void shouldFinishWhenAsked() throws Exception {
        Ending ending = new Ending(() -> calls.add("halt"));
        boolean finished = new Service(manager(), ending).run(Fake::new, () -> {
            ending.signal();
            return true;
        });
        assertTrue(finished);
        assertEquals(List.of("close"), calls);
    }

    @Test
    void shouldEndAtOnceWhenToldTwice() throws Exception {
        Ending ending = new Ending(() -> calls.add("halt"));
        boolean finished = new Service(manager(), ending).run(Fake::new, () -> {
            ending.signal();
            ending.signal();
            ending.signal();
            return true;
        });
        assertFalse(finished);
        assertEquals(List.of("closeNow", "halt", "close"), calls);
    }

    @Test
    void shouldEndWhenNobodyHearsThatItIsReady() throws Exception {
        assertFalse(new Service(manager(), new Ending(() -> calls.add("halt"))).run(Fake::new, () -> false));
        assertEquals(List.of("close"), calls);
    }

    @Test
    void shouldFailWhenItCannotStart() {
        Service service = new Service(manager(), new Ending(() -> calls.add("halt")));
        IOException e = assertThrows(
                IOException.class,
                () -> service.run(
                        () -> {
                            throw new IOException("no device");
                        },
                        () -> true));
        assertEquals("no device", e.getMessage());
        assertEquals(List.of(), calls);
    }

    @Test
    void shouldKeepTheManagerInformed() throws Exception {
        Ending ending = new Ending(() -> calls.add("halt"));
        try (NotifySocket notify = NotifySocket.at(folder + "/notify")) {
            Thread serving = Thread.ofPlatform().start(() -> {
                try {
                    new Service(manager(), ending).run(Fake::new, () -> true);
                } catch (IOException e) {
                    calls.add(e.toString());
                }
            });
            assertEquals("READY=1\nSTATUS=good", notify.next());
            assertEquals("WATCHDOG=1", notify.next());
            status = "better";
            String next = notify.next();
            while (next.equals("WATCHDOG=1")) {
                next = notify.next();
            }
            assertEquals("STATUS=better", next);
            ending.signal();
            while (!next.equals("STOPPING=1")) {
                next = notify.next();
            }
            serving.join();
        }
        assertEquals(List.of("close"), calls);
    }

    private static int run(String how, NotifySocket notify, Path folder) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                ServiceProcess.class.getName(),
                how);
        builder.environment().put("NOTIFY_SOCKET", folder + "/notify");
        Process process = builder.redirectErrorStream(true).start();
        try (BufferedReader said = process.inputReader(StandardCharsets.UTF_8)) {
            assertEquals("READY=1\nSTATUS=serving nothing", notify.next());
            Posix.kill((int) process.pid(), SIGTERM);
            assertEquals("STOPPING=1", notify.next());
            assertEquals("closing", said.readLine());
            if (how.equals("stuck")) {
                Posix.kill((int) process.pid(), SIGTERM);
                assertEquals("closing now", said.readLine());
            }
            assertTrue(process.waitFor(1, TimeUnit.MINUTES), "it hangs");
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void shouldExitWithZeroWhenTerminated() throws Exception {
        try (NotifySocket notify = NotifySocket.at(folder + "/notify")) {
            assertEquals(0, run("quick", notify, folder));
        }
    }

    @Test
    void shouldExitWithOneWhenTerminatedTwice() throws Exception {
        try (NotifySocket notify = NotifySocket.at(folder + "/notify")) {
            assertEquals(1, run("stuck", notify, folder));
        }
    }
}
