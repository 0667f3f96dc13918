package io.sluice.controller;

import io.sluice.device.AccessRefused;
import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.pci.ConfigSpace;
import io.sluice.pci.MsixTable;
import io.sluice.pci.PciHeader;
import io.sluice.pci.PowerManagement;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;

/**
 * What makes the controller a PCI function: configuration space, and the BAR with MSI-X' table and pending bits.
 *
 * <pre>
 *   BAR4:   0h                   800h            1000h
 *           | table, 16 bytes    | pending bits, |
 *           | a vector           | read-only     |
 * </pre>
 *
 * <p>Memory Space Enable is not looked at: it switches the bus's address decoder, which is the VMM's; clients that have no
 * bus leave it off.
 */
final class PciSide {
    static final int MSIX_BAR = 4;
    static final int MSIX_BAR_BYTES = Memory.PAGE_BYTES;
    static final int CONFIG_BYTES = ConfigSpace.BYTES;

    private static final int BAR0 = 0;
    private static final int PENDING_OFFSET = 0x800;
    private static final int INTA = 1;
    private static final int REVISION = 1;

    /** Offset in an MSI-X entry of the message address' lower half, of which bits 1:0 are always 0. */
    private static final int ENTRY_ADDRESS = 0;
    /** Offset in an MSI-X entry of the vector control, of which only bit 0 exists. */
    private static final int ENTRY_CONTROL = 12;

    private final ConfigSpace config;
    private final long msixMemory;
    private final byte[] image = new byte[CONFIG_BYTES];
    private final MsixTable msixTable;

    /** @param state where the MSI-X BAR is; unless it is used, all is as after power-on */
    PciSide(ControllerConfig controller, ControllerState state) {
        int vectors = controller.interruptVectors();
        ControllerConfig.PciIdentity identity = controller.pci();
        config = ConfigSpace.builder()
                .identity(identity.vendorId(), identity.deviceId(), REVISION)
                .subsystem(identity.subsystemVendorId(), identity.subsystemId())
                .classCode(PciHeader.CLASS_NVM_EXPRESS)
                .interruptPin(INTA)
                .memoryBar64(BAR0, DoorbellPage.BAR_BYTES, false)
                .memoryBar64(MSIX_BAR, MSIX_BAR_BYTES, false)
                .powerManagement()
                .msix(vectors, MSIX_BAR, 0, MSIX_BAR, PENDING_OFFSET)
                .pciExpress()
                .build();
        msixMemory = state.msixBar();
        msixTable = new MsixTable(msixMemory, msixMemory + PENDING_OFFSET, vectors);
        if (!state.isUsed()) {
            msixTable.reset();
        }
    }

    /** All but the MSI-X BAR, which is where it outlives this process. */
    void save(SnapshotWriter out) {
        config.read(0, image, 0, CONFIG_BYTES);
        out.put(image);
    }

    void resume(SnapshotReader in) {
        in.get(image);
        config.resume(image);
    }

    /** As after power-on. */
    void reset() {
        config.reset();
        msixTable.reset();
    }

    ConfigSpace config() {
        return config;
    }

    /** Whether the function answers to its BARs: it does not in D3hot. */
    boolean isPoweredUp() {
        return config.powerState() == PowerManagement.D0;
    }

    /** Whether the function may read and write the guest's memory and send messages. */
    boolean mayAccessMemory() {
        return config.busMasterEnabled() && isPoweredUp();
    }

    /** Shows whether a vector waits to be signalled. */
    void showPending(int vector, boolean pending) {
        msixTable.setPending(vector, pending);
    }

    void readMsixBar(long offset, byte[] target) throws AccessRefused {
        checkMsixAccess("read", offset, target.length);
        Memory.copyOut(msixMemory + offset, target, 0, target.length);
    }

    /** Table entries take what they have bits for; pending bits and the rest of the BAR take nothing. */
    void writeMsixBar(long offset, byte[] source) throws AccessRefused {
        checkMsixAccess("write", offset, source.length);
        long value = LittleEndian.get(source);
        for (int i = 0; i < source.length; i += Integer.BYTES) {
            int word = (int) (i == 0 ? Bits.get(value, 31, 0) : Bits.get(value, 63, 32));
            writeWord(offset + i, word);
        }
    }

    private void writeWord(long offset, int value) {
        if (offset >= MsixTable.tableBytes(msixTable.vectors())) {
            return;
        }
        int field = (int) (offset % MsixTable.ENTRY_BYTES);
        int stored = value;
        if (field == ENTRY_ADDRESS) {
            stored = Bits.with(value, 1, 0, 0);
        } else if (field == ENTRY_CONTROL) {
            stored = Bits.get(value, 0, 0);
        }
        Memory.putInt(msixMemory + offset, stored);
    }

    private static void checkMsixAccess(String what, long offset, int bytes) throws AccessRefused {
        boolean width = bytes == Integer.BYTES || bytes == Long.BYTES;
        if (!width || offset % bytes != 0) {
            throw new AccessRefused(what + " of " + bytes + " bytes at 0x" + Long.toHexString(offset)
                    + " of BAR4: MSI-X structures are accessed by aligned 4 or 8 bytes");
        }
    }
}
