package io.sluice.vfiouser.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What this process holds, as the kernel counts it. */
final class ProcSelf {
    private ProcSelf() {}

    /** Descriptors whose target begins with one of these: {@code "socket:"}, {@code "/memfd:guest"}. */
    static long descriptors(String... beginnings) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.map(ProcSelf::target)
                    .filter(target -> Stream.of(beginnings).anyMatch(target::startsWith))
                    .count();
        }
    }

    private static String target(Path fd) {
        try {
            return Files.readSymbolicLink(fd).toString();
        } catch (IOException e) {
            // Closed since it was listed.
            return "";
        }
    }

    /** Mappings of files whose path contains this. */
    static long mappings(String path) throws IOException {
        List<String> maps = Files.readAllLines(Path.of("/proc/self/maps"));
        return maps.stream().filter(line -> line.contains(path)).count();
    }
}
