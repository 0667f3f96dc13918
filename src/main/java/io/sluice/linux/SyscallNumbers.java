package io.sluice.linux;

/** System call numbers of x86-64 (asm/unistd_64.h). They never change. */
final class SyscallNumbers {
    static final int READ = 0;
    static final int WRITE = 1;
    static final int CLOSE = 3;
    static final int FSTAT = 5;
    static final int POLL = 7;
    static final int MMAP = 9;
    static final int MUNMAP = 11;
    static final int MREMAP = 25;
    static final int MADVISE = 28;
    static final int RT_SIGPROCMASK = 14;
    static final int IOCTL = 16;
    static final int PREAD64 = 17;
    static final int PWRITE64 = 18;
    static final int GETPID = 39;
    static final int SOCKET = 41;
    static final int CONNECT = 42;
    static final int SENDTO = 44;
    static final int SENDMSG = 46;
    static final int RECVMSG = 47;
    static final int SHUTDOWN = 48;
    static final int BIND = 49;
    static final int LISTEN = 50;
    static final int SOCKETPAIR = 53;
    static final int SETSOCKOPT = 54;
    static final int GETSOCKOPT = 55;
    static final int FCNTL = 72;
    static final int FLOCK = 73;
    static final int FDATASYNC = 75;
    static final int FTRUNCATE = 77;
    static final int FCHMOD = 91;
    static final int FSTATFS = 138;
    static final int PRCTL = 157;
    static final int GETTID = 186;
    static final int SCHED_SETAFFINITY = 203;
    static final int SCHED_GETAFFINITY = 204;
    static final int CLOCK_GETTIME = 228;
    static final int TGKILL = 234;
    static final int OPENAT = 257;
    static final int FALLOCATE = 285;
    static final int ACCEPT4 = 288;
    static final int EVENTFD2 = 290;
    static final int PREADV = 295;
    static final int SCHED_SETATTR = 314;
    static final int SCHED_GETATTR = 315;
    static final int MEMFD_CREATE = 319;
    static final int PWRITEV2 = 328;

    private SyscallNumbers() {}
}
