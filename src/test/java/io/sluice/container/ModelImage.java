package io.sluice.container;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An image made of what is on this machine, for no registry is needed then: the jar, the JDK that runs the tests, and the
 * libraries that its programs need.
 */
final class ModelImage {
    static final String JAVA = "/jdk/bin/java";
    static final String JAR = "/sluice.jar";

    /** Of a JDK, what only compilers and linkers read. */
    private static final Set<String> LEFT_OUT = Set.of("jmods", "src.zip", "ct.sym", "man", "include", "demo");

    /** "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f...)", or without the arrow. */
    private static final Pattern LIBRARY = Pattern.compile("(/\\S+) \\(0x");

    private final Path root;

    private ModelImage(Path root) {
        this.root = root;
    }

    /**
     * Imports it.
     *
     * @param folder empty, for its files
     */
    static void make(String name, Path folder) throws IOException, InterruptedException {
        ModelImage image = new ModelImage(folder);
        Path jar = Path.of("target", "sluice.jar");
        Path jdk = Path.of(System.getProperty("java.home"));
        Files.copy(jar, folder.resolve("sluice.jar"));
        Files.createDirectories(folder.resolve("tmp"));
        image.copyJdk(jdk);
        image.copyLibraries(jdk);
        // The command, for docker-java cuts a stream of this size short.
        pack(folder, new ProcessBuilder("docker", "import", "-", name));
    }

    static void remove(String name) throws IOException, InterruptedException {
        require(new ProcessBuilder("docker", "rmi", "--force", name).start());
    }

    private static void pack(Path folder, ProcessBuilder receiver) throws IOException, InterruptedException {
        ProcessBuilder tar = new ProcessBuilder("tar", "-C", folder.toString(), "-c", ".");
        receiver.redirectError(ProcessBuilder.Redirect.INHERIT);
        for (Process process : ProcessBuilder.startPipeline(List.of(tar, receiver))) {
            require(process);
        }
    }

    private static void require(Process process) throws InterruptedException, IOException {
        if (process.waitFor() != 0) {
            throw new IOException("exit code " + process.exitValue() + " of "
                    + process.info().command().orElse("a process"));
        }
    }

    private void copyJdk(Path jdk) throws IOException {
        Path target = root.resolve("jdk");
        Files.walkFileTree(jdk, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path from, BasicFileAttributes attributes) throws IOException {
                if (LEFT_OUT.contains(from.getFileName().toString())) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                Files.createDirectories(target.resolve(jdk.relativize(from).toString()));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path from, BasicFileAttributes attributes) throws IOException {
                if (!LEFT_OUT.contains(from.getFileName().toString()) && Files.isRegularFile(from)) {
                    copy(from, target.resolve(jdk.relativize(from).toString()));
                }
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Links become what they lead to: Debian's JDKs have some into /etc. */
    private static void copy(Path from, Path to) throws IOException {
        Files.copy(from.toRealPath(), to);
        if (Files.isExecutable(from) && !to.toFile().setExecutable(true, false)) {
            throw new IOException(to + " cannot be made executable");
        }
    }

    private void copyLibraries(Path jdk) throws IOException, InterruptedException {
        List<Path> programs =
                List.of(jdk.resolve("bin/java"), jdk.resolve("lib/server/libjvm.so"), jdk.resolve("lib/libzip.so"));
        for (Path program : programs) {
            Process ldd = new ProcessBuilder("ldd", program.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            Matcher library = LIBRARY.matcher(new String(ldd.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
            ldd.waitFor();
            while (library.find()) {
                copyLibrary(Path.of(library.group(1)), jdk);
            }
        }
    }

    private void copyLibrary(Path library, Path jdk) throws IOException {
        Path to = root.resolve(library.toString().substring(1));
        if (!library.startsWith(jdk) && !Files.exists(to, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(to.getParent());
            copy(library, to);
        }
    }
}
