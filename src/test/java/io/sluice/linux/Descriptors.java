package io.sluice.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Counts this process's descriptors of the kinds that this room makes. The JVM opens files of its own at any time. */
public final class Descriptors {
    private static final List<String> KINDS =
            List.of("socket:", "anon_inode:[eventfd]", "/memfd:", "pipe:", "/dev/null", "/tmp");

    private Descriptors() {}

    public static long count() {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(Descriptors::isOurs).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isOurs(Path fd) {
        try {
            String link = Files.readSymbolicLink(fd).toString();
            return KINDS.stream().anyMatch(link::startsWith);
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether a descriptor ends with an exec, by the kernel's own account. */
    static boolean isCloseOnExec(Fd fd) {
        try {
            String flags = Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd.number())).stream()
                    .filter(line -> line.startsWith("flags:"))
                    .findFirst()
                    .orElseThrow();
            return (Integer.parseInt(flags.replaceAll("\\D", ""), 8) & FileIo.O_CLOEXEC) != 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
