package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.IdentifyNamespace;
import io.sluice.nvme.IndependentNamespace;
import io.sluice.nvme.LbaFormat;
import io.sluice.nvme.NamespaceDescriptors;
import io.sluice.nvme.NamespaceList;
import io.sluice.nvme.Vs;
import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/** What the controller and its namespaces say of themselves: NVMe 1.4, 5.15.2. */
final class Identification {
    /** Identify Controller RAB, and the default of the feature Arbitration: a queue's turn is 2^5 commands. */
    static final int ARBITRATION_BURST_SHIFT = 5;

    /** Identify Controller OAES: the notices that the feature Asynchronous Event Configuration can switch on. */
    static final int OFFERED_NOTICES = FeatureValue.EVENT_NAMESPACE_ATTRIBUTES;

    /** The only firmware slot. */
    static final int FIRMWARE_SLOT = 1;

    /** Aborts at once: NVMe 1.4, 5.15.2.2, ACL recommends four. Each ends before the next is taken, so none is too many. */
    private static final int ABORT_LIMIT = 4;
    /** 52:54:00, lowest byte first: Sluice has no OUI of its own, and this one is for whoever administers the machine. */
    private static final byte[] LOCALLY_ADMINISTERED_OUI = {0x00, 0x54, 0x52};
    /** Identify Controller CNTLID: the only controller of its subsystem. */
    static final int CONTROLLER_ID = 0;

    /** Identify Namespace NSATTR, bit 0. */
    private static final int WRITE_PROTECTED = 1;

    private final ControllerConfig config;
    private final IoPath path;
    private final BooleanSupplier takesDoorbellBuffers;
    private final int maxNsid;
    private final boolean hasVolatileCache;
    private final int optionalCommands;

    /** @param takesDoorbellBuffers whether Doorbell Buffer Config is offered now: OACS bit 8 */
    Identification(ControllerConfig config, IoPath path, BooleanSupplier takesDoorbellBuffers) {
        this.config = config;
        this.takesDoorbellBuffers = takesDoorbellBuffers;
        this.path = path;
        this.maxNsid = path.maxNsid();
        this.hasVolatileCache = path.hasVolatileCache();
        this.optionalCommands = IntStream.range(0, LogCommands.MAX_OPCODE)
                .filter(path::offers)
                .map(IdentifyController::oncsOf)
                .reduce(0, (some, bit) -> some | bit);
    }

    /** Whether Doorbell Buffer Config is offered now: OACS bit 8. */
    boolean offersDoorbellBuffers() {
        return takesDoorbellBuffers.getAsBoolean();
    }

    /** Whether an identifier is 1 to NN. */
    boolean isValid(int nsid) {
        return nsid >= 1 && nsid <= maxNsid;
    }

    boolean isActive(int nsid) {
        return find(nsid) != null;
    }

    private Namespace find(int nsid) {
        for (Namespace namespace : path.namespaces()) {
            if (namespace.nsid() == nsid) {
                return namespace;
            }
        }
        return null;
    }

    /** Writes Identify Controller, CNS 01h; the target is zeroes. */
    void writeController(long target) {
        writeWho(target);
        writeAdminCapabilities(target);
        writeNvmCapabilities(target);
    }

    private void writeWho(long target) {
        IdentifyController.VID.set(target, config.pci().vendorId());
        IdentifyController.SSVID.set(target, config.pci().subsystemVendorId());
        IdentifyController.SN.set(target, config.serialNumber());
        IdentifyController.MN.set(target, config.modelNumber());
        IdentifyController.FR.set(target, config.firmwareRevision());
        IdentifyController.IEEE.set(target, LOCALLY_ADMINISTERED_OUI);
        IdentifyController.CNTLID.set(target, CONTROLLER_ID);
        IdentifyController.VER.set(target, Vs.NVME_1_4);
        IdentifyController.CTRATT.set(target, IdentifyController.CTRATT_HOST_ID_128);
        IdentifyController.CNTRLTYPE.set(target, IdentifyController.CNTRLTYPE_IO);
        IdentifyController.SUBNQN.set(target, config.subsystemNqn());
    }

    private void writeAdminCapabilities(long target) {
        IdentifyController.OACS.set(target, offersDoorbellBuffers() ? IdentifyController.OACS_DOORBELL_BUFFER : 0);
        IdentifyController.RAB.set(target, ARBITRATION_BURST_SHIFT);
        IdentifyController.MDTS.set(target, mdts());
        IdentifyController.OAES.set(target, OFFERED_NOTICES);
        IdentifyController.ACL.set(target, ABORT_LIMIT - 1L);
        IdentifyController.AERL.set(target, AsyncEvents.LIMIT - 1L);
        IdentifyController.FRMW.set(
                target, IdentifyController.FRMW_SLOT_1_READ_ONLY | IdentifyController.FRMW_ONE_SLOT);
        IdentifyController.LPA.set(
                target, IdentifyController.LPA_COMMAND_EFFECTS | IdentifyController.LPA_EXTENDED_DATA);
        IdentifyController.ELPE.set(target, ErrorLog.ENTRIES - 1L);
        IdentifyController.WCTEMP.set(target, Health.WARNING_TEMPERATURE);
        IdentifyController.CCTEMP.set(target, Health.CRITICAL_TEMPERATURE);
        IdentifyController.KAS.set(target, KeepAlive.GRANULARITY_UNITS);
    }

    private void writeNvmCapabilities(long target) {
        IdentifyController.SQES.set(target, IdentifyController.SQES_64);
        IdentifyController.CQES.set(target, IdentifyController.CQES_16);
        IdentifyController.NN.set(target, maxNsid);
        IdentifyController.ONCS.set(
                target, optionalCommands | IdentifyController.ONCS_SAVE_AND_SELECT | IdentifyController.ONCS_TIMESTAMP);
        IdentifyController.FUSES.set(target, path.offersFused() ? IdentifyController.FUSES_COMPARE_AND_WRITE : 0);
        boolean copies = (optionalCommands & IdentifyController.ONCS_COPY) != 0;
        IdentifyController.OCFS.set(target, copies ? IdentifyController.OCFS_FORMAT_0 : 0);
        IdentifyController.SGLS.set(target, sglSupport());
        IdentifyController.VWC.set(
                target,
                IdentifyController.VWC_FLUSH_ALL_SUPPORTED | (hasVolatileCache ? IdentifyController.VWC_PRESENT : 0));
    }

    /**
     * SGLS: no SGLs that are longer than the data. A pointer to metadata means nothing: there is none.
     */
    private int sglSupport() {
        boolean discards = path.discardPage(DiscardPage.address()) != 0;
        int bitBuckets = discards ? IdentifyController.SGLS_BIT_BUCKET : 0;
        return switch (path.sglAlignmentBytes()) {
            case 0 -> 0;
            case 1 -> IdentifyController.SGLS_SUPPORTED | bitBuckets;
            default -> IdentifyController.SGLS_DWORD_ALIGNED | bitBuckets;
        };
    }

    /** MDTS: the exponent of the longest transfer in pages of the smallest size. */
    private int mdts() {
        return Integer.numberOfTrailingZeros(config.maxTransferBytes() / Memory.PAGE_BYTES);
    }

    /** Writes Identify Namespace, CNS 00h, of an active namespace; the target is zeroes. */
    void writeNamespace(long target, int nsid) {
        Namespace namespace = find(nsid);
        IdentifyNamespace.NSZE.set(target, namespace.blockCount());
        IdentifyNamespace.NCAP.set(target, namespace.blockCount());
        IdentifyNamespace.NUSE.set(target, namespace.blockCount());
        path.traits(nsid).write(target);
        IdentifyNamespace.NSATTR.set(target, namespace.readOnly() ? WRITE_PROTECTED : 0);
        IdentifyNamespace.NGUID.set(target, namespace.nguid());
        IdentifyNamespace.EUI64.set(target, eui64(namespace));
        IdentifyNamespace.setLbaFormat(target, 0, LbaFormat.ofBlockBytes(namespace.blockBytes()));
    }

    /** Writes what a namespace has whatever its command set, CNS 08h, of an active namespace; the target is zeroes. */
    void writeIndependent(long target, int nsid) {
        IndependentNamespace.NSATTR.set(target, find(nsid).readOnly() ? WRITE_PROTECTED : 0);
        IndependentNamespace.NSTAT.set(target, IndependentNamespace.NSTAT_READY);
    }

    /** Writes the list of active namespaces, CNS 02h, above an identifier; the target is zeroes. */
    void writeActiveNamespaces(long target, int after) {
        int index = 0;
        for (Namespace namespace : path.namespaces()) {
            if (Integer.compareUnsigned(namespace.nsid(), after) > 0 && index < NamespaceList.MAX_COUNT) {
                NamespaceList.setNsid(target, index++, namespace.nsid());
            }
        }
    }

    /** Writes the identification descriptors, CNS 03h, of an active namespace; the target is zeroes. */
    void writeDescriptors(long target, int nsid) {
        Namespace namespace = find(nsid);
        if (namespace.eui64() != 0) {
            NamespaceDescriptors.add(target, NamespaceDescriptors.TYPE_EUI64, eui64(namespace));
        }
        if (namespace.nguidHigh() != 0 || namespace.nguidLow() != 0) {
            NamespaceDescriptors.add(target, NamespaceDescriptors.TYPE_NGUID, namespace.nguid());
        }
    }

    private static byte[] eui64(Namespace namespace) {
        return ByteBuffer.allocate(Long.BYTES).putLong(namespace.eui64()).array();
    }
}
