package io.sluice.linux;

/**
 * Files that live in memory only and are passed around as descriptors: guest memory, doorbell pages, queues.
 *
 * <p>They can be sealed: a sealed property cannot be undone by anyone who holds a descriptor, so a peer that gets one
 * cannot pull the memory away from under us.
 */
public final class Memfd {
    /** No more seals may be added. */
    public static final int SEAL_SEAL = 0x1;

    /** The file cannot get smaller. */
    public static final int SEAL_SHRINK = 0x2;

    /** The file cannot get larger. */
    public static final int SEAL_GROW = 0x4;

    /** Nobody can write; refused (EBUSY) while a writable shared mapping exists. */
    public static final int SEAL_WRITE = 0x8;

    /** Nobody can write except through mappings that exist already. */
    public static final int SEAL_FUTURE_WRITE = 0x10;

    /** The execute bits of the mode cannot change. Set from the start on kernels that know it (6.3). */
    public static final int SEAL_EXEC = 0x20;

    public static final long HUGE_PAGE_BYTES = 2L << 20;

    static final int MFD_CLOEXEC = 0x1;
    static final int MFD_ALLOW_SEALING = 0x2;
    static final int MFD_HUGETLB = 0x4;
    static final int MFD_NOEXEC_SEAL = 0x8;
    static final int MFD_HUGE_2MB = 21 << 26;
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;

    /** memfd_create's limit, without the NUL. */
    private static final int NAME_MAX = 249;

    private Memfd() {}

    /**
     * A zero-filled file of {@code bytes} bytes in 4 KiB pages, readable and writable, sealable.
     *
     * @param name shown in /proc only; at most 249 bytes
     */
    public static Fd create(String name, long bytes) throws LinuxException {
        return create(name, bytes, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }

    /**
     * The same in 2 MiB pages. The pages are taken from the host's pool when the file is mapped, which fails with ENOMEM
     * if the pool has too few.
     *
     * @param bytes a multiple of {@link #HUGE_PAGE_BYTES}
     */
    public static Fd createHuge(String name, long bytes) throws LinuxException {
        return create(name, bytes, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_HUGE_2MB);
    }

    private static Fd create(String name, long bytes, int flags) throws LinuxException {
        String on = "of " + name;
        long text = Scratch.memory();
        if (!Bytes.putString(text, name, NAME_MAX + 1)) {
            throw new LinuxException("memfd_create", on, Errno.EINVAL, "Names have at most 249 bytes and no NUL.");
        }
        // Hosts can be set to refuse memfds that could be executed (vm.memfd_noexec); kernels before 6.3 do not know
        // the flag.
        long result = Syscalls.memfdCreate(text, flags | MFD_NOEXEC_SEAL);
        if (result == -Errno.EINVAL) {
            result = Syscalls.memfdCreate(text, flags);
        }
        Fd fd = Fd.fromResult(result, "memfd_create", on);
        try {
            resize(fd, bytes);
            return fd;
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** Sets the file's size in bytes; what is new is zero. */
    public static void resize(Fd fd, long bytes) throws LinuxException {
        int number = fd.acquire("ftruncate");
        try {
            check("ftruncate", "of " + fd.describe() + " to " + bytes + " bytes", Syscalls.ftruncate(number, bytes));
        } finally {
            fd.release();
        }
    }

    /** The seals that are set, a sum of SEAL constants. EINVAL if the file cannot be sealed at all. */
    public static int seals(Fd fd) throws LinuxException {
        int number = fd.acquire("fcntl");
        try {
            return (int)
                    check("fcntl", "to get the seals of descriptor " + number, Syscalls.fcntl(number, F_GET_SEALS, 0));
        } finally {
            fd.release();
        }
    }

    /** Adds seals, for ever. EPERM if sealed against that, EBUSY for SEAL_WRITE with a writable mapping about. */
    public static void addSeals(Fd fd, int seals) throws LinuxException {
        int number = fd.acquire("fcntl");
        try {
            check("fcntl", "to seal descriptor " + number, Syscalls.fcntl(number, F_ADD_SEALS, seals));
        } finally {
            fd.release();
        }
    }

    private static long check(String call, String on, long result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, on, (int) -result);
        }
        return result;
    }
}
