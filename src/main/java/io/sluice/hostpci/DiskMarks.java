package io.sluice.hostpci;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** What a disk holds, told by the marks that partition tables, file systems and others leave at its beginning and its end. */
public final class DiskMarks {
    /** How much of the beginning is looked at. */
    public static final int FIRST_BYTES = Signature.Disk.FIRST_BYTES;

    /** How much of the end. */
    public static final int LAST_BYTES = Signature.Disk.LAST_BYTES;

    /** Of a boot sector, which ends so in a partition table as in a file system of DOS's kin. */
    private static final int BOOT_SECTOR_END = 510;

    private static final String BOOT_SECTOR_MARK = "55aa";
    private static final int PARTITIONS = 446;
    private static final int PARTITION_BYTES = 16;
    private static final int TYPE = 4;
    private static final int ACTIVE = 0x80;

    private DiskMarks() {}

    /**
     * Names it: "a GPT partition table", "an XFS file system".
     *
     * @param bytes size of the disk
     * @param first what it begins with: {@link #FIRST_BYTES}, or all of a smaller disk
     * @param last what it ends with: {@link #LAST_BYTES}, likewise
     * @return empty if there is no mark that is known here
     */
    public static Optional<String> name(long bytes, ByteBuffer first, ByteBuffer last) {
        Signature.Disk disk =
                new Signature.Disk(bytes, first.order(ByteOrder.LITTLE_ENDIAN), last.order(ByteOrder.LITTLE_ENDIAN));
        // At the second block, whose size the disk's maker has chosen; UEFI 2.10, table 5.5.
        if (disk.has(512, "EFI PART") || disk.has(4096, "EFI PART")) {
            return Optional.of("a GPT partition table");
        }
        Optional<String> signature = Arrays.stream(Signature.values())
                .filter(each -> each.isOn(disk))
                .map(Signature::holds)
                .findFirst();
        return signature.isPresent() ? signature : bootSector(disk, first);
    }

    private static Optional<String> bootSector(Signature.Disk disk, ByteBuffer first) {
        if (!disk.hasBytes(BOOT_SECTOR_END, BOOT_SECTOR_MARK)) {
            return Optional.empty();
        }
        if (disk.has(3, "NTFS    ")) {
            return Optional.of("an NTFS file system");
        }
        if (disk.has(54, "FAT") || disk.has(82, "FAT32") || disk.has(3, "EXFAT   ")) {
            return Optional.of("a FAT file system");
        }
        return hasPartitions(first) ? Optional.of("an MBR partition table") : Optional.of("a boot sector");
    }

    /** Four entries, each active or not, one of which at least has a type. */
    private static boolean hasPartitions(ByteBuffer first) {
        boolean any = false;
        for (int at = PARTITIONS; at < BOOT_SECTOR_END; at += PARTITION_BYTES) {
            int status = Byte.toUnsignedInt(first.get(at));
            if (status != 0 && status != ACTIVE) {
                return false;
            }
            any |= first.get(at + TYPE) != 0;
        }
        return any;
    }
}
