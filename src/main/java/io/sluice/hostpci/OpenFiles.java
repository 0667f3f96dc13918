package io.sluice.hostpci;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
    /** What a link says of a VFIO device that was opened by its group. */
    private static final String VFIO_DEVICE = "anon_inode:[vfio-device]";

    /** What a link ends with when the node was removed and is open still. */
    private static final String DELETED = " (deleted)";

    private static final String NO_SUCH_PROCESS = "No such process";

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
        } catch (IOException e) {
            noteUnseen(e);
        } catch (DirectoryIteratorException e) {
            noteUnseen(e.getCause());
        }
    }

    /** A process that has ended, or a descriptor that was closed, hides nothing; whatever else cannot be read may. */
    private void noteUnseen(IOException e) {
        boolean gone = e instanceof NoSuchFileException
                || String.valueOf(e.getMessage()).endsWith(NO_SUCH_PROCESS);
        complete &= gone;
    }

    private void addDescriptor(Path descriptor, Path process, String pid) {
        Path target;
        try {
            target = Files.readSymbolicLink(descriptor);
        } catch (IOException e) {
            noteUnseen(e);
            return;
        }
        String text = target.toString();
        if (text.startsWith(VFIO_DEVICE) || prefixes.stream().anyMatch(text::startsWith)) {
            String node = text.endsWith(DELETED) ? text.substring(0, text.length() - DELETED.length()) : text;
            String name = Sysfs.text(process.resolve("comm")).orElse("a process");
            users.computeIfAbsent(Path.of(node), path -> new TreeSet<>()).add(name + " (pid " + pid + ")");
        }
    }

    /**
     * The processes that have some VFIO device open, of which no node tells which one it is: the descriptor came from another
     * process, say.
     *
     * @param groups the folder of the nodes of groups and devices
     */
    Set<String> usersOfUnknownVfioDevices(Path groups) {
        Set<String> unknown = new TreeSet<>(usersOf(Path.of(VFIO_DEVICE)));
        users.forEach((node, processes) -> {
            boolean tells = node.startsWith(groups) && !node.equals(groups.resolve("vfio"));
            if (tells) {
                unknown.removeAll(processes);
            }
        });
        return unknown;
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
