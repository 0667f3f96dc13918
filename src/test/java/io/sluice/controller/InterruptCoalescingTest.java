package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.linux.EventFd;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.CapabilityId;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Interrupt Coalescing and Interrupt Vector Configuration, NVMe 1.4, 5.21.1.8 and 5.21.1.9, in virtual time. Queue pair q has
 * vector q.
 */
class InterruptCoalescingTest {
    /** CDW11: TIME is 3, that is 300 us, and THR is 3, that is 4 completions. */
    private static final int THREE_HUNDRED_MICROS_OR_FOUR = 0x0303;

    private static final long DELAY_NANOS = 300_000;
    private static final int ENTRIES = 64;

    private final List<EventFd> watched = new ArrayList<>();
    private final int[] tails = new int[3];
    private ControllerRig rig;
    private long clockReads;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig(ControllerConfig.of("test", "SN0123"), () -> clockReads++);
        enableMsix();
        for (int vector = 0; vector < 3; vector++) {
            EventFd target = EventFd.create();
            watched.add(EventFd.adopt(target.fd().duplicate()));
            rig.controller.setInterruptTargets(InterruptKind.MSIX, vector, List.of(target));
        }
        bringUp();
    }

    @AfterEach
    void close() {
        rig.close();
        watched.forEach(EventFd::close);
    }

    private void enableMsix() throws Exception {
        int at = rig.readConfig(PciHeader.CAPABILITIES_POINTER, 1);
        while (rig.readConfig(at, 1) != CapabilityId.MSIX) {
            at = rig.readConfig(at + 1, 1);
        }
        rig.writeConfig(at + MsixCapability.CONTROL, 2, MsixCapability.CONTROL_ENABLE);
    }

    private void bringUp() throws Exception {
        rig.enable(16);
        for (int qid = 1; qid <= 2; qid++) {
            assertEquals(Status.OK, rig.createCq(qid, ENTRIES, qid).status());
            assertEquals(Status.OK, rig.createSq(qid, ENTRIES, qid).status());
            tails[qid] = 0;
        }
        signals(0);
    }

    private void coalesce(int value) {
        assertEquals(
                Status.OK, rig.setFeature(Feature.INTERRUPT_COALESCING, value).status());
    }

    private void exempt(int vector, boolean disabled) {
        int value = FeatureValue.vectorConfiguration(vector, disabled);
        assertEquals(
                Status.OK,
                rig.setFeature(Feature.INTERRUPT_VECTOR_CONFIGURATION, value).status());
    }

    /** Has a queue complete so many commands, one a duty cycle, the guest taking each. */
    private void complete(int qid, int count) {
        for (int i = 0; i < count; i++) {
            rig.putFlush(qid, tails[qid], i);
            submitted(qid);
        }
    }

    private void submitted(int qid) {
        tails[qid] = (tails[qid] + 1) % ENTRIES;
        rig.ring(Doorbells.sqTailDoorbell(qid), tails[qid]);
        rig.step();
        rig.ring(Doorbells.cqHeadDoorbell(qid), tails[qid]);
    }

    private void pass(long nanos) {
        rig.nanos += nanos;
        rig.step();
    }

    /** How often a vector has been signalled since the last call. */
    private long signals(int vector) {
        return watched.get(vector).drain();
    }

    @Test
    void shouldSignalOnceWhenTheThresholdIsReached() {
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);

        complete(1, 3);
        assertEquals(0, signals(1));
        complete(1, 1);
        assertEquals(1, signals(1));
        complete(1, 3);
        assertEquals(0, signals(1), "and begins to count again");
        complete(1, 1);
        assertEquals(1, signals(1));
    }

    @Test
    void shouldSignalWhenTheTimeOfTheFirstThatWaitsIsOver() {
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        complete(1, 1);
        pass(DELAY_NANOS - 1);
        complete(1, 1);
        assertEquals(0, signals(1));

        pass(1);
        assertEquals(1, signals(1));
        pass(10 * DELAY_NANOS);
        assertEquals(0, signals(1), "once");
    }

    @Test
    void shouldHaveATimeAndACountForEachVector() {
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        complete(1, 3);
        pass(DELAY_NANOS / 2);
        complete(2, 3);
        assertEquals(0, signals(1) + signals(2));

        pass(DELAY_NANOS / 2);
        assertEquals(1, signals(1));
        assertEquals(0, signals(2));
        pass(DELAY_NANOS / 2);
        assertEquals(1, signals(2));
    }

    @Test
    void shouldCountAllQueuesOfAVectorTogether() {
        assertEquals(Status.OK, rig.createCq(3, ENTRIES, 1).status());
        assertEquals(Status.OK, rig.createSq(3, ENTRIES, 3).status());
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        complete(1, 3);
        rig.putFlush(3, 0, 0);
        rig.ring(Doorbells.sqTailDoorbell(3), 1);
        rig.step();

        assertEquals(1, signals(1));
    }

    @Test
    void shouldSignalAtOnceWhenTimeOrThresholdIsZero() {
        coalesce(0x0300); // THR 0: one completion is enough
        complete(1, 1);
        assertEquals(1, signals(1));

        coalesce(0x00ff); // TIME 0: no delay
        complete(1, 1);
        assertEquals(1, signals(1));
    }

    @Test
    void shouldNotReadTheClockWhileItIsOff() {
        clockReads = 0;
        complete(1, 8);
        assertEquals(8, signals(1));
        assertEquals(0, clockReads);

        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        complete(1, 1);
        assertTrue(clockReads > 0, "the same while it is on");
    }

    @Test
    void shouldSignalAnExemptVectorAtOnce() {
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        exempt(1, true);
        complete(1, 1);
        complete(2, 1);

        assertEquals(1, signals(1));
        assertEquals(0, signals(2));
        exempt(1, false);
        signals(2);
        complete(1, 1);
        assertEquals(0, signals(1));
    }

    @Test
    void shouldNeverKeepTheAdminQueueWaiting() {
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        signals(0);
        rig.getFeature(Feature.ARBITRATION, 0, 0);

        assertEquals(1, signals(0));
    }

    @Test
    void shouldSignalAtOnceWhenACommandHasFailed() {
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        complete(1, 1);
        rig.putFlush(1, tails[1], 7);
        Sqe.setNsid(rig.guest.hva(ControllerRig.sqGpa(1)) + (long) tails[1] * Sqe.BYTES, 0x77);
        submitted(1);

        assertEquals(1, signals(1));
        pass(10 * DELAY_NANOS);
        assertEquals(0, signals(1), "the one that waited is told of, too");
    }

    @Test
    void shouldSignalWhatWaitsWhenTheFeatureIsSet() {
        coalesce(0xffff);
        complete(1, 3);
        complete(2, 3);
        coalesce(0xffff);
        assertEquals(1, signals(1));
        assertEquals(1, signals(2));

        complete(2, 1);
        exempt(2, true);
        assertEquals(1, signals(2));
    }

    @Test
    void shouldSignalWhatWaitsWhenItsQueueIsDeleted() {
        coalesce(0xffff);
        complete(1, 1);
        complete(2, 1);
        rig.delete(AdminOpcode.DELETE_IO_SQ, 1);
        assertEquals(Status.OK, rig.delete(AdminOpcode.DELETE_IO_CQ, 1).status());

        assertEquals(1, signals(1));
        assertEquals(0, signals(2));
    }

    @Test
    void shouldSignalWhatWaitsWhenTheGuestShutsDown() throws Exception {
        coalesce(0xffff);
        complete(1, 1);
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), Cc.SHN_NORMAL));
        rig.step();

        assertEquals(1, signals(1));
        assertTrue(rig.controller.isDormant());
    }

    @Test
    void shouldForgetAllWithAReset() throws Exception {
        coalesce(0xffff);
        complete(1, 1);
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.step();
        assertEquals(0, signals(1), "nothing is raised for a queue that is gone");

        bringUp();
        complete(1, 1);
        assertEquals(1, signals(1), "and the feature is off again");
    }

    @Test
    void shouldWaitWhileTheBusMasterIsOffAndSignalWhenItIsOnAgain() throws Exception {
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        complete(1, 1);
        rig.setBusMaster(false);
        pass(2 * DELAY_NANOS);
        assertEquals(0, signals(1), "a message is a write to memory");
        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos());

        rig.setBusMaster(true);
        rig.step();
        assertEquals(1, signals(1));
    }

    // ---- the poller's rest

    @Test
    void shouldNotLetThePollerRestPastTheTime() {
        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos());
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        complete(1, 1);
        pass(100_000);
        complete(2, 1);

        assertEquals(200_000, rig.controller.maxRestNanos());
        pass(200_000);
        assertEquals(1, signals(1));
        assertEquals(100_000, rig.controller.maxRestNanos(), "the other vector's");
        pass(100_000);
        assertEquals(1, signals(2));
        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos());
    }

    @Test
    void shouldNotBeDormantWhileAnInterruptWaits() throws Exception {
        close();
        watched.clear();
        rig = new ControllerRig(ControllerConfig.of("test", "SN0123").withTrappedDoorbells(), () -> clockReads++);
        enableMsix();
        EventFd target = EventFd.create();
        watched.add(EventFd.adopt(target.fd().duplicate()));
        rig.controller.setInterruptTargets(InterruptKind.MSIX, 1, List.of(target));
        bringUpByMessage();

        assertFalse(rig.controller.isDormant(), "doorbells are messages, but an interrupt waits");
        pass(DELAY_NANOS);
        assertEquals(1, signals(0));
        assertTrue(rig.controller.isDormant());
    }

    private void bringUpByMessage() throws Exception {
        rig.enable(16);
        rig.createCq(1, ENTRIES, 1);
        rig.createSq(1, ENTRIES, 1);
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        assertTrue(rig.controller.isDormant());
        rig.putFlush(1, 0, 0);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();
    }

    /** Against the rules said in another way: when each vector's first completion waits, and how many do. */
    @Test
    void shouldNeverLoseAnInterruptNorBeLate() {
        long seed = new Random().nextLong();
        System.out.println("seed of random coalescing: " + seed);
        Random random = new Random(seed);
        coalesce(THREE_HUNDRED_MICROS_OR_FOUR);
        long[] since = {-1, -1, -1};
        int[] counts = new int[3];
        for (int i = 0; i < 20_000; i++) {
            long expected = 0;
            int vector = 1 + random.nextInt(2);
            if (random.nextBoolean()) {
                complete(vector, 1);
                since[vector] = counts[vector] == 0 ? rig.nanos : since[vector];
                if (++counts[vector] == 4) {
                    counts[vector] = 0;
                    expected = 1;
                }
            } else {
                pass(random.nextInt((int) DELAY_NANOS / 2));
                for (int other = 1; other <= 2; other++) {
                    if (counts[other] > 0 && rig.nanos - since[other] >= DELAY_NANOS) {
                        counts[other] = 0;
                        expected++;
                    }
                }
            }
            assertEquals(expected, signals(1) + signals(2), "step " + i + ", seed " + seed);
        }
    }
}
