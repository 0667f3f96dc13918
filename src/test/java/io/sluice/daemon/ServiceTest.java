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
import java.util.concurrent.CountDownLatch;
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
    private volatile boolean progresses = true;
    private volatile boolean lost;
    private boolean closes = true;
    private final CountDownLatch mayClose = new CountDownLatch(1);

    private class Fake implements Service.Served {
        @Override
        public String status() {
            return status;
        }

        @Override
        public boolean isLost() {
            return lost;
        }

        @Override
        public boolean hasProgressed() {
            calls.add("asked");
            return progresses;
        }

        @Override
        public boolean close() {
            calls.add("close");
            return closes;
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
        boolean finished = new Service(manager(), ending).run(stop -> new Fake(), () -> {
            ending.signal();
            return true;
        });
        assertTrue(finished);
        assertEquals(List.of("close"), calls);
    }

    @Test
    void shouldEndAtOnceWhenToldTwice() throws Exception {
        Ending ending = new Ending(() -> calls.add("halt"));
        boolean finished = new Service(manager(), ending).run(stop -> new Fake(), () -> {
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
        assertFalse(new Service(manager(), new Ending(() -> calls.add("halt"))).run(stop -> new Fake(), () -> false));
        assertEquals(List.of("close"), calls);
    }

    @Test
    void shouldFailWhenItCannotStart() {
        Service service = new Service(manager(), new Ending(() -> calls.add("halt")));
        IOException e = assertThrows(
                IOException.class,
                () -> service.run(
                        stop -> {
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
                    new Service(manager(), ending).run(stop -> new Fake(), () -> true);
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
        assertEquals("close", calls.getLast());
    }

    @Test
    void shouldFailWhenNotAllCouldBeFinished() throws Exception {
        closes = false;
        Ending ending = new Ending(() -> calls.add("halt"));
        assertFalse(new Service(manager(), ending).run(stop -> new Fake(), () -> {
            ending.signal();
            return true;
        }));
        assertEquals(List.of("close"), calls);
    }

    @Test
    void shouldNotAnnounceWhatHasEndedInTheMiddleOfItsStart() throws Exception {
        Ending asked = new Ending(() -> calls.add("halt"));
        assertFalse(new Service(manager(), asked)
                .run(
                        stop -> {
                            stop.onAsked(() -> calls.add("told"));
                            assertFalse(stop.isAsked());
                            asked.signal();
                            assertTrue(stop.isAsked());
                            stop.onAsked(() -> calls.add("told late"));
                            return new Fake();
                        },
                        () -> calls.add("announced")));
        lost = true;
        assertFalse(new Service(manager(), new Ending(() -> calls.add("halt")))
                .run(stop -> new Fake(), () -> calls.add("announced")));
        assertEquals(List.of("told", "told late", "close", "close"), calls);
    }

    @Test
    void shouldTellWhoStartsOnceWhenManyAsk() {
        Ending ending = new Ending(() -> calls.add("halt"));
        ending.onAsked(() -> calls.add("told"));
        ending.ask();
        ending.ask();
        ending.signal();
        assertEquals(List.of("told"), calls);
        assertFalse(ending.isInsisted(), "a loss is no signal");
    }

    @Test
    void shouldLetTheWatchdogBiteWhenNothingProgresses() throws Exception {
        progresses = false;
        Ending ending = new Ending(() -> calls.add("halt"));
        try (NotifySocket notify = NotifySocket.at(folder + "/notify")) {
            Thread serving = Thread.ofPlatform().start(() -> {
                try {
                    new Service(manager(), ending).run(stop -> new Fake(), () -> true);
                } catch (IOException e) {
                    calls.add(e.toString());
                }
            });
            assertEquals("READY=1\nSTATUS=good", notify.next());
            while (calls.size() < 3) { // it was asked, and had nothing to show
                Thread.sleep(1);
            }
            ending.signal();
            assertEquals("STOPPING=1", notify.next());
            serving.join();
        }
    }

    @Test
    void shouldHaveTheManagerWaitWhileItStartsAndWhileItEnds() throws Exception {
        Ending ending = new Ending(() -> calls.add("halt"));
        CountDownLatch mayStart = new CountDownLatch(1);
        try (NotifySocket notify = NotifySocket.at(folder + "/notify")) {
            Thread serving = Thread.ofPlatform().start(() -> {
                try {
                    new Service(manager(), ending, 1)
                            .run(
                                    stop -> {
                                        awaitQuietly(mayStart);
                                        return new Fake() {
                                            @Override
                                            public boolean close() {
                                                awaitQuietly(mayClose);
                                                return super.close();
                                            }
                                        };
                                    },
                                    () -> true);
                } catch (IOException e) {
                    calls.add(e.toString());
                }
            });
            assertEquals("EXTEND_TIMEOUT_USEC=30000000", notify.next());
            assertEquals("EXTEND_TIMEOUT_USEC=30000000", notify.next());
            mayStart.countDown();
            String next = notify.next();
            while (!next.startsWith("READY=1")) {
                next = notify.next();
            }
            ending.signal();
            while (!next.equals("STOPPING=1")) {
                next = notify.next();
            }
            assertEquals("EXTEND_TIMEOUT_USEC=30000000", notify.next());
            mayClose.countDown();
            serving.join();
        }
        assertEquals("close", calls.getLast());
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
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
