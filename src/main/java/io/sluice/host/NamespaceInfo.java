package io.sluice.host;

import java.util.List;

/**
 * An active namespace, decoded: Identify Namespace (NVMe 1.4, 5.15.2.2) and its identification descriptors.
 *
 * @param nsid its identifier
 * @param blockCount NSZE: its size in logical blocks
 * @param capacityBlocks NCAP
 * @param usedBlocks NUSE
 * @param format index of the format in use in {@code formats}
 * @param formats LBA formats
 * @param protection whether protection information is on (DPS)
 * @param thin whether space is given out when written (NSFEAT bit 0)
 * @param unwrittenReadsOnes whether blocks that were never written, or deallocated, read as FFh (DLFEAT bits 2:0)
 * @param nguid 32 hexadecimal digits, or empty for none
 * @param eui64 16 hexadecimal digits, or empty for none
 * @param uuid as text, or empty for none
 * @param hints how it likes to be written
 * @param oddity why what the controller says of it makes no sense, or that it says nothing, as a sentence; empty if all is well
 */
public record NamespaceInfo(
        int nsid,
        long blockCount,
        long capacityBlocks,
        long usedBlocks,
        int format,
        List<LbaFormat> formats,
        boolean protection,
        boolean thin,
        boolean unwrittenReadsOnes,
        String nguid,
        String eui64,
        String uuid,
        IoHints hints,
        String oddity) {

    /**
     * One way to format a namespace.
     *
     * @param blockBytes of a logical block, a power of two from 512; 0 for a format that makes no sense
     * @param metadataBytes that come with each block
     * @param relativePerformance RP: 0 is best, 3 degraded
     */
    public record LbaFormat(int blockBytes, int metadataBytes, int relativePerformance) {}

    private static final LbaFormat NO_FORMAT = new LbaFormat(0, 0, 0);

    /** One that says nothing of how it likes to be written. */
    public NamespaceInfo(
            int nsid,
            long blockCount,
            long capacityBlocks,
            long usedBlocks,
            int format,
            List<LbaFormat> formats,
            boolean protection,
            boolean thin,
            boolean unwrittenReadsOnes,
            String nguid,
            String eui64,
            String uuid) {
        this(
                nsid,
                blockCount,
                capacityBlocks,
                usedBlocks,
                format,
                formats,
                protection,
                thin,
                unwrittenReadsOnes,
                nguid,
                eui64,
                uuid,
                IoHints.NONE,
                "");
    }

    public NamespaceInfo {
        formats = List.copyOf(formats);
    }

    /** One of which nothing is known but why. */
    static NamespaceInfo unknown(int nsid, CommandFailed refusal) {
        String why = cannotBeUsed(nsid) + refusal.getMessage();
        return new NamespaceInfo(nsid, 0, 0, 0, 0, List.of(), false, false, false, "", "", "", IoHints.NONE, why);
    }

    /** How an {@link #oddity} begins. */
    static String cannotBeUsed(int nsid) {
        return "namespace " + Integer.toUnsignedString(nsid) + " cannot be used: ";
    }

    /** Size of a logical block in bytes; 0 where that is not known. */
    public int blockBytes() {
        return formatInUse().blockBytes();
    }

    private LbaFormat formatInUse() {
        return format < formats.size() ? formats.get(format) : NO_FORMAT;
    }

    /** Size of the namespace in bytes; 0 where what the controller says makes no sense. */
    public long bytes() {
        return oddity.isEmpty() ? blockCount * blockBytes() : 0;
    }

    /** Bytes of metadata with each block, in the format in use. */
    public int metadataBytes() {
        return formatInUse().metadataBytes();
    }

    /**
     * Why this driver does no I/O on the namespace, as a sentence for people; empty if it does. It carries no metadata, so it
     * would lose or invent some.
     */
    public String unusableBecause() {
        if (!oddity.isEmpty()) {
            return oddity;
        }
        if (protection) {
            return "namespace " + nsid + " has protection information (DPS is not 0), which this driver neither makes"
                    + " nor checks; format it without, or leave it to another driver";
        }
        if (metadataBytes() != 0) {
            return "namespace " + nsid + " is formatted with " + metadataBytes() + " bytes of metadata with each block"
                    + " (LBA format " + format + "), which this driver does not carry; format it without";
        }
        return "";
    }

    /** Size, format and identifiers, for people: what {@link #isSameDisk} compares. */
    public String identity() {
        if (!oddity.isEmpty()) {
            return oddity;
        }
        String ids = named("NGUID", nguid) + named("EUI64", eui64) + named("UUID", uuid);
        return blockCount + " blocks of " + blockBytes() + " bytes"
                + (metadataBytes() == 0 ? "" : " with " + metadataBytes() + " bytes of metadata")
                + (protection ? " with protection information" : "")
                + (ids.isEmpty() ? ", without identifier" : ids);
    }

    private static String named(String name, String value) {
        return value.isEmpty() ? "" : ", " + name + " " + value;
    }

    /** Whether what is stored under the same block is still found there: the same disk, of the same size and format. */
    public boolean isSameDisk(NamespaceInfo other) {
        return nsid == other.nsid
                && blockCount == other.blockCount
                && formatInUse().equals(other.formatInUse())
                && oddity.equals(other.oddity)
                && protection == other.protection
                && nguid.equals(other.nguid)
                && eui64.equals(other.eui64)
                && uuid.equals(other.uuid);
    }

    NamespaceInfo withUuid(String newUuid) {
        return new NamespaceInfo(
                nsid,
                blockCount,
                capacityBlocks,
                usedBlocks,
                format,
                formats,
                protection,
                thin,
                unwrittenReadsOnes,
                nguid,
                eui64,
                newUuid,
                hints,
                oddity);
    }
}
