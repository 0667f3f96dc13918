package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Section 5.15, Identify. Byte offsets are those of figures 247, 245 and 249. */
class IdentifyRulesTest extends Conformance {
    private void controller() throws IOException {
        identify(0x01, 0).good();
    }

    private void namespace(int nsid) throws IOException {
        identify(0x00, nsid).good();
    }

    private String text(long offset, int bytes) {
        return new String(host.bytes(offset, bytes), StandardCharsets.US_ASCII);
    }

    // ---- CNS 01h: figure 247

    @Test
    void theVendorIsThatOfThePciFunction() throws IOException {
        controller();
        assertEquals(host.device.readConfig(0, 2), host.word(DATA));
        assertEquals(host.device.readConfig(0x2c, 2), host.word(DATA + 2));
    }

    @ParameterizedTest
    @CsvSource({"4,20", "24,40", "64,8"})
    void textsArePrintableAndPaddedWithSpaces(int offset, int bytes) throws IOException {
        controller();
        String text = text(DATA + offset, bytes);
        assertTrue(text.matches("[\\x21-\\x7e][\\x20-\\x7e]*"), text);
    }

    @Test
    void versionIsThatOfTheRegister() throws IOException {
        controller();
        assertEquals(host.read(Host.VS), host.dword(DATA + 80));
    }

    @Test
    void atLeastFourAbortsAndEventRequestsAreTaken() throws IOException {
        controller();
        assertTrue(host.octet(DATA + 258) >= 3, "ACL, as 5.15.2.2 recommends");
        assertTrue(host.octet(DATA + 259) >= 3, "AERL, as 5.15.2.2 recommends");
    }

    @Test
    void thereIsAFirmwareSlot() throws IOException {
        controller();
        int slots = host.octet(DATA + 260) >>> 1 & 7;
        assertTrue(slots >= 1 && slots <= 7);
    }

    @Test
    void warningsComeBelowTheCriticalTemperature() throws IOException {
        controller();
        assertTrue(host.word(DATA + 266) >= 0x0157, "WCTEMP, as 5.15.2.2 recommends");
        assertTrue(host.word(DATA + 268) > host.word(DATA + 266), "CCTEMP");
    }

    @Test
    void entriesAre64And16Bytes() throws IOException {
        controller();
        assertEquals(6, host.octet(DATA + 512) & 0xf);
        assertEquals(4, host.octet(DATA + 513) & 0xf);
        assertTrue(host.octet(DATA + 512) >>> 4 >= 6);
        assertTrue(host.octet(DATA + 513) >>> 4 >= 4);
    }

    @Test
    void theNumberOfNamespacesCoversThoseThatAreThere() throws IOException {
        controller();
        assertTrue(host.dword(DATA + 516) >= 2);
    }

    @Test
    void theControllerIsAnIoController() throws IOException {
        controller();
        assertEquals(1, host.octet(DATA + 111));
    }

    @Test
    void theSubsystemHasAName() throws IOException {
        controller();
        String nqn = text(DATA + 768, 256).replaceAll("\0*$", "");
        assertTrue(nqn.matches("nqn\\.\\d{4}-\\d{2}\\.[^:]+:.+"), nqn);
        assertTrue(nqn.length() <= 223);
    }

    @Test
    void powerState0SaysWhatItTakes() throws IOException {
        controller();
        for (int i = 0; i <= host.octet(DATA + 263); i++) {
            assertEquals(0, host.dword(DATA + 2048 + 32L * i + 28), "reserved");
        }
    }

    @Test
    void reservedBytesAre0() throws IOException {
        controller();
        assertArrayEquals(new byte[111 - 102], host.bytes(DATA + 102, 111 - 102));
        assertArrayEquals(new byte[240 - 134], host.bytes(DATA + 134, 240 - 134));
        assertArrayEquals(new byte[768 - 544], host.bytes(DATA + 544, 768 - 544));
        assertArrayEquals(new byte[1792 - 1024], host.bytes(DATA + 1024, 1792 - 1024));
    }

    @Test
    void identifyControllerIgnoresTheNamespace() throws IOException {
        identify(0x01, 0).good();
        byte[] first = host.bytes(DATA, PAGE);
        identify(0x01, 1).good();
        assertArrayEquals(first, host.bytes(DATA, PAGE));
    }

    // ---- CNS 00h: figure 245

    @Test
    void sizesAreInBlocks() throws IOException {
        namespace(1);
        assertEquals(BLOCKS, host.qword(DATA));
        namespace(2);
        assertEquals(BLOCKS_2, host.qword(DATA));
    }

    @Test
    void sizeIsNotBelowCapacityNorThatBelowUtilization() throws IOException {
        namespace(1);
        assertTrue(host.qword(DATA) >= host.qword(DATA + 8));
        assertTrue(host.qword(DATA + 8) >= host.qword(DATA + 16));
    }

    @Test
    void theFormatInUseIsOneOfThoseListed() throws IOException {
        for (int nsid = 1; nsid <= 2; nsid++) {
            namespace(nsid);
            int format = host.octet(DATA + 26) & 0xf;
            assertTrue(format <= host.octet(DATA + 25));
            int lbads = host.octet(DATA + 128 + 4L * format + 2);
            assertEquals(nsid == 1 ? 9 : 12, lbads);
        }
    }

    @Test
    void namespacesHaveDifferentIdentifiers() throws IOException {
        namespace(1);
        byte[] first = host.bytes(DATA + 104, 24);
        namespace(2);
        assertNotEquals(Arrays.toString(first), Arrays.toString(host.bytes(DATA + 104, 24)));
    }

    @Test
    void aNamespaceThatIsNotThereIsAllZeroes() throws IOException {
        controller();
        int last = host.dword(DATA + 516);
        assertTrue(last > 2);
        namespace(last);
        assertArrayEquals(new byte[PAGE], host.bytes(DATA, PAGE));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff})
    void aNamespaceThatCouldNotBeIsInvalid(int nsid) throws IOException {
        identify(0x00, nsid).refused(GENERIC, INVALID_NAMESPACE);
    }

    // ---- CNS 02h

    private int[] list(int after) throws IOException {
        identify(0x02, after).good();
        int count = 0;
        while (count < 1024 && host.dword(DATA + 4L * count) != 0) {
            count++;
        }
        int[] list = new int[count];
        for (int i = 0; i < count; i++) {
            list[i] = host.dword(DATA + 4L * i);
        }
        assertArrayEquals(new byte[PAGE - 4 * count], host.bytes(DATA + 4L * count, PAGE - 4 * count));
        return list;
    }

    @Test
    void theListHasAllActiveNamespacesInOrder() throws IOException {
        assertArrayEquals(new int[] {1, 2}, list(0));
    }

    @Test
    void theListBeginsAfterAnIdentifier() throws IOException {
        assertArrayEquals(new int[] {2}, list(1));
        assertArrayEquals(new int[] {}, list(2));
        assertArrayEquals(new int[] {}, list(0xffff_fffd));
    }

    @ParameterizedTest
    @ValueSource(ints = {0xffff_fffe, 0xffff_ffff})
    void theListDoesNotBeginAfterTheLastIdentifiers(int after) throws IOException {
        identify(0x02, after).refused(GENERIC, INVALID_NAMESPACE);
    }

    // ---- CNS 03h: figure 249

    @Test
    void descriptorsAgreeWithTheNamespace() throws IOException {
        namespace(1);
        byte[] nguid = host.bytes(DATA + 104, 16);
        byte[] eui64 = host.bytes(DATA + 120, 8);
        identify(0x03, 1).good();
        int at = 0;
        boolean any = false;
        while (host.octet(DATA + at) != 0) {
            int type = host.octet(DATA + at);
            int length = host.octet(DATA + at + 1);
            assertEquals(0, host.word(DATA + at + 2), "reserved");
            switch (type) {
                case 1 -> assertArrayEquals(eui64, host.bytes(DATA + at + 4, length));
                case 2 -> assertArrayEquals(nguid, host.bytes(DATA + at + 4, length));
                case 3 -> assertEquals(16, length);
                default -> throw new AssertionError("type " + type);
            }
            any = true;
            at += 4 + length;
        }
        assertTrue(any, "one at least");
        assertArrayEquals(new byte[PAGE - at], host.bytes(DATA + at, PAGE - at));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 0xffff_ffff, 0x1000_0000})
    void aNamespaceThatCouldNotBeHasNoDescriptors(int nsid) throws IOException {
        identify(0x03, nsid).refused(GENERIC, INVALID_NAMESPACE);
    }

    // ---- CNS

    @ParameterizedTest
    @ValueSource(ints = {0x04, 0x0b, 0x0f, 0x16, 0x17, 0x1b, 0x1d, 0x1f, 0x20, 0x7f, 0xff})
    void aReservedCnsIsInvalid(int cns) throws IOException {
        identify(cns, 1).refused(GENERIC, INVALID_FIELD);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x01, 0x02, 0x03})
    void aStructureIs4096Bytes(int cns) throws IOException {
        host.fill(DATA + PAGE, 64, 0xa5);
        identify(cns, cns == 2 ? 0 : 1).good();
        assertArrayEquals(filled(64, 0xa5), host.bytes(DATA + PAGE, 64));
        assertEquals(0, host.octet(DATA + PAGE - 1));
    }

    @Test
    void dataBeginsAnywhereInAPage() throws IOException {
        identify(0x01, 0).good();
        byte[] aligned = host.bytes(DATA, PAGE);
        host.admin(new Command(0x06)
                        .prp1(Host.gpa(DATA + 0x10_0000 + 0x40))
                        .prp2(Host.gpa(DATA + 0x20_0000))
                        .dw(10, 1))
                .good();
        assertArrayEquals(Arrays.copyOf(aligned, PAGE - 0x40), host.bytes(DATA + 0x10_0000 + 0x40, PAGE - 0x40));
        assertArrayEquals(Arrays.copyOfRange(aligned, PAGE - 0x40, PAGE), host.bytes(DATA + 0x20_0000, 0x40));
    }

    @Test
    void dataThatIsNotInMemoryIsATransferError() throws IOException {
        host.admin(new Command(0x06).prp1(0x7000_0000_0000L).dw(10, 1)).ends(GENERIC, TRANSFER_ERROR);
    }
}
