package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.lang.reflect.Modifier;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The structures of Identify and log pages: where each field lies, and that no field sees another's bits. */
class LayoutTest {
    /** One structure: its class, its length, and its fields as the specification's figures give them, "name first last". */
    record Structure(Class<?> type, int bytes, String fields) {
        @Override
        public String toString() {
            return type.getSimpleName();
        }
    }

    private static final String CONTROLLER = """
            VID 0 1, SSVID 2 3, SN 4 23, MN 24 63, FR 64 71, RAB 72 72, IEEE 73 75, CMIC 76 76, MDTS 77 77,
            CNTLID 78 79, VER 80 83, RTD3R 84 87, RTD3E 88 91, OAES 92 95, CTRATT 96 99, RRLS 100 101,
            CNTRLTYPE 111 111, FGUID 112 127, CRDT1 128 129, CRDT2 130 131, CRDT3 132 133,
            OACS 256 257, ACL 258 258, AERL 259 259, FRMW 260 260, LPA 261 261, ELPE 262 262, NPSS 263 263,
            AVSCC 264 264, APSTA 265 265, WCTEMP 266 267, CCTEMP 268 269, MTFA 270 271, HMPRE 272 275,
            HMMIN 276 279, TNVMCAP 280 295, UNVMCAP 296 311, RPMBS 312 315, EDSTT 316 317, DSTO 318 318,
            FWUG 319 319, KAS 320 321, HCTMA 322 323, MNTMT 324 325, MXTMT 326 327, SANICAP 328 331,
            HMMINDS 332 335, HMMAXD 336 337, NSETIDMAX 338 339, ENDGIDMAX 340 341, ANATT 342 342,
            ANACAP 343 343, ANAGRPMAX 344 347, NANAGRPID 348 351, PELS 352 355,
            SQES 512 512, CQES 513 513, MAXCMD 514 515, NN 516 519, ONCS 520 521, FUSES 522 523, FNA 524 524,
            VWC 525 525, AWUN 526 527, AWUPF 528 529, NVSCC 530 530, NWPC 531 531, ACWU 532 533,
            OCFS 534 535, SGLS 536 539,
            MNAN 540 543, SUBNQN 768 1023
            """;
    private static final String NAMESPACE = """
            NSZE 0 7, NCAP 8 15, NUSE 16 23, NSFEAT 24 24, NLBAF 25 25, FLBAS 26 26, MC 27 27, DPC 28 28,
            DPS 29 29, NMIC 30 30, RESCAP 31 31, FPI 32 32, DLFEAT 33 33, NAWUN 34 35, NAWUPF 36 37,
            NACWU 38 39, NABSN 40 41, NABO 42 43, NABSPF 44 45, NOIOB 46 47, NVMCAP 48 63, NPWG 64 65,
            NPWA 66 67, NPDG 68 69, NPDA 70 71, NOWS 72 73, MSSRL 74 75,
            MCL 76 79, MSRC 80 80, ANAGRPID 92 95, NSATTR 99 99, NVMSETID 100 101,
            ENDGID 102 103, NGUID 104 119, EUI64 120 127
            """;
    private static final String POWER_STATE = """
            MP 0 1, FLAGS 3 3, ENLAT 4 7, EXLAT 8 11, RRT 12 12, RRL 13 13, RWT 14 14, RWL 15 15, IDLP 16 17,
            IPS 18 18, ACTP 20 21, APWS 22 22
            """;
    private static final String ERROR = """
            ERROR_COUNT 0 7, SQID 8 9, CID 10 11, STATUS 12 13, PARAMETER_LOCATION 14 15, LBA 16 23, NSID 24 27,
            VENDOR_LOG 28 28, TRTYPE 29 29, COMMAND_SPECIFIC 32 39, TRANSPORT_SPECIFIC 40 41
            """;
    private static final String SMART = """
            CRITICAL_WARNING 0 0, TEMPERATURE 1 2, AVAILABLE_SPARE 3 3, SPARE_THRESHOLD 4 4, PERCENTAGE_USED 5 5,
            ENDURANCE_WARNING 6 6, DATA_UNITS_READ 32 47, DATA_UNITS_WRITTEN 48 63, HOST_READS 64 79,
            HOST_WRITES 80 95, BUSY_MINUTES 96 111, POWER_CYCLES 112 127, POWER_ON_HOURS 128 143,
            UNSAFE_SHUTDOWNS 144 159, MEDIA_ERRORS 160 175, ERROR_LOG_ENTRIES 176 191, WARNING_MINUTES 192 195,
            CRITICAL_MINUTES 196 199, THROTTLE_1_COUNT 216 219, THROTTLE_2_COUNT 220 223, THROTTLE_1_SECONDS 224 227,
            THROTTLE_2_SECONDS 228 231
            """;

    static Stream<Structure> structures() {
        return Stream.of(
                new Structure(IdentifyController.class, 4096, CONTROLLER),
                new Structure(IdentifyNamespace.class, 4096, NAMESPACE),
                new Structure(
                        IndependentNamespace.class,
                        4096,
                        "NSFEAT 0 0, NMIC 1 1, RESCAP 2 2, FPI 3 3, ANAGRPID 4 7, NSATTR 8 8, NVMSETID 10 11,"
                                + " ENDGID 12 13, NSTAT 14 14"),
                new Structure(PowerState.class, 32, POWER_STATE),
                new Structure(ErrorLogEntry.class, 64, ERROR),
                new Structure(SmartLog.class, 512, SMART),
                new Structure(FirmwareSlotLog.class, 512, "AFI 0 0"));
    }

    private static Map<String, Member> members(Class<?> type) throws IllegalAccessException {
        Map<String, Member> members = new TreeMap<>();
        for (java.lang.reflect.Field field : type.getDeclaredFields()) {
            boolean visible = Modifier.isPublic(field.getModifiers());
            if (visible && Member.class.isAssignableFrom(field.getType())) {
                members.put(field.getName(), (Member) field.get(null));
            }
        }
        return members;
    }

    @ParameterizedTest
    @MethodSource("structures")
    void shouldHaveEveryFieldWhereTheSpecificationSays(Structure structure) throws ReflectiveOperationException {
        assertEquals(structure.bytes, structure.type.getField("BYTES").getInt(null), "size of " + structure);
        Map<String, Member> members = members(structure.type);
        Matcher lines = Pattern.compile("(\\w+) (\\d+) (\\d+)").matcher(structure.fields);
        while (lines.find()) {
            String name = lines.group(1);
            int first = Integer.parseInt(lines.group(2));
            int last = Integer.parseInt(lines.group(3));
            Member member = members.remove(name);
            assertNotNull(member, name);
            assertEquals(first, member.offset(), name);
            assertEquals(last - first + 1, member.bytes(), name);
        }
        assertTrue(members.isEmpty(), "not compared with the specification: " + members.keySet());
    }

    @ParameterizedTest
    @MethodSource("structures")
    void shouldSeeEachBitInItsFieldAloneWhenOneBitWalks(Structure structure) throws IllegalAccessException {
        List<Member> members = new ArrayList<>(members(structure.type).values());
        Scratch page = Scratch.of(structure.bytes);
        for (int bit = 0; bit < structure.bytes * 8; bit++) {
            long at = page.address() + bit / 8;
            Memory.putByte(at, (byte) (1 << (bit % 8)));
            for (Member member : members) {
                if (!(member instanceof TextField)) {
                    assertSees(member, page.address(), bit);
                }
            }
            Memory.putByte(at, (byte) 0);
        }
    }

    private static void assertSees(Member member, long page, int bit) {
        int low = member.offset() * 8;
        boolean inside = bit >= low && bit < low + member.bytes() * 8;
        if (!inside && member instanceof Field field) {
            assertEquals(0, field.get(page), () -> member.name() + " with bit " + bit); // most cases, so the cheap way
        } else {
            BigInteger expected = inside ? BigInteger.ONE.shiftLeft(bit - low) : BigInteger.ZERO;
            assertEquals(expected, value(member, page), () -> member.name() + " with bit " + bit);
        }
    }

    private static BigInteger value(Member member, long page) {
        return switch (member) {
            case Field field -> new BigInteger(Long.toUnsignedString(field.get(page)));
            case WideField wide -> wide.get(page);
            case BytesField bytes -> littleEndian(bytes.get(page));
            case TextField text -> throw new AssertionError(text.name() + " is no number");
        };
    }

    private static BigInteger littleEndian(byte[] bytes) {
        byte[] reversed = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            reversed[i] = bytes[bytes.length - 1 - i];
        }
        return new BigInteger(1, reversed);
    }

    @ParameterizedTest
    @MethodSource("structures")
    void shouldTouchOnlyItsOwnBytesWhenAFieldIsSet(Structure structure) throws IllegalAccessException {
        Scratch page = Scratch.of(structure.bytes);
        for (Member member : members(structure.type).values()) {
            page.clear();
            setAll(member, page.address());
            int last = member.offset() + member.bytes() - 1;
            // A wide number is stored from 64 bits; a text that ends with zeroes keeps one.
            int lastTouched = switch (member) {
                case WideField wide -> wide.offset() + 7;
                case TextField text when text.padding() == 0 -> last - 1;
                default -> last;
            };
            assertEquals(member.offset() + ".." + lastTouched, page.touched(), member.name());
        }
    }

    private static void setAll(Member member, long page) {
        switch (member) {
            case Field field -> field.set(page, -1L >>> (64 - field.bytes() * 8));
            case WideField wide -> wide.set(page, -1L);
            case BytesField bytes -> {
                byte[] ones = new byte[bytes.bytes()];
                Arrays.fill(ones, (byte) -1);
                bytes.set(page, ones);
            }
            case TextField text -> text.set(page, "x".repeat(text.padding() == 0 ? text.bytes() - 1 : text.bytes()));
        }
    }
}
