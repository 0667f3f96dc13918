package io.sluice.storage;

import io.sluice.linux.FileStatus;
import io.sluice.linux.PlainText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Who has a lock on a file, for messages: /proc/locks, in proc(5). */
final class LockHolders {
    /** "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF" in words. */
    private static final int PROCESS = 4;

    private static final int INODE = 5;

    private LockHolders() {}

    /** "process 4711 (java)", or "another process". */
    static String of(FileStatus file) {
        try {
            return of(file, Files.readAllLines(Path.of("/proc/locks")));
        } catch (IOException e) {
            return "another process";
        }
    }

    /** Inode numbers of two file systems may be the same; device numbers differ in form between the two places. */
    static String of(FileStatus file, List<String> locks) {
        String inode = ":" + Long.toUnsignedString(file.inode());
        for (String line : locks) {
            String[] words = line.strip().split("\\s+", -1);
            if (words.length > INODE && words[1].equals("FLOCK") && words[INODE].endsWith(inode)) {
                String process = words[PROCESS];
                return process.equals(Long.toString(ProcessHandle.current().pid()))
                        ? "this process, which serves it already"
                        : "process " + process + name(process);
            }
        }
        return "another process";
    }

    private static String name(String process) {
        try {
            return " ("
                    + PlainText.of(
                            Files.readString(Path.of("/proc", process, "comm")).strip()) + ")";
        } catch (IOException e) {
            return ""; // it is gone, or not to be seen
        }
    }
}
