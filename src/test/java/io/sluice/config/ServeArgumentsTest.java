package io.sluice.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The command line means what a file means. */
class ServeArgumentsTest {
    private static final Path FOLDER = Path.of("/run");
    private final ServeArguments arguments = new ServeArguments();

    private void assertSame(String file) throws ConfigException {
        ServeSettings expected = ServeReader.parse(file, "serve.yaml", FOLDER);
        ServeSettings actual = arguments.settings(FOLDER);
        assertEquals(expected.device(), actual.device());
        assertEquals(expected.poller(), actual.poller());
        assertEquals(expected.volumes(), actual.volumes());
    }

    @Test
    void shouldMeanTheSameAsAFile() throws ConfigException {
        arguments.device("target", "DEVICE", "0000:01:00.0");
        arguments.device("queues", "--device-queues", "7");
        arguments.device("destroy-data", "--destroy-data", "true");
        arguments.poller("core", "--core", "2");
        arguments.poller("park-micros", "--park-micros", "500");
        arguments.volume("name=a,size=10G,socket=/run/a.sock,read-only,doorbells=trapped,queues=4");
        arguments.volume("name=b,socket=b.sock,size=1G,mode=0660,serial=B 1");
        arguments.volume("name=d,socket=d.sock,namespace=2,size=1G");
        arguments.volume("name=c,socket=c.sock");
        assertSame("""
                device: {target: 01:00.0, queues: 7, destroy-data: true}
                poller: {core: 2, park-micros: 500}
                volumes:
                  - {name: a, start: 0, size: 10G, socket: a.sock, read-only: true, doorbells: trapped, queues: 4}
                  - {name: b, start: 10G, size: 1G, socket: b.sock, mode: 0660, serial: B 1}
                  - {name: d, namespace: 2, size: 1G, socket: d.sock}
                  - {name: c, start: 11G, socket: c.sock}
                """);
    }

    @Test
    void shouldGiveAWholeNamespaceWhenPassedThrough() throws ConfigException {
        arguments.device("target", "DEVICE", "/run/nvme.sock");
        arguments.passThrough("guest.sock", Optional.of("2"));
        assertSame("""
                device: /run/nvme.sock
                volumes:
                  - {name: pass-through, socket: guest.sock, namespace: 2}
                """);
    }

    @Test
    void shouldSayWhichOptionIsWrong() {
        arguments.device("target", "DEVICE", "nvme0");
        arguments.poller("core", "--core", "x");
        arguments.volume("name=a,size=10X,socket=a,nmae=b");
        arguments.volume("name=b,socket=b,doorbells");
        arguments.volume("");
        ConfigException e = assertThrows(ConfigException.class, () -> arguments.settings(FOLDER));
        assertEquals("""
                DEVICE: device.target: "nvme0" is no device; it takes a PCI address as "sluice list" shows it (0000:01:00.0), \
                the path of a vfio-user socket (with a /), model:SIZE, or model:file=PATH
                --core: poller.core: "x" is not a whole number, 0 to 8191
                --volume 1: volumes[0]: there is no key "nmae"; did you mean "name"?
                --volume 1: volumes[0].size: "10X" is not a size; write bytes, or a number with K, M, G or T: 4096, 64M, \
                512MiB, 1G
                --volume 2: volumes[1].doorbells: there is no value; it takes mapped or trapped
                --volume 3: volumes[2]: there is no key ""; keys are name, namespace, start, size, block-size, socket, mode, \
                owner, group, queues, queue-entries, max-in-flight, doorbells, read-only, serial, nguid, eui64
                --volume 3: volumes[2]: "name" is missing; it takes 1 to 64 letters, digits, '-', '_' or '.', the first a \
                letter or a digit
                --volume 3: volumes[2]: "socket" is missing; it takes the path of a socket, absolute or relative to the \
                configuration's folder
                --volume 3: volumes[2].start: "", 0 to the end of namespace 1, overlaps volumes[1], "b", 0 to the end of \
                namespace 1, at --volume 2; "b" has no "size", and takes all that is left: give it one""", e.getMessage());
    }

    @Test
    void shouldSayWhichVolumeTakesAllThatIsLeft() {
        arguments.device("target", "DEVICE", "01:00.0");
        arguments.volume("name=a,socket=a,start=512M");
        arguments.volume("name=b,socket=b");
        ConfigException e = assertThrows(ConfigException.class, () -> arguments.settings(FOLDER));
        assertEquals("""
                --volume 2: volumes[1].start: "b", 512M to the end of namespace 1, overlaps volumes[0], "a", 512M to the end \
                of namespace 1, at --volume 1; "a" has no "size", and takes all that is left: give it one""", e.getMessage());
    }

    @Test
    void shouldSayWhereAVolumeBeginsThatFollowsAnother() {
        arguments.device("target", "DEVICE", "01:00.0");
        arguments.volume("name=a,socket=a,start=1G,size=1G");
        arguments.volume("name=b,socket=b,start=0,size=1G");
        arguments.volume("name=c,socket=c,size=2G");
        ConfigException e = assertThrows(ConfigException.class, () -> arguments.settings(FOLDER));
        assertEquals("""
                --volume 3: volumes[2].start: "c", 1G to 3G of namespace 1, overlaps volumes[0], "a", 1G to 2G of namespace 1, \
                at --volume 1; it has no "start", so that it begins where the one before it ends""", e.getMessage());
    }
}
