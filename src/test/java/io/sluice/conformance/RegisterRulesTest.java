package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Section 3.1, Register Definition, and 7.3, Resets. */
class RegisterRulesTest extends Conformance {
    private long cap() throws IOException {
        return host.readLong(Host.CAP);
    }

    private int capField(int high, int low) throws IOException {
        return (int) (cap() << (63 - high) >>> (63 - high + low));
    }

    // ---- 3.1.1, CAP

    @Test
    void mqesIsAtLeast1() throws IOException {
        assertTrue(capField(15, 0) >= 1);
    }

    @Test
    void capReservedBitsAre0() throws IOException {
        assertEquals(0, capField(23, 19));
        assertEquals(0, capField(47, 46));
        assertEquals(0, capField(63, 59));
    }

    @Test
    void theNvmCommandSetIsSupported() throws IOException {
        assertEquals(1, capField(37, 37));
    }

    @Test
    void cssReservedBitsAre0() throws IOException {
        assertEquals(0, capField(43, 38));
    }

    @Test
    void mpsminIsNotAboveMpsmax() throws IOException {
        assertTrue(capField(51, 48) <= capField(55, 52));
    }

    @Test
    void aHostOf4KiBPagesIsSupported() throws IOException {
        assertEquals(0, capField(51, 48));
    }

    @Test
    void toIsNot0() throws IOException {
        assertTrue(capField(31, 24) > 0);
    }

    @Test
    void theDoorbellsOfAllQueuesFitTheBar() throws IOException {
        int stride = 4 << capField(35, 32);
        int granted = (feature(0x07) & 0xffff) + 1;
        assertTrue(
                0x1000 + 2L * stride * (granted + 1) <= host.device.openBar(0).bytes());
    }

    @Test
    void capIsReadOnly() throws IOException {
        long before = cap();
        host.writeLong(Host.CAP, 0);
        host.writeLong(Host.CAP, -1);
        assertEquals(before, cap());
    }

    @Test
    void capIsReadByHalvesToo() throws IOException {
        assertEquals(cap(), Integer.toUnsignedLong(host.read(0)) | (long) host.read(4) << 32);
    }

    // ---- 3.1.2, VS

    @Test
    void theVersionIs1Point4() throws IOException {
        assertEquals(0x0001_0400, host.read(Host.VS));
    }

    @Test
    void vsIsReadOnly() throws IOException {
        host.write(Host.VS, -1);
        assertEquals(0x0001_0400, host.read(Host.VS));
    }

    // ---- 3.1.3 and 3.1.4, INTMS and INTMC

    @Test
    void theInterruptMaskIs0AfterAReset() throws IOException {
        host.write(Host.INTMS, -1);
        host.disable();
        assertEquals(0, host.read(Host.INTMS));
    }

    @Test
    void aOneSetsAMaskBitAndAZeroDoesNothing() throws IOException {
        host.write(Host.INTMS, 0x5);
        host.write(Host.INTMS, 0x2);
        host.write(Host.INTMS, 0);
        assertEquals(0x7, host.read(Host.INTMS));
    }

    @Test
    void aOneClearsAMaskBitAndAZeroDoesNothing() throws IOException {
        host.write(Host.INTMS, 0x7);
        host.write(Host.INTMC, 0x2);
        host.write(Host.INTMC, 0);
        assertEquals(0x5, host.read(Host.INTMS));
    }

    @Test
    void readingIntmcReturnsTheMask() throws IOException {
        host.write(Host.INTMS, 0x1234);
        assertEquals(0x1234, host.read(Host.INTMC));
    }

    // ---- 3.1.5, CC

    @Test
    void ccReadsAsWritten() throws IOException {
        assertEquals(Host.CC_ENABLE, host.read(Host.CC));
    }

    @Test
    void ccReservedBitsRead0() throws IOException {
        host.disable();
        host.write(Host.CC, 0xff00_000e);
        assertEquals(0, host.read(Host.CC));
    }

    @Test
    void readyFollowsEnable() throws IOException {
        host.disable();
        assertFalse(host.isReady());
        host.enable();
        assertTrue(host.isReady());
    }

    @Test
    void mpsIsKeptWhileEnabled() throws IOException {
        host.write(Host.CC, Host.CC_ENABLE | 1 << 7);
        assertEquals(Host.CC_ENABLE, host.read(Host.CC));
    }

    @Test
    void amsIsKeptWhileEnabled() throws IOException {
        host.write(Host.CC, Host.CC_ENABLE | 1 << 11);
        assertEquals(Host.CC_ENABLE, host.read(Host.CC));
    }

    @Test
    void cssIsKeptWhileEnabled() throws IOException {
        host.write(Host.CC, Host.CC_ENABLE | 6 << 4);
        assertEquals(Host.CC_ENABLE, host.read(Host.CC));
    }

    private void assertDoesNotStart(int cc) throws IOException {
        host.disable();
        host.setAdminQueue();
        host.write(Host.CC, cc);
        host.await(Host.CSTS, 2, 2);
        assertFalse(host.isReady());
        host.disable();
        host.enable();
        assertTrue(host.isReady());
    }

    @Test
    void aPageSizeThatIsNotSupportedEnablesNothing() throws IOException {
        assertDoesNotStart(Host.CC_ENABLE | ((capField(55, 52) + 1) << 7));
    }

    @Test
    void aCommandSetThatIsNotSupportedEnablesNothing() throws IOException {
        assertDoesNotStart(Host.CC_ENABLE | 5 << 4);
    }

    @Test
    void anArbitrationThatIsNotSupportedEnablesNothing() throws IOException {
        assertDoesNotStart(Host.CC_ENABLE | 3 << 11);
    }

    @Test
    void everySupportedPageSizeEnables() throws IOException {
        for (int mps = 0; mps <= capField(55, 52); mps++) {
            host.disable();
            host.setAdminQueue();
            host.writeLong(Host.ACQ, Host.gpa(LISTS)); // aligned to all of them
            host.write(Host.CC, Host.CC_ENABLE | mps << 7);
            host.await(Host.CSTS, 3, 1);
        }
    }

    // ---- 3.1.6, CSTS

    @Test
    void cstsIsReadOnlyButForNssro() throws IOException {
        host.write(Host.CSTS, 0xffff_ffef);
        assertEquals(1, host.read(Host.CSTS));
    }

    @Test
    void cstsReservedBitsAre0() throws IOException {
        assertEquals(0, host.read(Host.CSTS) & 0xffff_ffc0);
    }

    @Test
    void aDisabledControllerHasNotFailed() throws IOException {
        host.disable();
        assertEquals(0, host.read(Host.CSTS));
    }

    // ---- 3.1.7, NSSR

    @Test
    void aSubsystemResetThatIsNotSupportedDoesNothing() throws IOException {
        assertEquals(0, capField(36, 36));
        host.write(Host.NSSR, 0x4e56_4d65);
        assertEquals(0, host.read(Host.NSSR));
        assertTrue(host.isReady());
        host.admin(getFeature(1, 0)).good();
    }

    // ---- 3.1.8 to 3.1.10, AQA, ASQ, ACQ

    @Test
    void aqaReservedBitsRead0() throws IOException {
        host.disable();
        host.write(Host.AQA, -1);
        assertEquals(0x0fff_0fff, host.read(Host.AQA));
    }

    @ParameterizedTest
    @ValueSource(ints = {Host.ASQ, Host.ACQ})
    void queueBasesHaveNoOffset(int register) throws IOException {
        host.disable();
        host.writeLong(register, -1);
        assertEquals(0xffff_ffff_ffff_f000L, host.readLong(register));
    }

    @ParameterizedTest
    @ValueSource(ints = {Host.AQA, Host.ASQ, Host.ACQ})
    void theAdminQueueSurvivesAControllerReset(int register) throws IOException {
        int before = host.read(register);
        assertNotEquals(0, before);
        host.disable();
        assertEquals(before, host.read(register));
    }

    @ParameterizedTest
    @ValueSource(ints = {Host.AQA, Host.ASQ, Host.ACQ, Host.CC, Host.CSTS})
    void everyOtherResetSetsRegistersToTheirDefaults(int register) throws IOException {
        host.device.reset();
        try {
            assertEquals(0, host.read(register));
        } finally {
            host.device.writeConfig(4, 2, 6);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x3fff_ffff, 0})
    void anAdminQueueThatIsNotInMemoryEnablesNothing(int gpa) throws IOException {
        host.disable();
        host.setAdminQueue();
        host.writeLong(Host.ASQ, gpa & ~0xfffL);
        host.write(Host.CC, Host.CC_ENABLE);
        host.await(Host.CSTS, 2, 2);
    }

    @Test
    void adminQueuesOfLessThanTwoEntriesEnableNothing() throws IOException {
        host.disable();
        host.setAdminQueue();
        host.write(Host.AQA, 0);
        host.write(Host.CC, Host.CC_ENABLE);
        host.await(Host.CSTS, 2, 2);
    }

    // ---- what is not offered, and reserved space

    @ParameterizedTest
    @ValueSource(
            ints = {
                0x18, 0x38, 0x3c, 0x40, 0x44, 0x48, 0x50, 0x58, 0x100, 0xdfc, 0xe00, 0xe04, 0xe08, 0xe0c, 0xe10, 0xffc
            })
    void whatIsReservedOrNotOfferedReads0AndTakesNothing(int offset) throws IOException {
        assertEquals(0, host.read(offset));
        host.write(offset, -1);
        assertEquals(0, host.read(offset));
        assertTrue(host.isReady());
    }

    // ---- 7.3.2, Controller Level Reset

    @Test
    void aResetDeletesTheIoQueues() throws IOException {
        host.disable();
        host.enable();
        host.admin(new Command(0x00).dw(10, 1)).refused(SPECIFIC, 0x01);
        host.admin(new Command(0x04).dw(10, 1)).refused(SPECIFIC, 0x01);
    }

    @Test
    void aResetSetsFeaturesToTheirDefaults() throws IOException {
        host.admin(setFeature(0x01, 0x0102_0303)).good();
        host.admin(setFeature(0x0b, 0x1)).good();
        host.disable();
        host.enable();
        assertEquals(host.admin(getFeature(0x01, 1)).good().dw0(), feature(0x01));
        assertEquals(0, feature(0x0b));
    }

    @Test
    void aResetEndsCommandsWithoutCompletions() throws IOException {
        host.admin().submit(new Command(0x0c));
        host.disable();
        host.enable();
        assertTrue(host.admin().staysQuiet());
    }

    @Test
    void commandsBeforeAResetAreNotDoneAfterIt() throws IOException {
        fillBlocks(0, 1, 1);
        host.fill(DATA, BLOCK, 2);
        host.io().put(write(0, 1)); // never rung for
        host.disable();
        host.enable();
        host.renew();
        assertEquals(1, block(0)[0]);
    }

    // ---- 7.6.2, Shutdown, and 3.1.6, SHST

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aShutdownEndsInShst10b(int shn) throws IOException {
        fillBlocks(3, 1, 7);
        host.write(Host.CC, Host.CC_ENABLE | shn << 14);
        host.await(Host.CSTS, 0xc, 0x8);
        assertTrue(host.isReady());
        host.renew();
        assertEquals(0, host.read(Host.CSTS) & 0xc);
        assertEquals(7, block(3)[0]);
    }

    @Test
    void noCommandIsTakenAfterAShutdown() throws IOException {
        host.write(Host.CC, Host.CC_ENABLE | 1 << 14);
        host.await(Host.CSTS, 0xc, 0x8);
        host.io().submit(flush(1));
        host.admin().submit(getFeature(1, 0));
        assertTrue(host.io().staysQuiet());
        assertTrue(host.admin().staysQuiet());
    }

    @Test
    void noShutdownIsShst00b() throws IOException {
        assertEquals(0, host.read(Host.CSTS) & 0xc);
    }
}
