package io.sluice.config;

import java.util.OptionalInt;
import java.util.OptionalLong;

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

    /**
     * A software model, whose data is in a file or on a block device of this host.
     *
     * @param path absolute
     * @param bytes its size, a multiple of 1 MiB, which a file that is not there is made with; empty for the size that it has
     * @param blockBytes size of a logical block, 512 or 4096; empty for 512, or what the device has
     */
    record ModelFile(String path, OptionalLong bytes, OptionalInt blockBytes) implements TargetSettings {
        @Override
        public String toString() {
            return "model:file=" + path
                    + (bytes.isPresent() ? ",size=" + ByteCount.exact(bytes.getAsLong()) : "")
                    + (blockBytes.isPresent() ? ",block-size=" + blockBytes.getAsInt() : "");
        }
    }
}
