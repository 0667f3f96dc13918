package io.sluice.linux;

/**
 * What the kernel knows about an open file (struct stat, struct statfs, and the access mode of the descriptor).
 *
 * @param device st_dev; with {@code inode} it identifies the file
 * @param inode st_ino
 * @param mode st_mode: type and permissions
 * @param size st_size in bytes; 0 for most things that are not regular files
 * @param pageSize the page size in bytes of mappings of the file: 4096, or that of its hugetlbfs
 * @param accessMode O_RDONLY 0, O_WRONLY 1 or O_RDWR 2, from how the descriptor was opened
 */
public record FileStatus(long device, long inode, int mode, long size, long pageSize, int accessMode) {
    public static final int SMALL_PAGE_BYTES = 4096;

    /** sizeof(struct stat) and sizeof(struct statfs) side by side in scratch memory. */
    static final int STAT_BYTES = 144;

    static final int STATFS_BYTES = 120;
    static final int ST_DEV = 0;
    static final int ST_INO = 8;
    static final int ST_MODE = 24;
    static final int ST_SIZE = 48;
    static final int F_TYPE = 0;
    static final int F_BSIZE = 8;
    static final long HUGETLBFS_MAGIC = 0x958458f6L;
    static final int F_GETFL = 3;
    static final int O_ACCMODE = 3;
    static final int S_IFMT = 0xf000;
    static final int S_IFREG = 0x8000;
    static final int S_IFSOCK = 0xc000;
    static final int S_IFCHR = 0x2000;
    static final int S_IFBLK = 0x6000;
    static final int S_IFDIR = 0x4000;
    static final int S_IFIFO = 0x1000;

    /** Asks the kernel. */
    public static FileStatus of(Fd fd) throws LinuxException {
        int number = fd.acquire("fstat");
        try {
            return of(number);
        } finally {
            fd.release();
        }
    }

    private static FileStatus of(int fd) throws LinuxException {
        long stat = Scratch.memory();
        long statfs = stat + STAT_BYTES;
        check("fstat", fd, Syscalls.fstat(fd, stat));
        check("fstatfs", fd, Syscalls.fstatfs(fd, statfs));
        long flags = check("fcntl", fd, Syscalls.fcntl(fd, F_GETFL, 0));
        boolean huge = Bytes.getLong(statfs + F_TYPE) == HUGETLBFS_MAGIC;
        return new FileStatus(
                Bytes.getLong(stat + ST_DEV),
                Bytes.getLong(stat + ST_INO),
                Bytes.getInt(stat + ST_MODE),
                Bytes.getLong(stat + ST_SIZE),
                huge ? Bytes.getLong(statfs + F_BSIZE) : SMALL_PAGE_BYTES,
                (int) flags & O_ACCMODE);
    }

    private static long check(String call, int fd, long result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, "on descriptor " + fd, (int) -result);
        }
        return result;
    }

    public boolean isRegularFile() {
        return isType(S_IFREG);
    }

    public boolean isDirectory() {
        return isType(S_IFDIR);
    }

    public boolean isPipe() {
        return isType(S_IFIFO);
    }

    public boolean isSocket() {
        return isType(S_IFSOCK);
    }

    public boolean isCharacterDevice() {
        return isType(S_IFCHR);
    }

    public boolean isBlockDevice() {
        return isType(S_IFBLK);
    }

    private boolean isType(int type) {
        return (mode & S_IFMT) == type;
    }

    /** Whether the descriptor, not just the file, can be read through. */
    public boolean readable() {
        return accessMode != 1;
    }

    /** Whether the descriptor, not just the file, can be written through. */
    public boolean writable() {
        return accessMode != 0;
    }

    /** Whether both are one file, under whatever names. */
    public boolean isSameFile(FileStatus other) {
        return device == other.device && inode == other.inode;
    }
}
