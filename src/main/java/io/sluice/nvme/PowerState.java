package io.sluice.nvme;

/** A power state descriptor of {@link IdentifyController}: NVMe 1.4, 5.15.2.2, figure 248, 32 bytes. */
public final class PowerState {
    /** Size of a descriptor in bytes. */
    public static final int BYTES = 32;

    /** Maximum power, 10 mW, or 0.1 mW if {@link #FLAGS_FINE_SCALE} is set; 0 for not reported. */
    public static final Field MP = new Field("MP", 0, 2);
    /** MXPS in bit 0 and NOPS in bit 1: the flags below. */
    public static final Field FLAGS = new Field("FLAGS", 3, 1);
    /** Entry latency, microseconds; 0 for not reported. */
    public static final Field ENLAT = new Field("ENLAT", 4, 4);
    /** Exit latency, microseconds; 0 for not reported. */
    public static final Field EXLAT = new Field("EXLAT", 8, 4);
    /** Relative read throughput, bits 4:0, 0 the best. */
    public static final Field RRT = new Field("RRT", 12, 1);
    /** Relative read latency, bits 4:0. */
    public static final Field RRL = new Field("RRL", 13, 1);
    /** Relative write throughput, bits 4:0. */
    public static final Field RWT = new Field("RWT", 14, 1);
    /** Relative write latency, bits 4:0. */
    public static final Field RWL = new Field("RWL", 15, 1);
    /** Idle power, in the unit of IPS. */
    public static final Field IDLP = new Field("IDLP", 16, 2);
    /** Idle power scale, bits 7:6: 1 for 0.1 mW, 2 for 10 mW. */
    public static final Field IPS = new Field("IPS", 18, 1);
    /** Active power, in the unit of APS. */
    public static final Field ACTP = new Field("ACTP", 20, 2);
    /** Active power workload in bits 2:0, scale in bits 7:6. */
    public static final Field APWS = new Field("APW/APS", 22, 1);

    /** FLAGS bit 0, MXPS: maximum power is in units of 0.1 mW. */
    public static final int FLAGS_FINE_SCALE = 1;
    /** FLAGS bit 1, NOPS: no I/O is processed in this state. */
    public static final int FLAGS_NON_OPERATIONAL = 1 << 1;

    private PowerState() {}
}
