package io.sluice.host;

import io.sluice.device.InterruptKind;
import io.sluice.device.Region;
import io.sluice.linux.EventFd;
import io.sluice.linux.PlainText;
import io.sluice.mem.Memory;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Rings;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a controller up as NVMe 1.4, 7.6.1 "Initialization" lists it, one method a step.
 *
 * <pre>
 *   1 PCI access  2 idle  3 admin queue  4 configuration  5 enable  6 ready  7 identify  8 queue count, vectors
 *   9 I/O completion queues  10 I/O submission queues
 * </pre>
 *
 * <p>Step 11, asynchronous events, is left out: nothing here waits for them.
 */
final class BringUp {
    private static final Logger log = LoggerFactory.getLogger(BringUp.class);

    private final NvmeDriver driver;
    private final DriverOptions options;
    private ControllerRegisters registers;
    private long cap;

    BringUp(NvmeDriver driver) {
        this.driver = driver;
        this.options = driver.options();
    }

    void run() throws IOException {
        step1EnablePciAccess();
        step2AwaitIdle();
        AdminQueue admin = step3ConfigureAdminQueue();
        step4ConfigureController();
        step5Enable(admin);
        step6AwaitReady();
        step7Identify();
        int granted = step8NegotiateQueues();
        configureDoorbellBuffer();
        step9CreateCompletionQueues(granted);
        step10CreateSubmissionQueues();
        driver.cameUp();
    }

    /**
     * Once more after a failure: the same controller with the same admin queue, in the same memory. The I/O queues come back
     * later, one by one.
     *
     * @param function whether to reset the PCI function first, as disabling the controller was not enough; where it has no
     *     reset there is only CC.EN
     * @param disabled called once the controller is disabled and touches no memory
     */
    void again(boolean function, Runnable disabled) throws IOException {
        if (function) {
            resetFunction();
        }
        PciAccess.enable(driver.device());
        registers = driver.registers();
        cap = registers.cap();
        step2AwaitIdle();
        disabled.run();
        AdminQueue admin = driver.admin();
        admin.restart();
        setAdminQueue(admin.memory());
        step4ConfigureController();
        step5Enable(admin);
        step6AwaitReady();
        checkThatItIsTheSame();
        askForTheSameQueues();
        configureTheSameDoorbellBuffer();
        if (!driver.interrupts().isEmpty()) {
            driver.device().setInterruptTargets(InterruptKind.MSIX, 0, driver.interrupts());
            PciAccess.enableMsix(driver.device());
        }
    }

    /** Where that cannot be had, or fails, CC.EN is tried all the same, and tells what is wrong. */
    private void resetFunction() {
        if (!driver.device().canReset()) {
            return;
        }
        try {
            driver.device().reset();
        } catch (IOException | RuntimeException e) {
            log.debug("{} has no reset of its PCI function, or it failed: {}", driver.name(), e.toString());
        }
    }

    private void checkThatItIsTheSame() throws IOException {
        try (Identification identification = new Identification(driver.admin(), driver.name(), cap, registers.vs())) {
            ControllerInfo now = identification.controller();
            ControllerInfo before = driver.controller();
            if (!now.serial().equals(before.serial()) || !now.model().equals(before.model())) {
                throw new DeviceFailure(driver.name() + " is another controller after its reset: expected was "
                        + describe(before) + "; found was " + describe(now));
            }
            driver.namespaceTable().identifyAgain(identification);
        }
    }

    private static String describe(ControllerInfo controller) {
        return "model \"" + PlainText.of(controller.model().strip()) + "\", serial number \""
                + PlainText.of(controller.serial().strip()) + "\"";
    }

    void askForTheSameQueues() throws IOException {
        int count = driver.queuePairs().size();
        int granted = count == 0 ? 0 : driver.admin().requestQueuePairs(count);
        if (granted < count) {
            throw new DeviceFailure(
                    driver.name() + " grants " + granted + " queue pairs after its reset, and had granted " + count);
        }
    }

    /** Memory space and bus master on; INTx off, since completions are polled or announced by MSI-X. */
    void step1EnablePciAccess() throws IOException {
        PciAccess.enable(driver.device());
        registers = new ControllerRegisters(driver.name(), driver.device().openBar(Region.BAR0), options.clock());
        driver.registers(registers);
        cap = registers.cap();
        checkCapabilities();
    }

    private void checkCapabilities() throws IOException {
        if (Cap.minPageBytes(cap) > Memory.PAGE_BYTES) {
            throw new IOException(driver.name() + " needs memory pages of at least " + Cap.minPageBytes(cap)
                    + " bytes (CAP.MPSMIN); this driver has pages of " + Memory.PAGE_BYTES + " bytes only");
        }
        if ((Cap.css(cap) & Cap.CSS_NVM) == 0) {
            throw new IOException(driver.name() + " does not offer the NVM command set (CAP.CSS is 0x"
                    + Integer.toHexString(Cap.css(cap)) + "); it cannot be driven as a disk");
        }
        if (Cap.maxQueueEntries(cap) < Rings.MIN_ENTRIES) {
            throw new IOException(driver.name() + " takes queues of " + Cap.maxQueueEntries(cap)
                    + " entry only (CAP.MQES is 0); no command fits into one, so it is broken or no NVMe controller");
        }
        if (queuePairsWanted() < Math.min(1, options.queuePairs())) {
            throw new IOException(driver.name() + " has doorbells " + (Doorbells.BYTES << Cap.dstrd(cap))
                    + " bytes apart (CAP.DSTRD); those of its first I/O queue are outside its BAR 0 of "
                    + registers.bytes() + " bytes: it cannot be driven");
        }
    }

    /** As many as were asked for, or have doorbells in BAR 0: who asks for all there are, asks for too many. */
    private int queuePairsWanted() throws IOException {
        int count = options.queuePairs();
        if (registers.hasDoorbells(count)) {
            return count;
        }
        return registers.hasDoorbells(0) ? Math.min(count, registers.queuePairsWithDoorbells()) : -1;
    }

    /** Whatever ran before is ended, and its end awaited. */
    void step2AwaitIdle() throws IOException {
        if (!registers.awaitSettled("wait until it may be disabled")) {
            resetFunction();
            PciAccess.enable(driver.device());
        }
        registers.disable("end what it did before");
    }

    private AdminQueue step3ConfigureAdminQueue() throws IOException {
        AdminQueue admin = adminQueue(driver.allocate("sluice admin queues", QueueMemory.bytes(AdminQueue.ENTRIES)));
        setAdminQueue(admin.memory());
        return admin;
    }

    AdminQueue adminQueue(DmaArea queues) throws IOException {
        driver.queueAreas(queues, null);
        QueuePair pair = queuePair(0, new QueueMemory(queues, 0, AdminQueue.ENTRIES));
        DmaArea data = driver.allocate("sluice admin data", Memory.PAGE_BYTES);
        return new AdminQueue(driver.name(), pair, registers, data, options, driver.alarm());
    }

    void setAdminQueue(QueueMemory memory) throws IOException {
        registers.write(Registers.AQA, Aqa.of(memory.entries(), memory.entries()));
        registers.writeLong(Registers.ASQ, memory.sqIova());
        registers.writeLong(Registers.ACQ, memory.cqIova());
    }

    /** Round robin, 4 KiB pages, the NVM command set, entries of 64 and 16 bytes. */
    void step4ConfigureController() throws IOException {
        int cc = Cc.withIosqes(0, Cc.IOSQES);
        cc = Cc.withIocqes(cc, Cc.IOCQES);
        cc = Cc.withAms(cc, Cc.AMS_ROUND_ROBIN);
        registers.write(Registers.CC, Cc.withCss(cc, Cc.CSS_NVM));
    }

    void step5Enable(AdminQueue admin) throws IOException {
        driver.enabled(admin);
        registers.write(Registers.CC, Cc.withEnabled(registers.cc(), true));
    }

    void step6AwaitReady() throws IOException {
        registers.awaitReady(true, "become ready");
    }

    void step7Identify() throws IOException {
        try (Identification identification = new Identification(driver.admin(), driver.name(), cap, registers.vs())) {
            ControllerInfo info = identification.controller();
            driver.abortLimit(identification.abortLimit());
            driver.commandLimits(identification.commandLimits());
            driver.identified(info, identification.namespaces());
        }
    }

    /** Returns how many queue pairs to create. */
    private int step8NegotiateQueues() throws IOException {
        if (options.queuePairs() == 0) {
            return 0;
        }
        int granted = grantedQueuePairs();
        if (options.interrupts()) {
            connectInterrupts(Math.min(granted, queuePairsWanted()));
        }
        return Math.min(granted, queuePairsWanted());
    }

    /** At least one: the answer cannot say zero, so a controller that has none to give refuses the command. */
    private int grantedQueuePairs() throws IOException {
        try {
            return driver.admin().requestQueuePairs(queuePairsWanted());
        } catch (CommandFailed refused) {
            throw new IOException(
                    driver.name() + " grants no I/O queues, so it moves no data: " + refused.getMessage()
                            + "; it may have given them all to secondary controllers",
                    refused);
        }
    }

    void connectInterrupts(int queuePairs) throws IOException {
        int vectors = Math.min(driver.device().interruptCount(InterruptKind.MSIX), queuePairs + 1);
        if (vectors == 0) {
            throw new IOException(driver.name() + " has no MSI-X interrupts: poll its queues instead");
        }
        for (int i = 0; i < vectors; i++) {
            driver.addInterrupt(EventFd.create());
        }
        driver.device().setInterruptTargets(InterruptKind.MSIX, 0, driver.interrupts());
        PciAccess.enableMsix(driver.device());
    }

    /** Before the queues are created: what a queue's shadow doorbell says counts from its creation on. */
    private void configureDoorbellBuffer() throws IOException {
        boolean offered = (driver.controller().optionalAdminCommands() & IdentifyController.OACS_DOORBELL_BUFFER) != 0;
        boolean fits = Cap.dstrd(cap) == 0 && queuePairsWanted() <= ShadowDoorbells.MAX_QUEUE_PAIRS;
        if (options.doorbellBuffer() && offered && fits) {
            ShadowDoorbells shadows =
                    new ShadowDoorbells(driver.allocate("sluice shadow doorbells", ShadowDoorbells.BYTES));
            try {
                driver.admin().configureDoorbellBuffer(shadows);
                driver.shadows(shadows);
            } catch (CommandFailed refused) {
                log.debug("{} is driven without a Doorbell Buffer: {}", driver.name(), refused.getMessage());
                shadows.area().close();
            }
        }
    }

    void configureTheSameDoorbellBuffer() throws IOException {
        if (driver.shadows() != null) {
            driver.admin().configureDoorbellBuffer(driver.shadows());
        }
    }

    private boolean usesSgl() {
        int sgls = driver.controller().sglSupport();
        return options.sgl()
                && (sgls & (IdentifyController.SGLS_SUPPORTED | IdentifyController.SGLS_DWORD_ALIGNED)) != 0;
    }

    private void step9CreateCompletionQueues(int count) throws IOException {
        if (count == 0) {
            return;
        }
        int entries = Math.min(options.queueEntries(), Cap.maxQueueEntries(cap));
        DmaArea queues = driver.allocate("sluice I/O queues", count * QueueMemory.bytes(entries));
        driver.queueAreas(driver.adminArea(), queues);
        for (int qid = 1; qid <= count; qid++) {
            QueuePair pair = queuePair(qid, queueMemory(queues, qid, entries));
            int vector = options.interrupts() ? driver.vector(qid) : 0;
            driver.admin().createCq(pair, options.interrupts(), vector);
            driver.addQueuePair(pair);
        }
    }

    private void step10CreateSubmissionQueues() throws IOException {
        for (QueuePair pair : driver.queuePairs()) {
            driver.admin().createSq(pair);
        }
    }

    QueueMemory queueMemory(DmaArea queues, int qid, int entries) {
        return new QueueMemory(queues, (qid - 1) * QueueMemory.bytes(entries), entries);
    }

    QueuePair queuePair(int qid, QueueMemory memory) throws IOException {
        boolean io = qid != 0;
        ShadowDoorbells shadows = io ? driver.shadows() : null;
        int maxTransferBytes = io ? driver.controller().maxTransferBytes() : QueuePair.MAX_TRANSFER_BYTES;
        return new QueuePair(
                "queue " + qid + " of " + driver.name(),
                qid,
                memory,
                driver.state().pair(qid),
                registers.sqTailDoorbell(qid, shadows),
                registers.cqHeadDoorbell(qid, shadows),
                new PairTraits(maxTransferBytes, io && usesSgl(), options.timeouts()),
                io ? driver.alarm() : Alarm.NONE);
    }
}
