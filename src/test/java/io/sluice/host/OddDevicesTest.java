package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Controllers at the edges of what the specification allows, and a hang at each step of coming up; see {@link NvmeDriverTest}. */
class OddDevicesTest {
    private final FakeNvme device = new FakeNvme();
    private final IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL)));

    @AfterEach
    void close() {
        device.close();
    }

    private NvmeDriver start() throws IOException {
        DriverOptions options =
                DriverOptions.polled(2, 1024).withDoorbellBuffer().withClock(new VirtualClock());
        return NvmeDriver.start(device, iovas, options);
    }

    private String refusal() {
        IOException e = assertThrows(IOException.class, this::start);
        assertEquals(0, device.maps.size(), "memory is left mapped");
        assertFalse(Cc.enabled(device.cc), "the device is left enabled");
        return e.getMessage();
    }

    private void assertRefused(String message) {
        String why = refusal();
        assertTrue(why.contains(message), why);
    }

    // ---- queues

    @Test
    void shouldHaveOneCommandInFlightWhenQueuesHaveTwoEntries() throws IOException {
        device.cap = Cap.withMaxQueueEntries(device.cap, Rings.MIN_ENTRIES);
        try (NvmeDriver driver = start()) {
            QueuePair pair = driver.queuePairs().getFirst();
            assertEquals(1, pair.depth());
            assertTrue(pair.flush(1, 0));
            assertFalse(pair.flush(1, 0));
        }
    }

    @Test
    void shouldRefuseQueuesOfOneEntry() {
        device.cap = Cap.withMaxQueueEntries(device.cap, 1);
        assertRefused("fake nvme takes queues of 1 entry only (CAP.MQES is 0)");
    }

    @Test
    void shouldSayWhyWhenNoQueuesAreGranted() {
        device.failOpcode = AdminOpcode.SET_FEATURES;
        device.failStatus = Status.INVALID_FIELD.dnr();
        assertRefused(
                "fake nvme grants no I/O queues, so it moves no data: Set Features Number of Queues, 2 on fake nvme"
                        + " was refused");
    }

    @Test
    void shouldUseNoMoreQueuesThanItAskedForWhenMoreAreGranted() throws IOException {
        device.grantedQueues = 65_535;
        try (NvmeDriver driver = start()) {
            assertEquals(2, driver.queuePairs().size());
        }
    }

    // ---- transfers

    @Test
    void shouldTransferAsMuchAsOneListDescribesWhenThereIsNoLimit() throws IOException {
        device.mdts = 0;
        try (NvmeDriver driver = start()) {
            QueuePair pair = driver.queuePairs().getFirst();
            assertEquals(Integer.MAX_VALUE, driver.controller().maxTransferBytes());
            assertEquals(2 << 20, pair.maxTransferBytes());
            assertTrue(pair.read(1, 0, 4096, 0x1000, 2 << 20, 0));
        }
    }

    @Test
    void shouldTransferTwoPagesWhenMdtsIsOne() throws IOException {
        device.mdts = 1;
        try (NvmeDriver driver = start()) {
            QueuePair pair = driver.queuePairs().getFirst();
            assertEquals(8192, pair.maxTransferBytes());
            assertTrue(pair.read(1, 0, 16, 0x1000, 8192, 0));
            Exception refused =
                    assertThrows(IllegalArgumentException.class, () -> pair.read(1, 0, 17, 0x1000, 8704, 0));
            assertTrue(refused.getMessage().contains("must be 1 to 8192"), refused.getMessage());
        }
    }

    @Test
    void shouldTransferAsMuchAsOneListDescribesWhenMdtsIsBeyondAllReason() throws IOException {
        device.mdts = 255;
        try (NvmeDriver driver = start()) {
            assertEquals(2 << 20, driver.queuePairs().getFirst().maxTransferBytes());
        }
    }

    // ---- namespaces

    @Test
    void shouldComeUpWithoutNamespacesWhenNoneIsActive() throws IOException {
        device.namespaces = 0;
        device.namespaceLimit = 0;
        try (NvmeDriver driver = start()) {
            assertEquals(List.of(), driver.namespaces());
            assertEquals(0, driver.controller().namespaceLimit());
            Exception none = assertThrows(NoSuchElementException.class, () -> driver.namespace(1));
            assertEquals("fake nvme has no active namespace 1", none.getMessage());
        }
    }

    @Test
    void shouldAskOnlyForActiveNamespacesWhenTheirLimitIsHuge() throws IOException {
        device.namespaceLimit = Sqe.NSID_ALL - 1;
        try (NvmeDriver driver = start()) {
            assertEquals(0xffff_fffeL, driver.controller().namespaceLimit());
            assertEquals(1, driver.namespaces().size());
        }
    }

    @Test
    void shouldReadTheWholeListWhenItHasSeveralPages() throws IOException {
        for (int count : new int[] {1023, 1024, 1025, 2500}) {
            device.namespaces = count;
            try (NvmeDriver driver = start()) {
                List<NamespaceInfo> found = driver.namespaces();
                assertEquals(count, found.size());
                assertEquals(count, found.getLast().nsid());
                assertEquals(count, found.stream().distinct().count());
            }
        }
    }

    @Test
    void shouldRefuseAListThatDoesNotEnd() {
        device.endlessNamespaces = true;
        assertRefused("fake nvme lists more than 16384 active namespaces");
    }

    /** The second of three namespaces is odd, and the others are none the worse for it. */
    private void assertOnlyTheSecondIsUnusable(String why) throws IOException {
        device.namespaces = 3;
        try (NvmeDriver driver = start()) {
            NamespaceInfo odd = driver.namespace(2);
            assertEquals("namespace 2 cannot be used: " + why, odd.unusableBecause());
            assertEquals(0, odd.bytes());
            assertEquals(0, odd.blockBytes());
            assertEquals(0, odd.metadataBytes());
            assertEquals(3, driver.namespaces().size());
            for (int nsid : new int[] {1, 3}) {
                assertEquals("", driver.namespace(nsid).unusableBecause());
                assertEquals(512_000, driver.namespace(nsid).bytes());
            }
        }
    }

    @Test
    void shouldUseTheOthersWhenOneNamespaceIsNotIdentified() throws IOException {
        device.refusedNsid = 2;
        assertOnlyTheSecondIsUnusable(
                "Identify Namespace 2 on fake nvme was refused: " + Status.describe(Status.INVALID_FIELD.dnr()));
    }

    @Test
    void shouldUseTheOthersWhenNothingIsSaidOfOneNamespace() throws IOException {
        device.emptyNsid = 2;
        assertOnlyTheSecondIsUnusable("fake nvme lists it as active, and says nothing of it (Identify is all zeroes);"
                + " was it detached just now?");
    }

    private void assertUnusable(String why) throws IOException {
        try (NvmeDriver driver = start()) {
            assertEquals(
                    "namespace 1 cannot be used: fake nvme says that " + why,
                    driver.namespace(1).unusableBecause());
            assertEquals(0, driver.namespace(1).bytes());
        }
    }

    @Test
    void shouldSayWhyANamespaceIsUnusableWhenItsBlocksAreOfNoSizeThatIsTaken() throws IOException {
        for (int lbads : new int[] {0, 1, 8, 31, 32, 255}) {
            device.lbads = lbads;
            assertUnusable("its LBA format 0 has blocks of 2^" + lbads
                    + " bytes (LBADS), and this driver takes 2^9 to 2^30; format it otherwise");
        }
        for (int lbads : new int[] {9, 30}) {
            device.lbads = lbads;
            try (NvmeDriver driver = start()) {
                assertEquals("", driver.namespace(1).unusableBecause());
                assertEquals(1 << lbads, driver.namespace(1).blockBytes());
            }
        }
    }

    @Test
    void shouldSayWhyANamespaceIsUnusableWhenItsFormatIsNotThere() throws IOException {
        device.formatInUse = 3;
        assertUnusable("it has LBA format 3, which is not one of its 1 formats");
    }

    @Test
    void shouldSayWhyANamespaceIsUnusableWhenItIsLargerThanAnything() throws IOException {
        device.namespaceBlocks = -1;
        assertUnusable("it has 18446744073709551615 blocks of 512 bytes: nothing is that large");
        device.namespaceBlocks = Long.MAX_VALUE / 512 + 1;
        assertUnusable("it has 18014398509481984 blocks of 512 bytes: nothing is that large");
    }

    // ---- a hang at each step

    private void assertHangs(int opcode, int after, String step) {
        device.swallowOpcode = opcode;
        device.swallowAfter = after;
        assertRefused(step);
    }

    @Test
    void shouldNameTheAdminCommandThatDoesNotEnd() {
        device.optionalAdminCommands = IdentifyController.OACS_DOORBELL_BUFFER;
        String late = " on fake nvme did not complete within 5000 ms";
        assertHangs(AdminOpcode.IDENTIFY, 0, "Identify Controller" + late);
        assertHangs(AdminOpcode.IDENTIFY, 1, "Identify Active Namespaces above 0" + late);
        assertHangs(AdminOpcode.IDENTIFY, 2, "Identify Namespace 1" + late);
        assertHangs(AdminOpcode.IDENTIFY, 3, "Identify Descriptors of Namespace 1" + late);
        assertHangs(AdminOpcode.SET_FEATURES, 0, "Set Features Number of Queues, 2" + late);
        assertHangs(AdminOpcode.DOORBELL_BUFFER_CONFIG, 0, "Doorbell Buffer Config" + late);
        assertHangs(AdminOpcode.CREATE_IO_CQ, 0, "Create I/O Completion Queue 1 of 256 entries" + late);
        assertHangs(AdminOpcode.CREATE_IO_CQ, 1, "Create I/O Completion Queue 2 of 256 entries" + late);
        assertHangs(AdminOpcode.CREATE_IO_SQ, 0, "Create I/O Submission Queue 1 of 256 entries" + late);
        assertHangs(AdminOpcode.CREATE_IO_SQ, 1, "Create I/O Submission Queue 2 of 256 entries" + late);
    }

    @Test
    void shouldNameTheStepWhenTheControllerDoesNotFollow() {
        device.readyNeverComes = true;
        assertRefused("fake nvme failed to become ready: CSTS.RDY did not become 1 within 1000 ms");
        device.readyNeverComes = false;
        device.cc = Cc.withEnabled(0, true);
        device.csts = Csts.withReady(0, true);
        device.readyNeverGoes = true;
        assertRefused("fake nvme failed to end what it did before: CSTS.RDY did not become 0 within 1000 ms");
    }
}
