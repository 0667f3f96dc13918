package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PosixTest {
    @Test
    void shouldKnowThisProcess() throws Exception {
        assertEquals(ProcessHandle.current().pid(), Posix.pid());
        assertEquals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"), Posix.uid());
    }

    @Test
    void shouldLookUpNamesAndTakeNumbers() throws Exception {
        assertEquals(0, Posix.userId("root"));
        assertEquals(0, Posix.groupId("root"));
        assertEquals(1234, Posix.userId("1234"));
        assertEquals(1234, Posix.groupId("1234"));
        assertEquals(-2, Posix.userId("4294967294"), "an unsigned 32-bit number");
    }

    @Test
    void shouldSayWhoIsMissing() {
        LinuxException user = assertThrows(LinuxException.class, () -> Posix.userId("no-such-user"));
        assertTrue(user.getMessage().contains("no-such-user"), user.getMessage());
        assertThrows(LinuxException.class, () -> Posix.groupId("no-such-group"));
        assertThrows(LinuxException.class, () -> Posix.userId(""));
        assertThrows(LinuxException.class, () -> Posix.userId("4294967295"));
        assertThrows(LinuxException.class, () -> Posix.groupId("99999999999999999999"));
    }

    @Test
    void shouldChangeModesAndOwners(@TempDir Path directory) throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        Posix.chmod(file, 0640);
        assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assumeTrue(Posix.uid() == 0, "only root gives files away");
        Posix.chown(file, 1, -1);
        assertEquals(1, Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS));
        Posix.chown(file, -1, 2);
        assertEquals(1, Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS));
        assertEquals(2, Files.getAttribute(file, "unix:gid", LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void shouldSayWhatFailedWhenTheFileIsAbsent(@TempDir Path directory) {
        Path absent = directory.resolve("absent");
        LinuxException refused = assertThrows(LinuxException.class, () -> Posix.chmod(absent, 0600));
        assertEquals("chmod of " + absent + " to 600: No such file or directory (ENOENT)", refused.getMessage());
        assertEquals(
                Errno.ENOENT,
                assertThrows(LinuxException.class, () -> Posix.chown(absent, 0, 0))
                        .errno());
    }

    @Test
    void shouldSetLimitsThatTheKernelShows() throws Exception {
        Posix.Limit before = Posix.limit(Posix.Resource.NOFILE);
        assertTrue(before.soft() > 0);
        Posix.setLimit(Posix.Resource.NOFILE, new Posix.Limit(before.soft() - 1, before.hard()));
        try {
            assertEquals(before.soft() - 1, Posix.limit(Posix.Resource.NOFILE).soft());
            String shown = Files.readAllLines(Path.of("/proc/self/limits")).stream()
                    .filter(line -> line.startsWith("Max open files"))
                    .findFirst()
                    .orElseThrow();
            assertTrue(shown.contains(" " + (before.soft() - 1) + " "), shown);
        } finally {
            Posix.setLimit(Posix.Resource.NOFILE, before);
        }
    }

    @Test
    void shouldRefuseLimitsThatMakeNoSense() {
        LinuxException refused = assertThrows(
                LinuxException.class, () -> Posix.setLimit(Posix.Resource.NOFILE, new Posix.Limit(100, 50)));
        assertEquals(Errno.EINVAL, refused.errno());
    }

    @Test
    void shouldKnowUnlimitedWhenItSeesIt() throws Exception {
        Posix.Limit limit = Posix.limit(Posix.Resource.MEMLOCK);
        String shown = Files.readAllLines(Path.of("/proc/self/limits")).stream()
                .filter(line -> line.startsWith("Max locked memory"))
                .findFirst()
                .orElseThrow();
        String soft = limit.soft() == Posix.UNLIMITED ? "unlimited" : Long.toString(limit.soft());
        assertTrue(shown.contains(" " + soft + " "), shown + " is not " + limit);
    }

    @Test
    void shouldReachAProcessBySignal() throws Exception {
        Process child = new ProcessBuilder("sleep", "1000").start();
        try {
            Posix.kill((int) child.pid(), 0);
            Posix.kill((int) child.pid(), 15);
            assertEquals(128 + 15, child.waitFor());
        } finally {
            child.destroyForcibly();
        }
        LinuxException gone = assertThrows(LinuxException.class, () -> Posix.kill((int) child.pid(), 0));
        assertEquals(Errno.ESRCH, gone.errno());
    }
}
