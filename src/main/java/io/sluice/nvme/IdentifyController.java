package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * The Identify Controller data structure: NVMe 1.4, 5.15.2.2, figure 247, CNS 01h, 4096 bytes. A field is read and
 * written with the address of the structure: {@code IdentifyController.MDTS.set(page, 5)}. All numbers are little endian
 * and what is not named here is reserved, or vendor specific from {@link #VENDOR_OFFSET} on.
 */
public final class IdentifyController {
    /** Size of the structure in bytes. */
    public static final int BYTES = 4096;
    /** Number of power state descriptors. */
    public static final int POWER_STATES = 32;
    /** Where the power state descriptors start; see {@link #powerState}. */
    public static final int POWER_STATES_OFFSET = 2048;
    /** Where the vendor specific bytes start. */
    public static final int VENDOR_OFFSET = 3072;

    // ---- controller capabilities and features, bytes 255:0

    /** PCI vendor ID. */
    public static final Field VID = new Field("VID", 0, 2);
    /** PCI subsystem vendor ID. */
    public static final Field SSVID = new Field("SSVID", 2, 2);
    /** Serial number. */
    public static final TextField SN = TextField.spaced("SN", 4, 20);
    /** Model number. */
    public static final TextField MN = TextField.spaced("MN", 24, 40);
    /** Firmware revision. */
    public static final TextField FR = TextField.spaced("FR", 64, 8);
    /** Recommended arbitration burst, a power of two. */
    public static final Field RAB = new Field("RAB", 72, 1);
    /** IEEE OUI, lowest byte first. */
    public static final BytesField IEEE = new BytesField("IEEE", 73, 3);
    /** Multi-path I/O and namespace sharing; {@link #CMIC_MULTIPLE_CONTROLLERS} and others. */
    public static final Field CMIC = new Field("CMIC", 76, 1);
    /** Maximum data transfer size: 2^MDTS smallest memory pages; 0 for no limit. */
    public static final Field MDTS = new Field("MDTS", 77, 1);
    /** Controller ID. */
    public static final Field CNTLID = new Field("CNTLID", 78, 2);
    /** Version, as in {@link Vs}. */
    public static final Field VER = new Field("VER", 80, 4);
    /** RTD3 resume latency, microseconds. */
    public static final Field RTD3R = new Field("RTD3R", 84, 4);
    /** RTD3 entry latency, microseconds: how long a shutdown may take. */
    public static final Field RTD3E = new Field("RTD3E", 88, 4);
    /** Optional asynchronous events supported; bits as in {@link FeatureValue#EVENT_NAMESPACE_ATTRIBUTES}. */
    public static final Field OAES = new Field("OAES", 92, 4);
    /** Controller attributes; {@link #CTRATT_HOST_ID_128} and others. */
    public static final Field CTRATT = new Field("CTRATT", 96, 4);
    /** Read recovery levels supported. */
    public static final Field RRLS = new Field("RRLS", 100, 2);
    /** Controller type; {@link #CNTRLTYPE_IO} and others. */
    public static final Field CNTRLTYPE = new Field("CNTRLTYPE", 111, 1);
    /** FRU globally unique identifier, big endian. */
    public static final BytesField FGUID = new BytesField("FGUID", 112, 16);
    /** Command retry delay time 1, in 100 ms. */
    public static final Field CRDT1 = new Field("CRDT1", 128, 2);
    /** Command retry delay time 2, in 100 ms. */
    public static final Field CRDT2 = new Field("CRDT2", 130, 2);
    /** Command retry delay time 3, in 100 ms. */
    public static final Field CRDT3 = new Field("CRDT3", 132, 2);

    // ---- admin command set attributes and optional capabilities, bytes 511:256

    /** Optional admin commands; {@link #OACS_FORMAT} and others. */
    public static final Field OACS = new Field("OACS", 256, 2);
    /** Abort command limit, 0's based. */
    public static final Field ACL = new Field("ACL", 258, 1);
    /** Asynchronous event request limit, 0's based. */
    public static final Field AERL = new Field("AERL", 259, 1);
    /** Firmware updates; {@link #FRMW_SLOT_1_READ_ONLY}, number of slots in bits 3:1. */
    public static final Field FRMW = new Field("FRMW", 260, 1);
    /** Log page attributes; {@link #LPA_COMMAND_EFFECTS} and others. */
    public static final Field LPA = new Field("LPA", 261, 1);
    /** Error log page entries, 0's based. */
    public static final Field ELPE = new Field("ELPE", 262, 1);
    /** Number of power states, 0's based. */
    public static final Field NPSS = new Field("NPSS", 263, 1);
    /** Admin vendor specific command configuration. */
    public static final Field AVSCC = new Field("AVSCC", 264, 1);
    /** Autonomous power state transitions; bit 0 says supported. */
    public static final Field APSTA = new Field("APSTA", 265, 1);
    /** Warning composite temperature threshold, kelvin. */
    public static final Field WCTEMP = new Field("WCTEMP", 266, 2);
    /** Critical composite temperature threshold, kelvin. */
    public static final Field CCTEMP = new Field("CCTEMP", 268, 2);
    /** Maximum time for firmware activation, 100 ms. */
    public static final Field MTFA = new Field("MTFA", 270, 2);
    /** Host memory buffer preferred size, 4 KiB. */
    public static final Field HMPRE = new Field("HMPRE", 272, 4);
    /** Host memory buffer minimum size, 4 KiB. */
    public static final Field HMMIN = new Field("HMMIN", 276, 4);
    /** Total NVM capacity, bytes. */
    public static final WideField TNVMCAP = new WideField("TNVMCAP", 280);
    /** Unallocated NVM capacity, bytes. */
    public static final WideField UNVMCAP = new WideField("UNVMCAP", 296);
    /** Replay protected memory block support. */
    public static final Field RPMBS = new Field("RPMBS", 312, 4);
    /** Extended device self-test time, minutes. */
    public static final Field EDSTT = new Field("EDSTT", 316, 2);
    /** Device self-test options. */
    public static final Field DSTO = new Field("DSTO", 318, 1);
    /** Firmware update granularity, 4 KiB. */
    public static final Field FWUG = new Field("FWUG", 319, 1);
    /** Keep alive granularity, 100 ms; 0 for no keep alive. */
    public static final Field KAS = new Field("KAS", 320, 2);
    /** Host controlled thermal management attributes. */
    public static final Field HCTMA = new Field("HCTMA", 322, 2);
    /** Minimum thermal management temperature, kelvin. */
    public static final Field MNTMT = new Field("MNTMT", 324, 2);
    /** Maximum thermal management temperature, kelvin. */
    public static final Field MXTMT = new Field("MXTMT", 326, 2);
    /** Sanitize capabilities. */
    public static final Field SANICAP = new Field("SANICAP", 328, 4);
    /** Host memory buffer minimum descriptor entry size, 4 KiB. */
    public static final Field HMMINDS = new Field("HMMINDS", 332, 4);
    /** Host memory maximum descriptor entries. */
    public static final Field HMMAXD = new Field("HMMAXD", 336, 2);
    /** NVM set identifier maximum. */
    public static final Field NSETIDMAX = new Field("NSETIDMAX", 338, 2);
    /** Endurance group identifier maximum. */
    public static final Field ENDGIDMAX = new Field("ENDGIDMAX", 340, 2);
    /** ANA transition time, seconds. */
    public static final Field ANATT = new Field("ANATT", 342, 1);
    /** Asymmetric namespace access capabilities. */
    public static final Field ANACAP = new Field("ANACAP", 343, 1);
    /** ANA group identifier maximum. */
    public static final Field ANAGRPMAX = new Field("ANAGRPMAX", 344, 4);
    /** Number of ANA group identifiers. */
    public static final Field NANAGRPID = new Field("NANAGRPID", 348, 4);
    /** Persistent event log size, 64 KiB. */
    public static final Field PELS = new Field("PELS", 352, 4);

    // ---- NVM command set attributes, bytes 767:512

    /** Submission queue entry size: required in bits 3:0, maximum in bits 7:4, powers of two. */
    public static final Field SQES = new Field("SQES", 512, 1);
    /** Completion queue entry size: required in bits 3:0, maximum in bits 7:4, powers of two. */
    public static final Field CQES = new Field("CQES", 513, 1);
    /** Maximum outstanding commands; 0 for not reported. */
    public static final Field MAXCMD = new Field("MAXCMD", 514, 2);
    /** Number of namespaces: the highest NSID that can be valid. */
    public static final Field NN = new Field("NN", 516, 4);
    /** Optional NVM commands; {@link #ONCS_COMPARE} and others. */
    public static final Field ONCS = new Field("ONCS", 520, 2);
    /** Fused operations; bit 0: Compare and Write. */
    public static final Field FUSES = new Field("FUSES", 522, 2);
    /** Format NVM attributes. */
    public static final Field FNA = new Field("FNA", 524, 1);
    /** Volatile write cache; {@link #VWC_PRESENT} and others. */
    public static final Field VWC = new Field("VWC", 525, 1);
    /** Atomic write unit normal, blocks, 0's based. */
    public static final Field AWUN = new Field("AWUN", 526, 2);
    /** Atomic write unit power fail, blocks, 0's based. */
    public static final Field AWUPF = new Field("AWUPF", 528, 2);
    /** NVM vendor specific command configuration. */
    public static final Field NVSCC = new Field("NVSCC", 530, 1);
    /** Namespace write protection capabilities. */
    public static final Field NWPC = new Field("NWPC", 531, 1);
    /** Atomic compare and write unit, blocks, 0's based. */
    public static final Field ACWU = new Field("ACWU", 532, 2);
    /** Optional Copy formats supported; bit 0: format 0h. NVM Command Set 1.0, figure 101. */
    public static final Field OCFS = new Field("OCFS", 534, 2);
    /** SGL support; {@link #SGLS_SUPPORTED} and others. */
    public static final Field SGLS = new Field("SGLS", 536, 4);
    /** Maximum number of allowed namespaces; 0 for as NN says. */
    public static final Field MNAN = new Field("MNAN", 540, 4);

    /** NVM subsystem NVMe qualified name. */
    public static final TextField SUBNQN = TextField.zeroed("SUBNQN", 768, 256);

    // ---- single bits

    /** CMIC bit 0: the subsystem has several ports. */
    public static final int CMIC_MULTIPLE_PORTS = 1;
    /** CMIC bit 1: the subsystem has several controllers. */
    public static final int CMIC_MULTIPLE_CONTROLLERS = 1 << 1;

    /** CTRATT bit 0: host identifiers of 128 bits. */
    public static final int CTRATT_HOST_ID_128 = 1;

    /** CNTRLTYPE: an I/O controller. */
    public static final int CNTRLTYPE_IO = 1;
    /** CNTRLTYPE: a discovery controller. */
    public static final int CNTRLTYPE_DISCOVERY = 2;
    /** CNTRLTYPE: an administrative controller. */
    public static final int CNTRLTYPE_ADMINISTRATIVE = 3;

    /** OACS bit 0: Security Send and Receive. */
    public static final int OACS_SECURITY = 1;
    /** OACS bit 1: Format NVM. */
    public static final int OACS_FORMAT = 1 << 1;
    /** OACS bit 2: Firmware Commit and Image Download. */
    public static final int OACS_FIRMWARE = 1 << 2;
    /** OACS bit 3: Namespace Management and Attachment. */
    public static final int OACS_NAMESPACE_MANAGEMENT = 1 << 3;
    /** OACS bit 4: Device Self-test. */
    public static final int OACS_SELF_TEST = 1 << 4;
    /** OACS bit 5: directives. */
    public static final int OACS_DIRECTIVES = 1 << 5;
    /** OACS bit 7: Virtualization Management. */
    public static final int OACS_VIRTUALIZATION = 1 << 7;
    /** OACS bit 8: Doorbell Buffer Config. */
    public static final int OACS_DOORBELL_BUFFER = 1 << 8;
    /** OACS bit 9: Get LBA Status. */
    public static final int OACS_LBA_STATUS = 1 << 9;

    /** FRMW bit 0: slot 1 is read-only. */
    public static final int FRMW_SLOT_1_READ_ONLY = 1;
    /** FRMW with one slot, bits 3:1. */
    public static final int FRMW_ONE_SLOT = 1 << 1;
    /** FRMW bit 4: firmware is activated without a reset. */
    public static final int FRMW_NO_RESET = 1 << 4;

    /** LPA bit 0: a SMART log page for each namespace. */
    public static final int LPA_SMART_PER_NAMESPACE = 1;
    /** LPA bit 1: the Commands Supported and Effects log page. */
    public static final int LPA_COMMAND_EFFECTS = 1 << 1;
    /** LPA bit 2: Get Log Page takes offsets and lengths of 32 bits. */
    public static final int LPA_EXTENDED_DATA = 1 << 2;
    /** LPA bit 3: the telemetry log pages. */
    public static final int LPA_TELEMETRY = 1 << 3;
    /** LPA bit 4: the persistent event log. */
    public static final int LPA_PERSISTENT_EVENTS = 1 << 4;

    /** SQES of 64-byte entries only. */
    public static final int SQES_64 = 0x66;
    /** CQES of 16-byte entries only. */
    public static final int CQES_16 = 0x44;

    /** ONCS bit 0: Compare. */
    public static final int ONCS_COMPARE = 1;
    /** ONCS bit 1: Write Uncorrectable. */
    public static final int ONCS_WRITE_UNCORRECTABLE = 1 << 1;
    /** ONCS bit 2: Dataset Management. */
    public static final int ONCS_DATASET_MANAGEMENT = 1 << 2;
    /** ONCS bit 3: Write Zeroes. */
    public static final int ONCS_WRITE_ZEROES = 1 << 3;
    /** ONCS bit 4: Save in Set Features and Select in Get Features. */
    public static final int ONCS_SAVE_AND_SELECT = 1 << 4;
    /** ONCS bit 5: reservations. */
    public static final int ONCS_RESERVATIONS = 1 << 5;
    /** ONCS bit 6: the Timestamp feature. */
    public static final int ONCS_TIMESTAMP = 1 << 6;
    /** ONCS bit 7: Verify. */
    public static final int ONCS_VERIFY = 1 << 7;

    /** ONCS bit 8: Copy. */
    public static final int ONCS_COPY = 1 << 8;

    /** FUSES bit 0: Compare and Write. */
    public static final int FUSES_COMPARE_AND_WRITE = 1;

    /** OCFS bit 0: source ranges of descriptor format 0h. */
    public static final int OCFS_FORMAT_0 = 1;

    /** VWC bit 0: there is a volatile write cache. */
    public static final int VWC_PRESENT = 1;
    /** VWC bits 2:1: Flush with NSID FFFFFFFFh is refused. */
    public static final int VWC_FLUSH_ALL_REFUSED = 2 << 1;
    /** VWC bits 2:1: Flush with NSID FFFFFFFFh flushes every namespace. */
    public static final int VWC_FLUSH_ALL_SUPPORTED = 3 << 1;

    /** SGLS bits 1:0: SGLs are supported, at any alignment. */
    public static final int SGLS_SUPPORTED = 1;
    /** SGLS bits 1:0: SGLs are supported, with dword alignment and lengths. */
    public static final int SGLS_DWORD_ALIGNED = 2;
    /** SGLS bits 1:0 of a value. */
    public static int sglSupport(int sgls) {
        return Bits.get(sgls, 1, 0);
    }

    /** SGLS bit 16: bit bucket descriptors. */
    public static final int SGLS_BIT_BUCKET = 1 << 16;
    /** SGLS bit 18: an SGL may be longer than the data. */
    public static final int SGLS_LONGER_THAN_DATA = 1 << 18;

    private IdentifyController() {}

    /** The bit of ONCS that says that a command of {@link NvmOpcode} is supported; 0 for one that has none. */
    public static int oncsOf(int opcode) {
        return switch (opcode) {
            case NvmOpcode.COMPARE -> ONCS_COMPARE;
            case NvmOpcode.WRITE_UNCORRECTABLE -> ONCS_WRITE_UNCORRECTABLE;
            case NvmOpcode.DATASET_MANAGEMENT -> ONCS_DATASET_MANAGEMENT;
            case NvmOpcode.WRITE_ZEROES -> ONCS_WRITE_ZEROES;
            case NvmOpcode.VERIFY -> ONCS_VERIFY;
            case NvmOpcode.COPY -> ONCS_COPY;
            default -> 0;
        };
    }

    /** The address of power state descriptor {@code index}, 0 to 31; see {@link PowerState}. */
    public static long powerState(long page, int index) {
        if (index < 0 || index >= POWER_STATES) {
            throw new IllegalArgumentException("power state " + index + "; there are 0 to 31");
        }
        return page + POWER_STATES_OFFSET + (long) index * PowerState.BYTES;
    }

    /**
     * MDTS decoded.
     *
     * @param minPageBytes {@link Cap#minPageBytes}
     * @return the longest transfer in bytes, or {@link Long#MAX_VALUE} if there is no limit
     */
    public static long maxTransferBytes(long page, int minPageBytes) {
        int mdts = MDTS.getInt(page);
        int pageShift = Integer.numberOfTrailingZeros(minPageBytes);
        return mdts == 0 || mdts + pageShift >= Long.SIZE - 1 ? Long.MAX_VALUE : 1L << (mdts + pageShift);
    }
}
