package io.sluice.nvme;

/** What an Identify command asks for: NVMe 1.4, 5.15.1, CDW10 bits 7:0. Every answer is 4096 bytes. */
public final class Cns {
    /** Bytes of every Identify answer. */
    public static final int DATA_BYTES = 4096;

    /** The active namespace of NSID, or what all have in common for NSID FFFFFFFFh; {@link IdentifyNamespace}. */
    public static final int NAMESPACE = 0x00;
    /** The controller; {@link IdentifyController}. */
    public static final int CONTROLLER = 0x01;
    /** Active namespace identifiers above NSID; {@link NamespaceList}. */
    public static final int ACTIVE_NAMESPACES = 0x02;
    /** The identification descriptors of NSID; {@link NamespaceDescriptors}. */
    public static final int NAMESPACE_DESCRIPTORS = 0x03;
    /** NVM sets. */
    public static final int NVM_SETS = 0x04;
    /** What the namespace has of a command set's own, NVMe 2.0, 5.17.2.5. CDW11 says which set: 0. */
    public static final int NVM_NAMESPACE = 0x05;
    /** The controller's limits of the NVM command set, NVMe 2.0; {@link IdentifyNvmController}. CDW11 says which set: 0. */
    public static final int NVM_CONTROLLER = 0x06;
    /** Active namespace identifiers above NSID, of those with a command set; NVMe 2.0, 5.17.2.7. */
    public static final int NVM_ACTIVE_NAMESPACES = 0x07;
    /** What a namespace has whatever its command set; {@link IndependentNamespace}. */
    public static final int INDEPENDENT_NAMESPACE = 0x08;
    /** Allocated namespace identifiers above NSID. */
    public static final int ALLOCATED_NAMESPACES = 0x10;
    /** An allocated namespace. */
    public static final int ALLOCATED_NAMESPACE = 0x11;
    /** Controllers attached to NSID. */
    public static final int ATTACHED_CONTROLLERS = 0x12;
    /** Controllers of the subsystem. */
    public static final int CONTROLLERS = 0x13;
    /** Capabilities of a primary controller. */
    public static final int PRIMARY_CONTROLLER = 0x14;
    /** Secondary controllers. */
    public static final int SECONDARY_CONTROLLERS = 0x15;
    /** Namespace granularities. */
    public static final int NAMESPACE_GRANULARITIES = 0x16;
    /** UUIDs that vendor specific fields refer to. */
    public static final int UUIDS = 0x17;
    /** Combinations of I/O command sets, NVMe 2.0, 5.17.2.21: 512 vectors of 8 bytes, a bit for each set. */
    public static final int COMMAND_SETS = 0x1c;

    private Cns() {}
}
