package io.sluice.daemon;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;

/** What a namespace of a software model is made of. */
public sealed interface Medium {
    /**
     * Memory: full of zeroes at first, and gone with the process.
     *
     * @param bytes its size: one block or more, whole blocks
     * @param blockBytes size of a logical block: 512 or 4096
     * @param hugePages whether it is on hugepages of 2 MiB, reserved at once
     */
    record Memory(long bytes, int blockBytes, boolean hugePages) implements Medium {
        public Memory {
            requireBlocks(bytes, blockBytes);
        }

        /** In small pages, which are taken as they are written. */
        public Memory(long bytes, int blockBytes) {
            this(bytes, blockBytes, false);
        }
    }

    /**
     * Nothing: commands succeed without moving data, to measure everything else.
     *
     * @param bytes its size, as above
     * @param blockBytes size of a logical block, as above
     */
    record Nothing(long bytes, int blockBytes) implements Medium {
        public Nothing {
            requireBlocks(bytes, blockBytes);
        }
    }

    /**
     * A file or a block device of this host.
     *
     * @param path where
     * @param bytes its size, which a file that is not there is made with; empty for the size that it has
     * @param blockBytes size of a logical block, as above; empty for 512, or what the device has
     * @param readOnly whether the guest may not write
     */
    record File(Path path, OptionalLong bytes, OptionalInt blockBytes, boolean readOnly) implements Medium {
        private static final String SERIAL = "FILE-";
        private static final int SERIAL_DIGITS = 12;

        public File {
            blockBytes.ifPresent(Medium::requireBlockSize);
            if (bytes.isPresent()) {
                requireBlocks(bytes.getAsLong(), blockBytes.orElse(SMALL_BLOCK));
            }
        }

        /** A serial number that is the same for the same path, so that a guest knows its drive again after each start. */
        public String serial() {
            String place = "sluice file " + path.toAbsolutePath().normalize();
            UUID uuid = UUID.nameUUIDFromBytes(place.getBytes(StandardCharsets.UTF_8));
            return SERIAL
                    + uuid.toString()
                            .replace("-", "")
                            .substring(0, SERIAL_DIGITS)
                            .toUpperCase(Locale.ROOT);
        }
    }

    /** The smaller of the two sizes that a logical block can have. */
    int SMALL_BLOCK = 512;

    private static void requireBlocks(long bytes, int blockBytes) {
        requireBlockSize(blockBytes);
        if (bytes < blockBytes || bytes % blockBytes != 0) {
            throw new IllegalArgumentException("a drive of " + bytes + " bytes is not made of whole blocks of "
                    + blockBytes + " bytes, one or more");
        }
    }

    private static void requireBlockSize(int blockBytes) {
        if (blockBytes != SMALL_BLOCK && blockBytes != 4096) {
            throw new IllegalArgumentException("blocks have 512 or 4096 bytes, not " + blockBytes);
        }
    }
}
