package io.sluice.controller;

import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/**
 * Create and Delete I/O Submission and Completion Queue: NVMe 1.4, 5.3 to 5.6. Each check names the status that the section
 * gives it.
 */
final class QueueCommands {
    private static final int AT_PRP1 = 24;
    private static final int AT_PRP2 = 32;
    private static final int AT_QID = 40;
    private static final int AT_QSIZE = 42;
    private static final int AT_FLAGS = 44;
    /** Interrupt vector of a completion queue; completion queue of a submission queue. */
    private static final int AT_CDW11_HIGH = 46;

    private final IoQueues queues;
    private final RegisterFile registers;
    private final Features features;
    private final Interrupts interrupts;
    private final int maxQueueEntries;

    QueueCommands(
            ControllerConfig config,
            IoQueues queues,
            RegisterFile registers,
            Features features,
            Interrupts interrupts) {
        this.maxQueueEntries = config.maxQueueEntries();
        this.queues = queues;
        this.registers = registers;
        this.features = features;
        this.interrupts = interrupts;
    }

    int createCompletionQueue(AdminCommand command) {
        long sqe = command.sqe();
        int qid = AdminSqe.qid(sqe);
        if (!isIdentifier(qid, features.completionQueues()) || queues.hasCompletionQueue(qid)) {
            return command.refuse(Status.INVALID_QUEUE_IDENTIFIER, AT_QID, 0);
        }
        int status = checkMemory(command, Cc.iocqes(registers.cc()) == Cc.IOCQES);
        if (status != Status.OK) {
            return status;
        }
        int vector = AdminSqe.interruptVector(sqe);
        boolean interrupting = AdminSqe.interruptsEnabled(sqe);
        if (!interrupts.isVector(vector) || (interrupting && !interrupts.isUsable(vector))) {
            return command.refuse(Status.INVALID_INTERRUPT_VECTOR, AT_CDW11_HIGH, 0);
        }
        return created(queues.createCompletionQueue(
                qid,
                AdminSqe.queueEntries(sqe),
                Sqe.prp1(sqe),
                interrupting ? vector : VirtualCompletionQueue.NO_VECTOR));
    }

    int createSubmissionQueue(AdminCommand command) {
        long sqe = command.sqe();
        int qid = AdminSqe.qid(sqe);
        if (!isIdentifier(qid, features.submissionQueues()) || queues.hasSubmissionQueue(qid)) {
            return command.refuse(Status.INVALID_QUEUE_IDENTIFIER, AT_QID, 0);
        }
        int cqid = AdminSqe.cqid(sqe);
        if (!isIdentifier(cqid, features.completionQueues())) {
            return command.refuse(Status.INVALID_QUEUE_IDENTIFIER, AT_CDW11_HIGH, 0);
        }
        if (!queues.hasCompletionQueue(cqid)) {
            return command.refuse(Status.COMPLETION_QUEUE_INVALID, AT_CDW11_HIGH, 0);
        }
        int status = checkMemory(command, Cc.iosqes(registers.cc()) == Cc.IOSQES);
        if (status != Status.OK) {
            return status;
        }
        return created(queues.createSubmissionQueue(qid, AdminSqe.queueEntries(sqe), Sqe.prp1(sqe), cqid));
    }

    int deleteSubmissionQueue(AdminCommand command) {
        int qid = AdminSqe.qid(command.sqe());
        if (!isIdentifier(qid, features.submissionQueues()) || !queues.hasSubmissionQueue(qid)) {
            return command.refuse(Status.INVALID_QUEUE_IDENTIFIER, AT_QID, 0);
        }
        return queues.deleteSubmissionQueue(qid) ? Status.OK : AdminCommand.UNFINISHED;
    }

    int deleteCompletionQueue(AdminCommand command) {
        int qid = AdminSqe.qid(command.sqe());
        if (!isIdentifier(qid, features.completionQueues()) || !queues.hasCompletionQueue(qid)) {
            return command.refuse(Status.INVALID_QUEUE_IDENTIFIER, AT_QID, 0);
        }
        if (queues.isCompletionQueueUsed(qid)) {
            return command.refuse(Status.INVALID_QUEUE_DELETION, AT_QID, 0);
        }
        return queues.deleteCompletionQueue(qid) ? Status.OK : AdminCommand.UNFINISHED;
    }

    /** Doorbell Buffer Config: NVMe 1.4, 5.7. What is wrong with either buffer is an Invalid Field. */
    int configureDoorbells(AdminCommand command) {
        long shadow = Sqe.prp1(command.sqe());
        long eventIdx = Sqe.prp2(command.sqe());
        int pageBytes = Cc.pageBytes(registers.cc());
        if (shadow % pageBytes != 0) {
            return command.refuse(Status.INVALID_FIELD, AT_PRP1, 0);
        }
        if (eventIdx % pageBytes != 0 || eventIdx == shadow) {
            return command.refuse(Status.INVALID_FIELD, AT_PRP2, 0);
        }
        return switch (queues.configureDoorbells(shadow, eventIdx, pageBytes)) {
            case 0 -> Status.OK;
            case 1 -> command.refuse(Status.INVALID_FIELD, AT_PRP1, 0);
            default -> command.refuse(Status.INVALID_FIELD, AT_PRP2, 0);
        };
    }

    /** 0 is the admin queue's; the largest is what Set Features, Number of Queues, has granted. */
    private static boolean isIdentifier(int qid, int granted) {
        return qid >= 1 && qid <= granted;
    }

    /** Size, contiguity and base address, which both kinds of queues have in the same place. */
    private int checkMemory(AdminCommand command, boolean entrySizeSet) {
        long sqe = command.sqe();
        int entries = AdminSqe.queueEntries(sqe);
        if (entries < Rings.MIN_ENTRIES || entries > maxQueueEntries || !entrySizeSet) {
            return command.refuse(Status.INVALID_QUEUE_SIZE, AT_QSIZE, 0);
        }
        if (!AdminSqe.physicallyContiguous(sqe)) {
            return command.refuse(Status.INVALID_FIELD, AT_FLAGS, 0); // CAP.CQR is 1
        }
        if (Sqe.prp1(sqe) % Cc.pageBytes(registers.cc()) != 0) {
            return command.refuse(Status.PRP_OFFSET_INVALID, AT_PRP1, 0);
        }
        return Status.OK;
    }

    /** A queue whose memory is out of reach now might be within reach later: a retry is allowed. */
    private static int created(boolean made) {
        return made ? Status.OK : Status.DATA_TRANSFER_ERROR.code();
    }
}
