package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.host.DriverOptions;
import io.sluice.host.Timeouts;
import io.sluice.nvme.Status;
import io.sluice.storage.FaultPlan;
import io.sluice.storage.FaultyStorage;
import io.sluice.storage.MemoryStorage;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What guests notice of a device with faults that they share: docs/faults.md says what they survive. */
@Timeout(300) // a hang, not a measure
class FaultyModelTest {
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final long BLOCKS_EACH = 2048;
    private static final int TRANSFER = 16 << 10;
    private static final DriverOptions PATIENT = DriverOptions.polled(2, 64);

    /** Of faults that must come, but not one upon the other. */
    private static final long FAULT_SEED = 9;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private MediatedRig rig;

    private List<NvmeController> share(String faults, long faultSeed, DriverOptions options) throws Exception {
        System.out.println("FaultyModelTest seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
        MemoryStorage storage = new MemoryStorage(new Namespace(1, 2 * BLOCKS_EACH, BLOCK, 0, 0, 0, false));
        FaultPlan plan = FaultPlan.parse(faults, faultSeed);
        rig = new MediatedRig(new FaultyStorage(storage, plan, System::nanoTime), options);
        return rig.share(BLOCKS_EACH, BLOCKS_EACH);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private static void assertStatus(Status expected, int status) {
        assertTrue(expected.is(status), () -> "expected " + expected.text() + ", got " + Status.describe(status));
    }

    @Test
    void shouldPassTheStatusOfWhatFails() throws Exception {
        List<NvmeController> controllers = share("fail=1", seed, PATIENT);
        try (GuestDrive guest = new GuestDrive(controllers.getFirst(), 1, TRANSFER)) {
            assertStatus(Status.UNRECOVERED_READ_ERROR, guest.read(0, new byte[BLOCK]));
            assertStatus(Status.WRITE_FAULT, guest.write(0, new byte[BLOCK]));
            assertEquals(0, rig.session.driver().resets());
        }
    }

    @Test
    void shouldHoldBothGuestsDataWhenCommandsAreLateAndOvertakenAndFail() throws Exception {
        List<NvmeController> controllers = share("late=0.1:2ms,reorder=0.2,fail=0.1", seed, PATIENT);
        try (GuestDrive one = new GuestDrive(controllers.get(0), 1, TRANSFER);
                GuestDrive two = new GuestDrive(controllers.get(1), 1, TRANSFER)) {
            assertTrue(run(one, two, 600, Status.WRITE_FAULT, Status.UNRECOVERED_READ_ERROR) > 0, "nothing failed");
            assertEquals(0, rig.session.driver().resets());
        }
    }

    /** The drive does not abort, and says so; the command ends in its grace. */
    @Test
    void shouldAbortWhatIsLaterThanItsTimeAndWaitForItsEnd() throws Exception {
        DriverOptions impatient = PATIENT.withTimeouts(new Timeouts(100, 20_000, 60_000, 3));
        List<NvmeController> controllers = share("late=0.05:400ms", FAULT_SEED, impatient);
        try (GuestDrive one = new GuestDrive(controllers.get(0), 1, TRANSFER);
                GuestDrive two = new GuestDrive(controllers.get(1), 1, TRANSFER)) {
            assertEquals(0, run(one, two, 150));
            assertTrue(rig.session.driver().lateCommands() > 0, "nothing was late");
            assertEquals(0, rig.session.driver().resets());
        }
    }

    /** Nobody answers for a stuck command but a reset of the device, after which its guest may send it again. */
    @Test
    void shouldResetTheDeviceForStuckCommandsAndGoOn() throws Exception {
        DriverOptions impatient = PATIENT.withTimeouts(new Timeouts(200, 20_000, 100, 3));
        List<NvmeController> controllers = share("stuck=0.02", FAULT_SEED, impatient);
        try (GuestDrive one = new GuestDrive(controllers.get(0), 1, TRANSFER);
                GuestDrive two = new GuestDrive(controllers.get(1), 1, TRANSFER)) {
            int interrupted = run(one, two, 150, Status.COMMAND_INTERRUPTED);
            assertTrue(interrupted > 0, "nothing was interrupted");
            assertTrue(rig.session.driver().resets() > 0, "the device was not reset");
            assertFalse(rig.session.driver().isDead());
        }
    }

    /** Random writes and reads by two guests, each compared with what the drive must hold. Returns how many ended as those may. */
    private int run(GuestDrive one, GuestDrive two, int commands, Status... allowed) throws Exception {
        Random random = new Random(seed);
        byte[][] models = new byte[2][(int) BLOCKS_EACH * BLOCK];
        int others = 0;
        for (int i = 0; i < commands; i++) {
            int guest = random.nextInt(2);
            int blocks = 1 + random.nextInt(TRANSFER / BLOCK);
            int slba = random.nextInt((int) BLOCKS_EACH - blocks + 1);
            byte[] data = new byte[blocks * BLOCK];
            random.nextBytes(data);
            boolean write = random.nextBoolean();
            others += untilDone(guest == 0 ? one : two, models[guest], slba, data, write, allowed);
        }
        return others;
    }

    /** Again and again until it succeeds, as a patient guest would. */
    private static int untilDone(
            GuestDrive guest, byte[] model, int slba, byte[] data, boolean write, Status... allowed) throws Exception {
        int from = slba * BLOCK;
        byte[] wanted = write ? data : Arrays.copyOfRange(model, from, from + data.length);
        byte[] read = new byte[data.length];
        for (int tries = 0; tries < 100; tries++) {
            int status = write ? guest.write(slba, data) : guest.read(slba, read);
            if (status == Status.OK) {
                assertArrayEquals(wanted, write ? data : read);
                System.arraycopy(wanted, 0, model, from, wanted.length);
                return tries;
            }
            assertTrue(Arrays.stream(allowed).anyMatch(each -> each.is(status)), () -> Status.describe(status));
        }
        throw new AssertionError("a hundred times in vain");
    }
}
