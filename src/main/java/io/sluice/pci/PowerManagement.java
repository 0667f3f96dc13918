package io.sluice.pci;

import io.sluice.mem.Bits;

/**
 * The power management capability: PCI Power Management 1.2, 3.2.
 *
 * <pre>
 *   0 | PMC 31:16         | next 15:8 | 01h 7:0 |
 *   4 | data | bridge ext | PMCSR 15:0          |     PMCSR: power state 1:0, no soft reset 3
 * </pre>
 */
public final class PowerManagement {
    /** Size of the capability in bytes. */
    public static final int BYTES = 8;
    /** Offset of the capabilities register. */
    public static final int PMC = 2;
    /** Offset of the control and status register. */
    public static final int PMCSR = 4;

    /** PMC bits 2:0: this follows version 1.2 of the specification; no D1, no D2, no PME#. */
    public static final int PMC_VERSION_1_2 = 3;
    /** PMCSR bit 3: going from D3hot to D0 does not reset the function. */
    public static final int PMCSR_NO_SOFT_RESET = 1 << 3;

    /** Power state: working. */
    public static final int D0 = 0;
    /** Power state: off, with power; the function answers to configuration accesses only. */
    public static final int D3_HOT = 3;

    private PowerManagement() {}

    /** The power state in PMCSR, bits 1:0: 0 to 3. */
    public static int powerState(int pmcsr) {
        return Bits.get(pmcsr, 1, 0);
    }
}
