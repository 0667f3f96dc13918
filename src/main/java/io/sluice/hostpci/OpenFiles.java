package io.sluice.hostpci;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which processes have NVMe and VFIO device nodes open: the links in /proc/PID/fd, looked at once.
 *
 * <p>The links' texts are compared, and no descriptor's file is asked what it is: a stat of somebody's file on a server that is
 * gone would hang. A node of another name (made in a container) is therefore not recognised.
 */
final class OpenFiles {
    private final Map<Path, Set<String>> users = new HashMap<>();
    private final List<String> prefixes;
    private boolean complete = true;

    private OpenFiles(HostPaths paths) {
        prefixes = List.of(paths.dev() + "/nvme", paths.dev() + "/ng", paths.dev() + "/vfio/");
    }

    static OpenFiles scan(HostPaths paths) {
        OpenFiles files = new OpenFiles(paths);
        for (String name : Sysfs.names(paths.proc())) {
            if (name.chars().allMatch(c -> c >= '0' && c <= '9')) {
                files.addProcess(paths.proc().resolve(name), name);
            }
        }
        return files;
    }

    private void addProcess(Path process, String pid) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                addDescriptor(descriptor, process, pid);
            }
        } catch (AccessDeniedException e) {
            complete = false;
        } catch (IOException | DirectoryIteratorException e) {
            // The process has ended meanwhile, and its descriptors with it.
            return;
        }
    }

    private void addDescriptor(Path descriptor, Path process, String pid) {
        Path target;
        try {
            target = Files.readSymbolicLink(descriptor);
        } catch (IOException e) {
            // Closed meanwhile.
            return;
        }
        String text = target.toString();
        if (prefixes.stream().anyMatch(text::startsWith)) {
            String name = Sysfs.text(process.resolve("comm")).orElse("a process");
            users.computeIfAbsent(target, path -> new TreeSet<>()).add(name + " (pid " + pid + ")");
        }
    }

    /** The processes that have a node open, as {@code name (pid 12)}. */
    Set<String> usersOf(Path node) {
        return users.getOrDefault(node, Set.of());
    }

    /** Whether all processes could be looked into. */
    boolean isComplete() {
        return complete;
    }
}
