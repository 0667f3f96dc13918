package io.sluice.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.config.VolumeSettings.Doorbells;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a configuration means, and the exact words for each that means nothing. */
class ServeReaderTest {
    private static final Path FOLDER = Path.of("/run/sluice");
    private static final String DEVICE = "device: 0000:01:00.0\n";

    private static ServeSettings read(String text) throws ConfigException {
        return ServeReader.parse(text, "serve.yaml", FOLDER);
    }

    private static String errorOf(String text) {
        return assertThrows(ConfigException.class, () -> read(text), text).getMessage();
    }

    /** A volume that is right, and one more line in it, which is line 6. */
    private static String volume(String line) {
        return DEVICE + """
                volumes:
                  - name: a
                    socket: a.sock
                    size: 10G
                """ + "    " + line + "\n";
    }

    @Test
    void shouldHaveDefaultsWhenLittleIsSaid() throws ConfigException {
        ServeSettings settings = read("""
                device: 01:00.0
                volumes: [{name: a, socket: a.sock}]
                """);
        assertEquals(
                new DeviceSettings(new TargetSettings.Pci("0000:01:00.0"), 32, 256, 10_000, false), settings.device());
        assertEquals(PollerSettings.DEFAULT, settings.poller());
        VolumeSettings expected = new VolumeSettings(
                "a",
                1,
                0,
                OptionalLong.empty(),
                OptionalInt.empty(),
                "/run/sluice/a.sock",
                0600,
                Optional.empty(),
                Optional.empty(),
                64,
                1024,
                128,
                Doorbells.MAPPED,
                false,
                "a");
        assertEquals(expected, settings.volumes().getFirst());
    }

    @Test
    void shouldTakeEverythingWhenAllIsSaid() throws ConfigException {
        ServeSettings settings = read("""
                device:
                  target: 00010000:AB:1f.7
                  queues: 8
                  queue-entries: 1024
                  timeout-millis: 5000
                  destroy-data: true
                poller:
                  core: 3
                  spin-micros: 0
                  yield-micros: 1
                  park-micros: 50
                volumes:
                  - name: a.b_c-1
                    namespace: 2
                    start: 1M
                    size: 1GiB
                    block-size: 4K
                    socket: /srv/x/../a.sock
                    mode: 0660
                    owner: root
                    group: 0
                    queues: 1
                    queue-entries: 2
                    max-in-flight: 1024
                    doorbells: trapped
                    read-only: true
                    serial: "S 1"
                """);
        assertEquals(
                new DeviceSettings(new TargetSettings.Pci("10000:ab:1f.7"), 8, 1024, 5000, true), settings.device());
        assertEquals(new PollerSettings(OptionalInt.of(3), 0, 1, 50), settings.poller());
        VolumeSettings expected = new VolumeSettings(
                "a.b_c-1",
                2,
                1 << 20,
                OptionalLong.of(1 << 30),
                OptionalInt.of(4096),
                "/srv/a.sock",
                0660,
                Optional.of("root"),
                Optional.of("0"),
                1,
                2,
                1024,
                Doorbells.TRAPPED,
                true,
                "S 1");
        assertEquals(expected, settings.volumes().getFirst());
        assertEquals(
                "serve.yaml:16:11", settings.origins().of("volumes[0].size").toString());
        assertEquals(
                "serve.yaml:13:5", settings.origins().of("volumes[0].nothing").toString());
        assertEquals("serve.yaml", settings.origins().of("nothing").toString());
    }

    @ParameterizedTest
    @CsvSource({
        "/run/x.sock, Socket[path=/run/x.sock]",
        "./x.sock, Socket[path=/run/sluice/x.sock]",
        "./01:00.0, Socket[path=/run/sluice/01:00.0]",
        "model:64M, 'Model[bytes=67108864, blockBytes=512]'",
        "model:1G:4096, 'Model[bytes=1073741824, blockBytes=4096]'",
        "model:file=x.img, ModelFile[model:file=/run/sluice/x.img]",
        "model:file=/dev/sdb, ModelFile[model:file=/dev/sdb]",
        "'\"model:file=/a b,size=1G,block-size=4K\"', 'ModelFile[model:file=/a b,size=1G,block-size=4096]'"
    })
    void shouldTellDevicesApart(String target, String expected) throws ConfigException {
        TargetSettings read = read("device: " + target + "\nvolumes: [{name: a, socket: a.sock}]\n")
                .device()
                .target();
        String shown = switch (read) {
            case TargetSettings.Pci pci -> "Pci[" + pci.address() + "]";
            case TargetSettings.Socket socket -> "Socket[path=" + socket.path() + "]";
            case TargetSettings.Model model ->
                "Model[bytes=" + model.bytes() + ", blockBytes=" + model.blockBytes() + "]";
            case TargetSettings.ModelFile model -> "ModelFile[" + model + "]";
        };
        assertEquals(expected, shown);
    }

    @ParameterizedTest
    @CsvSource({"0660, 432", "660, 432", "0o660, 432", "'\"0600\"', 384", "000, 0", "777, 511"})
    void shouldReadModesAsOctal(String text, int mode) throws ConfigException {
        assertEquals(mode, read(volume("mode: " + text)).volumes().getFirst().mode());
    }

    @Test
    void shouldCutLongNamesForSerialNumbersAndKeepThemApart() {
        assertEquals("a-name-of-20-letters", VolumeReader.serialOf("a-name-of-20-letters"));
        String one = VolumeReader.serialOf("customer-4711-database-1");
        String other = VolumeReader.serialOf("customer-4711-database-2");
        assertEquals(20, one.length());
        assertTrue(one.startsWith("customer-47"), one);
        assertNotEquals(one, other);
        assertEquals(one, VolumeReader.serialOf("customer-4711-database-1"));
    }

    @Test
    void shouldTakeSeveralVolumesThatDoNotOverlap() throws ConfigException {
        ServeSettings settings = read(DEVICE + """
                volumes:
                  - {name: c, socket: c.sock, start: 30G}
                  - {name: a, socket: a.sock, size: 10G}
                  - {name: b, socket: b.sock, start: 10G, size: 20G}
                  - {name: d, socket: d.sock, namespace: 2}
                """);
        assertEquals(4, settings.volumes().size());
        assertEquals("10G to 30G of namespace 1", settings.volumes().get(2).rangeText());
        assertEquals(
                "30G to the end of namespace 1", settings.volumes().getFirst().rangeText());
    }

    static Stream<Arguments> wrongValues() {
        return Stream.of(
                arguments(
                        "size: 10X",
                        "serve.yaml:6:5: volumes[0].size: it is given twice; the first is at serve.yaml:5:11"),
                arguments(
                        "start: 10X",
                        "serve.yaml:6:12: volumes[0].start: \"10X\" is not a size; write bytes, or a number with K, M,"
                                + " G or T: 4096, 64M, 512MiB, 1G"),
                arguments(
                        "start: 9999999999999999G",
                        "serve.yaml:6:12: volumes[0].start: \"9999999999999999G\" is more than 8 EiB; nothing is that"
                                + " large"),
                arguments(
                        "start: 1000K", "serve.yaml:6:12: volumes[0].start: 1000K is not a multiple of 1M; 0 or 1M is"),
                arguments(
                        "start: -1",
                        "serve.yaml:6:12: volumes[0].start: \"-1\" is not a size; write bytes, or a number"
                                + " with K, M, G or T: 4096, 64M, 512MiB, 1G"),
                arguments(
                        "start:",
                        "serve.yaml:6:11: volumes[0].start: there is no value; it takes a size: bytes, or a number with"
                                + " K, M, G or T"),
                arguments(
                        "start: [1M]",
                        "serve.yaml:6:12: volumes[0].start: a list is here; it takes a size: bytes, or a number with K,"
                                + " M, G or T"),
                arguments(
                        "start: 8796093022207M",
                        "serve.yaml:5:11: volumes[0].size: the volume would end beyond 8 EiB; no device is that large"),
                arguments("sice: 1", "serve.yaml:6:5: volumes[0]: there is no key \"sice\"; did you mean \"size\"?"),
                arguments(
                        "flavour: 1",
                        "serve.yaml:6:5: volumes[0]: there is no key \"flavour\"; keys are name, namespace, start, size,"
                                + " block-size, socket, mode, owner, group, queues, queue-entries, max-in-flight,"
                                + " doorbells, read-only, serial, nguid, eui64"),
                arguments(
                        "namespace: 0",
                        "serve.yaml:6:16: volumes[0].namespace: \"0\" is not a whole number, 1 to 2147483647"),
                arguments("queues: 65", "serve.yaml:6:13: volumes[0].queues: \"65\" is not a whole number, 1 to 64"),
                arguments("queues: 1.5", "serve.yaml:6:13: volumes[0].queues: \"1.5\" is not a whole number, 1 to 64"),
                arguments(
                        "queue-entries: 1",
                        "serve.yaml:6:20: volumes[0].queue-entries: \"1\" is not a whole number, 2 to 4096"),
                arguments(
                        "max-in-flight: 99999999999",
                        "serve.yaml:6:20: volumes[0].max-in-flight: \"99999999999\" is not a whole number, 1 to 1024"),
                arguments(
                        "doorbells: Mapped",
                        "serve.yaml:6:16: volumes[0].doorbells: \"Mapped\" is neither; it takes mapped or trapped"),
                arguments(
                        "read-only: yes",
                        "serve.yaml:6:16: volumes[0].read-only: \"yes\" is neither; it takes true or false"),
                arguments(
                        "mode: 888",
                        "serve.yaml:6:11: volumes[0].mode: \"888\" is no mode; it takes permissions in octal, such as"
                                + " 0660"),
                arguments(
                        "mode: 4755",
                        "serve.yaml:6:11: volumes[0].mode: \"4755\" is no mode; it takes permissions in octal, such as"
                                + " 0660"),
                arguments(
                        "owner: no-such-user-here",
                        "serve.yaml:6:12: volumes[0].owner: there is no user \"no-such-user-here\" on this host; it"
                                + " takes a name or a number"),
                arguments(
                        "group: 4294967295",
                        "serve.yaml:6:12: volumes[0].group: there is no group \"4294967295\" on this host; it takes a"
                                + " name or a number"),
                arguments(
                        "serial: \"\"",
                        "serve.yaml:6:13: volumes[0].serial: \"\" is no serial number; it takes 1 to 20 printable ASCII"
                                + " characters"),
                arguments(
                        "serial: \"a\\eb\"",
                        "serve.yaml:6:13: volumes[0].serial: \"a?b\" is no serial number; it takes 1 to 20 printable"
                                + " ASCII characters"),
                arguments(
                        "nguid: 0123",
                        "serve.yaml:6:12: volumes[0].nguid: \"0123\" is no nguid; it takes 32 hexadecimal digits, as \"sluice"
                                + " serve\" tells them at its start"),
                arguments(
                        "eui64: 0123456789abcdeg",
                        "serve.yaml:6:12: volumes[0].eui64: \"0123456789abcdeg\" is no eui64; it takes 16 hexadecimal digits,"
                                + " as \"sluice serve\" tells them at its start"),
                arguments(
                        "owner: 4294967295",
                        "serve.yaml:6:12: volumes[0].owner: there is no user \"4294967295\" on this host; it takes a"
                                + " name or a number"),
                arguments(
                        "group: no-such-group-here",
                        "serve.yaml:6:12: volumes[0].group: there is no group \"no-such-group-here\" on this host; it"
                                + " takes a name or a number"),
                arguments(
                        "mode: {a: b}",
                        "serve.yaml:6:11: volumes[0].mode: a group of keys is here; it takes permissions in octal, such as"
                                + " 0660"),
                arguments(
                        "block-size: 1000",
                        "serve.yaml:6:17: volumes[0].block-size: 1000 is no size of a logical block; most have 512 or"
                                + " 4096 bytes"));
    }

    @ParameterizedTest
    @MethodSource("wrongValues")
    void shouldSayWhereWhatAndWhatWouldBeRight(String line, String message) {
        assertEquals(message, errorOf(volume(line)));
    }

    static Stream<Arguments> wrongFiles() {
        return Stream.of(
                arguments("", "serve.yaml: it is empty; it takes a device and volumes"),
                arguments("# nothing\n", "serve.yaml: it is empty; it takes a device and volumes"),
                arguments("- a\n", "serve.yaml:1:1: a list is here, where keys are expected: device, poller, volumes"),
                arguments("device: nvme0\nvolumes: []\n", """
                        serve.yaml:1:9: device.target: "nvme0" is no device; it takes a PCI address as "sluice list" shows \
                        it (0000:01:00.0), the path of a vfio-user socket (with a /), model:SIZE, or model:file=PATH
                        serve.yaml:2:10: volumes: 0 volumes; it takes 1 to 256"""),
                arguments("device: /dev/nvme0n1\nvolumes: {}\n", """
                        serve.yaml:1:9: device.target: "/dev/nvme0n1" belongs to the kernel; give the device to vfio-pci \
                        ("sluice list", "sluice bind"), and write its PCI address
                        serve.yaml:2:10: volumes: a group of keys is here; it takes a list of volumes"""),
                arguments("device:\nvolumes:\n", """
                        serve.yaml:1:8: device: a single value is here, where keys are expected: target, queues, \
                        queue-entries, timeout-millis, destroy-data, serial, model
                        serve.yaml:2:9: volumes: a single value is here; it takes a list of volumes"""),
                arguments(
                        "device: model:1000\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml:1:9: device.target: a model of 1000 bytes is not made of whole MiB, one or more"),
                arguments(
                        "device: model:1G:520\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml:1:9: device.target: blocks have 512 or 4096 bytes, not 520"),
                arguments(
                        "device: \"model:file=a,size=1000\"\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml:1:9: device.target: a model of 1000 bytes is not made of whole MiB, one or more"),
                arguments(
                        "device: \"model:file=a,read-only\"\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml:1:9: device.target: \"read-only\" is neither size=SIZE nor block-size=512|4096; the"
                                + " path itself has no commas"),
                arguments(
                        "device: \"model:file=\"\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml:1:9: device.target: \"\" names no file; it takes the path of a file or a block device"),
                arguments(
                        "device: model:big\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml:1:9: device.target: \"big\" is not a size; write bytes, or a number with K, M, G or T:"
                                + " 4096, 64M, 512MiB, 1G"),
                arguments("""
                        device: {target: 01:00.0, queues: 0, timeout-millis: 99, serial: "  ", model: é}
                        poller: {core: x, park-micros: 49}
                        volumes: [{name: a, socket: a}]
                        """, """
                        serve.yaml:1:35: device.queues: "0" is not a whole number, 1 to 128
                        serve.yaml:1:54: device.timeout-millis: "99" is not a whole number, 100 to 600000
                        serve.yaml:1:66: device.serial: "" is no serial number; it takes 1 to 20 printable ASCII characters, \
                        as "sluice serve" tells them at its start
                        serve.yaml:1:79: device.model: "é" is no model number; it takes 1 to 40 printable ASCII characters, \
                        as "sluice serve" tells them at its start
                        serve.yaml:2:16: poller.core: "x" is not a whole number, 0 to 8191
                        serve.yaml:2:32: poller.park-micros: "49" is not a whole number, 50 to 1000000"""),
                arguments(DEVICE + "volumes:\n  - size: 1M\n  - b\n", """
                        serve.yaml:3:5: volumes[0]: "name" is missing; it takes 1 to 64 letters, digits, '-', '_' or '.', \
                        the first a letter or a digit
                        serve.yaml:3:5: volumes[0]: "socket" is missing; it takes the path of a socket, absolute or \
                        relative to the configuration's folder
                        serve.yaml:4:5: volumes[1]: a single value is here, where keys are expected: name, namespace, \
                        start, size, block-size, socket, mode, owner, group, queues, queue-entries, max-in-flight, \
                        doorbells, read-only, serial, nguid, eui64"""),
                arguments(DEVICE + "volumes: [{name: a/b, socket: /, size: 0}]\n", """
                        serve.yaml:2:18: volumes[0].name: "a/b" is no name; it takes 1 to 64 letters, digits, '-', '_' or \
                        '.', the first a letter or a digit
                        serve.yaml:2:31: volumes[0].socket: "/" names no file; it takes the path of a socket, absolute or \
                        relative to the configuration's folder
                        serve.yaml:2:40: volumes[0].size: a volume has 1M or more; leave "size" out for all that is left"""),
                arguments(
                        DEVICE + "volumes: [{name: a, socket: /" + "x".repeat(107) + ", size: 1}]\n",
                        "serve.yaml:2:29: volumes[0].socket: the path \"/" + "x".repeat(59)
                                + "…\" has 108 bytes; Linux takes 107 for a socket\n"
                                + "serve.yaml:2:145: volumes[0].size: 1 is not a multiple of 1M; 1M is"),
                arguments(
                        DEVICE + "volumes: [{name: a, socket: \"a\\nb\"}]\n",
                        "serve.yaml:2:29: volumes[0].socket: \"/run/sluice/a?b\" has control or format"
                                + " characters, which no path should have"),
                arguments(
                        DEVICE + "volumes: [{name: a, socket: \"a\\u202Eb\"}]\n",
                        "serve.yaml:2:29: volumes[0].socket: \"/run/sluice/a?b\" has control or format"
                                + " characters, which no path should have"),
                arguments(
                        DEVICE + "volumes: [{name: a, socket: \"a\\0b\"}]\n",
                        "serve.yaml:2:29: volumes[0].socket: \"a?b\" is not a path: Nul character not allowed"),
                arguments("""
                        device: {target: [x], queue-entries: 1, destroy-data: 1}
                        poller: {spin-micros: 1000001, yield-micros: -1}
                        volumes: [{name: a, socket: a}]
                        """, """
                        serve.yaml:1:18: device.target: a list is here; it takes a PCI address as "sluice list" shows it \
                        (0000:01:00.0), the path of a vfio-user socket (with a /), model:SIZE, or model:file=PATH
                        serve.yaml:1:38: device.queue-entries: "1" is not a whole number, 2 to 65536
                        serve.yaml:1:55: device.destroy-data: "1" is neither; it takes true or false
                        serve.yaml:2:23: poller.spin-micros: "1000001" is not a whole number, 0 to 1000000
                        serve.yaml:2:46: poller.yield-micros: "-1" is not a whole number, 0 to 1000000"""),
                arguments("volumes: [{name: a, socket: a}]\n", """
                        serve.yaml:1:1: "device" is missing; it takes the device to share"""),
                arguments(
                        "device: {queues: 1}\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml:1:9: device: \"target\" is missing; it takes a PCI address as \"sluice list\" shows it"
                                + " (0000:01:00.0), the path of a vfio-user socket (with a /), model:SIZE, or model:file=PATH"),
                arguments("a: b: c\n", "serve.yaml:1:5: it is no YAML: mapping values are not allowed here"),
                arguments(
                        "device: [1\n",
                        "serve.yaml:2:1: it is no YAML: while parsing a flow sequence, expected ',' or ']', but got"
                                + " <stream end>"),
                arguments("device: \u0007\n", "serve.yaml:1:9: character U+0007 may not stand in YAML; remove it"),
                arguments(
                        "device: &a x\nvolumes: *a\n",
                        "serve.yaml:1:9: an anchor (&) is not taken here; write each value out"),
                arguments("device: *a\n", "serve.yaml:1:9: an alias (*) is not taken here; write the value out"),
                arguments(
                        "device: \"\\UFFFFFFFF\"\n",
                        "serve.yaml:1:1: after this it is no YAML: a value cannot be read"),
                arguments("device: !!str x\n", "serve.yaml:1:9: a tag (!) is not taken here; write the value alone"),
                arguments("? [a]\n: b\n", "serve.yaml:1:3: a key is a word, not a list or a group"),
                arguments(
                        DEVICE + "---\n" + DEVICE, "serve.yaml:2:1: a second document begins; a configuration is one"),
                arguments("[".repeat(100_000), "serve.yaml:1:17: it is nested too deeply: more than 16 levels"));
    }

    @ParameterizedTest
    @MethodSource("wrongFiles")
    void shouldSayEverythingThatIsWrongWithAFile(String text, String messages) {
        assertEquals(messages, errorOf(text));
    }

    @Test
    void shouldNameBothVolumesWhenTheyShareSomething() {
        assertEquals("""
                serve.yaml:4:12: volumes[1].name: "a" is taken by volumes[0], at serve.yaml:3:12
                serve.yaml:4:23: volumes[1].socket: "/run/sluice/a.sock" is taken by volumes[0], at serve.yaml:3:23
                serve.yaml:4:45: volumes[1].start: "a", 5G to 15G of namespace 1, overlaps volumes[0], "a", 0 to 10G of \
                namespace 1, at serve.yaml:3:5
                serve.yaml:5:61: volumes[2].serial: "a" is taken by volumes[0], at serve.yaml:3:5""", errorOf(DEVICE + """
                volumes:
                  - {name: a, socket: a.sock, size: 10G}
                  - {name: a, socket: ./b/../a.sock, start: 5G, size: 10G}
                  - {name: c, socket: c.sock, size: 1G, start: 15G, serial: "a "}
                """));
    }

    @Test
    void shouldRefuseWhatComesAfterAVolumeWithoutSize() {
        assertEquals("""
                serve.yaml:4:38: volumes[1].start: "b", 20G to 30G of namespace 1, overlaps volumes[0], "a", 10G to the end \
                of namespace 1, at serve.yaml:3:38
                serve.yaml:5:38: volumes[2].start: "c", 30G to the end of namespace 1, overlaps volumes[0], "a", 10G to the \
                end of namespace 1, at serve.yaml:3:38""", errorOf(DEVICE + """
                volumes:
                  - {name: a, socket: a.sock, start: 10G}
                  - {name: b, socket: b.sock, start: 20G, size: 10G}
                  - {name: c, socket: c.sock, start: 30G}
                """));
    }

    @Test
    void shouldTellTheFirstTwentyErrorsAndCountTheOthers() {
        ConfigException e =
                assertThrows(ConfigException.class, () -> read(volume("queues: 0") + "    x: 1\n".repeat(50)));
        assertEquals(20, e.errors().size());
        assertEquals(51, e.count());
        assertTrue(e.getMessage().endsWith("\nand 31 more"), e.getMessage());
    }

    @Test
    void shouldHaveABoundOnVolumes() {
        String volumes = "  - {name: a, socket: a}\n".repeat(257);
        assertEquals(
                "serve.yaml:3:3: volumes: 257 volumes; it takes 1 to 256", errorOf(DEVICE + "volumes:\n" + volumes));
    }
}
