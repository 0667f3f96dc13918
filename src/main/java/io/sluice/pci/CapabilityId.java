package io.sluice.pci;

/** Capability identifiers that matter here: PCI Local Bus 3.0, appendix H, and PCI Express Base 3.0, 7.9 and on. */
public final class CapabilityId {
    /** Power Management; {@link PowerManagement}. */
    public static final int POWER_MANAGEMENT = 0x01;
    /** Message Signalled Interrupts. */
    public static final int MSI = 0x05;
    /** PCI Express; {@link PciExpress}. */
    public static final int PCI_EXPRESS = 0x10;
    /** MSI-X; {@link MsixCapability}. */
    public static final int MSIX = 0x11;

    private CapabilityId() {}
}
