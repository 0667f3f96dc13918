package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.RevivedDriver.Ticket;
import io.sluice.device.FunctionStalled;
import io.sluice.device.Region;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Feature;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NamespaceList;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** All that a guest does with a controller, whatever becomes of that meanwhile: each command is answered once, as it should be. */
final class DroppedLife {
    private static final long ASQ = 0x1_0000;
    private static final long ACQ = 0x1_1000;
    private static final long DATA = 0x2_0000;

    /** What is written and read in one piece, where to, and a list of its pages. */
    private static final long MUCH = 0x4_0000;

    private static final long MUCH_READ = 0x5_0000;
    private static final long LIST = 0x6_0000;
    private static final long MUCH_AS_IS = 0x7_0000;

    /** Of commands that are fused. */
    private static final long FUSED = 0x8_0000;

    private static final long QUEUES = 0x10_0000;
    private static final int PAGE = Memory.PAGE_BYTES;
    private static final int ENTRIES = 5;
    private static final int COLD = 300;

    /** For what other threads do: see {@link RevivedController#step}. */
    private static final int MAX_CYCLES = 100_000;

    private static final long MUCH_LBA = 40;
    private static final int MUCH_BYTES = 4 * PAGE;

    /** A block whose commands end in a later cycle. */
    private static final long LATER = DurableDrive.BLOCKS - 2;

    private final RevivedController controller;
    private final RevivedDriver driver;

    /** 0 for a guest that polls. */
    private final int vectors;

    DroppedLife(RevivedController controller, int vectors) {
        this.controller = controller;
        this.driver = new RevivedDriver(controller);
        this.vectors = vectors;
    }

    /** See {@link RevivedDriver#reaching}. */
    int reaching() {
        return driver.reaching();
    }

    void live() throws IOException {
        enable();
        if (vectors > 0) {
            controller.useInterrupts(vectors);
        }
        setFeaturesAndEvents();
        createQueues();
        readAndWrite();
        moveMuch(MUCH_LBA);
        moveMuch(DurableDrive.BLOCKS / 2 + MUCH_LBA);
        compareAndWrite();
        deleteQueues();
        changeNamespace();
        checkFeatures();
        shutDown();
        liveAgain();
    }

    /** The controller is reset while the drive has commands: what that does with the guest's memory, it does before the guest hears. */
    void resetUnderLoad() throws IOException {
        enable();
        createQueues();
        for (int i = 0; i < 6; i++) {
            io(1 + i % 3, NvmOpcode.READ, LATER - i, DATA + (long) i * PAGE);
        }
        controller.step();
        controller.write(Registers.CC, ControllerRig.cc(false));
        for (int i = 0; Csts.ready(controller.read(Registers.CSTS)); i++) {
            assertTrue(i < MAX_CYCLES, "RDY");
            controller.step();
        }
        Memory.fill(controller.guest.hva(DATA), 6L * PAGE, (byte) 0x5a);
        for (int i = 0; i < 50; i++) {
            controller.step();
        }
        for (int i = 0; i < 6 * PAGE; i++) {
            assertEquals(0x5a, Memory.getByte(controller.guest.hva(DATA) + i), "written after the reset");
        }
    }

    /** The drive is reset again and again: what that has ended is sent again, and nothing is said to be done that is not. */
    void writeThroughResets(Runnable reset) throws IOException {
        enable();
        createQueues();
        List<Ticket> tickets = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            fill(DATA + i * (long) PAGE, i + 1);
            tickets.add(write(i));
            if (i % 8 == 7) {
                reset.run();
            }
        }
        int again = 0;
        for (int i = 0; i < tickets.size(); i = allDone(tickets) ? tickets.size() : (i + 1) % tickets.size()) {
            driver.await(List.of(tickets.get(i)));
            if (!Status.isSuccess(tickets.get(i).status())) {
                assertTrue(
                        Status.COMMAND_INTERRUPTED.is(tickets.get(i).status()),
                        "status " + tickets.get(i).status());
                assertTrue(++again < MAX_CYCLES, "it is interrupted for ever");
                tickets.set(i, write(i));
            }
        }
        for (int i = 0; i < 24; i++) {
            assertEquals(i + 1, controller.block(DurableDrive.BLOCKS / 2 + i, 0), "block " + i);
        }
        driver.assertQuiet();
    }

    private static boolean allDone(List<Ticket> tickets) {
        return tickets.stream().allMatch(ticket -> ticket.isAnswered() && Status.isSuccess(ticket.status()));
    }

    private Ticket write(int number) throws IOException {
        return io(1 + number % 3, NvmOpcode.WRITE, DurableDrive.BLOCKS / 2 + number, DATA + number * (long) PAGE);
    }

    private void enable() throws IOException {
        enableBusMaster();
        driver.addSq(0, ASQ, ENTRIES);
        driver.addCq(0, ACQ, ENTRIES);
        controller.write(Registers.AQA, Aqa.of(ENTRIES, ENTRIES));
        controller.write(Registers.ASQ, ASQ);
        controller.write(Registers.ACQ, ACQ);
        controller.write(Registers.CC, ControllerRig.cc(true));
        for (int i = 0; !Csts.ready(controller.read(Registers.CSTS)); i++) {
            assertTrue(i < MAX_CYCLES, "RDY");
            driver.cycle();
        }
    }

    private void enableBusMaster() throws IOException {
        controller.send(to -> to.write(Region.CONFIG, PciHeader.COMMAND, new byte[] {PciHeader.COMMAND_BUS_MASTER, 0}));
    }

    private void setFeaturesAndEvents() throws IOException {
        Ticket one = driver.submit(0, AdminOpcode.ASYNC_EVENT_REQUEST, true, sqe -> {});
        Ticket other = driver.submit(0, AdminOpcode.ASYNC_EVENT_REQUEST, true, sqe -> {});
        setFeature(Feature.ASYNC_EVENT_CONFIGURATION, 0x1f);
        assertTrue(!one.isAnswered() && !other.isAnswered(), "nothing has happened yet");
        setFeature(Feature.TEMPERATURE_THRESHOLD, COLD);
        driver.await(List.of(one));
        assertEquals(Status.OK, one.status());
        driver.cycle();
        driver.cycle();
        assertTrue(!other.isAnswered(), "what has been told is not told again before its log is read");
        Ticket log = driver.admin(AdminOpcode.GET_LOG_PAGE, sqe -> {
            AdminSqe.setGetLogPage(sqe, Sqe.NSID_ALL, LogPage.SMART, 0, 512, false);
            Sqe.setPrp1(sqe, DATA);
        });
        assertEquals(Status.OK, log.status());
        Ticket abort = driver.admin(AdminOpcode.ABORT, sqe -> AdminSqe.setAbort(sqe, 0, 1));
        driver.await(List.of(other));
        assertEquals(Status.OK, abort.status());
    }

    private void setFeature(int feature, int value) throws IOException {
        Ticket ticket =
                driver.admin(AdminOpcode.SET_FEATURES, sqe -> AdminSqe.setSetFeatures(sqe, 0, feature, value, false));
        assertEquals(Status.OK, ticket.status());
    }

    private void createQueues() throws IOException {
        createCq(1);
        createSq(1, 1);
        createCq(2);
        createSq(2, 2);
        createSq(3, 2);
    }

    private void createCq(int qid) throws IOException {
        long gpa = QUEUES + 0x8_0000 + qid * (long) PAGE;
        driver.addCq(qid, gpa, ENTRIES);
        Ticket ticket = driver.admin(
                AdminOpcode.CREATE_IO_CQ,
                sqe -> AdminSqe.setCreateCq(sqe, qid, ENTRIES, gpa, vectors > 0, vectors > 0 ? qid : 0));
        assertEquals(Status.OK, ticket.status());
    }

    private void createSq(int qid, int cqid) throws IOException {
        long gpa = QUEUES + qid * (long) PAGE;
        driver.addSq(qid, gpa, ENTRIES);
        Ticket ticket = driver.admin(
                AdminOpcode.CREATE_IO_SQ,
                sqe -> AdminSqe.setCreateSq(sqe, qid, ENTRIES, gpa, cqid, AdminSqe.QPRIO_MEDIUM));
        assertEquals(Status.OK, ticket.status());
    }

    /** Done at once or later, by three queues, two of which share a completion queue; wrong ones among them. */
    private void readAndWrite() throws IOException {
        List<Ticket> good = new ArrayList<>();
        List<Ticket> bad = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            int qid = 1 + i % 3;
            long lba = i % 2 == 0 ? i : DurableDrive.BLOCKS / 2 + i;
            fill(DATA + i * (long) PAGE, i + 1);
            good.add(io(qid, NvmOpcode.WRITE, lba, DATA + i * (long) PAGE));
            if (i % 6 == 5) {
                bad.add(io(qid, NvmOpcode.READ, DurableDrive.BLOCKS, DATA));
                good.add(io(qid, NvmOpcode.FLUSH, 0, 0));
            }
        }
        driver.await(good);
        driver.await(bad);
        good.forEach(ticket -> assertEquals(Status.OK, ticket.status()));
        bad.forEach(ticket -> assertEquals(Status.LBA_OUT_OF_RANGE.dnr() | Status.MORE, ticket.status()));
        for (int i = 0; i < 24; i++) {
            long lba = i % 2 == 0 ? i : DurableDrive.BLOCKS / 2 + i;
            fill(DATA, 0);
            driver.await(List.of(io(1 + i % 3, NvmOpcode.READ, lba, DATA)));
            assertEquals(i + 1, Memory.getByte(controller.guest.hva(DATA)), "block " + lba);
            assertEquals(i + 1, controller.block(lba, DurableDrive.BLOCK - 1), "block " + lba);
        }
    }

    private void fill(long gpa, int value) {
        Memory.fill(controller.guest.hva(gpa), DurableDrive.BLOCK, (byte) value);
    }

    private Ticket io(int qid, int opcode, long lba, long gpa) throws IOException {
        return driver.submit(qid, opcode, true, sqe -> transfer(sqe, opcode, lba, gpa));
    }

    private static void transfer(long sqe, int opcode, long lba, long gpa) {
        if (opcode != NvmOpcode.FLUSH) {
            Sqe.setSlba(sqe, lba);
            Sqe.setBlockCount(sqe, 1);
            Sqe.setPrp1(sqe, gpa);
        }
    }

    /** Many blocks in pages of which a list says where they are, the first of them not from its beginning. */
    private void moveMuch(long lba) throws IOException {
        for (int i = 0; i < MUCH_BYTES / Long.BYTES; i++) {
            Memory.putLong(
                    controller.guest.hva(MUCH_AS_IS) + (long) i * Long.BYTES, (i + lba) * 0x9e37_79b9_7f4a_7c15L);
        }
        Memory.copy(controller.guest.hva(MUCH_AS_IS), controller.guest.hva(MUCH + PAGE / 2), MUCH_BYTES);
        driver.await(List.of(ioMuch(NvmOpcode.WRITE, lba, MUCH)));
        Memory.fill(controller.guest.hva(MUCH), LIST - MUCH, (byte) 0);
        driver.await(List.of(ioMuch(NvmOpcode.READ, lba, MUCH_READ)));
        assertMuchAt(MUCH_READ + PAGE / 2);
    }

    private void assertMuchAt(long gpa) {
        assertTrue(Memory.isSame(controller.guest.hva(MUCH_AS_IS), controller.guest.hva(gpa), MUCH_BYTES));
    }

    private Ticket ioMuch(int opcode, long lba, long gpa) throws IOException {
        for (int i = 1; i <= MUCH_BYTES / PAGE; i++) {
            Memory.putLong(controller.guest.hva(LIST) + (i - 1L) * Long.BYTES, gpa + (long) i * PAGE);
        }
        return driver.submit(2, opcode, true, sqe -> {
            transfer(sqe, opcode, lba, gpa + PAGE / 2);
            Sqe.setBlockCount(sqe, MUCH_BYTES / DurableDrive.BLOCK);
            Sqe.setPrp2(sqe, LIST);
        });
    }

    /** A Write that was done must not make its own Compare fail. */
    private void compareAndWrite() throws IOException {
        for (int value = 1; value <= 4; value++) {
            fill(FUSED, value);
            fill(FUSED + PAGE, value + 1);
            assertEquals(List.of(Status.OK, Status.OK), fused(0, FUSED, FUSED + PAGE));
        }
        assertEquals(List.of(Status.COMPARE_FAILURE.code(), Status.ABORTED_FAILED_FUSED.dnr()), fused(0, FUSED, FUSED));
        assertEquals(5, controller.block(0, 7));
    }

    private List<Integer> fused(long lba, long compared, long written) throws IOException {
        Ticket compare = driver.submit(1, NvmOpcode.COMPARE, false, sqe -> {
            transfer(sqe, NvmOpcode.COMPARE, lba, compared);
            Sqe.setFuse(sqe, Sqe.FUSE_FIRST);
        });
        Ticket write = driver.submit(1, NvmOpcode.WRITE, true, sqe -> {
            transfer(sqe, NvmOpcode.WRITE, lba, written);
            Sqe.setFuse(sqe, Sqe.FUSE_SECOND);
        });
        Ticket beside = io(2, NvmOpcode.WRITE, LATER, DATA); // which may get the slot of those that are put back
        driver.await(List.of(compare, write, beside));
        assertEquals(Status.OK, beside.status());
        return List.of(compare.status() & ~Status.MORE, write.status() & ~Status.MORE);
    }

    private void deleteQueues() throws IOException {
        io(3, NvmOpcode.WRITE, DurableDrive.BLOCKS - 1, DATA);
        driver.cycle();
        delete(AdminOpcode.DELETE_IO_SQ, 3);
        driver.remove(3); // from now on, nothing of it may be answered
        delete(AdminOpcode.DELETE_IO_SQ, 2);
        driver.remove(2);
        delete(AdminOpcode.DELETE_IO_CQ, 2);
        createCq(2);
        createSq(3, 2);
        driver.await(List.of(io(3, NvmOpcode.READ, 1, DATA)));
    }

    private void delete(int opcode, int qid) throws IOException {
        assertEquals(
                Status.OK,
                driver.admin(opcode, sqe -> AdminSqe.setDeleteQueue(sqe, qid)).status());
    }

    /** What the log says is not forgotten before the guest has it, although all that has changed is kept meanwhile. */
    private void changeNamespace() throws IOException {
        controller.send(DroppedLife::change);
        Ticket ticket = driver.submit(0, AdminOpcode.GET_LOG_PAGE, true, sqe -> {
            AdminSqe.setGetLogPage(sqe, Sqe.NSID_ALL, LogPage.CHANGED_NAMESPACES, 0, NamespaceList.BYTES, false);
            Sqe.setPrp1(sqe, DATA);
        });
        for (int i = 0; i < 50 && !ticket.isAnswered(); i++) {
            driver.cycle();
            enableBusMaster();
        }
        driver.await(List.of(ticket));
        assertEquals(Status.OK, ticket.status());
        assertEquals(1, NamespaceList.nsid(controller.guest.hva(DATA), 0));
    }

    private static void change(NvmeController of) {
        try {
            of.liveNamespaces().change(1, DurableDrive.BLOCKS, 1, () -> true, () -> {});
        } catch (FunctionStalled e) {
            throw new AssertionError(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void checkFeatures() throws IOException {
        Ticket ticket = driver.admin(
                AdminOpcode.GET_FEATURES,
                sqe -> AdminSqe.setGetFeatures(sqe, 0, Feature.TEMPERATURE_THRESHOLD, Feature.SELECT_CURRENT));
        assertEquals(COLD, ticket.dw0());
        driver.assertQuiet();
    }

    private void shutDown() throws IOException {
        controller.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), Cc.SHN_NORMAL));
        for (int i = 0; Csts.shst(controller.read(Registers.CSTS)) != Csts.SHST_COMPLETE; i++) {
            assertTrue(i < MAX_CYCLES, "SHST");
            driver.cycle();
        }
        controller.write(Registers.CC, ControllerRig.cc(false));
        for (int i = 0; Csts.ready(controller.read(Registers.CSTS)); i++) {
            assertTrue(i < MAX_CYCLES, "RDY");
            driver.cycle();
        }
    }

    /** Completions have the places, and commands the identifiers, that others had before: what is left of those is not taken for them. */
    private void liveAgain() throws IOException {
        driver.remove(1);
        enableAgain();
        for (int i = 0; i < ENTRIES; i++) {
            Ticket ticket = driver.admin(AdminOpcode.DELETE_IO_SQ, sqe -> AdminSqe.setDeleteQueue(sqe, 1));
            assertEquals(Status.INVALID_QUEUE_IDENTIFIER.dnr() | Status.MORE, ticket.status());
        }
        shutDown();
        enableAgain();
        for (int i = 0; i < ENTRIES; i++) {
            setFeature(Feature.TEMPERATURE_THRESHOLD, COLD);
        }
        shutDown();
    }

    private void enableAgain() throws IOException {
        driver.useFewCids(ENTRIES);
        enable();
    }
}
