package io.sluice.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is in the way on this host. */
class HostChecksTest {
    @TempDir
    private Path folder;

    private ServeSettings settings(String socket) throws ConfigException {
        return ServeReader.parse(
                "device: model:1G\npoller: {core: 5}\nvolumes: [{name: a, socket: " + socket + "}]\n",
                "serve.yaml",
                folder);
    }

    private List<String> problems(String socket) throws Exception {
        Path processors = Files.createDirectories(folder.resolve("cpu"));
        Files.createDirectories(processors.resolve("cpu5"));
        return HostChecks.problems(settings(socket), processors, folder.resolve("status")).stream()
                .map(ConfigError::toString)
                .toList();
    }

    @Test
    void shouldFindNothingWhenAllIsThere() throws Exception {
        assertEquals(List.of(), problems("a.sock"));
    }

    @Test
    void shouldSayWhatIsWrongWithTheFolder() throws Exception {
        assertEquals(
                List.of("serve.yaml:3:29: volumes[0].socket: the folder " + folder
                        + "/x does not exist; make it, or let the service make it (RuntimeDirectory=)"),
                problems("x/a.sock"));
        Files.createFile(folder.resolve("x"));
        assertEquals(
                List.of("serve.yaml:3:29: volumes[0].socket: the folder " + folder + "/x is not a folder"),
                problems("x/a.sock"));
    }

    private List<String> problemsOfFile(String file) throws Exception {
        ServeSettings settings = ServeReader.parse(
                "device: \"model:file=" + file + "\"\nvolumes: [{name: a, socket: a}]\n", "serve.yaml", folder);
        return HostChecks.problems(settings, folder.resolve("cpu"), folder.resolve("status")).stream()
                .map(ConfigError::toString)
                .toList();
    }

    @Test
    void shouldSayThatAModelsFileIsNotThereAndCannotBeMade() throws Exception {
        assertEquals(
                List.of("serve.yaml:1:9: device.target: " + folder
                        + "/x.img does not exist; give it a size to have it made (,size=SIZE)"),
                problemsOfFile("x.img"));
        assertEquals(List.of(), problemsOfFile("x.img,size=1M"));
        assertEquals(1, problemsOfFile("y/x.img,size=1M").size());
        Files.createFile(folder.resolve("x.img"));
        assertEquals(List.of(), problemsOfFile("x.img"));
    }

    @Test
    void shouldSayThatTheFolderMayNotBeWritten() throws Exception {
        Path locked = Files.createDirectory(folder.resolve("locked"));
        Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("r-xr-xr-x"));
        assumeFalse(Files.isWritable(locked), "this user writes everywhere, so there is nothing to be refused");
        assertEquals(
                List.of("serve.yaml:3:29: volumes[0].socket: the folder " + locked
                        + " may not be written by this user"),
                problems("locked/a.sock"));
    }

    @Test
    void shouldSayThatThereIsNoSuchProcessor() throws Exception {
        Path processors = Files.createDirectories(folder.resolve("few"));
        assertEquals(
                "serve.yaml:2:16: poller.core: there is no processor 5 on this host",
                HostChecks.problems(settings("a.sock"), processors, folder.resolve("status"))
                        .getFirst()
                        .toString());
    }

    @Test
    void shouldSayThatTheProcessorIsOfflineOrNotForThisProcess() throws Exception {
        Path processors = Files.createDirectories(folder.resolve("cpu"));
        Files.writeString(processors.resolve("online"), "0-4,6-11\n");
        assertEquals(
                List.of("serve.yaml:2:16: poller.core: processor 5 is offline; online are 0-4,6-11"),
                problems("a.sock"));
        Files.writeString(processors.resolve("online"), "0-11\n");
        assertEquals(List.of(), problems("a.sock"));
        Files.writeString(folder.resolve("status"), "Cpus_allowed:\tf\nCpus_allowed_list:\t0-3,15\n");
        assertEquals(
                List.of("serve.yaml:2:16: poller.core: processor 5 is not given to this process (taskset, cpuset,"
                        + " AllowedCPUs=); it has 0-3,15"),
                problems("a.sock"));
        Files.writeString(folder.resolve("status"), "Cpus_allowed_list:\t0-3,5\n");
        assertEquals(List.of(), problems("a.sock"));
    }

    @Test
    void shouldRefuseAStartWhenAnythingIsInTheWay() throws Exception {
        ServeSettings settings = settings("x/a.sock");
        assertThrows(ConfigException.class, () -> HostChecks.require(settings));
    }
}
