package io.sluice.hostpci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Marks as they lie on disks, and what they are called. */
class DiskMarksTest {
    private static final int BYTES = 1 << 20;

    /** Boot code's mark at 510, one Linux partition at 446. */
    private static final String MBR = "446:80202100830b0b020008000000001000 510:55aa";

    static Stream<Arguments> disks() {
        return Stream.of(
                arguments("512:4546492050415254 450:ee 510:55aa", "a GPT partition table"), // "EFI PART"
                arguments("4096:4546492050415254", "a GPT partition table"),
                arguments(MBR, "an MBR partition table"),
                arguments("1080:53ef", "an ext2, ext3 or ext4 file system"),
                arguments("1080:53ef 510:55aa", "an ext2, ext3 or ext4 file system"), // with a boot loader in front
                arguments("0:58465342", "an XFS file system"),
                arguments("0:4c554b53babe", "a LUKS volume (closed)"),
                arguments("1040384:fc4e2ba9", "a member of an md array (stopped)"), // near the end
                arguments("3:4e54465320202020 510:55aa", "an NTFS file system"),
                arguments("82:4641543332 510:55aa", "a FAT file system"),
                arguments("510:55aa", "a boot sector"),
                arguments("446:31 450:83 510:55aa", "a boot sector")); // a status that no partition has
    }

    private static Optional<String> name(String bytes) {
        ByteBuffer disk = ByteBuffer.allocate(BYTES);
        for (String part : bytes.split(" ", -1)) {
            String[] placed = part.split(":", -1);
            disk.put(Integer.parseInt(placed[0]), HexFormat.of().parseHex(placed[1]));
        }
        ByteBuffer last = disk.slice(BYTES - DiskMarks.LAST_BYTES, DiskMarks.LAST_BYTES);
        return DiskMarks.name(BYTES, disk.slice(0, DiskMarks.FIRST_BYTES), last);
    }

    @ParameterizedTest
    @MethodSource("disks")
    void shouldNameWhatADiskHolds(String bytes, String name) {
        assertEquals(Optional.of(name), name(bytes));
    }

    @Test
    void shouldNameNothingItDoesNotKnow() {
        assertEquals(Optional.empty(), name("0:0102030405 511:aa 4096:55aa"));
        ByteBuffer tiny = ByteBuffer.allocate(16);
        assertEquals(Optional.empty(), DiskMarks.name(16, tiny, tiny));
    }
}
