package io.sluice.storage;

import io.sluice.linux.BlockDevice;
import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.FileStatus;
import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A file or a block device of the host that is a namespace's medium, and that nobody else has open as one: a file is locked
 * (flock on the inode, whatever its names), a block device is opened exclusively (O_EXCL).
 */
public final class BackingFile implements RawFile {
    private static final int SMALL_BLOCK = 512;
    private static final int LARGE_BLOCK = 4096;

    private final Path path;
    private final Fd fd;
    private final boolean device;
    private long bytes;
    private int blockBytes;

    /** Where it is kept what is marked; null for a device, which has nothing beside it. */
    private MarkFile markFile;

    private long[] marks = NO_MARKS;

    private BackingFile(Path path, Fd fd, boolean device) {
        this.path = path;
        this.fd = fd;
        this.device = device;
    }

    /**
     * Opens one.
     *
     * @param path of a regular file or a block device; links are followed
     * @param size what it must have, and what a file that is not there is made with, sparse and for its owner alone (0600);
     *     empty to take what it has
     * @param blockSize of its logical blocks, 512 or 4096; empty for 512, or what the device has
     * @param readOnly whether it is opened for reading only, so that others may read it too
     * @throws IOException if it cannot serve, with why and what to do; nothing is left behind
     */
    public static BackingFile open(Path path, OptionalLong size, OptionalInt blockSize, boolean readOnly)
            throws IOException {
        if (size.isPresent() && !readOnly) {
            create(path, size.getAsLong());
        }
        Fd fd = openExisting(path, size, readOnly);
        try {
            FileStatus status = FileStatus.of(fd);
            BackingFile file = new BackingFile(path, fd, status.isBlockDevice());
            if (!file.device) {
                file.lock(status, readOnly);
            }
            file.measure(size, blockSize);
            if (!file.device) {
                file.markFile = new MarkFile(path.toRealPath());
                file.marks = file.markFile.load(file.bytes);
            }
            return file;
        } catch (IOException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** Makes a file where there is none. */
    private static void create(Path path, long size) throws IOException {
        try (Fd fd = FileIo.open(path, FileIo.O_RDWR | FileIo.O_CREAT | FileIo.O_EXCL)) {
            new MarkFile(path.toAbsolutePath()).delete(); // of a file of that name that is no more
            FileIo.resize(fd, size);
            syncFolder(path);
        } catch (LinuxException e) {
            if (e.errno() == Errno.EEXIST) {
                return;
            }
            if (e.call().equals("ftruncate")) {
                Files.deleteIfExists(path);
                throw new IOException(
                        path + " cannot be made with " + size + " bytes: " + e.getMessage()
                                + ". Choose a smaller size, or another file system",
                        e);
            }
            throw new IOException(
                    path + " cannot be made: " + e.getMessage()
                            + (e.errno() == Errno.ENOENT ? ". Make its folder first" : ""),
                    e);
        }
    }

    /** A flush of the file makes its data safe, and not on every file system that it is found again: its folder names it. */
    private static void syncFolder(Path path) throws IOException {
        try (FileChannel folder = FileChannel.open(path.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }

    /** What it is is found out before it is opened: opening a pipe or a character device may do something to it. */
    private static Fd openExisting(Path path, OptionalLong size, boolean readOnly) throws IOException {
        boolean device;
        try (Fd name = FileIo.openPath(path)) {
            FileStatus status = FileStatus.of(name);
            requireUsable(path, status);
            device = status.isBlockDevice();
        } catch (LinuxException e) {
            throw new IOException(refusal(path, e, size, readOnly), e);
        }
        int flags = (readOnly ? FileIo.O_RDONLY : FileIo.O_RDWR) | FileIo.O_NONBLOCK | (device ? FileIo.O_EXCL : 0);
        Fd fd;
        try {
            fd = FileIo.open(path, flags);
        } catch (LinuxException e) {
            throw new IOException(refusal(path, e, size, readOnly), e);
        }
        try {
            requireUsable(path, FileStatus.of(fd));
            return fd;
        } catch (IOException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    private static void requireUsable(Path path, FileStatus status) throws IOException {
        String kind = status.isDirectory()
                ? "a folder"
                : status.isPipe()
                        ? "a pipe"
                        : status.isSocket() ? "a socket" : status.isCharacterDevice() ? "a character device" : "";
        if (!kind.isEmpty()) {
            throw new IOException(path + " is " + kind + "; a drive's data goes to a regular file or a block device");
        }
    }

    private static String refusal(Path path, LinuxException e, OptionalLong size, boolean readOnly) {
        return switch (e.errno()) {
            case Errno.ENOENT ->
                readOnly || size.isPresent()
                        ? path + " does not exist"
                        : path + " does not exist; give a size to have it made";
            case Errno.EACCES, Errno.EPERM, Errno.EROFS ->
                path + " may not be " + (readOnly ? "read" : "written") + " by this process (" + Errno.name(e.errno())
                        + ")" + (readOnly ? "" : "; make it writable, or serve it read-only");
            case Errno.EBUSY ->
                path + " is in use: the kernel, or another process, has it exclusively (mounted, swap, part of LVM or"
                        + " md, or served already); lsblk shows how. Let go of it there first";
            default -> path + " cannot be opened: " + e.getMessage();
        };
    }

    private void lock(FileStatus status, boolean readOnly) throws IOException {
        if (!FileIo.tryLock(fd, readOnly)) {
            throw new IOException(path + " is locked by " + LockHolders.of(status)
                    + ": two that write to one file would destroy it. End the other one first, or take another file");
        }
    }

    private void measure(OptionalLong size, OptionalInt blockSize) throws IOException {
        int least = device ? BlockDevice.logicalBlockBytes(fd) : SMALL_BLOCK;
        bytes = device ? BlockDevice.bytes(fd) : FileIo.size(fd);
        blockBytes = blockSize.orElse(least);
        if (least > LARGE_BLOCK || blockBytes < least) {
            throw new IOException(path + " has blocks of " + least + " bytes; "
                    + (least > LARGE_BLOCK ? "a drive has 512 or 4096" : "a drive on it cannot have smaller ones"));
        }
        if (size.isPresent() && size.getAsLong() != bytes) {
            throw new IOException(path + " has " + bytes + " bytes, not " + size.getAsLong()
                    + ": leave the size out to take it as it is"
                    + (device ? "" : ", or change it first (truncate --size), or take another file"));
        }
        if (bytes < blockBytes || bytes % blockBytes != 0) {
            throw new IOException(path + " has " + bytes + " bytes, which are not whole blocks of " + blockBytes
                    + " bytes, one or more" + (bytes == 0 && !device ? "; truncate --size gives it a size" : ""));
        }
    }

    /** Its size in bytes when it was opened: whole blocks, one or more. */
    public long bytes() {
        return bytes;
    }

    /** The size of the drive's logical blocks: 512 or 4096. */
    public int blockBytes() {
        return blockBytes;
    }

    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public long read(IoVectors vectors, int count, long offset) throws LinuxException {
        return FileIo.preadv(fd, vectors, count, offset);
    }

    @Override
    public long write(IoVectors vectors, int count, long offset, boolean durable) throws LinuxException {
        return FileIo.pwritev(fd, vectors, count, offset, durable);
    }

    @Override
    public void sync() throws LinuxException {
        FileIo.fdatasync(fd);
    }

    @Override
    public void punch(long offset, long length) throws LinuxException {
        FileIo.punchHole(fd, offset, length);
    }

    @Override
    public void zero(long offset, long length) throws LinuxException {
        FileIo.zeroRange(fd, offset, length);
    }

    @Override
    public long size() throws LinuxException {
        return device ? BlockDevice.bytes(fd) : FileIo.size(fd);
    }

    @Override
    public void resize(long newBytes) throws IOException {
        try {
            if (!device) {
                FileIo.resize(fd, newBytes);
            } else if (size() < newBytes) {
                throw new IOException(path + " has " + size() + " bytes, so no room for " + newBytes
                        + "; make it larger first (for a logical volume: lvextend)");
            }
        } catch (LinuxException e) {
            throw new IOException(
                    path + " cannot be made " + newBytes + " bytes long: " + e.getMessage()
                            + (e.errno() == Errno.EINVAL ? ". A drive that is read-only keeps its size" : ""),
                    e);
        }
    }

    @Override
    public boolean keepsMarks() {
        return markFile != null;
    }

    @Override
    public long[] marks() {
        return marks;
    }

    @Override
    public void saveMarks(long[] ranges) throws IOException {
        if (markFile == null) {
            throw new IOException(path + " is a device: there is no place for marks");
        }
        markFile.save(ranges);
    }

    @Override
    public void close() {
        fd.close();
    }
}
