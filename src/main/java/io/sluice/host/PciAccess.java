package io.sluice.host;

import io.sluice.device.PciDevice;
import io.sluice.pci.ConfigReader;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Function;

/** What the driver does in PCI configuration space. */
final class PciAccess {
    private PciAccess() {}

    /**
     * Makes sure that this is an NVMe controller, and lets it answer to memory accesses and do DMA. INTx is turned off:
     * completions are polled, or announced by MSI-X.
     */
    static void enable(PciDevice device) throws IOException {
        int vendor = device.readConfig(PciHeader.VENDOR_ID, 2);
        if (vendor == PciHeader.NO_VENDOR) {
            throw new DeviceFailure(device.name() + " does not answer: its configuration space reads all ones."
                    + " It has been removed, or has no power");
        }
        int classCode = read(device, PciHeader::classCode);
        if (classCode != PciHeader.CLASS_NVM_EXPRESS) {
            throw new IOException(device.name() + " is not an NVMe controller: its class code is 0x"
                    + Integer.toHexString(classCode) + ", not 0x" + Integer.toHexString(PciHeader.CLASS_NVM_EXPRESS));
        }
        int command = device.readConfig(PciHeader.COMMAND, 2);
        device.writeConfig(
                PciHeader.COMMAND,
                2,
                command
                        | PciHeader.COMMAND_MEMORY_SPACE
                        | PciHeader.COMMAND_BUS_MASTER
                        | PciHeader.COMMAND_INTX_DISABLE);
    }

    /**
     * Takes the right to do DMA away from a device that does not obey otherwise.
     *
     * @return whether that is certain: the register was read back, behind all that the device had still sent. Not so for a
     *     device that is not there, or cannot be reached
     */
    static boolean silence(PciDevice device) {
        try {
            int command = device.readConfig(PciHeader.COMMAND, 2);
            device.writeConfig(PciHeader.COMMAND, 2, command & ~PciHeader.COMMAND_BUS_MASTER);
            return (device.readConfig(PciHeader.COMMAND, 2) & PciHeader.COMMAND_BUS_MASTER) == 0;
        } catch (IOException | RuntimeException unreachable) {
            return false;
        }
    }

    /**
     * Enables MSI-X in the capability. The kernel does that by itself for a device under VFIO, where this write has no
     * effect; a vfio-user server leaves it to its client.
     */
    static void enableMsix(PciDevice device) throws IOException {
        MsixCapability msix = read(device, MsixCapability::of);
        if (msix == null) {
            throw new IOException(device.name() + " has interrupts of the kind MSI-X, but no such capability");
        }
        int control = msix.offset() + MsixCapability.CONTROL;
        int value = device.readConfig(control, 2);
        device.writeConfig(control, 2, (value | MsixCapability.CONTROL_ENABLE) & ~MsixCapability.CONTROL_FUNCTION_MASK);
    }

    /** Decodes something out of configuration space; the decoders know nothing of failing reads. */
    static <T> T read(PciDevice device, Function<ConfigReader, T> decoder) throws IOException {
        try {
            return decoder.apply((offset, bytes) -> {
                try {
                    return device.readConfig(offset, bytes);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
