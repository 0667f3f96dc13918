package io.sluice.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a start would fail on, on this host, as this user, now: folders that sockets go to, and the poller's processor. Apart from
 * the other checks, because it may be different when the daemon starts: its service makes its folder, and has another user.
 */
public final class HostChecks {
    private HostChecks() {}

    /** Everything that is in the way; empty if nothing is. */
    public static List<ConfigError> problems(ServeSettings settings) {
        return problems(settings, Path.of("/sys/devices/system/cpu"));
    }

    static List<ConfigError> problems(ServeSettings settings, Path processors) {
        List<ConfigError> found = new ArrayList<>();
        settings.poller().core().ifPresent(core -> {
            if (Files.isDirectory(processors) && !Files.exists(processors.resolve("cpu" + core))) {
                add(found, settings, "poller.core", "there is no processor " + core + " on this host");
            }
        });
        for (int i = 0; i < settings.volumes().size(); i++) {
            Path folder = Path.of(settings.volumes().get(i).socket()).getParent();
            String problem = folderProblem(folder);
            if (!problem.isEmpty()) {
                add(found, settings, "volumes[" + i + "].socket", "the folder " + folder + " " + problem);
            }
        }
        return found;
    }

    /**
     * As {@link #problems}, for whoever starts now.
     *
     * @throws ConfigException if anything is in the way
     */
    public static void require(ServeSettings settings) throws ConfigException {
        Problems problems = new Problems();
        problems(settings).forEach(error -> problems.add(error.position(), error.path(), error.message()));
        problems.throwIfAny();
    }

    private static String folderProblem(Path folder) {
        if (!Files.exists(folder)) {
            return "does not exist; make it, or let the service make it (RuntimeDirectory=)";
        }
        if (!Files.isDirectory(folder)) {
            return "is not a folder";
        }
        return Files.isWritable(folder) && Files.isExecutable(folder) ? "" : "may not be written by this user";
    }

    private static void add(List<ConfigError> found, ServeSettings settings, String path, String message) {
        found.add(new ConfigError(settings.origins().of(path), path, message));
    }
}
