package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** That docs/nvme-support.md says what a controller answers when it is asked for each of the values that there can be. */
class SupportPageTest {
    private static final Path PAGE = Path.of("docs", "nvme-support.md");
    private static final Path TESTS = Path.of("src", "test", "java");
    private static final Pattern ROW = Pattern.compile("\\| ([0-9A-F]{2})h \\| ([^|]+) \\| ([^|]+) \\|([^|]*)\\|");
    private static final Pattern NAMED_TEST = Pattern.compile("`(\\w+Test)\\.(should\\w+)`");
    private static final Pattern SECTION =
            Pattern.compile("(?:[A-Z][\\w .]* \\d\\.\\d, )?\\d+(\\.\\d+)+(, \\d+(\\.\\d+)+)?");
    private static final int VALUES = 256;

    private ControllerRig rig;
    private String page;

    @BeforeEach
    void open() throws Exception {
        page = Files.readString(PAGE);
        rig = new ControllerRig(ControllerConfig.of("page", "SN1"), storage());
        rig.enable(16);
    }

    /** What has most of all. */
    private static IoPath storage() throws IOException {
        return new ForwardingPath(new MemoryStorage(new Namespace(1, 1000, 512, 1, 2, 3, false))) {
            @Override
            public int submit(IoCommand command) {
                return Status.OK;
            }

            @Override
            public boolean hasVolatileCache() {
                return true;
            }
        };
    }

    @AfterEach
    void close() {
        rig.close();
    }

    /** The rows of a section's table: what the second column says, by the first one. */
    private Map<Integer, String> rows(String heading) {
        int start = page.indexOf("\n## " + heading + "\n");
        assertTrue(start >= 0, "a section " + heading);
        int end = page.indexOf("\n## ", start + 1);
        Map<Integer, String> rows = new TreeMap<>();
        Matcher matcher = ROW.matcher(page.substring(start, end));
        while (matcher.find()) {
            String name = matcher.group(2);
            assertTrue(SECTION.matcher(matcher.group(3)).matches(), name + " has the section " + matcher.group(3));
            assertTrue(NAMED_TEST.matcher(matcher.group(4)).find(), name + " has a test");
            assertNull(rows.put(Integer.parseInt(matcher.group(1), 16), name), name + " is there once");
        }
        return rows;
    }

    private static Set<Integer> answered(IntPredicate asked) {
        return IntStream.range(0, VALUES).filter(asked).boxed().collect(Collectors.toCollection(TreeSet::new));
    }

    private boolean succeeds(int opcode, int cdw10, int nsid) {
        ControllerRig.Completion completion = rig.admin(opcode, sqe -> {
            Sqe.setNsid(sqe, nsid);
            Sqe.setCdw10(sqe, cdw10);
            Sqe.setPrp1(sqe, ControllerRig.DATA);
            Sqe.setPrp2(sqe, ControllerRig.DATA + ControllerRig.PAGE);
        });
        return completion.status() == Status.OK;
    }

    @Test
    void shouldNameEachAdminCommandAndNoOther() {
        Map<Integer, String> rows = rows("Admin commands");
        rig.submit(AdminOpcode.ASYNC_EVENT_REQUEST, sqe -> {});
        Set<Integer> answered = answered(opcode -> opcode == AdminOpcode.ASYNC_EVENT_REQUEST
                ? rig.next() == null
                : !Status.INVALID_OPCODE.is(
                        rig.admin(opcode, sqe -> Sqe.setCdw10(sqe, -1)).status()));

        assertEquals(answered, rows.keySet());
        rows.forEach((opcode, name) -> assertEquals(AdminOpcode.name(opcode), name));
    }

    @Test
    void shouldNameEachIoCommandAndNoOther() {
        Map<Integer, String> rows = rows("I/O commands");
        rig.createCq(1, 2 * VALUES, -1);
        rig.createSq(1, 2 * VALUES, 1);
        for (int opcode = 0; opcode < VALUES; opcode++) {
            rig.putFlush(1, opcode, opcode);
            Sqe.setOpcode(rig.guest.hva(ControllerRig.sqGpa(1)) + (long) opcode * Sqe.BYTES, opcode);
        }
        rig.ring(Doorbells.sqTailDoorbell(1), VALUES);
        for (int i = 0; i < 10; i++) {
            rig.step();
        }
        Map<Integer, Integer> statuses = new TreeMap<>();
        for (int index = 0; index < VALUES; index++) {
            long cqe = rig.ioCqe(1, index);
            statuses.put(Cqe.cid(cqe), Cqe.status(cqe));
        }

        assertEquals(answered(opcode -> !Status.INVALID_OPCODE.is(statuses.get(opcode))), rows.keySet());
        rows.forEach((opcode, name) -> assertEquals(NvmOpcode.name(opcode), name));
    }

    @Test
    void shouldNameEachFeatureAndNoOther() {
        assertEquals(
                answered(feature ->
                        succeeds(AdminOpcode.GET_FEATURES, feature, feature == Feature.ERROR_RECOVERY ? 1 : 0)),
                rows("Features").keySet());
    }

    @ParameterizedTest
    @ValueSource(ints = {Feature.SELECT_DEFAULT, Feature.SELECT_SAVED, Feature.SELECT_SUPPORTED_CAPABILITIES})
    void shouldAnswerEachFeatureForEveryThingThatCanBeSelected(int select) {
        for (int feature : rows("Features").keySet()) {
            int nsid = feature == Feature.ERROR_RECOVERY ? 1 : 0;
            assertTrue(succeeds(AdminOpcode.GET_FEATURES, select << 8 | feature, nsid), "feature " + feature);
        }
    }

    @Test
    void shouldNameEachLogPageAndNoOther() {
        assertEquals(
                answered(log -> succeeds(AdminOpcode.GET_LOG_PAGE, 3 << 16 | log, 0)),
                rows("Log pages").keySet());
    }

    @Test
    void shouldNameEachKindOfIdentifyAndNoOther() {
        assertEquals(
                answered(cns -> succeeds(AdminOpcode.IDENTIFY, cns, 1)),
                rows("Identify").keySet());
    }

    @Test
    void shouldNameEachRegisterAndNoOther() throws Exception {
        Map<Integer, String> rows = rows("Registers");
        rows.forEach((offset, name) -> assertEquals(name, String.valueOf(Registers.at(offset))));
        Set<Registers> there = new TreeSet<>();
        there.add(Registers.CC); // which enables it, and is not 0 then
        there.add(Registers.CSTS);
        assertTrue(rig.read(Registers.CC) != 0 && rig.read(Registers.CSTS) != 0);
        rig.write(Registers.CC, 0);
        for (int offset = 0; offset < Registers.SPACE_BYTES; offset += Integer.BYTES) {
            rig.write(Registers.INTMS, 1); // so that both show the mask
            long before = LittleEndian.get(rig.readBar0(offset, Integer.BYTES));
            if (offset != Registers.CC.offset()) {
                rig.writeBar0(offset, Integer.BYTES, 0xffff_ffffL);
            }
            if ((before | LittleEndian.get(rig.readBar0(offset, Integer.BYTES))) != 0) {
                assertTrue(Registers.at(offset) != null, "a register at " + offset);
                there.add(Registers.at(offset));
            }
        }

        assertEquals(
                there.stream().map(Registers::offset).collect(Collectors.toCollection(TreeSet::new)), rows.keySet());
    }

    @Test
    void shouldNameEachEventThatCanHappenAndNoOther() {
        String section = page.substring(page.indexOf("\n## Asynchronous events\n"));
        Set<String> named = Pattern.compile("(?m)^\\| (?:error|SMART / health|notice) \\| ([^|]+) \\|")
                .matcher(section)
                .results()
                .map(row -> row.group(1)
                        .replaceAll("[ /]+", "_")
                        .replace("Write_to_", "")
                        .replace("_Write_Value", "_Value"))
                .map(name -> name.toUpperCase(Locale.ROOT))
                .collect(Collectors.toCollection(TreeSet::new));

        assertEquals(
                Arrays.stream(AsyncEvents.EVENTS).map(AsyncEvent::name).collect(Collectors.toCollection(TreeSet::new)),
                named);
    }

    @Test
    void shouldNameOnlyTestsThatThereAre() throws Exception {
        Map<String, String> sources = new TreeMap<>();
        try (Stream<Path> files = Files.walk(TESTS)) {
            files.filter(file -> file.toString().endsWith("Test.java"))
                    .forEach(file -> sources.put(name(file), read(file)));
        }
        Matcher named = NAMED_TEST.matcher(page);
        int count = 0;
        while (named.find()) {
            String source = sources.get(named.group(1));
            assertFalse(source == null, "there is no " + named.group(1));
            Pattern method = Pattern.compile(
                    "@(?:Test|ParameterizedTest)\\b[^;{]*?(?:\\{[^}]*\\}[^;{]*?)?void " + named.group(2) + "\\(");
            assertTrue(method.matcher(source).find(), "there is no test " + named.group());
            count++;
        }
        assertTrue(count > 100, "the page names " + count + " tests");
    }

    private static String name(Path file) {
        String name = file.getFileName().toString();
        return name.substring(0, name.length() - ".java".length());
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void shouldCheckEachTableThatThereIs() {
        Set<String> headings = Pattern.compile("(?m)^## (.+)$")
                .matcher(page)
                .results()
                .map(heading -> heading.group(1))
                .collect(Collectors.toSet());

        assertEquals(
                Set.of(
                        "Admin commands",
                        "I/O commands",
                        "Features",
                        "Log pages",
                        "Identify",
                        "Registers",
                        "Asynchronous events",
                        "What is left open"),
                headings);
    }
}
