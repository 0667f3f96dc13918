package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Section 5, Admin Command Set: 5.1 Abort, 5.2 Asynchronous Event Request, 5.13, 5.21 Features, 5.14 Get Log Page. */
class AdminRulesTest extends Conformance {
    private static final int EVENT_LIMIT = 0x05;
    private static final int LOG_INVALID = 0x09;
    private static final int NOT_SAVEABLE = 0x0d;
    private static final int NOT_CHANGEABLE = 0x0e;
    private static final int NOT_OF_A_NAMESPACE = 0x0f;

    private int oacs() throws IOException {
        identify(1, 0).good();
        return host.word(DATA + 256);
    }

    // ---- opcodes: figure 139

    /** What 1.4 defines, whether optional or not, and vendors' own. */
    static IntStream undefinedOpcodes() {
        int[] defined = {
            0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x10, 0x11, 0x14, 0x15, 0x18, 0x19, 0x1a,
            0x1c, 0x1d, 0x1e, 0x7c, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x86
        };
        return IntStream.range(0, 256).filter(opcode -> Arrays.binarySearch(defined, opcode) < 0);
    }

    @ParameterizedTest
    @MethodSource("undefinedOpcodes")
    void anOpcodeThatIsNotDefinedIsInvalid(int opcode) throws IOException {
        host.admin(new Command(opcode).nsid(1).prp1(Host.gpa(DATA))).refused(GENERIC, INVALID_OPCODE);
    }

    /** Those whose support Identify Controller tells of in OACS: bits 0 to 8. */
    @ParameterizedTest
    @ValueSource(
            ints = {
                0x81 << 8,
                0x80 << 8 | 1,
                0x11 << 8 | 2,
                0x0d << 8 | 3,
                0x14 << 8 | 4,
                0x19 << 8 | 5,
                0x1d << 8 | 6,
                0x1c << 8 | 7,
                0x7c << 8 | 8
            })
    void anOptionalCommandThatOacsDoesNotNameIsInvalid(int opcodeAndBit) throws IOException {
        boolean supported = (oacs() >>> (opcodeAndBit & 0xff) & 1) != 0;
        Completion completion = host.admin(new Command(opcodeAndBit >>> 8).nsid(1));
        assertEquals(!supported, completion.type() == GENERIC && completion.code() == INVALID_OPCODE);
    }

    @Test
    void adminCommandsAreNotFused() throws IOException {
        host.admin(getFeature(1, 0).fuse(1)).refused(GENERIC, INVALID_FIELD);
        host.admin(getFeature(1, 0).fuse(2)).refused(GENERIC, INVALID_FIELD);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void adminCommandsUsePrps(int psdt) throws IOException {
        host.admin(new Command(0x06).prp1(Host.gpa(DATA)).dw(10, 1).psdt(psdt)).refused(GENERIC, INVALID_FIELD);
    }

    // ---- 5.1, Abort

    @Test
    void abortingACommandThatIsNotThereSaysThatNothingWasAborted() throws IOException {
        assertEquals(
                1, host.admin(new Command(0x08).dw(10, 0x7777 << 16 | 1)).good().dw0());
    }

    @Test
    void abortingInAQueueThatIsNotThereSaysThatNothingWasAborted() throws IOException {
        Completion completion = host.admin(new Command(0x08).dw(10, 9));
        assertTrue(completion.code() == INVALID_FIELD || completion.good().dw0() == 1);
    }

    @Test
    void abortingAnEventRequestEndsItOrSaysThatItDidNot() throws IOException {
        int cid = host.admin().submit(new Command(0x0c));
        int abort = host.admin().submit(new Command(0x08).dw(10, cid << 16));
        Completion first = host.admin().await();
        if (first.cid() == abort && first.good().dw0() == 1) {
            assertTrue(host.admin().staysQuiet(), "it was not aborted");
            return;
        }
        Completion second = host.admin().await();
        Completion aborted = first.cid() == cid ? first : second;
        aborted.ends(GENERIC, 0x07);
        assertEquals(0, (first.cid() == cid ? second : first).good().dw0(), "it was aborted");
    }

    // ---- 5.2, Asynchronous Event Request

    @Test
    void anEventRequestWaits() throws IOException {
        host.admin().submit(new Command(0x0c));
        assertTrue(host.admin().staysQuiet());
    }

    @Test
    void moreEventRequestsThanAerlAreRefused() throws IOException {
        identify(1, 0).good();
        int limit = host.octet(DATA + 259) + 1;
        for (int i = 0; i < limit; i++) {
            host.admin().submit(new Command(0x0c));
        }
        assertTrue(host.admin().staysQuiet());
        host.admin(new Command(0x0c)).refused(SPECIFIC, EVENT_LIMIT);
    }

    @Test
    void anEventOfATypeIsToldOnceUntilItsLogIsRead() throws IOException {
        for (int i = 0; i < 3; i++) {
            host.admin().submit(new Command(0x0c));
        }
        host.send(0x1000 + 8 * 9, 1);
        assertEquals(0x0001_0000, host.admin().await().good().dw0());
        host.send(0x1000 + 8 * 9, 1);
        assertTrue(host.admin().staysQuiet());
        host.admin(getLog(0x01, 64).dw(10, 0x01 | 1 << 15 | 15 << 16)).good(); // Retain Asynchronous Event
        assertTrue(host.admin().staysQuiet());
        host.admin(getLog(0x01, 64)).good();
        host.send(0x1000 + 8 * 9, 1);
        assertEquals(0x0001_0000, host.admin().await().good().dw0());
    }

    // ---- 5.14, Get Log Page

    @ParameterizedTest
    @ValueSource(ints = {0x01, 0x02, 0x03})
    void theMandatoryLogPagesAreThere(int page) throws IOException {
        host.admin(getLog(page, 512)).good();
    }

    @ParameterizedTest
    @ValueSource(ints = {0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x70, 0x80, 0x81, 0xc0, 0xff})
    void aLogPageThatIsNotSupportedIsInvalid(int page) throws IOException {
        host.admin(getLog(page, 512)).refused(SPECIFIC, LOG_INVALID);
    }

    @Test
    void noMoreIsReturnedThanAskedFor() throws IOException {
        host.fill(DATA, 512, 0xa5);
        host.admin(getLog(0x02, 16)).good();
        assertArrayEquals(filled(16, 0xa5), host.bytes(DATA + 16, 16));
    }

    @Test
    void aLogIsReadFromAnOffset() throws IOException {
        host.admin(getLog(0x03, 512)).good();
        byte[] whole = host.bytes(DATA, 512);
        host.fill(DATA, 512, 0xa5);
        host.admin(getLog(0x03, 64).dw(12, 8)).good();
        assertArrayEquals(Arrays.copyOfRange(whole, 8, 72), host.bytes(DATA, 64));
    }

    @Test
    void anOffsetBehindTheLogIsRefused() throws IOException {
        host.admin(getLog(0x02, 16).dw(12, 0x1000)).refused(GENERIC, INVALID_FIELD);
        host.admin(getLog(0x02, 16).dw(13, 1)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void anOffsetIsOfDwords() throws IOException {
        host.admin(getLog(0x02, 16).dw(12, 2)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void theLogsOfTheWholeControllerTakeNoNamespace() throws IOException {
        identify(1, 0).good();
        boolean perNamespace = (host.octet(DATA + 261) & 1) != 0;
        Completion completion = host.admin(getLog(0x02, 512).nsid(1));
        assertEquals(perNamespace ? 0 : INVALID_FIELD, completion.code());
    }

    @Test
    void anErrorIsLoggedWhereItsCompletionSaysMore() throws IOException {
        Completion refused = host.admin(setFeature(0x07, 0xffff));
        host.admin(getLog(0x01, 64)).good();
        if (refused.more()) {
            assertEquals(0, host.word(DATA + 8), "Submission Queue ID");
            assertEquals(refused.cid(), host.word(DATA + 10), "Command ID");
            assertEquals(refused.dw3() >>> 17, host.word(DATA + 12) >>> 1, "Status Field");
        }
    }

    @Test
    void errorsAreCountedUp() throws IOException {
        host.admin(new Command(0x09).dw(10, 0x7f)).refused(GENERIC, INVALID_FIELD);
        host.admin(getLog(0x01, 64)).good();
        long first = host.qword(DATA);
        host.admin(new Command(0x09).dw(10, 0x7f)).refused(GENERIC, INVALID_FIELD);
        host.admin(getLog(0x01, 64)).good();
        assertEquals(first + 1, host.qword(DATA));
    }

    @Test
    void theSmartLogsTemperatureIsInKelvinsAndItsSpareInPercent() throws IOException {
        host.admin(getLog(0x02, 512)).good();
        int kelvins = host.octet(DATA + 1) | host.octet(DATA + 2) << 8;
        assertTrue(kelvins > 273 && kelvins < 400, "composite temperature");
        assertTrue(host.octet(DATA + 3) <= 100, "available spare");
        assertTrue(host.octet(DATA + 4) <= 100, "available spare threshold");
        assertEquals(0, host.octet(DATA), "no critical warning");
    }

    @Test
    void theSmartLogCountsCommandsAndData() throws IOException {
        host.admin(getLog(0x02, 512)).good();
        long reads = host.qword(DATA + 64);
        long writes = host.qword(DATA + 80);
        for (int i = 0; i < 5; i++) {
            host.io(write(0, 1)).good();
            host.io(read(0, 1)).good();
        }
        host.io(read(0, 1)).good();
        host.admin(getLog(0x02, 512)).good();
        assertEquals(reads + 6, host.qword(DATA + 64));
        assertEquals(writes + 5, host.qword(DATA + 80));
    }

    @Test
    void theFirmwareLogNamesTheActiveSlotsRevision() throws IOException {
        identify(1, 0).good();
        byte[] revision = host.bytes(DATA + 64, 8);
        host.admin(getLog(0x03, 512)).good();
        int slot = host.octet(DATA) & 7;
        assertTrue(slot >= 1);
        assertArrayEquals(revision, host.bytes(DATA + 8L * slot, 8));
    }

    @Test
    void theEffectsLogHasWhatIsSupportedAndNothingElse() throws IOException {
        host.admin(getLog(0x05, 4096)).good();
        byte[] log = host.bytes(DATA, 4096);
        for (int opcode : new int[] {0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0c}) {
            assertEquals(1, log[4 * opcode] & 1, "admin " + opcode);
        }
        for (int opcode = 0; opcode < 256; opcode++) {
            boolean listed = (log[1024 + 4 * opcode] & 1) != 0;
            Completion completion = host.io(new Command(opcode)
                    .nsid(1)
                    .prp1(Host.gpa(DATA))
                    .blocks(0, 1)
                    .prp2(Host.gpa(DATA)));
            boolean invalid = completion.type() == GENERIC && completion.code() == INVALID_OPCODE;
            assertNotEquals(listed, invalid, "I/O opcode " + opcode);
        }
    }

    // ---- 5.13 and 5.21, features

    /** The mandatory ones of an I/O controller: figure 274. */
    @ParameterizedTest
    @ValueSource(ints = {0x01, 0x02, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0a, 0x0b})
    void aMandatoryFeatureHasACurrentAndADefaultValueAndCapabilities(int feature) throws IOException {
        for (int select : new int[] {0, 1, 3}) {
            host.admin(getFeature(feature, select).nsid(feature == 0x05 ? 1 : 0))
                    .good();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x19, 0x30, 0x77, 0x7f, 0x85, 0xc0, 0xff})
    void aFeatureThatIsNotSupportedIsInvalid(int feature) throws IOException {
        host.admin(getFeature(feature, 0)).refused(GENERIC, INVALID_FIELD);
        host.admin(setFeature(feature, 0)).refused(GENERIC, INVALID_FIELD);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5, 6, 7})
    void selectIsNotAReservedValue(int select) throws IOException {
        host.admin(getFeature(0x01, select)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void aFeatureThatIsNotSaveableIsNotSaved() throws IOException {
        int capabilities = host.admin(getFeature(0x01, 3)).good().dw0();
        Completion saved = host.admin(new Command(0x09).dw(10, 0x8000_0001).dw(11, 0));
        if ((capabilities & 1) == 0) {
            saved.refused(SPECIFIC, NOT_SAVEABLE);
        } else {
            saved.good();
        }
    }

    @Test
    void arbitrationIsSetAndRead() throws IOException {
        host.admin(setFeature(0x01, 0x0403_0205)).good();
        assertEquals(0x0403_0205, feature(0x01));
    }

    @Test
    void theDefaultIsNotChangedBySetting() throws IOException {
        int before = host.admin(getFeature(0x01, 1)).good().dw0();
        host.admin(setFeature(0x01, 0x0403_0200)).good();
        assertEquals(before, host.admin(getFeature(0x01, 1)).good().dw0());
    }

    @Test
    void aPowerStateThatIsNotThereIsRefused() throws IOException {
        identify(1, 0).good();
        int last = host.octet(DATA + 263);
        host.admin(setFeature(0x02, last)).good();
        host.admin(setFeature(0x02, last + 1)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void temperatureThresholdsAreSetOverAndUnder() throws IOException {
        host.admin(setFeature(0x04, 350)).good();
        host.admin(setFeature(0x04, 1 << 20 | 270)).good();
        assertEquals(350, host.admin(getFeature(0x04, 0)).good().dw0() & 0xffff);
        assertEquals(270, host.admin(getFeature(0x04, 0).dw(11, 1 << 20)).good().dw0() & 0xffff);
    }

    @Test
    void aReservedThresholdTypeIsRefused() throws IOException {
        host.admin(setFeature(0x04, 2 << 20 | 300)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void errorRecoveryIsEachNamespacesOwn() throws IOException {
        host.admin(setFeature(0x05, 7).nsid(1)).good();
        assertEquals(7, host.admin(getFeature(0x05, 0).nsid(1)).good().dw0());
        assertEquals(0, host.admin(getFeature(0x05, 0).nsid(2)).good().dw0());
        host.admin(setFeature(0x05, 9).nsid(-1)).good();
        assertEquals(9, host.admin(getFeature(0x05, 0).nsid(1)).good().dw0());
        assertEquals(9, host.admin(getFeature(0x05, 0).nsid(2)).good().dw0());
    }

    @Test
    void errorRecoveryIsOfANamespaceThatIsThere() throws IOException {
        host.admin(getFeature(0x05, 0).nsid(3)).refused(GENERIC, INVALID_FIELD);
        host.admin(setFeature(0x05, 7).nsid(3)).refused(GENERIC, INVALID_FIELD);
        host.admin(getFeature(0x05, 0).nsid(0x10_0000)).refused(GENERIC, INVALID_NAMESPACE);
        host.admin(setFeature(0x05, 7).nsid(0x10_0000)).refused(GENERIC, INVALID_NAMESPACE);
    }

    @Test
    void aFeatureOfTheControllerTakesNoNamespace() throws IOException {
        host.admin(setFeature(0x01, 0).nsid(1)).refused(SPECIFIC, NOT_OF_A_NAMESPACE);
    }

    @Test
    void theWriteCacheIsSwitchedWhereThereIsOne() throws IOException {
        identify(1, 0).good();
        boolean present = (host.octet(DATA + 525) & 1) != 0;
        Completion set = host.admin(setFeature(0x06, 0));
        if (present) {
            set.good();
            assertEquals(0, feature(0x06) & 1);
            host.admin(setFeature(0x06, 1)).good();
            assertEquals(1, feature(0x06) & 1);
        } else {
            set.refused(GENERIC, INVALID_FIELD);
        }
    }

    @Test
    void interruptCoalescingIsSetAndRead() throws IOException {
        host.admin(setFeature(0x08, 0x0302)).good();
        assertEquals(0x0302, feature(0x08) & 0xffff);
    }

    @Test
    void aVectorThatIsNotThereIsNotConfigured() throws IOException {
        host.admin(setFeature(0x09, 0x1_0000 | 0xffff)).refused(GENERIC, INVALID_FIELD);
        host.admin(getFeature(0x09, 0).dw(11, 0xffff)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void aVectorIsConfigured() throws IOException {
        host.admin(setFeature(0x09, 0x1_0001)).good();
        assertEquals(0x1_0001, host.admin(getFeature(0x09, 0).dw(11, 1)).good().dw0());
        assertEquals(2, host.admin(getFeature(0x09, 0).dw(11, 2)).good().dw0());
    }

    @Test
    void writeAtomicityIsSetAndRead() throws IOException {
        host.admin(setFeature(0x0a, 1)).good();
        assertEquals(1, feature(0x0a));
    }

    @Test
    void eventsThatIdentifyDoesNotOfferAreNotSwitchedOn() throws IOException {
        identify(1, 0).good();
        int offered = host.dword(DATA + 92);
        Completion all = host.admin(setFeature(0x0b, -1));
        if (all.code() == 0) {
            assertEquals(0, feature(0x0b) & 0xffff_ff00 & ~offered);
        } else {
            all.refused(GENERIC, INVALID_FIELD);
        }
    }

    @Test
    void capabilitiesTellTruth() throws IOException {
        for (int feature : new int[] {0x01, 0x04, 0x08, 0x0a, 0x0b}) {
            assertEquals(4, host.admin(getFeature(feature, 3)).good().dw0() & 4, "changeable: " + feature);
        }
        assertEquals(2, host.admin(getFeature(0x05, 3).nsid(1)).good().dw0() & 2, "of a namespace");
    }

    @Test
    void theTimestampGoesOnFromWhatWasSet() throws IOException {
        identify(1, 0).good();
        if ((host.word(DATA + 520) & 1 << 6) == 0) {
            host.admin(setFeature(0x0e, 0).prp1(Host.gpa(DATA))).refused(GENERIC, INVALID_FIELD);
            return;
        }
        host.putQword(DATA, 0x0000_0123_4567_89abL);
        host.admin(setFeature(0x0e, 0).prp1(Host.gpa(DATA))).good();
        host.admin(getFeature(0x0e, 0).prp1(Host.gpa(DATA))).good();
        long later = (host.qword(DATA) & 0xffff_ffff_ffffL) - 0x0123_4567_89abL;
        assertTrue(later >= 0 && later < 120_000, "milliseconds: " + later);
        assertEquals(1, host.octet(DATA + 6) >>> 1 & 7, "set by the host");
    }

    @Test
    void aFeatureThatIsNotChangeableIsNotChanged() throws IOException {
        for (int feature = 1; feature < 0x20; feature++) {
            Completion capabilities = host.admin(getFeature(feature, 3).nsid(feature == 0x05 ? 1 : 0));
            if (capabilities.code() == 0 && (capabilities.dw0() & 4) == 0) {
                host.admin(setFeature(feature, 0)).refused(SPECIFIC, NOT_CHANGEABLE);
            }
        }
    }
}
