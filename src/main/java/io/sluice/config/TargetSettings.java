package io.sluice.config;

/** Which device is shared. */
public sealed interface TargetSettings {
    /**
     * A device of this host, which vfio-pci has.
     *
     * @param address in Linux's notation, with its domain: {@code 0000:01:00.0}
     */
    record Pci(String address) implements TargetSettings {
        @Override
        public String toString() {
            return address;
        }
    }

    /**
     * One behind a vfio-user socket.
     *
     * @param path absolute, at most 107 bytes
     */
    record Socket(String path) implements TargetSettings {
        @Override
        public String toString() {
            return path;
        }
    }

    /**
     * A software model, whose data is in memory and ends with the process.
     *
     * @param bytes its size, a multiple of 1 MiB
     * @param blockBytes size of a logical block, 512 or 4096
     */
    record Model(long bytes, int blockBytes) implements TargetSettings {
        @Override
        public String toString() {
            return "model:" + ByteCount.exact(bytes) + ":" + blockBytes;
        }
    }
}
