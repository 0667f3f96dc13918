package io.sluice.controller;

import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/** Identify: NVMe 1.4, 5.15. */
final class IdentifyCommand {
    private static final int AT_NSID = 4;
    private static final int AT_CNS = 40;
    /** The largest identifier that a list of namespaces may begin after; FFFFFFFEh and FFFFFFFFh are refused. */
    private static final int LAST_LIST_START = Sqe.NSID_ALL - 2;

    private final Identification identification;
    private final GuestData data;

    IdentifyCommand(Identification identification, GuestData data) {
        this.identification = identification;
        this.data = data;
    }

    int identify(AdminCommand command) {
        int nsid = Sqe.nsid(command.sqe());
        return switch (AdminSqe.cns(command.sqe())) {
            case Cns.NAMESPACE -> identifyNamespace(command, nsid);
            case Cns.CONTROLLER -> {
                identification.writeController(data.clearBuffer());
                yield send(command);
            }
            case Cns.ACTIVE_NAMESPACES -> listNamespaces(command, nsid);
            case Cns.NAMESPACE_DESCRIPTORS -> describeNamespace(command, nsid);
            default -> command.refuse(Status.INVALID_FIELD, AT_CNS, 0);
        };
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
