package io.sluice.nvme;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;

/**
 * The Identify Namespace data structure: NVMe 1.4, 5.15.2.1, figure 245, CNS 00h, 4096 bytes. A field is read and written
 * with the address of the structure. What is not named here is reserved, or vendor specific from {@link #VENDOR_OFFSET}.
 */
public final class IdentifyNamespace {
    /** Size of the structure in bytes. */
    public static final int BYTES = 4096;
    /** The most LBA formats. */
    public static final int MAX_LBA_FORMATS = 16;
    /** Where the LBA formats start; see {@link #lbaFormat}. */
    public static final int LBA_FORMATS_OFFSET = 128;
    /** Where the vendor specific bytes start. */
    public static final int VENDOR_OFFSET = 384;

    /** Namespace size, blocks: one more than the highest LBA. */
    public static final Field NSZE = new Field("NSZE", 0, 8);
    /** Namespace capacity, blocks: how many may be allocated at a time. */
    public static final Field NCAP = new Field("NCAP", 8, 8);
    /** Namespace utilization, blocks: how many are allocated now. */
    public static final Field NUSE = new Field("NUSE", 16, 8);
    /** Features; {@link #NSFEAT_OPTIMAL_IO} and others. */
    public static final Field NSFEAT = new Field("NSFEAT", 24, 1);
    /** Number of LBA formats, 0's based. */
    public static final Field NLBAF = new Field("NLBAF", 25, 1);
    /** Formatted LBA size: the format's index in bits 3:0, metadata at the end of the block in bit 4. */
    public static final Field FLBAS = new Field("FLBAS", 26, 1);
    /** Metadata capabilities. */
    public static final Field MC = new Field("MC", 27, 1);
    /** Data protection capabilities. */
    public static final Field DPC = new Field("DPC", 28, 1);
    /** Data protection settings: the type in bits 2:0, 0 for none. */
    public static final Field DPS = new Field("DPS", 29, 1);
    /** Sharing; bit 0: several controllers may be attached. */
    public static final Field NMIC = new Field("NMIC", 30, 1);
    /** Reservation capabilities. */
    public static final Field RESCAP = new Field("RESCAP", 31, 1);
    /** Format progress: per cent left in bits 6:0, supported in bit 7. */
    public static final Field FPI = new Field("FPI", 32, 1);
    /** Deallocation; {@link #DLFEAT_READS_ZEROES} and others. */
    public static final Field DLFEAT = new Field("DLFEAT", 33, 1);
    /** Atomic write unit normal, blocks, 0's based. */
    public static final Field NAWUN = new Field("NAWUN", 34, 2);
    /** Atomic write unit power fail, blocks, 0's based. */
    public static final Field NAWUPF = new Field("NAWUPF", 36, 2);
    /** Atomic compare and write unit, blocks, 0's based. */
    public static final Field NACWU = new Field("NACWU", 38, 2);
    /** Atomic boundary size normal, blocks, 0's based. */
    public static final Field NABSN = new Field("NABSN", 40, 2);
    /** Atomic boundary offset, blocks. */
    public static final Field NABO = new Field("NABO", 42, 2);
    /** Atomic boundary size power fail, blocks, 0's based. */
    public static final Field NABSPF = new Field("NABSPF", 44, 2);
    /** Optimal I/O boundary, blocks; 0 for none. */
    public static final Field NOIOB = new Field("NOIOB", 46, 2);
    /** NVM capacity, bytes. */
    public static final WideField NVMCAP = new WideField("NVMCAP", 48);
    /** Preferred write granularity, blocks, 0's based; valid with {@link #NSFEAT_OPTIMAL_IO}, like the next four. */
    public static final Field NPWG = new Field("NPWG", 64, 2);
    /** Preferred write alignment, blocks, 0's based. */
    public static final Field NPWA = new Field("NPWA", 66, 2);
    /** Preferred deallocate granularity, blocks, 0's based. */
    public static final Field NPDG = new Field("NPDG", 68, 2);
    /** Preferred deallocate alignment, blocks, 0's based. */
    public static final Field NPDA = new Field("NPDA", 70, 2);
    /** Optimal write size, blocks, 0's based. */
    public static final Field NOWS = new Field("NOWS", 72, 2);
    /** Maximum single source range length of a Copy, blocks: NVM Command Set 1.0, figure 97; with the next two. */
    public static final Field MSSRL = new Field("MSSRL", 74, 2);
    /** Maximum copy length, blocks. */
    public static final Field MCL = new Field("MCL", 76, 4);
    /** Maximum source range count of a Copy, 0's based. */
    public static final Field MSRC = new Field("MSRC", 80, 1);
    /** ANA group identifier. */
    public static final Field ANAGRPID = new Field("ANAGRPID", 92, 4);
    /** Attributes; bit 0: write protected now. */
    public static final Field NSATTR = new Field("NSATTR", 99, 1);
    /** NVM set identifier. */
    public static final Field NVMSETID = new Field("NVMSETID", 100, 2);
    /** Endurance group identifier. */
    public static final Field ENDGID = new Field("ENDGID", 102, 2);
    /** Namespace globally unique identifier, big endian; all zeroes for none. */
    public static final BytesField NGUID = new BytesField("NGUID", 104, 16);
    /** IEEE extended unique identifier, big endian; all zeroes for none. */
    public static final BytesField EUI64 = new BytesField("EUI64", 120, 8);

    /** NSFEAT bit 0: thin provisioning. */
    public static final int NSFEAT_THIN = 1;
    /** NSFEAT bit 1: NAWUN, NAWUPF and NACWU are this namespace's own. */
    public static final int NSFEAT_OWN_ATOMICITY = 1 << 1;
    /** NSFEAT bit 2: reads of deallocated blocks can be made to fail. */
    public static final int NSFEAT_DEALLOCATED_ERROR = 1 << 2;
    /** NSFEAT bit 3: NGUID and EUI64 are never used again. */
    public static final int NSFEAT_UNIQUE_IDS = 1 << 3;
    /** NSFEAT bit 4: NPWG, NPWA, NPDG, NPDA and NOWS are valid. */
    public static final int NSFEAT_OPTIMAL_IO = 1 << 4;

    /** DLFEAT bits 2:0: deallocated blocks read as zeroes. */
    public static final int DLFEAT_READS_ZEROES = 1;
    /** DLFEAT bits 2:0: deallocated blocks read as ones. */
    public static final int DLFEAT_READS_ONES = 2;
    /** DLFEAT bit 3: Write Zeroes may deallocate. */
    public static final int DLFEAT_WRITE_ZEROES_DEALLOCATES = 1 << 3;

    private IdentifyNamespace() {}

    /** LBA format {@code index}, 0 to 15. */
    public static LbaFormat lbaFormat(long page, int index) {
        return LbaFormat.decode(Memory.getInt(lbaFormatAt(page, index)));
    }

    /** Stores LBA format {@code index}, 0 to 15; NLBAF has to be set too. */
    public static void setLbaFormat(long page, int index, LbaFormat format) {
        Memory.putInt(lbaFormatAt(page, index), format.encode());
    }

    /** Which LBA format the namespace has, FLBAS bits 3:0. */
    public static int currentLbaFormatIndex(long page) {
        return Bits.get(FLBAS.getInt(page), 3, 0);
    }

    /** How deallocated blocks read, DLFEAT bits 2:0: {@link #DLFEAT_READS_ZEROES}, {@link #DLFEAT_READS_ONES} or unknown. */
    public static int deallocatedReads(long page) {
        return Bits.get(DLFEAT.getInt(page), 2, 0);
    }

    /** The LBA format that the namespace has. */
    public static LbaFormat currentLbaFormat(long page) {
        return lbaFormat(page, currentLbaFormatIndex(page));
    }

    /** Whether metadata lies at the end of each block, FLBAS bit 4. */
    public static boolean isMetadataExtended(long page) {
        return Bits.isSet(FLBAS.getInt(page), 4);
    }

    /** The kind of protection information in use, DPS bits 2:0: 0 for none, 1 to 3. */
    public static int protectionType(long page) {
        return Bits.get(DPS.getInt(page), 2, 0);
    }

    private static long lbaFormatAt(long page, int index) {
        if (index < 0 || index >= MAX_LBA_FORMATS) {
            throw new IllegalArgumentException("LBA format " + index + "; there are 0 to 15");
        }
        return page + LBA_FORMATS_OFFSET + (long) index * LbaFormat.BYTES;
    }
}
