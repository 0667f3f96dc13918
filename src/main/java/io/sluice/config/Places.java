package io.sluice.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Paths of sockets and files in a configuration.
 *
 * @param folder what relative ones are relative to: the configuration's own, so that it means the same from everywhere
 */
record Places(Path folder) {
    static final String WHAT = "the path of a socket, absolute or relative to the configuration's folder";

    Places {
        folder = folder.toAbsolutePath().normalize();
    }

    /** The absolute path of a socket; empty if it cannot be one, and that has been told then. */
    Optional<String> socket(String text, Section section, String key) {
        Optional<String> path = path(text, section, key, WHAT);
        int bytes = path.orElse("").getBytes(StandardCharsets.UTF_8).length;
        if (bytes > VolumeSettings.MAX_SOCKET_BYTES) {
            section.problem(
                    key,
                    "the path " + Problems.quoted(path.get()) + " has " + bytes + " bytes; Linux takes "
                            + VolumeSettings.MAX_SOCKET_BYTES + " for a socket");
            return Optional.empty();
        }
        return path;
    }

    /** The same of a file. */
    Optional<String> file(String text, Section section, String key) {
        return path(text, section, key, "the path of a file or a block device");
    }

    private Optional<String> path(String text, Section section, String key, String what) {
        Path path;
        try {
            path = folder.resolve(text).normalize();
        } catch (InvalidPathException e) {
            section.problem(key, Problems.quoted(text) + " is not a path: " + e.getReason());
            return Optional.empty();
        }
        if (path.toString().codePoints().anyMatch(Problems::isHidden)) {
            String whole = Problems.quoted(path.toString());
            section.problem(key, whole + " has control or format characters, which no path should have");
            return Optional.empty();
        }
        if (text.isBlank() || path.getFileName() == null || path.equals(folder)) {
            section.problem(key, Problems.quoted(text) + " names no file; it takes " + what);
            return Optional.empty();
        }
        return Optional.of(path.toString());
    }
}
