package io.sluice.host;

import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.Vs;
import java.util.ArrayList;
import java.util.List;

/**
 * What a controller says of itself, decoded: CAP, VS and Identify Controller (NVMe 1.4, 5.15.2.1).
 *
 * @param version VS; see {@link #versionText}
 * @param pciVendorId VID
 * @param pciSubsystemVendorId SSVID
 * @param serial SN, without padding
 * @param model MN, without padding
 * @param firmware FR, without padding
 * @param subsystemNqn SUBNQN; empty before NVMe 1.2.1
 * @param controllerId CNTLID
 * @param namespaceLimit NN
 * @param maxTransferBytes MDTS in bytes; {@link Integer#MAX_VALUE} where there is no limit
 * @param maxQueueEntries CAP.MQES decoded
 * @param readyTimeoutMillis CAP.TO decoded
 * @param shutdownMillis RTD3 entry latency rounded up; 0 where it does not say
 * @param optionalAdminCommands OACS
 * @param optionalCommands ONCS; Copy only where it takes source ranges of format 0h
 * @param fusedCommands FUSES
 * @param volatileWriteCache whether there is one (VWC)
 * @param sglSupport SGLS
 * @param totalCapacityBytes TNVMCAP; 0 where it does not say, -1 where it is more than 2^63
 * @param asyncEventLimit AERL decoded
 * @param optionalEvents OAES; bits as in {@code io.sluice.nvme.FeatureValue}
 * @param errorLogEntries ELPE decoded
 * @param atomicWriteBlocks AWUN decoded
 * @param atomicWritePowerFailBlocks AWUPF decoded
 */
public record ControllerInfo(
        int version,
        int pciVendorId,
        int pciSubsystemVendorId,
        String serial,
        String model,
        String firmware,
        String subsystemNqn,
        int controllerId,
        long namespaceLimit,
        int maxTransferBytes,
        int maxQueueEntries,
        int readyTimeoutMillis,
        int shutdownMillis,
        int optionalAdminCommands,
        int optionalCommands,
        int fusedCommands,
        boolean volatileWriteCache,
        int sglSupport,
        long totalCapacityBytes,
        int asyncEventLimit,
        int optionalEvents,
        int errorLogEntries,
        int atomicWriteBlocks,
        int atomicWritePowerFailBlocks) {

    /** The version for people: "1.4". */
    public String versionText() {
        return Vs.text(version);
    }

    /** Names of the optional commands that it takes, NVM commands first. */
    public List<String> commandNames() {
        List<String> names = new ArrayList<>();
        addIf(names, optionalCommands, IdentifyController.ONCS_WRITE_ZEROES, "Write Zeroes");
        addIf(names, optionalCommands, IdentifyController.ONCS_DATASET_MANAGEMENT, "Dataset Management");
        addIf(names, optionalCommands, IdentifyController.ONCS_COMPARE, "Compare");
        addIf(names, optionalCommands, IdentifyController.ONCS_VERIFY, "Verify");
        addIf(names, optionalCommands, IdentifyController.ONCS_WRITE_UNCORRECTABLE, "Write Uncorrectable");
        addIf(names, optionalCommands, IdentifyController.ONCS_RESERVATIONS, "Reservations");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_FORMAT, "Format NVM");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_FIRMWARE, "Firmware Commit");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_NAMESPACE_MANAGEMENT, "Namespace Management");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_SELF_TEST, "Device Self-test");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_SECURITY, "Security Send and Receive");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_DIRECTIVES, "Directives");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_VIRTUALIZATION, "Virtualization Management");
        addIf(names, optionalAdminCommands, IdentifyController.OACS_DOORBELL_BUFFER, "Doorbell Buffer Config");
        return names;
    }

    private static void addIf(List<String> names, int field, int bit, String name) {
        if ((field & bit) != 0) {
            names.add(name);
        }
    }
}
