package io.sluice.daemon;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A software NVMe model to serve.
 *
 * @param socket where; at most 107 bytes
 * @param mode permission bits of the socket, 0 to 0777; connecting needs write
 * @param owner of the socket, by name or number; empty for this user
 * @param group of the socket, likewise
 * @param drive what is served there
 */
public record ModelOptions(Path socket, int mode, Optional<String> owner, Optional<String> group, DriveOptions drive) {

    /** With as many queue pairs as there can be; parameters as for {@link DriveOptions}. */
    public ModelOptions(
            Path socket,
            int mode,
            Optional<String> owner,
            Optional<String> group,
            long bytes,
            int blockBytes,
            String serial,
            boolean noop) {
        this(
                socket,
                mode,
                owner,
                group,
                new DriveOptions(bytes, blockBytes, serial, noop, DriveOptions.MAX_QUEUE_PAIRS));
    }
}
