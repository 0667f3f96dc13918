package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class UnixListenerTest {
    @TempDir
    Path directory;

    private Path path;
    private long descriptorsBefore;

    @BeforeEach
    void choosePath() {
        path = directory.resolve("nvme.sock");
        descriptorsBefore = Descriptors.count();
    }

    @AfterEach
    void countDescriptors() {
        assertEquals(descriptorsBefore, Descriptors.count(), "descriptors are left open");
    }

    /** A socket file that nobody listens on, as a killed process leaves it. */
    private void leaveStaleSocket() throws IOException {
        UnixListener dead = UnixListener.bind(path, SocketOptions.PRIVATE);
        Path aside = directory.resolve("aside");
        Files.move(path, aside);
        dead.close();
        Files.move(aside, path);
    }

    private String permissions() throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void shouldAcceptWhenAClientConnects() throws Exception {
        try (UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE);
                UnixConnection client = UnixConnection.connect(path);
                UnixConnection server = listener.accept()) {
            assertTrue(Descriptors.isCloseOnExec(server.fd()));
            assertTrue(Descriptors.isCloseOnExec(listener.fd()));
            client.send(ByteBuffer.wrap(new byte[] {42}), List.of());
            ByteBuffer in = ByteBuffer.allocate(1);
            assertEquals(1, server.receive(in, new ArrayList<>()));
            assertEquals(42, in.get(0));
            assertEquals(ProcessHandle.current().pid(), server.peer().pid());
        }
        assertFalse(Files.exists(path), "the socket's file outlives it");
    }

    @Test
    void shouldLetTheNextClientWaitWhenOneIsServed() throws Exception {
        try (UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE);
                UnixConnection first = UnixConnection.connect(path);
                UnixConnection second = UnixConnection.connect(path)) {
            second.send(ByteBuffer.wrap(new byte[] {2}), List.of());
            first.send(ByteBuffer.wrap(new byte[] {1}), List.of());
            for (int expected = 1; expected <= 2; expected++) {
                try (UnixConnection server = listener.accept()) {
                    ByteBuffer in = ByteBuffer.allocate(1);
                    server.receive(in, new ArrayList<>());
                    assertEquals(expected, in.get(0));
                }
            }
        }
    }

    @Test
    void shouldBePrivateWhenNothingElseIsAsked() throws Exception {
        try (UnixListener _ = UnixListener.bind(path, SocketOptions.PRIVATE)) {
            assertEquals("rw-------", permissions());
        }
    }

    @Test
    void shouldHaveTheModeAskedForWhenTheUmaskForbidsIt() throws Exception {
        int before = Posix.umask(0777);
        try (UnixListener _ = UnixListener.bind(path, SocketOptions.PRIVATE.withMode(0666))) {
            assertEquals("rw-rw-rw-", permissions());
        } finally {
            Posix.umask(before);
        }
    }

    @Test
    void shouldBelongToTheOwnerAndGroupAskedFor() throws Exception {
        assumeTrue(Posix.uid() == 0, "only root gives files away");
        SocketOptions options =
                SocketOptions.PRIVATE.withMode(0660).withOwner("1234").withGroup("daemon");
        try (UnixListener _ = UnixListener.bind(path, options)) {
            assertEquals(1234, Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS));
            assertEquals(Posix.groupId("daemon"), Files.getAttribute(path, "unix:gid", LinkOption.NOFOLLOW_LINKS));
            assertEquals("rw-rw----", permissions());
        }
    }

    @Test
    void shouldLeaveNothingWhenTheGroupDoesNotExist() {
        SocketOptions options = SocketOptions.PRIVATE.withGroup("no-such-group");
        LinuxException refused = assertThrows(LinuxException.class, () -> UnixListener.bind(path, options));
        assertTrue(refused.getMessage().contains("no-such-group"), refused.getMessage());
        assertFalse(Files.exists(path));
    }

    @Test
    void shouldReplaceTheFileWhenItIsStale() throws Exception {
        leaveStaleSocket();
        assertTrue(Files.exists(path));
        try (UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE);
                UnixConnection client = UnixConnection.connect(path);
                UnixConnection server = listener.accept()) {
            assertNotNull(server);
            assertNotNull(client);
        }
    }

    @Test
    void shouldRefuseWhenAnotherServesThePath() throws Exception {
        try (UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE)) {
            LinuxException refused =
                    assertThrows(LinuxException.class, () -> UnixListener.bind(path, SocketOptions.PRIVATE));
            assertEquals(Errno.EADDRINUSE, refused.errno());
            assertTrue(refused.getMessage().contains("Another process serves it"), refused.getMessage());
            // The look whether it lives is a client that leaves at once.
            try (UnixConnection probe = listener.accept()) {
                assertEquals(0, probe.receive(ByteBuffer.allocate(1), new ArrayList<>()));
            }
            assertTrue(Files.exists(path));
        }
    }

    @Test
    void shouldRefuseWhenTheFileIsNotASocket() throws Exception {
        Files.writeString(path, "precious");
        LinuxException refused =
                assertThrows(LinuxException.class, () -> UnixListener.bind(path, SocketOptions.PRIVATE));
        assertEquals(Errno.EEXIST, refused.errno());
        assertEquals("precious", Files.readString(path));
    }

    @Test
    void shouldRefuseWhenThePathIsALink() throws Exception {
        Files.createSymbolicLink(path, directory.resolve("elsewhere"));
        assertThrows(LinuxException.class, () -> UnixListener.bind(path, SocketOptions.PRIVATE));
        assertTrue(Files.isSymbolicLink(path));
    }

    @Test
    void shouldRefuseWhenThePathIsTooLong() throws Exception {
        int room = 107 - directory.toString().length() - 1;
        Path longest = directory.resolve("x".repeat(room));
        try (UnixListener _ = UnixListener.bind(longest, SocketOptions.PRIVATE);
                UnixConnection client = UnixConnection.connect(longest)) {
            assertNotNull(client);
        }
        Path longer = directory.resolve("x".repeat(room + 1));
        LinuxException refused =
                assertThrows(LinuxException.class, () -> UnixListener.bind(longer, SocketOptions.PRIVATE));
        assertEquals(Errno.ENAMETOOLONG, refused.errno());
        assertTrue(refused.getMessage().contains("at most 107 bytes; this one has 108"), refused.getMessage());
        assertThrows(LinuxException.class, () -> UnixConnection.connect(longer));
    }

    @Test
    void shouldRefuseWhenTheDirectoryIsMissing() {
        Path absent = directory.resolve("absent/nvme.sock");
        LinuxException refused =
                assertThrows(LinuxException.class, () -> UnixListener.bind(absent, SocketOptions.PRIVATE));
        assertEquals(Errno.ENOENT, refused.errno());
    }

    @Test
    void shouldLetOneWinWhenSeveralStartAtOnce() throws Exception {
        for (int round = 0; round < 20; round++) {
            leaveStaleSocket();
            List<UnixListener> winners = startAtOnce(4);
            assertEquals(1, winners.size(), "round " + round);
            try (UnixConnection client = UnixConnection.connect(path)) {
                assertNotNull(client);
            }
            winners.get(0).close();
            assertFalse(Files.exists(path));
        }
    }

    private List<UnixListener> startAtOnce(int starters) {
        CountDownLatch gate = new CountDownLatch(1);
        List<CompletableFuture<UnixListener>> attempts = new ArrayList<>();
        for (int i = 0; i < starters; i++) {
            attempts.add(CompletableFuture.supplyAsync(() -> {
                try {
                    gate.await();
                    return UnixListener.bind(path, SocketOptions.PRIVATE);
                } catch (LinuxException refused) {
                    assertEquals(Errno.EADDRINUSE, refused.errno(), refused.getMessage());
                    return null;
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        gate.countDown();
        List<UnixListener> winners = new ArrayList<>();
        for (CompletableFuture<UnixListener> attempt : attempts) {
            UnixListener listener = attempt.join();
            if (listener != null) {
                winners.add(listener);
            }
        }
        return winners;
    }

    @Test
    void shouldWakeAcceptWhenClosed() throws Exception {
        UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE);
        CompletableFuture<Boolean> accepted = CompletableFuture.supplyAsync(() -> {
            try (UnixConnection none = listener.accept()) {
                return none != null;
            } catch (LinuxException e) {
                throw new IllegalStateException(e);
            }
        });
        Thread.sleep(20);
        listener.close();
        assertFalse(accepted.join());
        assertNull(listener.accept());
        listener.close();
    }

    @Test
    void shouldTurnWaitingClientsAwayWhenClosed() throws Exception {
        UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE);
        try (UnixConnection waiting = UnixConnection.connect(path)) {
            listener.close();
            assertNull(listener.accept());
            assertEquals(0, waiting.receive(ByteBuffer.allocate(1), new ArrayList<>()));
        }
    }

    @Test
    void shouldWaitForTheOtherStarterButNotForEver() throws Exception {
        Duration patience = Duration.ofMillis(20);
        try (DirectoryLock _ = DirectoryLock.around(path)) {
            LinuxException held = assertThrows(LinuxException.class, () -> DirectoryLock.around(path, patience));
            assertTrue(held.getMessage().contains("another process has held it for 20 ms"), held.getMessage());
        }
        DirectoryLock.around(path, patience).close();
    }

    @Test
    void shouldLeaveTheFileWhenItIsNotItsOwnAnyMore() throws Exception {
        UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE);
        Files.delete(path);
        try (UnixListener next = UnixListener.bind(path, SocketOptions.PRIVATE)) {
            listener.close();
            assertTrue(Files.exists(next.path()));
        }
    }

    @Test
    void shouldSayWhatToDoWhenConnectingFails() throws Exception {
        LinuxException absent = assertThrows(LinuxException.class, () -> UnixConnection.connect(path));
        assertEquals(Errno.ENOENT, absent.errno());
        leaveStaleSocket();
        LinuxException stale = assertThrows(LinuxException.class, () -> UnixConnection.connect(path));
        assertEquals(Errno.ECONNREFUSED, stale.errno());
        assertEquals("connect", stale.call());
    }

    @Test
    void shouldRefuseModesThatAreNotPermissions() {
        assertThrows(IllegalArgumentException.class, () -> SocketOptions.PRIVATE.withMode(01600));
        assertThrows(IllegalArgumentException.class, () -> SocketOptions.PRIVATE.withMode(-1));
    }

    @Test
    void shouldRemoveItsFileWhenAStrangerHoldsTheDirectorysLock() throws Exception {
        UnixListener listener = UnixListener.bind(path, SocketOptions.PRIVATE);
        try (DirectoryLock _ = DirectoryLock.around(path)) {
            listener.close();

            assertFalse(Files.exists(path, LinkOption.NOFOLLOW_LINKS));
        }
    }

    @Test
    void shouldNameTheLockAndWhatToDoWhenAStrangerHoldsIt() throws Exception {
        try (DirectoryLock _ = DirectoryLock.around(path)) {
            LinuxException held =
                    assertThrows(LinuxException.class, () -> UnixListener.bind(path, SocketOptions.PRIVATE));

            assertTrue(held.getMessage().startsWith("flock of directory " + directory + ": "), held.getMessage());
            assertTrue(held.getMessage().contains("lslocks"), held.getMessage());
        }
    }

    @Test
    void shouldNameTheSocketWhenItCannotBeGivenAway() {
        assumeTrue(Posix.uid() != 0, "root may give files to anybody");
        LinuxException refused = assertThrows(
                LinuxException.class,
                () -> UnixListener.bind(path, new SocketOptions(0600, Optional.of("0"), Optional.empty())));

        assertEquals(Errno.EPERM, refused.errno());
        assertTrue(refused.getMessage().startsWith("chown of " + path + " to user 0: "), refused.getMessage());
    }
}
