package io.sluice.linux;

/**
 * A piece of this process's address space and the duty to unmap it.
 *
 * <p>Whoever closes a mapping makes sure that nobody uses its addresses any more: the kernel gives them to the next mmap.
 * Where that cannot be known at once, {@link #replaceByScratch} takes the memory away and leaves the addresses harmless.
 */
public final class Mapping implements AutoCloseable {
    public static final int PROT_NONE = 0;
    public static final int PROT_READ = 1;
    public static final int PROT_WRITE = 2;

    static final int MAP_SHARED = 0x01;
    static final int MAP_PRIVATE = 0x02;
    static final int MAP_FIXED = 0x10;
    static final int MAP_ANONYMOUS = 0x20;
    static final int MAP_NORESERVE = 0x4000;
    static final int MADV_DONTNEED = 4;
    static final int MREMAP_MAYMOVE = 1;
    static final int MAP_HUGETLB = 0x40000;
    static final int MAP_HUGE_2MB = 21 << 26;

    private final String name;
    private final long address;
    private final long length;
    private boolean closed;

    private Mapping(String name, long address, long length) {
        this.name = name;
        this.address = address;
        this.length = length;
    }

    /**
     * Maps part of a file, shared with everybody else who maps it. The descriptor may be closed afterwards.
     *
     * @param offset in bytes, a multiple of the file's page size ({@link FileStatus#pageSize})
     * @param length in bytes, more than 0; on hugetlbfs a multiple of the page size
     * @param protection a sum of PROT constants
     * @throws LinuxException EINVAL also for a range past the end of a regular file, where touching it would be a SIGBUS
     */
    public static Mapping shared(Fd fd, long offset, long length, int protection) throws LinuxException {
        FileStatus status = FileStatus.of(fd);
        String on = "of " + fd.describe() + ", " + length + " bytes at offset " + offset;
        String refusal = refusal(status, offset, length);
        if (!refusal.isEmpty()) {
            throw new LinuxException("mmap", on, Errno.EINVAL, refusal);
        }
        int number = fd.acquire("mmap");
        try {
            return map(fd.describe(), on, 0, length, protection, MAP_SHARED, number, offset);
        } finally {
            fd.release();
        }
    }

    private static String refusal(FileStatus status, long offset, long length) {
        long page = status.pageSize();
        if (offset < 0 || length <= 0 || offset > Long.MAX_VALUE - length) {
            return "An offset is 0 or more, a length more than 0.";
        }
        if (offset % page != 0) {
            return "The offset must be a multiple of the file's page size, " + page + " bytes.";
        }
        if (page > FileStatus.SMALL_PAGE_BYTES && length % page != 0) {
            return "The length must be a multiple of the file's page size, " + page + " bytes.";
        }
        // Compared in pages: size + page - 1 could overflow.
        long pages = status.size() / page + (status.size() % page == 0 ? 0 : 1);
        long needed = (offset + length) / page + ((offset + length) % page == 0 ? 0 : 1);
        return status.isRegularFile() && needed > pages ? "The file has only " + status.size() + " bytes." : "";
    }

    /** Zero-filled private memory in 4 KiB pages. */
    public static Mapping anonymous(long length, int protection) throws LinuxException {
        String on = "of anonymous memory, " + length + " bytes";
        return map("anonymous memory", on, 0, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }

    /**
     * Zero-filled private memory, readable and writable, of which only what is touched costs anything: it may be longer than
     * the host's memory, and whoever fills it all may meet the kernel's out-of-memory killer.
     */
    public static Mapping sparse(long length) throws LinuxException {
        String on = "of sparse memory, " + length + " bytes";
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        return map("sparse memory", on, 0, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    }

    /**
     * Zero-filled private memory in 2 MiB pages from the host's pool, readable and writable.
     *
     * @param length a multiple of {@link Memfd#HUGE_PAGE_BYTES}
     */
    public static Mapping anonymousHuge(long length) throws LinuxException {
        String on = "of huge anonymous memory, " + length + " bytes";
        if (length % Memfd.HUGE_PAGE_BYTES != 0) {
            throw new LinuxException("mmap", on, Errno.EINVAL, "The length must be a multiple of 2 MiB.");
        }
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB;
        return map("huge anonymous memory", on, 0, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    }

    private static Mapping map(
            String name, String on, long address, long length, int protection, int flags, int fd, long offset)
            throws LinuxException {
        long result = Syscalls.mmap(address, length, protection, flags, fd, offset);
        if (result < 0) {
            throw new LinuxException("mmap", on, (int) -result, adviceFor((int) -result, flags));
        }
        return new Mapping(name, result, length);
    }

    private static String adviceFor(int errno, int flags) {
        return switch (errno) {
            case Errno.ENOMEM -> adviceForNoMemory(flags);
            case Errno.EACCES, Errno.EPERM ->
                "The descriptor was not opened for this access, or the file is sealed" + " against it.";
            default -> "";
        };
    }

    private static String adviceForNoMemory(int flags) {
        String tooMany = "this process has too many mappings (/proc/sys/vm/max_map_count).";
        if ((flags & MAP_HUGETLB) != 0) {
            return "Either the pool of huge pages is too small (/proc/sys/vm/nr_hugepages), or " + tooMany;
        }
        if ((flags & MAP_ANONYMOUS) != 0) {
            return "Either so much does not fit into a process's address space (128 TiB less what is taken, or ulimit -v), or"
                    + " the kernel promises no more (/proc/sys/vm/overcommit_memory), or " + tooMany;
        }
        return "Either memory is short (for huge pages: the pool, /proc/sys/vm/nr_hugepages), or " + tooMany;
    }

    /** The first address; the memory at it is page-aligned, by the file's own page size. */
    public long address() {
        return address;
    }

    /** In bytes, as asked for. */
    public long length() {
        return length;
    }

    /**
     * Puts zero-filled private memory, readable and writable, in this mapping's place in one step: at no moment is there a
     * hole, so a thread that still uses the addresses gets nonsense at worst. The file is no longer referred to.
     *
     * @throws IllegalStateException if closed
     */
    public synchronized void replaceByScratch() throws LinuxException {
        requireOpen();
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
        long result = Syscalls.mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (result < 0) {
            throw new LinuxException("mmap", "of scratch over " + this, (int) -result, adviceFor((int) -result, flags));
        }
    }

    /**
     * Puts a file's pages, shared, readable and writable, in this mapping's place in one step, at the same addresses: at no
     * moment is there a hole. The descriptor may be closed afterwards.
     *
     * @param fd of a file at least as long as this mapping, whose first byte comes to the first address
     * @throws IllegalStateException if closed
     */
    public synchronized void replaceBy(Fd fd) throws LinuxException {
        requireOpen();
        String on = "of " + fd.describe() + " over " + this;
        String refusal = refusal(FileStatus.of(fd), 0, length);
        if (!refusal.isEmpty()) {
            throw new LinuxException("mmap", on, Errno.EINVAL, refusal);
        }
        int number = fd.acquire("mmap");
        try {
            long result = Syscalls.mmap(address, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, number, 0);
            if (result < 0) {
                throw new LinuxException("mmap", on, (int) -result, adviceFor((int) -result, MAP_SHARED));
            }
        } finally {
            fd.release();
        }
    }

    /**
     * Gives pages of anonymous memory back to the system; they read as zeroes from now on. (Pages of a file keep what the
     * file has.)
     *
     * @param offset from the mapping's start, and
     * @param bytes length, both multiples of the page size
     * @throws IllegalArgumentException if the range is not inside the mapping, or not whole pages
     * @throws IllegalStateException if closed
     */
    public synchronized void discard(long offset, long bytes) {
        requireOpen();
        if (offset < 0 || bytes < 0 || offset > length - bytes) {
            throw new IllegalArgumentException(bytes + " bytes at offset " + offset + " are not inside " + this);
        }
        long result = Syscalls.madvise(address + offset, bytes, MADV_DONTNEED);
        if (result < 0) {
            throw new IllegalArgumentException("madvise of " + this + ": " + Errno.describe((int) -result));
        }
    }

    /**
     * Gives anonymous memory of small pages another length: what it had it keeps, what is new is zeroes. It may come to another
     * address, so nobody may use it meanwhile.
     *
     * @param newLength in bytes, more than 0
     * @return the mapping from now on; this one is closed
     * @throws LinuxException if there is not so much address space; this one is as it was
     */
    public synchronized Mapping resized(long newLength) throws LinuxException {
        requireOpen();
        long result = Syscalls.mremap(address, length, newLength, MREMAP_MAYMOVE);
        if (result < 0) {
            throw new LinuxException(
                    "mremap",
                    "of " + this + " to " + newLength,
                    (int) -result,
                    adviceFor((int) -result, MAP_ANONYMOUS));
        }
        closed = true;
        return new Mapping(name, result, newLength);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the mapping of " + name + " is closed");
        }
    }

    /** Unmaps. Idempotent, never throws. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            Syscalls.munmap(address, length);
        }
    }

    @Override
    public String toString() {
        return name + " at 0x" + Long.toHexString(address) + ", " + length + " bytes";
    }
}
