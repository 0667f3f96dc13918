package io.sluice.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * The file beside a drive's file that says which of its bytes a guest has marked as not readable (Write Uncorrectable). Where there is
 * none, there are no marks. It is replaced as a whole, so what is there is always what was saved last.
 *
 * <pre>
 *   0 "SLUICEWU" │ 8 version │ 12 count │ 16 count times: first byte, bytes, 64 bits each │ CRC-32C of all that, 32 bits    little endian
 * </pre>
 */
final class MarkFile {
    static final String SUFFIX = ".uncorrectable";

    private static final long MAGIC = 0x5557_4543_4955_4c53L;
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 16;
    private static final int RANGE_BYTES = 16;
    private static final int MAX_BYTES = HEADER_BYTES + BadBlocks.MAX_RANGES * RANGE_BYTES + Integer.BYTES;
    private static final Set<OpenOption> WRITE_NEW = Set.of(
            StandardOpenOption.WRITE,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            LinkOption.NOFOLLOW_LINKS);

    private final Path path;

    /** @param of the drive's file, without links */
    MarkFile(Path of) {
        path = of.resolveSibling(of.getFileName() + SUFFIX);
    }

    /**
     * Reads what was saved.
     *
     * @param fileBytes how long the drive's file is: what is marked behind its end is left out
     * @return first byte and number of bytes of each range, ascending
     * @throws IOException if it is there and not what was written, with what to do
     */
    long[] load(long fileBytes) throws IOException {
        byte[] bytes;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            bytes = new byte[(int) Math.min(channel.size(), MAX_BYTES + 1L)];
            ByteBuffer all = ByteBuffer.wrap(bytes);
            while (all.hasRemaining() && channel.read(all) >= 0) {
                // until it is whole
            }
        } catch (NoSuchFileException e) {
            return new long[0];
        } catch (IOException e) {
            throw refusal("cannot be read (" + e.getMessage() + ")", e);
        }
        return clipped(decode(bytes), fileBytes);
    }

    private long[] decode(byte[] bytes) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < HEADER_BYTES + Integer.BYTES || in.getLong() != MAGIC || in.getInt() != VERSION) {
            throw refusal("is not of this version of Sluice, or damaged", null);
        }
        int count = in.getInt();
        boolean fits = count >= 0
                && count <= BadBlocks.MAX_RANGES
                && bytes.length == HEADER_BYTES + count * RANGE_BYTES + Integer.BYTES;
        if (!fits || in.getInt(bytes.length - Integer.BYTES) != checksum(bytes)) {
            throw refusal("is damaged", null);
        }
        long[] ranges = new long[2 * count];
        long end = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            ranges[i] = in.getLong();
            ranges[i + 1] = in.getLong();
            boolean makesSense = ranges[i] >= end && ranges[i + 1] > 0 && ranges[i + 1] <= Long.MAX_VALUE - ranges[i];
            if (!makesSense) {
                throw refusal("has ranges that make no sense", null);
            }
            end = ranges[i] + ranges[i + 1];
        }
        return ranges;
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - Integer.BYTES);
        return (int) crc.getValue();
    }

    private static long[] clipped(long[] ranges, long fileBytes) {
        int length = 0;
        while (length < ranges.length && ranges[length] < fileBytes) {
            ranges[length + 1] = Math.min(ranges[length + 1], fileBytes - ranges[length]);
            length += 2;
        }
        return Arrays.copyOf(ranges, length);
    }

    private IOException refusal(String why, Exception cause) {
        return new IOException(
                path + " " + why
                        + ". It says which blocks beside it a guest has written uncorrectable: put a good copy in its"
                        + " place, or remove it to have all blocks readable",
                cause);
    }

    /**
     * Has it say this, and is on the medium then.
     *
     * @param ranges as {@link #load} returns them
     * @throws IOException if that is not possible: it says what it has said before
     */
    void save(long[] ranges) throws IOException {
        if (ranges.length == 0) {
            delete();
            return;
        }
        Path next = path.resolveSibling(path.getFileName() + ".new");
        try (FileChannel channel = FileChannel.open(
                next, WRITE_NEW, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer all = encode(ranges);
            while (all.hasRemaining()) {
                channel.write(all);
            }
            channel.force(true);
        }
        Files.move(next, path, StandardCopyOption.ATOMIC_MOVE);
        syncFolder();
    }

    private static ByteBuffer encode(long[] ranges) {
        int bytes = HEADER_BYTES + ranges.length * Long.BYTES + Integer.BYTES;
        ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(MAGIC).putInt(VERSION).putInt(ranges.length / 2);
        for (long each : ranges) {
            out.putLong(each);
        }
        out.putInt(checksum(out.array()));
        return out.flip();
    }

    /** Nothing is marked. */
    void delete() throws IOException {
        if (Files.deleteIfExists(path)) {
            syncFolder();
        }
    }

    private void syncFolder() throws IOException {
        try (FileChannel folder = FileChannel.open(path.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }
}
