package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.config.DeviceSettings;
import io.sluice.config.PollerSettings;
import io.sluice.config.ServeSettings;
import io.sluice.config.TargetSettings;
import io.sluice.config.VolumeSettings;
import io.sluice.linux.Posix;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.UnixListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a daemon says that cannot start, in its exact words; and that it lets go of everything. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class StartFailureTest {
    @TempDir
    private Path folder;

    private DaemonRig rig;

    @BeforeEach
    void makeDevice() throws IOException {
        rig = new DaemonRig(folder, MediatorDaemonTest.storage());
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    /** What is in the way. */
    @FunctionalInterface
    interface Obstacle {
        void put(Path folder) throws IOException;
    }

    static Stream<Arguments> sockets() {
        Obstacle nothing = folder -> {};
        return Stream.of(
                arguments(
                        (Obstacle) folder -> Files.writeString(folder.resolve("b.sock"), "precious"),
                        "b.sock",
                        Optional.empty(),
                        Optional.empty(),
                        "bind to FOLDER/b.sock: File exists (EEXIST). What is there is not a socket: remove it, or choose"
                                + " another path."),
                arguments(
                        nothing,
                        "absent/b.sock",
                        Optional.empty(),
                        Optional.empty(),
                        "open of directory FOLDER/absent: No such file or directory (ENOENT). Make it, or let the service"
                                + " make it (RuntimeDirectory=)."),
                arguments(
                        (Obstacle) folder -> Files.writeString(folder.resolve("file"), ""),
                        "file/b.sock",
                        Optional.empty(),
                        Optional.empty(),
                        "open of directory FOLDER/file: Not a directory (ENOTDIR). Choose another one for the socket."),
                arguments(
                        nothing,
                        "b.sock",
                        Optional.of("no-such-user-here"),
                        Optional.empty(),
                        "getpwnam of no-such-user-here: No such file or directory (ENOENT). There is no such user on this host:"
                                + " name another, or a number."),
                arguments(
                        nothing,
                        "b.sock",
                        Optional.empty(),
                        Optional.of("no-such-group-here"),
                        "getgrnam of no-such-group-here: No such file or directory (ENOENT). There is no such group on this"
                                + " host: name another, or a number."));
    }

    @ParameterizedTest
    @MethodSource("sockets")
    void shouldNameTheVolumeThatCannotBeServedAndWhy(
            Obstacle obstacle, String socket, Optional<String> owner, Optional<String> group, String why)
            throws Exception {
        obstacle.put(folder);
        assertRefused(
                settings(folder.resolve(socket), owner, group),
                "volume b cannot be served: " + why.replace("FOLDER", folder.toString()));
    }

    @Test
    void shouldNameTheSocketThatAnotherProcessServes() throws Exception {
        Path taken = folder.resolve("b.sock");
        try (UnixListener other = UnixListener.bind(taken, SocketOptions.PRIVATE)) {
            assertRefused(
                    settings(other.path(), Optional.empty(), Optional.empty()),
                    "volume b cannot be served: bind to " + taken
                            + ": Address already in use (EADDRINUSE). Another process"
                            + " serves it: stop that one, or choose another path.");
        }
    }

    @Test
    void shouldSayWhoMayGiveSocketsAway() throws Exception {
        assumeTrue(Posix.uid() != 0, "root may give files to anybody");
        assertRefused(
                settings(folder.resolve("b.sock"), Optional.of("0"), Optional.empty()),
                "volume b cannot be served: chown of " + folder.resolve("b.sock")
                        + " to user 0: Operation not permitted"
                        + " (EPERM). Only root may give a file to another user, or to a group that this user is no member of:"
                        + " leave owner and group out, join the group, or run as root.");
    }

    @Test
    void shouldSayWhichProcessorCannotBeHad() {
        PollerSettings far = new PollerSettings(OptionalInt.of(PollerSettings.MAX_CORE), 20, 200, 2000);
        ServeSettings settings = settings(folder.resolve("b.sock"), Optional.empty(), Optional.empty());
        assertRefused(
                new ServeSettings(settings.device(), far, settings.volumes()),
                "the poller cannot be pinned to processor 8191 (poller.core): sched_setaffinity of thread TID to processors"
                        + " [8191]: Invalid argument (EINVAL); choose one that this process may use, or none");
    }

    @Test
    void shouldSayWhichProcessorWasTakenAwayBeforeThePollerRan() {
        try (CapturedLog log = new CapturedLog()) {
            PollerThread.prepare(new PollerSettings(OptionalInt.of(PollerSettings.MAX_CORE), 20, 200, 2000));
            assertEquals(
                    1,
                    log.count(
                            "ERROR the poller runs where the kernel puts it, and not on processor 8191 (poller.core), which was"
                                    + " taken from this process meanwhile: sched_setaffinity"),
                    log::toString);
            assertEquals(1, log.count("Give it back, and start again"), log::toString);
        }
    }

    private ServeSettings settings(Path socket, Optional<String> owner, Optional<String> group) {
        VolumeSettings usual = DaemonRig.volume("b", socket, 1, false);
        VolumeSettings second = new VolumeSettings(
                usual.name(),
                usual.nsid(),
                usual.startBytes(),
                usual.sizeBytes(),
                usual.blockBytes(),
                usual.socket(),
                usual.mode(),
                owner,
                group,
                usual.queuePairs(),
                usual.queueEntries(),
                usual.maxInFlight(),
                usual.doorbells(),
                usual.readOnly(),
                usual.serial());
        return new ServeSettings(
                new DeviceSettings(new TargetSettings.Pci("0000:01:00.0"), 2, 64, 500, true),
                PollerSettings.DEFAULT,
                List.of(DaemonRig.volume("a", rig.socket("a"), 0, false), second));
    }

    private void assertRefused(ServeSettings settings, String message) {
        IOException refused = assertThrows(IOException.class, () -> rig.start(settings));
        assertEquals(message, refused.getMessage().replaceAll("thread \\d+", "thread TID"));
        assertTrue(rig.device.closed, "the device is let go of");
        assertFalse(Files.exists(rig.socket("a")), "and so is the first volume's socket");
    }
}
