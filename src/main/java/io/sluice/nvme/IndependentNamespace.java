package io.sluice.nvme;

/**
 * The I/O Command Set Independent Identify Namespace data structure: NVMe 2.0, figure 280, CNS 08h, 4096 bytes. A field is read and
 * written with the address of the structure.
 */
public final class IndependentNamespace {
    /** Size of the structure in bytes. */
    public static final int BYTES = 4096;

    /** Features; bit 3: the identifiers are never used again. */
    public static final Field NSFEAT = new Field("NSFEAT", 0, 1);
    /** Sharing, as in {@link IdentifyNamespace#NMIC}. */
    public static final Field NMIC = new Field("NMIC", 1, 1);
    /** Reservation capabilities. */
    public static final Field RESCAP = new Field("RESCAP", 2, 1);
    /** Format progress. */
    public static final Field FPI = new Field("FPI", 3, 1);
    /** ANA group identifier. */
    public static final Field ANAGRPID = new Field("ANAGRPID", 4, 4);
    /** Attributes, as in {@link IdentifyNamespace#NSATTR}. */
    public static final Field NSATTR = new Field("NSATTR", 8, 1);
    /** NVM set identifier. */
    public static final Field NVMSETID = new Field("NVMSETID", 10, 2);
    /** Endurance group identifier. */
    public static final Field ENDGID = new Field("ENDGID", 12, 2);
    /** Status; {@link #NSTAT_READY}. */
    public static final Field NSTAT = new Field("NSTAT", 14, 1);

    /** NSTAT bit 0: commands that need the namespace are taken. */
    public static final int NSTAT_READY = 1;

    private IndependentNamespace() {}
}
