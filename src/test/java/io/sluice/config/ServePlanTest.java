package io.sluice.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sluice.config.DeviceFacts.Namespace;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Volumes on a device: their blocks, and why they do not fit. */
class ServePlanTest {
    private static final long GIB = 1L << 30;

    private static ServeSettings settings(String... volumes) throws ConfigException {
        return ServeReader.parse(
                "device: 01:00.0\nvolumes:\n  - {" + String.join("}\n  - {", volumes) + "}\n",
                "serve.yaml",
                Path.of("/run"));
    }

    private static DeviceFacts facts(Namespace... namespaces) {
        return new DeviceFacts("0000:01:00.0", "S1", "M 1", List.of(namespaces), 1 << 17, 128);
    }

    private static Namespace namespace(int nsid, int blockBytes, long bytes, long alignment) {
        return new Namespace(nsid, blockBytes, bytes / blockBytes, alignment, "", "", "");
    }

    private static void assertRefused(String message, ServeSettings settings, DeviceFacts facts) {
        ConfigException e = assertThrows(ConfigException.class, () -> ServePlan.resolve(settings, facts));
        assertEquals(message, e.getMessage());
    }

    @Test
    void shouldMakeBlocksOfBytes() throws ConfigException {
        ServeSettings settings = settings(
                "name: a, socket: a, size: 1G", "name: b, socket: b, start: 1G", "name: c, socket: c, namespace: 2");
        ServePlan plan = ServePlan.resolve(
                settings, facts(namespace(1, 4096, 3 * GIB + 4096, 1 << 20), namespace(2, 512, 1536, 0)));
        assertEquals(
                List.of(
                        new ServePlan.Volume(settings.volumes().get(0), 0, 262_144, 4096),
                        new ServePlan.Volume(settings.volumes().get(1), 262_144, 524_289, 4096),
                        new ServePlan.Volume(settings.volumes().get(2), 0, 3, 512)),
                plan.volumes());
        assertEquals(List.of(), plan.notes());
    }

    @Test
    void shouldNoteThatGuestsShareQueuesOnlyWhenTheyAlwaysDo() throws ConfigException {
        ServeSettings settings = settings(
                "name: a, socket: a, size: 1G", "name: b, socket: b, start: 1G", "name: c, socket: c, namespace: 2");
        List<Namespace> namespaces = List.of(namespace(1, 512, 3 * GIB, 0), namespace(2, 512, GIB, 0));
        assertEquals(
                List.of("0000:01:00.0 grants 2 queue pairs for 3 volumes: guests share them, whatever they do"),
                ServePlan.resolve(settings, new DeviceFacts("0000:01:00.0", "", "", namespaces, 4096, 2))
                        .notes());
    }

    @Test
    void shouldRefuseAnotherDevice() throws ConfigException {
        ServeSettings settings = ServeReader.parse(
                "device: {target: 01:00.0, serial: S2, model: \" M 1 \"}\nvolumes: [{name: a, socket: a}]\n",
                "serve.yaml",
                Path.of("/run"));
        assertRefused(
                "serve.yaml:1:35: device.serial: 0000:01:00.0 has the serial number \"S1\", not \"S2\": it is another"
                        + " device. Addresses change when cards are added; \"sluice list\" shows which is which",
                settings,
                facts(namespace(1, 512, GIB, 0)));
    }

    @Test
    void shouldRefuseADeviceOfAnotherModel() throws ConfigException {
        assertRefused(
                "serve.yaml:1:34: device.model: 0000:01:00.0 has the model number \"M 1\", not \"M 2\": it is another"
                        + " device. Addresses change when cards are added; \"sluice list\" shows which is which",
                ServeReader.parse(
                        "device: {target: 01:00.0, model: M 2}\nvolumes: [{name: a, socket: a}]\n",
                        "serve.yaml",
                        Path.of("/run")),
                facts(namespace(1, 512, GIB, 0)));
    }

    @Test
    void shouldRefuseAnotherNamespace() throws ConfigException {
        String nguid = "0123456789abcdef0123456789abcdef";
        Namespace found = new Namespace(1, 512, GIB / 512, 0, nguid, "", "");
        ServeSettings same = settings("name: a, socket: a, nguid: 01234567-89AB-cdef-0123-456789abcdef");
        assertEquals(1, ServePlan.resolve(same, facts(found)).volumes().size());
        assertRefused(
                "serve.yaml:3:33: volumes[0].nguid: namespace 1 of 0000:01:00.0 has the NGUID " + nguid
                        + ", not 1123456789abcdef0123456789abcdef: it was made anew, or is another device's",
                settings("name: a, socket: a, nguid: 1" + nguid.substring(1)),
                facts(found));
        assertRefused(
                "serve.yaml:3:33: volumes[0].eui64: namespace 1 of 0000:01:00.0 has no EUI64, not 0123456789abcdef: it was"
                        + " made anew, or is another device's",
                settings("name: a, socket: a, eui64: 0123456789abcdef"),
                facts(found));
    }

    private static ServeSettings passThrough() throws ConfigException {
        ServeArguments arguments = new ServeArguments();
        arguments.device("target", "DEVICE", "01:00.0");
        arguments.passThrough("a.sock", Optional.empty());
        return arguments.settings(Path.of("/run"));
    }

    @Test
    void shouldPassTheOnlyUsableNamespaceThrough() throws ConfigException {
        Namespace unusable = new Namespace(1, 512, 1 << 20, 0, "", "", "namespace 1 has protection information");
        ServePlan plan = ServePlan.resolve(passThrough(), facts(unusable, namespace(3, 4096, GIB, 0)));
        assertEquals(3, plan.volumes().getFirst().settings().nsid());
        assertEquals(GIB / 4096, plan.volumes().getFirst().blockCount());
        assertEquals(
                "0 to the end of the only namespace",
                passThrough().volumes().getFirst().rangeText());
    }

    @Test
    void shouldNotChooseAmongNamespaces() throws ConfigException {
        assertRefused(
                "--pass-through: volumes[0].namespace: 0000:01:00.0 has several namespaces, 1 (1G), 3 (2G); say which, by"
                        + " --namespace",
                passThrough(),
                facts(namespace(1, 512, GIB, 0), namespace(3, 4096, 2 * GIB, 0)));
        assertRefused(
                "--pass-through: volumes[0].namespace: 0000:01:00.0 has no namespace that can be served; namespace 1 has"
                        + " protection information",
                passThrough(),
                facts(new Namespace(1, 512, 1 << 20, 0, "", "", "namespace 1 has protection information")));
    }

    @Test
    void shouldTakeAVolumeThatEndsWithItsNamespaceWhereverThatIs() throws ConfigException {
        ServeSettings settings = settings("name: a, socket: a, start: 4M, size: 3M");
        assertEquals(
                6144,
                ServePlan.resolve(settings, facts(namespace(1, 512, 7 << 20, 4 << 20)))
                        .volumes()
                        .getFirst()
                        .blockCount());
    }

    @Test
    void shouldRefuseRangesThatHaveVanished() throws ConfigException {
        assertRefused(
                """
                serve.yaml:3:32: volumes[0].size: the volume ends at 10G, but namespace 1 of 0000:01:00.0 ends at 4G; at \
                most 4G fit
                serve.yaml:4:33: volumes[1].start: the volume begins at 10G, but namespace 1 of 0000:01:00.0 ends at 4G""",
                settings("name: a, socket: a, size: 10G", "name: b, socket: b, start: 10G"),
                facts(namespace(1, 512, 4 * GIB, 0)));
    }

    @Test
    void shouldRefuseNamespacesThatAreNotThereOrCannotBeShared() throws ConfigException {
        assertRefused(
                """
                serve.yaml:3:37: volumes[0].namespace: 0000:01:00.0 has no active namespace 3; it has 1, 2
                serve.yaml:4:5: volumes[1].namespace: namespace 1 has protection information""",
                settings("name: a, socket: a, namespace: 3", "name: b, socket: b"),
                facts(
                        new Namespace(1, 512, 1 << 20, 0, "", "", "namespace 1 has protection information"),
                        namespace(2, 512, GIB, 0)));
        assertRefused(
                "serve.yaml:3:5: volumes[0].namespace: 0000:01:00.0 has no active namespace 1; it has none",
                settings("name: a, socket: a"),
                facts());
    }

    @Test
    void shouldRefuseWhatTheDeviceWantsAlignedOtherwise() throws ConfigException {
        assertRefused("""
                serve.yaml:3:33: volumes[0].start: the volume begins at 1M, which is not a multiple of the 4M that \
                0000:01:00.0 wants; the nearest are 0 and 4M
                serve.yaml:3:43: volumes[0].size: the volume ends at 3M, which is not a multiple of the 4M that \
                0000:01:00.0 wants; the nearest are 0 and 4M""", settings("name: a, socket: a, start: 1M, size: 2M"), facts(namespace(1, 512, GIB, 4 << 20)));
    }

    @Test
    void shouldRefuseBlocksOfAnotherSize() throws ConfigException {
        assertRefused(
                "serve.yaml:3:38: volumes[0].block-size: namespace 1 of 0000:01:00.0 has blocks of 512 bytes, not 4096; was"
                        + " it formatted anew, or is it another device?",
                settings("name: a, socket: a, block-size: 4096"),
                facts(namespace(1, 512, GIB, 0)));
        assertRefused(
                "serve.yaml:3:5: volumes[0].namespace: namespace 1 of 0000:01:00.0 has blocks of 520 bytes, which volumes"
                        + " cannot be made of",
                settings("name: a, socket: a"),
                facts(namespace(1, 520, GIB, 0)));
    }

    @Test
    void shouldRefuseDevicesThatCannotServeAnybody() throws ConfigException {
        assertRefused(
                """
                serve.yaml:1:9: device.queues: 0000:01:00.0 grants no I/O queue pair; nothing can be served from it
                serve.yaml:1:9: device.target: 0000:01:00.0 moves 2048 bytes with a command; guests need 4096 or more""",
                settings("name: a, socket: a"),
                new DeviceFacts("0000:01:00.0", "", "", List.of(namespace(1, 512, GIB, 0)), 2048, 0));
    }

    @Test
    void shouldPointAtTheWholeWhenAProgramMadeTheSettings() throws ConfigException {
        ServeSettings read = settings("name: a, socket: a");
        assertRefused(
                "configuration: volumes[0].namespace: 0000:01:00.0 has no active namespace 1; it has none",
                new ServeSettings(read.device(), read.poller(), read.volumes()),
                facts());
    }
}
