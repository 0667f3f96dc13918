package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.config.ServeReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sluice check}, and what {@code sluice serve} refuses before it takes anything. */
class ServeCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path folder;

    private int run(String... arguments) {
        return Sluice.commandLine(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("serve.yaml"), text);
    }

    @Test
    void shouldPrintWhatWouldBeServed() throws IOException {
        Path file = file("""
                device: {target: 01:00.0, destroy-data: true}
                poller: {core: 0}
                volumes:
                  - {name: web, size: 20G, socket: web.sock, mode: 0660, group: root}
                  - {name: archive, start: 20G, socket: x/archive.sock, doorbells: trapped, read-only: true, queues: 4}
                """);
        assertEquals(ExitCode.OK, run("check", file.toString()), err.toString());
        String web = folder + "/web.sock";
        String archive = folder + "/x/archive.sock";
        String padding = " ".repeat(archive.length() - web.length());
        assertEquals(
                """
                device  0000:01:00.0, up to 32 queue pairs of 256 entries, commands aborted after 10000 ms, taken even if it \
                is not empty
                poller  processor 0, spins 20 us, yields 200 us, parks up to 2000 us, or three \
                times that where parks cost much

                """
                        + "NAME     NS  START      SIZE      ACCESS  QUEUES  ENTRIES  IN FLIGHT  DOORBELLS  MODE  OWNER  GROUP"
                        + "   SERIAL  " + " ".repeat(archive.length() - "SOCKET".length()) + "SOCKET\n"
                        + "web       1      0       20G  read-write      64     1024        128     mapped  0660      -   root"
                        + "      web  " + padding + web + "\n"
                        + "archive   1    20G  the rest   read-only       4     1024        128    trapped  0600      -      -"
                        + "  archive  " + archive + "\n",
                out.toString());
        assertEquals(
                file + ":5:41: warning: volumes[1].socket: the folder " + folder
                        + "/x does not exist; make it, or let the service make it (RuntimeDirectory=)\n",
                err.toString());
    }

    @Test
    void shouldPrintAllThatIsWrong() throws IOException {
        Path file = file("device: nvme\nvolumes: [{name: a, socket: a, queues: 0}]\n");
        assertEquals(ExitCode.FAILED, run("check", file.toString()));
        assertEquals(3, err.toString().lines().count(), err.toString());
        assertTrue(err.toString().startsWith(file + ":1:9: device.target: \"nvme\" is no device; "), err.toString());
        assertTrue(err.toString().contains("\n" + file + ":2:40: volumes[0].queues: \"0\" is not"), err.toString());
        assertTrue(err.toString().endsWith("\nsluice: 2 errors, so nothing can be served\n"), err.toString());
        assertEquals("", out.toString());
    }

    @Test
    void shouldTakeTheExampleFile() throws Exception {
        assertEquals(ExitCode.OK, run("check", "scripts/serve.yaml"), err.toString());
        assertTrue(out.toString().contains("\narchive "), out.toString());
        assertEquals(
                3, ServeReader.read(Path.of("scripts/serve.yaml")).volumes().size());
    }

    @Test
    void shouldRefuseToServeWhatIsWrong() throws IOException {
        Path file = file("device: model:1G\nvolumes: [{name: a, socket: a, queues: 0}]\n");
        assertEquals(ExitCode.FAILED, run("serve", "--config", file.toString()));
        assertEquals(
                file + ":2:40: volumes[0].queues: \"0\" is not a whole number, 1 to 64\n"
                        + "sluice: 1 error, so nothing can be served\n",
                err.toString());
    }

    @Test
    void shouldRefuseToServeWhereSocketsCannotBe() throws IOException {
        Path file = file("device: model:1G\nvolumes: [{name: a, socket: x/a}]\n");
        assertEquals(ExitCode.FAILED, run("serve", "--config", file.toString()));
        assertTrue(err.toString().contains("/x does not exist"), err.toString());
    }

    @Test
    void shouldTellWhichOptionIsWrong() {
        assertEquals(ExitCode.USAGE, run("serve", "model:1G", "--volume", "name=a,socket=a,size=10X", "--core", "x"));
        assertEquals("""
                --core: poller.core: "x" is not a whole number, 0 to 8191
                --volume 1: volumes[0].size: "10X" is not a size; write bytes, or a number with K, M, G or T: 4096, 64M, \
                512MiB, 1G
                sluice: 2 errors, so nothing can be served
                Try 'sluice serve --help'.
                """, err.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "'', 'what to serve is missing: --config FILE, or DEVICE with'",
        "01:00.0, 'what to serve is missing: --config FILE, or DEVICE with'",
        "--volume name=a, 'what to serve is missing: --config FILE, or DEVICE with'",
        "--config x 01:00.0, '--config has everything in it'",
        "--config x --core 1, '--config has everything in it'",
        "--config x --timeout-millis 1, '--config has everything in it'",
        "01:00.0 --pass-through x --volume name=a, 'leaves nothing of the device'",
        "01:00.0 --namespace 2 --volume name=a, '--namespace goes with --pass-through'",
        "--config x --namespace 2, '--config has everything in it'",
    })
    void shouldWantOneDescriptionOfWhatToServe(String arguments, String message) {
        assertEquals(ExitCode.USAGE, run(("serve " + arguments).strip().split(" +", -1)));
        assertTrue(err.toString().startsWith("sluice: ") && err.toString().contains(message), err.toString());
    }

    @Test
    void shouldTellTheIdentityThatADeviceMustHave() throws IOException {
        Path file = file("device: {target: 01:00.0, serial: S 1, model: M}\nvolumes: [{name: a, socket: a}]\n");
        assertEquals(ExitCode.OK, run("check", file.toString()), err.toString());
        assertTrue(
                out.toString().contains("refused unless it is empty, no other than S 1, no other than a M\n"),
                out.toString());
    }

    @Test
    void shouldRefuseANamespaceThatIsNoNumber() {
        assertEquals(ExitCode.USAGE, run("serve", "model:1G", "--pass-through", "a.sock", "--namespace", "x"));
        assertTrue(
                err.toString().startsWith("--namespace: volumes[0].namespace: \"x\" is not a whole number"),
                err.toString());
    }

    @Test
    void shouldPrintArgumentsForEachVolume() throws Exception {
        Path file = file("""
                device: model:1G
                volumes:
                  - {name: a, size: 20M, socket: /run/a.sock}
                  - {name: b, start: 20M, socket: /run/b.sock, read-only: true}
                """);
        assertEquals("""
                # Serving. Give QEMU (10.1 or newer) these arguments, with the guest's memory size for 1G:
                -object memory-backend-memfd,id=mem,size=1G,share=on -machine q35,memory-backend=mem
                # volume a, 0 to 20M of namespace 1:
                -device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"/run/a.sock"}}'
                # volume b, 20M to the end of namespace 1, read-only:
                -device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"/run/b.sock"}}'
                """, QemuArguments.of(ServeReader.read(file)));
    }
}
