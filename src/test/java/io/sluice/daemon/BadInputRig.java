package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Feature;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.client.OpenClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;

/**
 * A model behind a real socket, and a client that gives it bad input. Closing it proves that no harm was done: the same
 * controller moves data, and after it has gone the next client's does too.
 */
final class BadInputRig implements AutoCloseable {
    static final long QUEUES = 0x10_0000;
    static final long DATA = 0x2000_0000_0000L;
    static final int DRIVE_BYTES = 4 << 20;
    static final int BLOCK_BYTES = 512;
    static final long BLOCKS = DRIVE_BYTES / BLOCK_BYTES;

    /** Where QEMU maps the doorbells of a guest's first such device, without a descriptor. */
    static final long DOORBELLS_GPA = 0xfebf_5000L;

    /** Identify Controller's MDTS says so. */
    static final int MAX_TRANSFER_BYTES = 1 << 20;

    /** What {@link #assertServes} writes and reads: enough for a PRP list. */
    private static final int PROOF_PAGES = 5;

    private static final long PROOF_LIST = RawController.MEMORY_BYTES - RawController.PAGE;

    private final ModelDaemon model;
    private OpenClient open;
    private RawController raw;
    private RawQueue queue;

    BadInputRig(Path folder) throws Exception {
        model = ModelDaemon.start(new ModelOptions(
                folder.resolve("s"),
                0600,
                Optional.empty(),
                Optional.empty(),
                DRIVE_BYTES,
                BLOCK_BYTES,
                "BADINPUT",
                false));
        connect();
    }

    private void connect() throws IOException {
        open = OpenClient.connect(model.socket());
        raw = new RawController(open.client(), QUEUES, DATA);
        raw.enablePci();
        raw.mapQueues();
        raw.mapData();
        raw.enable();
        raw.createQueues();
        queue = new RawQueue(raw);
    }

    RawController raw() {
        return raw;
    }

    /** Messages beside the driver's. */
    OpenClient messages() {
        return open;
    }

    RawQueue queue() {
        return queue;
    }

    /** A controller reset, and then queue pair 1 anew. */
    void resetController() throws IOException {
        raw.disable();
        raw.enable();
        createQueues();
    }

    /** Queue pair 1, of a controller that has none. */
    void createQueues() throws IOException {
        raw.createQueues();
        queue = new RawQueue(raw);
    }

    /** The next I/O entry: 1 block at LBA 0, PRP1 the data's first page. */
    long next(int opcode) {
        long sqe = queue.next(opcode);
        Sqe.setSlba(sqe, 0);
        Sqe.setBlockCount(sqe, 1);
        Sqe.setPrp1(sqe, DATA);
        return sqe;
    }

    /** The same for so many pages. */
    long nextPages(int opcode, int pages) {
        long sqe = next(opcode);
        Sqe.setBlockCount(sqe, pages * RawController.PAGE / BLOCK_BYTES);
        return sqe;
    }

    /** Writes an entry of a PRP list in the queues' memory. */
    void setListEntry(long offset, int index, long value) {
        Memory.putLong(raw.queueAddress(offset) + (long) index * Long.BYTES, value);
    }

    // ---- events

    /** Parks an Asynchronous Event Request; on return the controller has taken it. Returns its identifier. */
    int park() throws IOException {
        int cid = Sqe.cid(raw.adminSqe(AdminOpcode.ASYNC_EVENT_REQUEST));
        raw.advanceAdmin();
        assertNoEvent();
        return cid;
    }

    /** Passes two admin commands: an event would be posted before the second one's completion. */
    void assertNoEvent() throws IOException {
        for (int i = 0; i < 2; i++) {
            long sqe = raw.adminSqe(AdminOpcode.GET_FEATURES);
            int cid = Sqe.cid(sqe);
            AdminSqe.setGetFeatures(sqe, 0, Feature.ARBITRATION, Feature.SELECT_CURRENT);
            raw.advanceAdmin();
            RawController.Completion completion = raw.awaitAdmin();
            assertEquals(cid, completion.cid(), () -> "an event: " + completion);
            assertEquals(Status.OK, completion.status());
        }
    }

    /** The parked request ends, with this DW0. */
    void assertEvent(int parkedCid, int dw0) throws IOException {
        RawController.Completion event = raw.awaitAdmin();
        assertEquals(parkedCid, event.cid());
        assertEquals(Status.OK, event.status());
        assertEquals(Integer.toHexString(dw0), Integer.toHexString(event.dw0()));
    }

    /** Reads the error log, which lets the next event of its type through. Returns the newest entry's address. */
    long readErrorLog() throws IOException {
        long sqe = raw.adminSqe(AdminOpcode.GET_LOG_PAGE);
        AdminSqe.setGetLogPage(sqe, Sqe.NSID_ALL, LogPage.ERROR_INFORMATION, 0, RawController.PAGE, false);
        Sqe.setPrp1(sqe, DATA);
        assertEquals(Status.OK, raw.runAdmin());
        return raw.dataAddress(0);
    }

    // ---- proof

    /** Writes to the drive through a PRP list, reads it back into other memory, and compares. */
    void assertServes() throws IOException {
        assertFalse(Csts.fatal(raw.read(Registers.CSTS)), "the controller has failed");
        assertTrue(Csts.ready(raw.read(Registers.CSTS)), "the controller is not ready");
        int bytes = PROOF_PAGES * RawController.PAGE;
        byte[] written = new byte[bytes];
        new Random(System.nanoTime()).nextBytes(written);
        Memory.copyIn(written, 0, raw.dataAddress(0), bytes);
        transfer(NvmOpcode.WRITE, 0);
        transfer(NvmOpcode.READ, PROOF_PAGES);
        byte[] read = new byte[bytes];
        Memory.copyOut(raw.dataAddress(bytes), read, 0, bytes);
        assertArrayEquals(written, read);
    }

    private void transfer(int opcode, int firstPage) {
        long sqe = nextPages(opcode, PROOF_PAGES);
        Sqe.setSlba(sqe, BLOCKS / 2);
        Sqe.setPrp1(sqe, page(firstPage));
        Sqe.setPrp2(sqe, QUEUES + PROOF_LIST);
        for (int i = 1; i < PROOF_PAGES; i++) {
            setListEntry(PROOF_LIST, i - 1, page(firstPage + i));
        }
        queue.assertEndsIn(Status.OK);
    }

    /** The guest address of a page of data. */
    static long page(int index) {
        return DATA + (long) index * RawController.PAGE;
    }

    @Override
    public void close() throws IOException {
        try {
            proveAndDisconnect();
            connect();
            proveAndDisconnect();
        } finally {
            model.close();
        }
    }

    private void proveAndDisconnect() throws IOException {
        try {
            assertServes();
        } finally {
            raw.close();
        }
    }
}
