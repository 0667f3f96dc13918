package io.sluice.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * One method a system call. Each returns what the kernel does: a result of 0 or more, or minus the error number.
 *
 * <p>All go through one downcall to libc's {@code syscall(long number, ...)}: linking a downcall costs milliseconds at
 * start-up, and one shape is enough, since on x86-64 every argument of a system call is one 64-bit register. Addresses
 * are plain longs. Nothing is allocated, and none of it is a critical() call: any of them may block.
 *
 * <p>Calls that only wait are repeated after EINTR; close is not, for Linux has closed the descriptor by then, and neither
 * are read and write: see {@link StuckCalls}.
 */
final class Syscalls {
    private static final MethodHandle SYSCALL = link("syscall");

    private Syscalls() {}

    /** A function of the C library, called with seven words. A function that takes less does not look at the others. */
    @SuppressWarnings("restricted")
    private static MethodHandle link(String function) {
        String refusal = Platform.refusal();
        if (!refusal.isEmpty()) {
            throw new IllegalStateException(refusal);
        }
        Linker linker = Linker.nativeLinker();
        ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
        return linker.downcallHandle(
                libraryFunction(function),
                FunctionDescriptor.of(word, word, word, word, word, word, word, word),
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(1));
    }

    /** Where a function of the C library is. */
    static MemorySegment libraryFunction(String name) {
        return Linker.nativeLinker().defaultLookup().find(name).orElseThrow();
    }

    static long call(long number, long a, long b, long c, long d, long e, long f) {
        MemorySegment errno = Scratch.get().errno;
        long result;
        try {
            result = (long) SYSCALL.invokeExact(errno, number, a, b, c, d, e, f);
        } catch (InternalError late) {
            throw late; // of an access to memory before this call: the JVM tells it on the way back
        } catch (Throwable thrown) {
            throw new AssertionError("a downcall throws nothing of its own", thrown);
        }
        return result == -1 ? -errno.get(ValueLayout.JAVA_INT, 0) : result;
    }

    /** As {@link #call}, for calls that wait and may be repeated: the JVM's own signals must not look like failures. */
    private static long retry(long number, long a, long b, long c, long d, long e, long f) {
        long result;
        do {
            result = call(number, a, b, c, d, e, f);
        } while (result == -Errno.EINTR);
        return result;
    }

    static long read(int fd, long address, long bytes) {
        return call(SyscallNumbers.READ, fd, address, bytes, 0, 0, 0);
    }

    static long write(int fd, long address, long bytes) {
        return call(SyscallNumbers.WRITE, fd, address, bytes, 0, 0, 0);
    }

    static long pread(int fd, long address, long bytes, long offset) {
        return retry(SyscallNumbers.PREAD64, fd, address, bytes, offset, 0, 0);
    }

    static long pwrite(int fd, long address, long bytes, long offset) {
        return retry(SyscallNumbers.PWRITE64, fd, address, bytes, offset, 0, 0);
    }

    /** The offset goes into one register on 64 bits; the one after it is not looked at. */
    static long preadv(int fd, long vectors, int count, long offset) {
        return retry(SyscallNumbers.PREADV, fd, vectors, count, offset, 0, 0);
    }

    static long pwritev2(int fd, long vectors, int count, long offset, int flags) {
        return retry(SyscallNumbers.PWRITEV2, fd, vectors, count, offset, 0, flags);
    }

    static long fdatasync(int fd) {
        return retry(SyscallNumbers.FDATASYNC, fd, 0, 0, 0, 0, 0);
    }

    static long fallocate(int fd, int mode, long offset, long bytes) {
        return retry(SyscallNumbers.FALLOCATE, fd, mode, offset, bytes, 0, 0);
    }

    static long openat(int directory, long path, int flags, int mode) {
        return retry(SyscallNumbers.OPENAT, directory, path, flags, mode, 0, 0);
    }

    static long close(int fd) {
        return call(SyscallNumbers.CLOSE, fd, 0, 0, 0, 0, 0);
    }

    static long fstat(int fd, long stat) {
        return call(SyscallNumbers.FSTAT, fd, stat, 0, 0, 0, 0);
    }

    static long fstatfs(int fd, long statfs) {
        return retry(SyscallNumbers.FSTATFS, fd, statfs, 0, 0, 0, 0);
    }

    static long fcntl(int fd, int command, long argument) {
        return call(SyscallNumbers.FCNTL, fd, command, argument, 0, 0, 0);
    }

    static long flock(int fd, int operation) {
        return retry(SyscallNumbers.FLOCK, fd, operation, 0, 0, 0, 0);
    }

    static long ftruncate(int fd, long bytes) {
        return retry(SyscallNumbers.FTRUNCATE, fd, bytes, 0, 0, 0, 0);
    }

    static long fchmod(int fd, int mode) {
        return call(SyscallNumbers.FCHMOD, fd, mode, 0, 0, 0, 0);
    }

    static long ioctl(int fd, long request, long argument) {
        return call(SyscallNumbers.IOCTL, fd, request, argument, 0, 0, 0);
    }

    static long mmap(long address, long bytes, int protection, int flags, int fd, long offset) {
        return call(SyscallNumbers.MMAP, address, bytes, protection, flags, fd, offset);
    }

    static long munmap(long address, long bytes) {
        return call(SyscallNumbers.MUNMAP, address, bytes, 0, 0, 0, 0);
    }

    static long mremap(long address, long bytes, long newBytes, int flags) {
        return call(SyscallNumbers.MREMAP, address, bytes, newBytes, flags, 0, 0);
    }

    static long madvise(long address, long bytes, int advice) {
        return call(SyscallNumbers.MADVISE, address, bytes, advice, 0, 0, 0);
    }

    static long memfdCreate(long name, int flags) {
        return call(SyscallNumbers.MEMFD_CREATE, name, flags, 0, 0, 0, 0);
    }

    static long eventfd(int initial, int flags) {
        return call(SyscallNumbers.EVENTFD2, initial, flags, 0, 0, 0, 0);
    }

    /** Not repeated after EINTR: the caller knows how much of its time is left. */
    static long poll(long pollfds, int count, int timeoutMillis) {
        return call(SyscallNumbers.POLL, pollfds, count, timeoutMillis, 0, 0, 0);
    }

    static long socket(int domain, int type) {
        return call(SyscallNumbers.SOCKET, domain, type, 0, 0, 0, 0);
    }

    static long socketpair(int domain, int type, long two) {
        return call(SyscallNumbers.SOCKETPAIR, domain, type, 0, two, 0, 0);
    }

    static long bind(int fd, long name, int bytes) {
        return call(SyscallNumbers.BIND, fd, name, bytes, 0, 0, 0);
    }

    static long listen(int fd, int backlog) {
        return call(SyscallNumbers.LISTEN, fd, backlog, 0, 0, 0, 0);
    }

    /** May be repeated on an AF_UNIX socket: an interrupted one is not half connected. */
    static long connect(int fd, long name, int bytes) {
        return retry(SyscallNumbers.CONNECT, fd, name, bytes, 0, 0, 0);
    }

    static long accept(int fd, int flags) {
        return retry(SyscallNumbers.ACCEPT4, fd, 0, 0, flags, 0, 0);
    }

    static long shutdown(int fd, int how) {
        return call(SyscallNumbers.SHUTDOWN, fd, how, 0, 0, 0, 0);
    }

    static long sendto(int fd, long data, int bytes, int flags, long name, int nameBytes) {
        return retry(SyscallNumbers.SENDTO, fd, data, bytes, flags, name, nameBytes);
    }

    static long sendmsg(int fd, long message, int flags) {
        return retry(SyscallNumbers.SENDMSG, fd, message, flags, 0, 0, 0);
    }

    static long recvmsg(int fd, long message, int flags) {
        return retry(SyscallNumbers.RECVMSG, fd, message, flags, 0, 0, 0);
    }

    static long setsockopt(int fd, int level, int option, long value, int bytes) {
        return call(SyscallNumbers.SETSOCKOPT, fd, level, option, value, bytes, 0);
    }

    static long getsockopt(int fd, int level, int option, long value, long bytes) {
        return call(SyscallNumbers.GETSOCKOPT, fd, level, option, value, bytes, 0);
    }

    /** Of the calling thread; the arguments that these options do not use are 0. */
    static long prctl(int option, long argument) {
        return call(SyscallNumbers.PRCTL, option, argument, 0, 0, 0, 0);
    }

    static long clockGettime(int clock, long timespec) {
        return call(SyscallNumbers.CLOCK_GETTIME, clock, timespec, 0, 0, 0, 0);
    }

    /** Of the calling thread. */
    static long sigprocmask(int how, long set, int setBytes) {
        return call(SyscallNumbers.RT_SIGPROCMASK, how, set, 0, setBytes, 0, 0);
    }

    /**
     * Through the C library, whose part of a signal handler's return the kernel needs. 0, or -1.
     *
     * @param action a struct sigaction as the library has it
     */
    static long sigaction(int signal, long action) {
        try {
            MemorySegment errno = Scratch.get().errno;
            return (int) (long) link("sigaction").invokeExact(errno, (long) signal, action, 0L, 0L, 0L, 0L, 0L);
        } catch (InternalError late) {
            throw late; // of an access to memory before this call: the JVM tells it on the way back
        } catch (Throwable thrown) {
            throw new AssertionError("a downcall throws nothing of its own", thrown);
        }
    }

    /** Sends a signal to a thread of this process. */
    static long tgkill(int thread, int signal) {
        return call(SyscallNumbers.TGKILL, call(SyscallNumbers.GETPID, 0, 0, 0, 0, 0, 0), thread, signal, 0, 0, 0);
    }

    static long gettid() {
        return call(SyscallNumbers.GETTID, 0, 0, 0, 0, 0, 0);
    }

    static long schedSetaffinity(int thread, int bytes, long mask) {
        return call(SyscallNumbers.SCHED_SETAFFINITY, thread, bytes, mask, 0, 0, 0);
    }

    /** Returns the number of bytes that the kernel wrote. */
    static long schedGetaffinity(int thread, int bytes, long mask) {
        return call(SyscallNumbers.SCHED_GETAFFINITY, thread, bytes, mask, 0, 0, 0);
    }

    static long schedSetattr(int thread, long attributes, int flags) {
        return call(SyscallNumbers.SCHED_SETATTR, thread, attributes, flags, 0, 0, 0);
    }

    static long schedGetattr(int thread, long attributes, int bytes, int flags) {
        return call(SyscallNumbers.SCHED_GETATTR, thread, attributes, bytes, flags, 0, 0);
    }
}
