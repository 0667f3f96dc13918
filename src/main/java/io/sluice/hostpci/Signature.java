package io.sluice.hostpci;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What a disk or partition holds by the mark that is written on it, whoever uses it or not. A member of a volume group, an array
 * or a pool that is not active has no user that could be seen; the others still miss it when it is gone.
 */
enum Signature {
    /** Label in one of the first four sectors, most often the second; lvm2, lib/format_text/layout.h. */
    LVM("a member of an LVM volume group (inactive)", true) {
        @Override
        boolean isOn(Disk disk) {
            return disk.has(0, "LABELONE")
                    || disk.has(512, "LABELONE")
                    || disk.has(1024, "LABELONE")
                    || disk.has(1536, "LABELONE");
        }
    },
    /** LUKS1 and LUKS2 On-Disk Format Specification: the first six bytes. */
    LUKS("a LUKS volume (closed)", true) {
        @Override
        boolean isOn(Disk disk) {
            return disk.hasBytes(0, "4c554b53babe");
        }
    },
    /** Superblock 0.90 and 1.0 near the end, 1.1 at the start, 1.2 at 4 KiB; linux, include/uapi/linux/raid/md_p.h. */
    MD("a member of an md array (stopped)", true) {
        private static final int MAGIC = 0xa92b4efc;
        private static final long OLD_UNIT = 65_536;

        @Override
        boolean isOn(Disk disk) {
            long last8K = (disk.bytes() - 8192) / 4096 * 4096;
            long old = disk.bytes() / OLD_UNIT * OLD_UNIT - OLD_UNIT;
            return disk.has(0, MAGIC) || disk.has(4096, MAGIC) || disk.has(last8K, MAGIC) || disk.has(old, MAGIC);
        }
    },
    /** The first uberblock of a label, in either byte order; openzfs, include/sys/uberblock_impl.h. */
    ZFS("a member of a ZFS pool (not imported)", true) {
        private static final int MAGIC = 0x00bab10c;
        private static final int FIRST = 128 << 10;
        private static final int BYTES = 128 << 10;
        private static final int SMALLEST_SLOT = 1024;

        @Override
        boolean isOn(Disk disk) {
            for (int at = FIRST; at < FIRST + BYTES; at += SMALLEST_SLOT) {
                boolean big = disk.has(at, 0) && disk.has(at + Integer.BYTES, Integer.reverseBytes(MAGIC));
                boolean little = disk.has(at, MAGIC) && disk.has(at + Integer.BYTES, 0);
                if (big || little) {
                    return true;
                }
            }
            return false;
        }
    },
    /** Linux, include/uapi/linux/bcache.h: magic at 24 of the superblock at 4 KiB. */
    BCACHE("a member of a bcache set (stopped)", true) {
        @Override
        boolean isOn(Disk disk) {
            return disk.hasBytes(4096 + 24, "c68573f64e1a45ca");
        }
    },
    /** Superblock at 1 KiB, s_magic at 56; linux, fs/ext4/ext4.h. */
    EXT("an ext2, ext3 or ext4 file system", false) {
        @Override
        boolean isOn(Disk disk) {
            return disk.hasBytes(1024 + 56, "53ef");
        }
    },
    /** Superblock at 0; linux, fs/xfs/libxfs/xfs_format.h. */
    XFS("an XFS file system", false) {
        @Override
        boolean isOn(Disk disk) {
            return disk.has(0, "XFSB");
        }
    },
    /** Superblock at 64 KiB, magic at 64; linux, include/uapi/linux/btrfs_tree.h. */
    BTRFS("a btrfs file system", false) {
        @Override
        boolean isOn(Disk disk) {
            return disk.has(65_536 + 64, "_BHRfS_M");
        }
    },
    /** At the end of the first page; linux, include/linux/swap.h. */
    SWAP("a swap area", false) {
        @Override
        boolean isOn(Disk disk) {
            return disk.has(4096 - 10, "SWAPSPACE2");
        }
    };

    private final String holds;
    private final boolean ofSeveral;

    Signature(String holds, boolean ofSeveral) {
        this.holds = holds;
        this.ofSeveral = ofSeveral;
    }

    abstract boolean isOn(Disk disk);

    /** "a LUKS volume (closed)". */
    String holds() {
        return holds;
    }

    /** Whether something that is more than this disk, or hidden in it, is lost with it. */
    boolean isOfSeveral() {
        return ofSeveral;
    }

    /**
     * Looks at the first 256 KiB and the last 128 KiB.
     *
     * @return what it finds first; empty also where the node cannot be read
     */
    static Optional<Signature> of(Path node) {
        try (SeekableByteChannel channel = Files.newByteChannel(node)) {
            Disk disk = Disk.read(channel);
            return Arrays.stream(values()).filter(each -> each.isOn(disk)).findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The beginning and the end of a disk. */
    record Disk(long bytes, ByteBuffer first, ByteBuffer last) {
        static final int FIRST_BYTES = 256 << 10;
        static final int LAST_BYTES = 128 << 10;

        static Disk read(SeekableByteChannel channel) throws IOException {
            long bytes = channel.size();
            ByteBuffer first = read(channel, 0, (int) Math.min(bytes, FIRST_BYTES));
            int lastBytes = (int) Math.min(bytes, LAST_BYTES);
            return new Disk(bytes, first, read(channel, bytes - lastBytes, lastBytes));
        }

        private static ByteBuffer read(SeekableByteChannel channel, long at, int bytes) throws IOException {
            ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
            channel.position(at);
            while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
                // until all is there, or the disk is shorter than it says
            }
            return buffer;
        }

        boolean has(long at, String ascii) {
            return has(at, ascii.getBytes(StandardCharsets.US_ASCII));
        }

        /** Bytes in hexadecimal. */
        boolean hasBytes(long at, String hex) {
            return has(at, HexFormat.of().parseHex(hex));
        }

        /** A number of four bytes, little endian. */
        boolean has(long at, int number) {
            ByteBuffer wanted = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            return has(at, wanted.putInt(0, number).array());
        }

        private boolean has(long at, byte[] wanted) {
            for (int i = 0; i < wanted.length; i++) {
                if (byteAt(at + i) != Byte.toUnsignedInt(wanted[i])) {
                    return false;
                }
            }
            return true;
        }

        /** -1 where nothing was read. */
        private int byteAt(long at) {
            if (at >= 0 && at < first.capacity()) {
                return Byte.toUnsignedInt(first.get((int) at));
            }
            long inLast = at - (bytes - last.capacity());
            return inLast >= 0 && inLast < last.capacity() ? Byte.toUnsignedInt(last.get((int) inLast)) : -1;
        }
    }
}
