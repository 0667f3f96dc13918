package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/** Identify: NVMe 1.4, 5.15, and what newer hosts ask for besides: NVMe 2.0, 5.17. */
final class IdentifyCommand {
    private static final int AT_NSID = 4;
    private static final int AT_CNS = 40;
    private static final int AT_CNTID = 42;
    private static final int AT_CSI = 47;
    private static final int NVM_COMMAND_SET = 0;
    /** CNTID for the controller that is asked. */
    private static final int THIS_CONTROLLER = 0xffff;

    /** The largest identifier that a list of namespaces may begin after; FFFFFFFEh and FFFFFFFFh are refused. */
    private static final int LAST_LIST_START = Sqe.NSID_ALL - 2;

    private final Identification identification;
    private final GuestData data;

    IdentifyCommand(Identification identification, GuestData data) {
        this.identification = identification;
        this.data = data;
    }

    /** Whether Identify Controller says now that Doorbell Buffer Config is there: OACS bit 8. */
    boolean offersDoorbellBuffers() {
        return identification.offersDoorbellBuffers();
    }

    int identify(AdminCommand command) {
        int nsid = Sqe.nsid(command.sqe());
        return switch (AdminSqe.cns(command.sqe())) {
            case Cns.NAMESPACE, Cns.ALLOCATED_NAMESPACE -> identifyNamespace(command, nsid);
            case Cns.CONTROLLER -> {
                identification.writeController(data.clearBuffer());
                yield send(command);
            }
            case Cns.ACTIVE_NAMESPACES -> listNamespaces(command, nsid);
            case Cns.NAMESPACE_DESCRIPTORS -> describeNamespace(command, nsid);
            case Cns.ALLOCATED_NAMESPACES -> listNamespaces(command, nsid); // each is attached
            case Cns.INDEPENDENT_NAMESPACE -> identifyIndependent(command, nsid);
            case Cns.COMMAND_SETS -> identifyCommandSets(command);
            default -> identifyOfSet(command, nsid);
        };
    }

    /** What is asked of one command set, of which there is one: CSI is 0. */
    private int identifyOfSet(AdminCommand command, int nsid) {
        int cns = AdminSqe.cns(command.sqe());
        boolean known = cns == Cns.NVM_NAMESPACE || cns == Cns.NVM_CONTROLLER || cns == Cns.NVM_ACTIVE_NAMESPACES;
        if (!known) {
            return command.refuse(Status.INVALID_FIELD, AT_CNS, 0);
        }
        if (AdminSqe.csi(command.sqe()) != NVM_COMMAND_SET) {
            return command.refuse(Status.INVALID_FIELD, AT_CSI, 0);
        }
        if (cns == Cns.NVM_ACTIVE_NAMESPACES) {
            return listNamespaces(command, nsid);
        }
        if (cns == Cns.NVM_NAMESPACE && !identification.isValid(nsid)) {
            return command.refuse(Status.INVALID_NAMESPACE_OR_FORMAT, AT_NSID, 0);
        }
        data.clearBuffer(); // no protection information in the one, no limits in the other
        return send(command);
    }

    private int identifyIndependent(AdminCommand command, int nsid) {
        if (!identification.isValid(nsid)) {
            return command.refuse(Status.INVALID_NAMESPACE_OR_FORMAT, AT_NSID, 0);
        }
        long target = data.clearBuffer();
        if (identification.isActive(nsid)) {
            identification.writeIndependent(target, nsid);
        }
        return send(command);
    }

    private int identifyCommandSets(AdminCommand command) {
        int cntid = AdminSqe.cntid(command.sqe());
        if (cntid != Identification.CONTROLLER_ID && cntid != THIS_CONTROLLER) {
            return command.refuse(Status.INVALID_FIELD, AT_CNTID, 0);
        }
        Memory.putLong(data.clearBuffer(), 1L << NVM_COMMAND_SET);
        return send(command);
    }

    /** NVMe 1.4, 5.15.2.1: an inactive namespace is all zeroes; FFFFFFFFh needs Namespace Management. */
    private int identifyNamespace(AdminCommand command, int nsid) {
        if (!identification.isValid(nsid)) {
            return command.refuse(Status.INVALID_NAMESPACE_OR_FORMAT, AT_NSID, 0);
        }
        long target = data.clearBuffer();
        if (identification.isActive(nsid)) {
            identification.writeNamespace(target, nsid);
        }
        return send(command);
    }

    private int listNamespaces(AdminCommand command, int after) {
        if (Integer.compareUnsigned(after, LAST_LIST_START) > 0) {
            return command.refuse(Status.INVALID_NAMESPACE_OR_FORMAT, AT_NSID, 0);
        }
        identification.writeActiveNamespaces(data.clearBuffer(), after);
        return send(command);
    }

    private int describeNamespace(AdminCommand command, int nsid) {
        if (!identification.isValid(nsid)) {
            return command.refuse(Status.INVALID_NAMESPACE_OR_FORMAT, AT_NSID, 0);
        }
        if (!identification.isActive(nsid)) {
            return command.refuse(Status.INVALID_FIELD, AT_NSID, 0);
        }
        identification.writeDescriptors(data.clearBuffer(), nsid);
        return send(command);
    }

    private int send(AdminCommand command) {
        return data.send(command.sqe(), 0, Cns.DATA_BYTES);
    }
}
