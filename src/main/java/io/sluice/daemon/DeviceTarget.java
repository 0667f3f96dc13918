package io.sluice.daemon;

import io.sluice.hostpci.PciAddress;
import io.sluice.vfiouser.client.VfioUserClient;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Which device to drive: one behind a vfio-user socket, one of this host that vfio-pci has, or a software model in this process.
 */
public sealed interface DeviceTarget {
    /**
     * Behind a socket.
     *
     * @param timeout how long its server may take for an answer
     * @param sharesMemory whether its server gets our memory by descriptors; else by a message for each access
     */
    record Socket(Path path, Duration timeout, boolean sharesMemory) implements DeviceTarget {
        /** With shared memory. */
        public Socket(Path path, Duration timeout) {
            this(path, timeout, true);
        }

        /** With the usual time for an answer, and shared memory. */
        public Socket(Path path) {
            this(path, VfioUserClient.DEFAULT_TIMEOUT);
        }

        /** The same, without shared memory. */
        public Socket withoutSharedMemory() {
            return new Socket(path, timeout, false);
        }

        @Override
        public String toString() {
            return path.toString();
        }
    }

    /** Of this host. */
    record Pci(PciAddress address) implements DeviceTarget {
        @Override
        public String toString() {
            return address.toString();
        }
    }

    /**
     * A software model in this process, on a thread of its own, that lives as long as it is driven.
     *
     * @param name for messages
     * @param drive what it is
     */
    record Model(String name, DriveOptions drive) implements DeviceTarget {
        /** Whether its data was there before it, and stays after it. */
        public boolean isKept() {
            return drive.media().stream().anyMatch(Medium.File.class::isInstance);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** All of another target, through a mediator in this process that has no other guest. */
    record Mediated(DeviceTarget device) implements DeviceTarget {
        @Override
        public String toString() {
            return device + ",via=mediator";
        }
    }

    /**
     * Reads a target that is a socket or of this host: what looks like a PCI address is one ({@code ./0000:01:00.0} is a file of that name), all else is a path.
     *
     * @throws java.nio.file.InvalidPathException if it cannot even be that
     */
    static DeviceTarget parse(String text) {
        try {
            return new Pci(PciAddress.parse(text));
        } catch (IllegalArgumentException notAnAddress) {
            return new Socket(Path.of(text));
        }
    }
}
