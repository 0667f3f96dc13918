package io.sluice.host;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cns;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.IdentifyNamespace;
import io.sluice.nvme.IdentifyNvmController;
import io.sluice.nvme.LbaFormat;
import io.sluice.nvme.NamespaceDescriptors;
import io.sluice.nvme.NamespaceList;
import io.sluice.nvme.Vs;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * Asks a controller what it is and what it has (Identify, NVMe 1.4, 5.15), and decodes private copies of its answers: it
 * can change the page that it wrote at any time.
 */
final class Identification implements AutoCloseable {
    /** Each costs two commands at bring-up, and a device may say that it has four billion. */
    private static final int MAX_NAMESPACES = 16_384;

    private final AdminQueue admin;
    private final String device;
    private final long cap;
    private final int vs;
    private final Mapping memory;
    private final long page;
    private final Set<Integer> refused = new HashSet<>();

    Identification(AdminQueue admin, String device, long cap, int vs) throws IOException {
        this.admin = admin;
        this.device = device;
        this.cap = cap;
        this.vs = vs;
        this.memory = Mapping.anonymous(Cns.DATA_BYTES, Mapping.PROT_READ + Mapping.PROT_WRITE);
        this.page = memory.address();
    }

    ControllerInfo controller() throws IOException {
        admin.identify(Cns.CONTROLLER, 0, "Identify Controller", page);
        long maxTransfer = IdentifyController.maxTransferBytes(page, Cap.minPageBytes(cap));
        return new ControllerInfo(
                vs,
                IdentifyController.VID.getInt(page),
                IdentifyController.SSVID.getInt(page),
                IdentifyController.SN.get(page),
                IdentifyController.MN.get(page),
                IdentifyController.FR.get(page),
                IdentifyController.SUBNQN.get(page),
                IdentifyController.CNTLID.getInt(page),
                IdentifyController.NN.get(page),
                (int) Math.min(maxTransfer, Integer.MAX_VALUE),
                Cap.maxQueueEntries(cap),
                Cap.timeoutMillis(cap),
                shutdownMillis(),
                IdentifyController.OACS.getInt(page),
                optionalCommands(),
                IdentifyController.FUSES.getInt(page),
                IdentifyController.VWC.has(page, IdentifyController.VWC_PRESENT),
                IdentifyController.SGLS.getInt(page),
                totalCapacity(),
                IdentifyController.AERL.getInt(page) + 1,
                IdentifyController.OAES.getInt(page),
                IdentifyController.ELPE.getInt(page) + 1,
                IdentifyController.AWUN.getInt(page) + 1,
                IdentifyController.AWUPF.getInt(page) + 1);
    }

    private int optionalCommands() {
        int commands = IdentifyController.ONCS.getInt(page);
        boolean copies = IdentifyController.OCFS.has(page, IdentifyController.OCFS_FORMAT_0);
        return copies ? commands : commands & ~IdentifyController.ONCS_COPY;
    }

    /** ACL decoded: how many Aborts the controller takes at a time. To be asked after {@link #controller}. */
    int abortLimit() {
        return IdentifyController.ACL.getInt(page) + 1;
    }

    /** To be asked after {@link #abortLimit}. Only newer controllers know the question, and one that refuses it has no limits. */
    CommandLimits commandLimits() throws IOException {
        if (vs < Vs.NVME_2_0 && (Cap.css(cap) & Cap.CSS_SEVERAL) == 0) {
            return CommandLimits.NONE;
        }
        try {
            admin.identify(Cns.NVM_CONTROLLER, 0, "Identify the limits of the NVM command set", page);
        } catch (CommandFailed e) {
            return CommandLimits.NONE;
        }
        long ranges = limit(IdentifyNvmController.DMRL.get(page));
        int minPageBytes = Cap.minPageBytes(cap);
        return new CommandLimits(
                IdentifyNvmController.maxBytes(page, IdentifyNvmController.VSL, minPageBytes),
                IdentifyNvmController.maxBytes(page, IdentifyNvmController.WZSL, minPageBytes),
                IdentifyNvmController.maxBytes(page, IdentifyNvmController.WUSL, minPageBytes),
                (int) Math.min(ranges, Integer.MAX_VALUE),
                limit(IdentifyNvmController.DMRSL.get(page)),
                limit(IdentifyNvmController.DMSL.get(page)));
    }

    /** Zero says that there is none; what is larger than a namespace can be says the same. */
    private static long limit(long field) {
        return field <= 0 ? Long.MAX_VALUE : field;
    }

    private int shutdownMillis() {
        long micros = IdentifyController.RTD3E.get(page);
        return (int) TimeUnit.MICROSECONDS.toMillis(micros + TimeUnit.MILLISECONDS.toMicros(1) - 1);
    }

    private long totalCapacity() {
        BigInteger total = IdentifyController.TNVMCAP.get(page);
        return total.bitLength() < Long.SIZE ? total.longValue() : -1;
    }

    /**
     * The active namespaces, in order. One that makes no sense, or of which the controller says nothing, is as good as it can be
     * shown, and {@linkplain NamespaceInfo#unusableBecause unusable}: it takes nothing from the others.
     */
    List<NamespaceInfo> namespaces() throws IOException {
        refused.clear();
        List<NamespaceInfo> found = new ArrayList<>();
        for (int nsid : activeNamespaces()) {
            found.add(namespace(nsid));
        }
        return found;
    }

    /** Those of {@link #namespaces} that the controller has refused to identify; it may do so another time. */
    Set<Integer> refused() {
        return refused;
    }

    private List<Integer> activeNamespaces() throws IOException {
        List<Integer> nsids = new ArrayList<>();
        int last = 0;
        int count;
        do {
            admin.identify(
                    Cns.ACTIVE_NAMESPACES,
                    last,
                    "Identify Active Namespaces above " + Integer.toUnsignedString(last),
                    page);
            count = NamespaceList.count(page);
            requireNotTooMany(nsids.size() + count);
            for (int i = 0; i < count; i++) {
                int nsid = NamespaceList.nsid(page, i);
                if (Integer.compareUnsigned(nsid, last) <= 0) {
                    throw new DeviceFailure(device + " lists namespace " + Integer.toUnsignedString(nsid) + " after "
                            + Integer.toUnsignedString(last) + ": active namespaces come in ascending order");
                }
                nsids.add(nsid);
                last = nsid;
            }
        } while (count == NamespaceList.MAX_COUNT);
        return nsids;
    }

    private void requireNotTooMany(int count) throws IOException {
        if (count > MAX_NAMESPACES) {
            throw new IOException(
                    device + " lists more than " + MAX_NAMESPACES
                            + " active namespaces, and each is asked about one by one: detach some, or leave it to another driver");
        }
    }

    private NamespaceInfo namespace(int nsid) throws IOException {
        try {
            admin.identify(Cns.NAMESPACE, nsid, "Identify Namespace " + Integer.toUnsignedString(nsid), page);
        } catch (CommandFailed e) {
            refused.add(nsid);
            return NamespaceInfo.unknown(nsid, e);
        }
        int format = IdentifyNamespace.currentLbaFormatIndex(page);
        List<NamespaceInfo.LbaFormat> formats = formats();
        String oddity = oddity(nsid, format, formats);
        NamespaceInfo info = new NamespaceInfo(
                nsid,
                Math.max(0, IdentifyNamespace.NSZE.get(page)),
                IdentifyNamespace.NCAP.get(page),
                IdentifyNamespace.NUSE.get(page),
                format,
                formats,
                IdentifyNamespace.protectionType(page) != 0,
                IdentifyNamespace.NSFEAT.has(page, IdentifyNamespace.NSFEAT_THIN),
                IdentifyNamespace.deallocatedReads(page) == IdentifyNamespace.DLFEAT_READS_ONES,
                identifier(IdentifyNamespace.NGUID.get(page)),
                identifier(IdentifyNamespace.EUI64.get(page)),
                "",
                IoHints.of(page),
                oddity);
        return info.withUuid(uuid(nsid));
    }

    /** What makes no sense about the namespace on the page, as a sentence; empty if it does. */
    private String oddity(int nsid, int format, List<NamespaceInfo.LbaFormat> formats) {
        String why = whyOdd(format, formats);
        return why.isEmpty() ? "" : NamespaceInfo.cannotBeUsed(nsid) + device + why;
    }

    private String whyOdd(int format, List<NamespaceInfo.LbaFormat> formats) {
        if (isPageZero()) {
            return " lists it as active, and says nothing of it (Identify is all zeroes); was it detached just now?";
        }
        if (format >= formats.size()) {
            return " says that it has LBA format " + format + ", which is not one of its " + formats.size()
                    + " formats";
        }
        int blockBytes = formats.get(format).blockBytes();
        if (blockBytes == 0) {
            int lbads = IdentifyNamespace.lbaFormat(page, format).lbads();
            return " says that its LBA format " + format + " has blocks of 2^" + lbads
                    + " bytes (LBADS), and this driver takes 2^9 to 2^30; format it otherwise";
        }
        long blockCount = IdentifyNamespace.NSZE.get(page);
        boolean possible = blockCount >= 0 && blockCount <= Long.MAX_VALUE / blockBytes;
        return possible
                ? ""
                : " says that it has " + Long.toUnsignedString(blockCount) + " blocks of " + blockBytes
                        + " bytes: nothing is that large";
    }

    private boolean isPageZero() {
        long bits = 0;
        for (int offset = 0; offset < Cns.DATA_BYTES; offset += Long.BYTES) {
            bits |= Memory.getLong(page + offset);
        }
        return bits == 0;
    }

    private List<NamespaceInfo.LbaFormat> formats() {
        int count = Math.min(IdentifyNamespace.NLBAF.getInt(page) + 1, IdentifyNamespace.MAX_LBA_FORMATS);
        List<NamespaceInfo.LbaFormat> formats = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            LbaFormat format = IdentifyNamespace.lbaFormat(page, i);
            int blockBytes = format.isValid() ? format.blockBytes() : 0;
            formats.add(new NamespaceInfo.LbaFormat(blockBytes, format.metadataBytes(), format.relativePerformance()));
        }
        return formats;
    }

    /** Hexadecimal, or empty where all bytes are zero, which means that there is none. */
    private static String identifier(byte[] bytes) {
        String hex = HexFormat.of().formatHex(bytes);
        return hex.replace("0", "").isEmpty() ? "" : hex;
    }

    /** Only some controllers have it: one that refuses the question has none. */
    private String uuid(int nsid) throws IOException {
        try {
            admin.identify(Cns.NAMESPACE_DESCRIPTORS, nsid, "Identify Descriptors of Namespace " + nsid, page);
        } catch (CommandFailed e) {
            return "";
        }
        byte[] found = NamespaceDescriptors.find(page, NamespaceDescriptors.TYPE_UUID);
        if (found == null || found.length != 2 * Long.BYTES) {
            return "";
        }
        ByteBuffer bytes = ByteBuffer.wrap(found);
        return new UUID(bytes.getLong(), bytes.getLong()).toString();
    }

    @Override
    public void close() {
        memory.close();
    }
}
