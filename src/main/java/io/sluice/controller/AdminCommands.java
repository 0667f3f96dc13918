package io.sluice.controller;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/** Does admin commands: NVMe 1.4, 5. Belongs to the controller's agent. */
final class AdminCommands implements AdminQueue.Executor {
    private static final int ADMIN_QID = 0;
    private static final int AT_OPCODE = 0;
    private static final int AT_FLAGS = 1;
    private static final int AT_SQID = 40;
    /** DW0 of an Abort's completion: the command was not aborted. */
    private static final int NOT_ABORTED = 1;

    private final QueueCommands queueCommands;
    private final IdentifyCommand identify;
    private final FeatureCommands features;
    private final LogCommands logs;
    private final AsyncEvents events;
    private final ErrorLog errorLog;
    private final IoQueues queues;
    private final int maxQueuePairs;

    AdminCommands(
            ControllerConfig config,
            QueueCommands queueCommands,
            IdentifyCommand identify,
            FeatureCommands features,
            LogCommands logs,
            AsyncEvents events,
            ErrorLog errorLog,
            IoQueues queues) {
        this.maxQueuePairs = config.maxQueuePairs();
        this.queueCommands = queueCommands;
        this.identify = identify;
        this.features = features;
        this.logs = logs;
        this.events = events;
        this.errorLog = errorLog;
        this.queues = queues;
    }

    @Override
    public int execute(AdminCommand command) {
        int opcode = Sqe.opcode(command.sqe());
        if (!isOffered(opcode)) {
            return command.refuse(Status.INVALID_OPCODE, AT_OPCODE, 0);
        }
        // NVMe 1.4, 4.2 and 6.2: no admin command is fused, and over PCIe all have PRPs.
        if (Sqe.fuse(command.sqe()) != Sqe.FUSE_NONE) {
            return command.refuse(Status.INVALID_FIELD, AT_FLAGS, 0);
        }
        if (Sqe.psdt(command.sqe()) != Sqe.PSDT_PRP) {
            return command.refuse(Status.INVALID_FIELD, AT_FLAGS, 6);
        }
        return switch (opcode) {
            case AdminOpcode.DELETE_IO_SQ -> queueCommands.deleteSubmissionQueue(command);
            case AdminOpcode.CREATE_IO_SQ -> queueCommands.createSubmissionQueue(command);
            case AdminOpcode.DELETE_IO_CQ -> queueCommands.deleteCompletionQueue(command);
            case AdminOpcode.CREATE_IO_CQ -> queueCommands.createCompletionQueue(command);
            case AdminOpcode.GET_LOG_PAGE -> logs.getLogPage(command, this::isOffered);
            case AdminOpcode.IDENTIFY -> identify.identify(command);
            case AdminOpcode.ABORT -> abort(command);
            case AdminOpcode.SET_FEATURES -> features.set(command);
            case AdminOpcode.GET_FEATURES -> features.get(command);
            case AdminOpcode.KEEP_ALIVE -> features.keepAlive();
            case AdminOpcode.DOORBELL_BUFFER_CONFIG -> queueCommands.configureDoorbells(command);
            default -> park(command); // Asynchronous Event Request: the only one left of those offered
        };
    }

    /** The commands of {@link #execute}; Commands Supported and Effects says the same. One depends on the guest's memory. */
    private boolean isOffered(int opcode) {
        return switch (opcode) {
            case AdminOpcode.DELETE_IO_SQ,
                    AdminOpcode.CREATE_IO_SQ,
                    AdminOpcode.DELETE_IO_CQ,
                    AdminOpcode.CREATE_IO_CQ,
                    AdminOpcode.GET_LOG_PAGE,
                    AdminOpcode.IDENTIFY,
                    AdminOpcode.ABORT,
                    AdminOpcode.SET_FEATURES,
                    AdminOpcode.GET_FEATURES,
                    AdminOpcode.KEEP_ALIVE,
                    AdminOpcode.ASYNC_EVENT_REQUEST -> true;
            case AdminOpcode.DOORBELL_BUFFER_CONFIG -> identify.offersDoorbellBuffers();
            default -> false;
        };
    }

    /** NVMe 1.4, 5.2. */
    private int park(AdminCommand command) {
        boolean parked = events.park(Sqe.cid(command.sqe()));
        return parked ? AdminCommand.PARKED : Status.ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED.dnr();
    }

    /**
     * NVMe 1.4, 5.1: best effort. Of the admin queue, only event requests are ever outstanding. I/O commands are not
     * aborted: they end soon by themselves.
     */
    private int abort(AdminCommand command) {
        int sqid = AdminSqe.abortSqid(command.sqe());
        boolean exists = sqid == ADMIN_QID || (sqid <= maxQueuePairs && queues.hasSubmissionQueue(sqid));
        if (!exists) {
            return command.refuse(Status.INVALID_FIELD, AT_SQID, 0);
        }
        boolean aborted = sqid == ADMIN_QID && events.abort(AdminSqe.abortCid(command.sqe()));
        command.setDw0(aborted ? 0 : NOT_ABORTED);
        return Status.OK;
    }

    @Override
    public int conclude(AdminCommand command, int status) {
        if (Status.isSuccess(status)) {
            if (Sqe.opcode(command.sqe()) == AdminOpcode.GET_LOG_PAGE) {
                logs.succeeded(command);
            }
            return status;
        }
        errorLog.commandFailed(
                ADMIN_QID,
                Sqe.cid(command.sqe()),
                status,
                command.blamedByte(),
                command.blamedBit(),
                0,
                Sqe.nsid(command.sqe()));
        return status | Status.MORE;
    }
}
