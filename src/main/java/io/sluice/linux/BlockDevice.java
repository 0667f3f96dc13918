package io.sluice.linux;

/** What a block device says of itself (linux/fs.h). */
public final class BlockDevice {
    static final long BLKGETSIZE64 = 0x80081272L;
    static final long BLKSSZGET = 0x1268;

    private BlockDevice() {}

    /** Its size in bytes. */
    public static long bytes(Fd fd) throws LinuxException {
        long answer = Scratch.memory();
        Bytes.putLong(answer, 0);
        Ioctl.call(fd, "BLKGETSIZE64", BLKGETSIZE64, answer);
        return Bytes.getLong(answer);
    }

    /** The size of its logical blocks in bytes: the least that can be read or written. */
    public static int logicalBlockBytes(Fd fd) throws LinuxException {
        long answer = Scratch.memory();
        Bytes.putInt(answer, 0);
        Ioctl.call(fd, "BLKSSZGET", BLKSSZGET, answer);
        return Bytes.getInt(answer);
    }
}
