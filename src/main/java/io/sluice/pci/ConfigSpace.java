package io.sluice.pci;

/**
 * The configuration space of a function that Sluice serves: 4096 bytes, each bit of which is read-only, read-write or
 * cleared by writing 1 (PCI Local Bus 3.0, 6.2; PCI Express Base 3.0, 7.2). Accesses of any length and alignment are taken
 * byte by byte, so one that spans registers does to each of them what a narrower one would.
 *
 * <p>What a write set off is the answer of {@link #write}: nothing happens by itself. BAR sizing needs no special case:
 * the bits of a BAR below its size are read-only, so that all ones read back as the size's mask.
 *
 * <p>Thread-safe. Accesses are serialised; the queries read one volatile value each and may be used by pollers.
 */
public final class ConfigSpace implements ConfigReader {
    /** Size of the space in bytes. */
    public static final int BYTES = 4096;

    /** {@link #write}: memory space, bus master or INTx disable changed. */
    public static final int COMMAND_CHANGED = 1;
    /** {@link #write}: MSI-X enable or function mask changed. */
    public static final int MSIX_CHANGED = 1 << 1;
    /** {@link #write}: the power state changed. */
    public static final int POWER_STATE_CHANGED = 1 << 2;
    /** {@link #write}: a function level reset was asked for. The caller resets the function, {@link #reset} included. */
    public static final int FUNCTION_LEVEL_RESET = 1 << 3;

    private final byte[] initial;
    private final byte[] image;
    private final byte[] writable;
    private final byte[] clearable;
    private final long[] barBytes;
    private final int msixControlOffset;
    private final int pmcsrOffset;
    private final int deviceControlOffset;

    private volatile int command;
    private volatile int msixControl;
    private volatile int pmcsr;

    ConfigSpace(ConfigSpaceBuilder from) {
        initial = from.image.clone();
        image = from.image.clone();
        writable = from.writable.clone();
        clearable = from.clearable.clone();
        barBytes = from.barBytes.clone();
        msixControlOffset = from.msixOffset < 0 ? -1 : from.msixOffset + MsixCapability.CONTROL;
        pmcsrOffset = from.pmOffset < 0 ? -1 : from.pmOffset + PowerManagement.PMCSR;
        deviceControlOffset = from.expressOffset < 0 ? -1 : from.expressOffset + PciExpress.DEVICE_CONTROL;
        publish();
    }

    /** Starts the description of a function; see {@link ConfigSpaceBuilder}. */
    public static ConfigSpaceBuilder builder() {
        return new ConfigSpaceBuilder();
    }

    /**
     * Reads {@code bytes} bytes from {@code offset} into an array.
     *
     * @throws IllegalArgumentException if they do not lie inside the 4096 bytes
     */
    public synchronized void read(int offset, byte[] target, int targetOffset, int bytes) {
        check(offset, bytes);
        System.arraycopy(image, offset, target, targetOffset, bytes);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if they do not lie inside the 4096 bytes
     */
    @Override
    public synchronized int read(int offset, int bytes) {
        checkWidth(bytes, Integer.BYTES);
        check(offset, bytes);
        int value = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            value = (value << Byte.SIZE) | Byte.toUnsignedInt(image[offset + i]);
        }
        return value;
    }

    /**
     * Writes {@code bytes} bytes, at most 4096, from an array to {@code offset}.
     *
     * @return what it set off, a union of {@link #COMMAND_CHANGED} and its neighbours, or 0
     * @throws IllegalArgumentException if they do not lie inside the 4096 bytes; nothing is written then
     */
    public synchronized int write(int offset, byte[] source, int sourceOffset, int bytes) {
        check(offset, bytes);
        int powerStateBefore = powerState();
        for (int i = 0; i < bytes; i++) {
            int at = offset + i;
            byte value = source[sourceOffset + i];
            int kept = image[at] & ~writable[at] & ~(value & clearable[at]);
            image[at] = (byte) (kept | (value & writable[at]));
        }
        refuseMissingPowerStates(powerStateBefore);
        int effects = publish();
        return asksForReset(offset, source, sourceOffset, bytes) ? effects | FUNCTION_LEVEL_RESET : effects;
    }

    /** Writes a little-endian value of 1, 2, 4 or 8 bytes; otherwise as {@link #write(int, byte[], int, int)}. */
    public int write(int offset, int bytes, long value) {
        byte[] source = new byte[Long.BYTES];
        for (int i = 0; i < source.length; i++) {
            source[i] = (byte) (value >>> (i * Byte.SIZE));
        }
        checkWidth(bytes, Long.BYTES);
        return write(offset, source, 0, bytes);
    }

    /** Sets everything back to the state after power-on: BARs, command, MSI-X, power state. */
    public synchronized void reset() {
        System.arraycopy(initial, 0, image, 0, BYTES);
        publish();
    }

    /** Takes over all 4096 bytes, as {@link #read(int, byte[], int, int)} gave them from a function of the same description. */
    public synchronized void resume(byte[] from) {
        System.arraycopy(from, 0, image, 0, BYTES);
        publish();
    }

    /** Shows in the status register whether an INTx interrupt is pending. */
    public synchronized void setInterruptStatus(boolean pending) {
        int low = image[PciHeader.STATUS] & ~PciHeader.STATUS_INTERRUPT;
        image[PciHeader.STATUS] = (byte) (pending ? low | PciHeader.STATUS_INTERRUPT : low);
    }

    /** Whether the function answers to its memory BARs. */
    public boolean memoryEnabled() {
        return (command & PciHeader.COMMAND_MEMORY_SPACE) != 0;
    }

    /** Whether the function may do DMA and send message signalled interrupts. */
    public boolean busMasterEnabled() {
        return (command & PciHeader.COMMAND_BUS_MASTER) != 0;
    }

    /** Whether INTx must not be asserted. */
    public boolean intxDisabled() {
        return (command & PciHeader.COMMAND_INTX_DISABLE) != 0;
    }

    /** Whether MSI-X is in use. */
    public boolean msixEnabled() {
        return MsixCapability.isEnabled(msixControl);
    }

    /** Whether all MSI-X vectors are masked. */
    public boolean msixFunctionMasked() {
        return MsixCapability.isFunctionMasked(msixControl);
    }

    /** The power state: {@link PowerManagement#D0} or {@link PowerManagement#D3_HOT}. */
    public int powerState() {
        return PowerManagement.powerState(pmcsr);
    }

    /** The address that the BAR holds, 0 before software gave it one. */
    public synchronized long barAddress(int index) {
        return PciHeader.barAddress(this, index);
    }

    /** The size of a BAR in bytes; 0 for one that is not there, and for the upper half of a 64-bit one. */
    public long barBytes(int index) {
        return barBytes[index];
    }

    /** A write of D1 or D2, which this function does not have, is discarded (PCI Power Management 1.2, 3.2.4). */
    private void refuseMissingPowerStates(int before) {
        if (pmcsrOffset < 0) {
            return;
        }
        int now = PowerManagement.powerState(image[pmcsrOffset]);
        if (now != PowerManagement.D0 && now != PowerManagement.D3_HOT) {
            image[pmcsrOffset] = (byte) ((image[pmcsrOffset] & ~PowerManagement.D3_HOT) | before);
        }
    }

    private boolean asksForReset(int offset, byte[] source, int sourceOffset, int bytes) {
        int at = deviceControlOffset + 1; // Initiate FLR is the highest bit of the upper byte
        return deviceControlOffset >= 0
                && at >= offset
                && at < offset + bytes
                && ((source[sourceOffset + at - offset] << Byte.SIZE) & PciExpress.DEVICE_CONTROL_INITIATE_FLR) != 0;
    }

    /** Makes the queries see the image; answers what changed. */
    private int publish() {
        int newCommand = read(PciHeader.COMMAND, 2);
        int newMsixControl = msixControlOffset < 0 ? 0 : read(msixControlOffset, 2);
        int newPmcsr = pmcsrOffset < 0 ? 0 : read(pmcsrOffset, 2);
        int effects = newCommand == command ? 0 : COMMAND_CHANGED;
        effects |= newMsixControl == msixControl ? 0 : MSIX_CHANGED;
        effects |= PowerManagement.powerState(newPmcsr) == powerState() ? 0 : POWER_STATE_CHANGED;
        command = newCommand;
        msixControl = newMsixControl;
        pmcsr = newPmcsr;
        return effects;
    }

    private static void checkWidth(int bytes, int most) {
        if (bytes < 1 || bytes > most) {
            throw new IllegalArgumentException(
                    "a value of " + bytes + " bytes; 1 to " + most + " fit, use the array form for more");
        }
    }

    private static void check(int offset, int bytes) {
        if (offset < 0 || bytes < 0 || bytes > BYTES - offset) {
            throw new IllegalArgumentException("access of " + bytes + " bytes at offset " + offset
                    + " of configuration space, which has 4096 bytes");
        }
    }
}
