package io.sluice.dma;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel says that this process holds: the witness of leaks. */
final class ProcSelf {
    private ProcSelf() {}

    /** Mappings of files whose name contains {@code name}. */
    static long mappings(String name) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.contains(name))
                .count();
    }

    /** Open descriptors of files whose name contains {@code name}. */
    static long descriptors(String name) throws IOException {
        long count = 0;
        try (DirectoryStream<Path> links = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path link : links) {
                count += isLinkTo(link, name) ? 1 : 0;
            }
        }
        return count;
    }

    private static boolean isLinkTo(Path link, String name) {
        try {
            return Files.readSymbolicLink(link).toString().contains(name);
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
