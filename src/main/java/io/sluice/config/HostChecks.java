package io.sluice.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a start would fail on, on this host, as this user, now: folders that sockets go to, a model's file, and the poller's processor. Apart from
 * the other checks, because it may be different when the daemon starts: its service makes its folder, and has another user.
 */
public final class HostChecks {
    private HostChecks() {}

    /** Everything that is in the way; empty if nothing is. */
    public static List<ConfigError> problems(ServeSettings settings) {
        return problems(settings, Path.of("/sys/devices/system/cpu"), Path.of("/proc/self/status"));
    }

    static List<ConfigError> problems(ServeSettings settings, Path processors, Path status) {
        List<ConfigError> found = new ArrayList<>();
        settings.poller().core().ifPresent(core -> {
            String problem = coreProblem(core, processors, status);
            if (!problem.isEmpty()) {
                add(found, settings, "poller.core", problem);
            }
        });
        if (settings.device().target() instanceof TargetSettings.ModelFile model) {
            String problem = fileProblem(Path.of(model.path()), model.bytes().isPresent());
            if (!problem.isEmpty()) {
                add(found, settings, "device.target", problem);
            }
        }
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

    private static String coreProblem(int core, Path processors, Path status) {
        if (Files.isDirectory(processors) && !Files.exists(processors.resolve("cpu" + core))) {
            return "there is no processor " + core + " on this host";
        }
        Optional<String> online = line(processors.resolve("online"), "");
        if (online.isPresent() && !isListed(core, online.get())) {
            return "processor " + core + " is offline; online are " + online.get();
        }
        Optional<String> allowed = line(status, "Cpus_allowed_list:");
        if (allowed.isPresent() && !isListed(core, allowed.get())) {
            return "processor " + core + " is not given to this process (taskset, cpuset, AllowedCPUs=); it has "
                    + allowed.get();
        }
        return "";
    }

    /** What follows a word at the beginning of a line; empty where there is no such line, or no such file. */
    private static Optional<String> line(Path file, String begin) {
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> line.startsWith(begin))
                    .map(line -> line.substring(begin.length()).strip())
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty(); // then the start tells
        }
    }

    /** Whether a number is in a list as the kernel writes it: "0-3,8,10-11". */
    private static boolean isListed(int number, String list) {
        for (String part : list.split(",", -1)) {
            String[] ends = part.strip().split("-", 2);
            if (ends[0].matches("\\d{1,9}")
                    && ends[ends.length - 1].matches("\\d{1,9}")
                    && number >= Integer.parseInt(ends[0])
                    && number <= Integer.parseInt(ends[ends.length - 1])) {
                return true;
            }
        }
        return false;
    }

    private static String fileProblem(Path file, boolean isMade) {
        if (Files.exists(file)) {
            return "";
        }
        if (!isMade) {
            return file + " does not exist; give it a size to have it made (,size=SIZE)";
        }
        String problem = folderProblem(file.getParent());
        return problem.isEmpty() ? "" : "the folder " + file.getParent() + " " + problem;
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
