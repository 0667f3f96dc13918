/*
 * What io.sluice.linux takes from the kernel and from libc's headers: system call numbers, error numbers, flags, and where
 * the fields of structs are. A test compiles a program that prints these and compares.
 *
 * Written against linux-libc-dev 6.1 and libc6-dev 2.36 (Debian 12), x86-64.
 */
#ifndef SLUICE_FENCE_H
#define SLUICE_FENCE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/prctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <sys/vfs.h>

/* Some versions of this define a struct that libc's sched.h has as well. */
#define sched_param kernel_sched_param
#include <linux/sched/types.h>
#undef sched_param

/* VALUE(class, constant, expression in C). */
#define SLUICE_FENCE(VALUE) \
    VALUE(SyscallNumbers, READ, SYS_read) \
    VALUE(SyscallNumbers, WRITE, SYS_write) \
    VALUE(SyscallNumbers, CLOSE, SYS_close) \
    VALUE(SyscallNumbers, FSTAT, SYS_fstat) \
    VALUE(SyscallNumbers, POLL, SYS_poll) \
    VALUE(SyscallNumbers, MMAP, SYS_mmap) \
    VALUE(SyscallNumbers, MUNMAP, SYS_munmap) \
    VALUE(SyscallNumbers, MREMAP, SYS_mremap) \
    VALUE(SyscallNumbers, MADVISE, SYS_madvise) \
    VALUE(SyscallNumbers, RT_SIGPROCMASK, SYS_rt_sigprocmask) \
    VALUE(SyscallNumbers, IOCTL, SYS_ioctl) \
    VALUE(SyscallNumbers, PREAD64, SYS_pread64) \
    VALUE(SyscallNumbers, PWRITE64, SYS_pwrite64) \
    VALUE(SyscallNumbers, GETPID, SYS_getpid) \
    VALUE(SyscallNumbers, SOCKET, SYS_socket) \
    VALUE(SyscallNumbers, CONNECT, SYS_connect) \
    VALUE(SyscallNumbers, SENDTO, SYS_sendto) \
    VALUE(SyscallNumbers, SENDMSG, SYS_sendmsg) \
    VALUE(SyscallNumbers, RECVMSG, SYS_recvmsg) \
    VALUE(SyscallNumbers, SHUTDOWN, SYS_shutdown) \
    VALUE(SyscallNumbers, BIND, SYS_bind) \
    VALUE(SyscallNumbers, LISTEN, SYS_listen) \
    VALUE(SyscallNumbers, SOCKETPAIR, SYS_socketpair) \
    VALUE(SyscallNumbers, SETSOCKOPT, SYS_setsockopt) \
    VALUE(SyscallNumbers, GETSOCKOPT, SYS_getsockopt) \
    VALUE(SyscallNumbers, FCNTL, SYS_fcntl) \
    VALUE(SyscallNumbers, FLOCK, SYS_flock) \
    VALUE(SyscallNumbers, FDATASYNC, SYS_fdatasync) \
    VALUE(SyscallNumbers, FTRUNCATE, SYS_ftruncate) \
    VALUE(SyscallNumbers, FCHMOD, SYS_fchmod) \
    VALUE(SyscallNumbers, FSTATFS, SYS_fstatfs) \
    VALUE(SyscallNumbers, PRCTL, SYS_prctl) \
    VALUE(SyscallNumbers, GETTID, SYS_gettid) \
    VALUE(SyscallNumbers, CLOCK_GETTIME, SYS_clock_gettime) \
    VALUE(SyscallNumbers, SCHED_SETAFFINITY, SYS_sched_setaffinity) \
    VALUE(SyscallNumbers, SCHED_GETAFFINITY, SYS_sched_getaffinity) \
    VALUE(SyscallNumbers, SCHED_SETATTR, SYS_sched_setattr) \
    VALUE(SyscallNumbers, SCHED_GETATTR, SYS_sched_getattr) \
    VALUE(ThreadControl, SCHED_ATTR_BYTES, SCHED_ATTR_SIZE_VER0) \
    VALUE(ThreadControl, SCHED_POLICY, offsetof(struct sched_attr, sched_policy)) \
    VALUE(ThreadControl, SCHED_RUNTIME, offsetof(struct sched_attr, sched_runtime)) \
    VALUE(ThreadControl, SCHED_OTHER, SCHED_OTHER) \
    VALUE(SyscallNumbers, TGKILL, SYS_tgkill) \
    VALUE(SyscallNumbers, OPENAT, SYS_openat) \
    VALUE(SyscallNumbers, ACCEPT4, SYS_accept4) \
    VALUE(SyscallNumbers, EVENTFD2, SYS_eventfd2) \
    VALUE(SyscallNumbers, FALLOCATE, SYS_fallocate) \
    VALUE(SyscallNumbers, PREADV, SYS_preadv) \
    VALUE(SyscallNumbers, PWRITEV2, SYS_pwritev2) \
    VALUE(SyscallNumbers, MEMFD_CREATE, SYS_memfd_create) \
    VALUE(StuckCalls, SIG_UNBLOCK, SIG_UNBLOCK) \
    VALUE(StuckCalls, SIGSET_BYTES, _NSIG / 8) \
    VALUE(StuckCalls, SIGACTION_BYTES, sizeof(struct sigaction)) \
    VALUE(StuckCalls, SA_HANDLER, offsetof(struct sigaction, sa_handler)) \
    VALUE(Errno, EPERM, EPERM) \
    VALUE(Errno, ENOENT, ENOENT) \
    VALUE(Errno, ESRCH, ESRCH) \
    VALUE(Errno, EINTR, EINTR) \
    VALUE(Errno, EIO, EIO) \
    VALUE(Errno, ENXIO, ENXIO) \
    VALUE(Errno, E2BIG, E2BIG) \
    VALUE(Errno, EBADF, EBADF) \
    VALUE(Errno, ECHILD, ECHILD) \
    VALUE(Errno, EAGAIN, EAGAIN) \
    VALUE(Errno, ENOMEM, ENOMEM) \
    VALUE(Errno, EACCES, EACCES) \
    VALUE(Errno, EFAULT, EFAULT) \
    VALUE(Errno, EBUSY, EBUSY) \
    VALUE(Errno, EEXIST, EEXIST) \
    VALUE(Errno, EXDEV, EXDEV) \
    VALUE(Errno, ENODEV, ENODEV) \
    VALUE(Errno, ENOTDIR, ENOTDIR) \
    VALUE(Errno, EISDIR, EISDIR) \
    VALUE(Errno, EINVAL, EINVAL) \
    VALUE(Errno, ENFILE, ENFILE) \
    VALUE(Errno, EMFILE, EMFILE) \
    VALUE(Errno, ENOTTY, ENOTTY) \
    VALUE(Errno, EFBIG, EFBIG) \
    VALUE(Errno, ENOSPC, ENOSPC) \
    VALUE(Errno, ESPIPE, ESPIPE) \
    VALUE(Errno, EROFS, EROFS) \
    VALUE(Errno, EPIPE, EPIPE) \
    VALUE(Errno, ERANGE, ERANGE) \
    VALUE(Errno, ENAMETOOLONG, ENAMETOOLONG) \
    VALUE(Errno, ENOSYS, ENOSYS) \
    VALUE(Errno, ELOOP, ELOOP) \
    VALUE(Errno, EOVERFLOW, EOVERFLOW) \
    VALUE(Errno, ENOTSOCK, ENOTSOCK) \
    VALUE(Errno, EMSGSIZE, EMSGSIZE) \
    VALUE(Errno, EPROTO, EPROTO) \
    VALUE(Errno, EPROTOTYPE, EPROTOTYPE) \
    VALUE(Errno, EOPNOTSUPP, EOPNOTSUPP) \
    VALUE(Errno, EADDRINUSE, EADDRINUSE) \
    VALUE(Errno, EADDRNOTAVAIL, EADDRNOTAVAIL) \
    VALUE(Errno, ECONNABORTED, ECONNABORTED) \
    VALUE(Errno, ECONNRESET, ECONNRESET) \
    VALUE(Errno, ENOBUFS, ENOBUFS) \
    VALUE(Errno, ENOTCONN, ENOTCONN) \
    VALUE(Errno, ESHUTDOWN, ESHUTDOWN) \
    VALUE(Errno, ETOOMANYREFS, ETOOMANYREFS) \
    VALUE(Errno, ETIMEDOUT, ETIMEDOUT) \
    VALUE(Errno, ECONNREFUSED, ECONNREFUSED) \
    VALUE(Errno, EALREADY, EALREADY) \
    VALUE(Errno, EINPROGRESS, EINPROGRESS) \
    VALUE(Errno, EDQUOT, EDQUOT) \
    VALUE(Errno, ECANCELED, ECANCELED) \
    VALUE(Fd, F_DUPFD_CLOEXEC, F_DUPFD_CLOEXEC) \
    VALUE(FileIo, O_RDONLY, O_RDONLY) \
    VALUE(FileIo, O_WRONLY, O_WRONLY) \
    VALUE(FileIo, O_RDWR, O_RDWR) \
    VALUE(FileIo, O_CREAT, O_CREAT) \
    VALUE(FileIo, O_EXCL, O_EXCL) \
    VALUE(FileIo, O_TRUNC, O_TRUNC) \
    VALUE(FileIo, O_NONBLOCK, O_NONBLOCK) \
    VALUE(FileIo, O_DSYNC, O_DSYNC) \
    VALUE(FileIo, O_DIRECT, O_DIRECT) \
    VALUE(FileIo, O_DIRECTORY, O_DIRECTORY) \
    VALUE(FileIo, O_NOFOLLOW, O_NOFOLLOW) \
    VALUE(FileIo, O_CLOEXEC, O_CLOEXEC) \
    VALUE(FileIo, O_PATH, O_PATH) \
    VALUE(FileIo, AT_FDCWD, AT_FDCWD) \
    VALUE(FileIo, RWF_DSYNC, RWF_DSYNC) \
    VALUE(FileIo, FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE) \
    VALUE(FileIo, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_PUNCH_HOLE) \
    VALUE(FileIo, FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE) \
    VALUE(FileIo, LOCK_SH, LOCK_SH) \
    VALUE(FileIo, LOCK_EX, LOCK_EX) \
    VALUE(FileIo, LOCK_NB, LOCK_NB) \
    VALUE(IoVectors, MAX, IOV_MAX) \
    VALUE(IoVectors, IOVEC_BYTES, sizeof(struct iovec)) \
    VALUE(IoVectors, IOV_BASE, offsetof(struct iovec, iov_base)) \
    VALUE(IoVectors, IOV_LEN, offsetof(struct iovec, iov_len)) \
    VALUE(BlockDevice, BLKGETSIZE64, BLKGETSIZE64) \
    VALUE(BlockDevice, BLKSSZGET, BLKSSZGET) \
    VALUE(FileStatus, STAT_BYTES, sizeof(struct stat)) \
    VALUE(FileStatus, STATFS_BYTES, sizeof(struct statfs)) \
    VALUE(FileStatus, ST_DEV, offsetof(struct stat, st_dev)) \
    VALUE(FileStatus, ST_INO, offsetof(struct stat, st_ino)) \
    VALUE(FileStatus, ST_MODE, offsetof(struct stat, st_mode)) \
    VALUE(FileStatus, ST_SIZE, offsetof(struct stat, st_size)) \
    VALUE(FileStatus, F_TYPE, offsetof(struct statfs, f_type)) \
    VALUE(FileStatus, F_BSIZE, offsetof(struct statfs, f_bsize)) \
    VALUE(FileStatus, HUGETLBFS_MAGIC, HUGETLBFS_MAGIC) \
    VALUE(FileStatus, F_GETFL, F_GETFL) \
    VALUE(FileStatus, O_ACCMODE, O_ACCMODE) \
    VALUE(FileStatus, S_IFMT, S_IFMT) \
    VALUE(FileStatus, S_IFREG, S_IFREG) \
    VALUE(FileStatus, S_IFSOCK, S_IFSOCK) \
    VALUE(FileStatus, S_IFCHR, S_IFCHR) \
    VALUE(FileStatus, S_IFBLK, S_IFBLK) \
    VALUE(FileStatus, S_IFDIR, S_IFDIR) \
    VALUE(FileStatus, S_IFIFO, S_IFIFO) \
    VALUE(Memfd, SEAL_SEAL, F_SEAL_SEAL) \
    VALUE(Memfd, SEAL_SHRINK, F_SEAL_SHRINK) \
    VALUE(Memfd, SEAL_GROW, F_SEAL_GROW) \
    VALUE(Memfd, SEAL_WRITE, F_SEAL_WRITE) \
    VALUE(Memfd, SEAL_FUTURE_WRITE, F_SEAL_FUTURE_WRITE) \
    VALUE(Memfd, MFD_CLOEXEC, MFD_CLOEXEC) \
    VALUE(Memfd, MFD_ALLOW_SEALING, MFD_ALLOW_SEALING) \
    VALUE(Memfd, MFD_HUGETLB, MFD_HUGETLB) \
    VALUE(Memfd, MFD_HUGE_2MB, MFD_HUGE_2MB) \
    VALUE(Memfd, F_ADD_SEALS, F_ADD_SEALS) \
    VALUE(Memfd, F_GET_SEALS, F_GET_SEALS) \
    VALUE(Mapping, PROT_NONE, PROT_NONE) \
    VALUE(Mapping, PROT_READ, PROT_READ) \
    VALUE(Mapping, PROT_WRITE, PROT_WRITE) \
    VALUE(Mapping, MAP_SHARED, MAP_SHARED) \
    VALUE(Mapping, MAP_PRIVATE, MAP_PRIVATE) \
    VALUE(Mapping, MAP_FIXED, MAP_FIXED) \
    VALUE(Mapping, MAP_ANONYMOUS, MAP_ANONYMOUS) \
    VALUE(Mapping, MAP_NORESERVE, MAP_NORESERVE) \
    VALUE(Mapping, MAP_HUGETLB, MAP_HUGETLB) \
    VALUE(Mapping, MAP_HUGE_2MB, MFD_HUGE_2MB) \
    VALUE(Mapping, MREMAP_MAYMOVE, MREMAP_MAYMOVE) \
    VALUE(Mapping, MADV_DONTNEED, MADV_DONTNEED) \
    VALUE(EventFd, EFD_NONBLOCK, EFD_NONBLOCK) \
    VALUE(EventFd, EFD_CLOEXEC, EFD_CLOEXEC) \
    VALUE(EventFd, F_SETFL, F_SETFL) \
    VALUE(EventFd, O_NONBLOCK, O_NONBLOCK) \
    VALUE(PollSet, IN, POLLIN) \
    VALUE(PollSet, OUT, POLLOUT) \
    VALUE(PollSet, ERR, POLLERR) \
    VALUE(PollSet, HUP, POLLHUP) \
    VALUE(PollSet, NVAL, POLLNVAL) \
    VALUE(PollSet, POLLFD_BYTES, sizeof(struct pollfd)) \
    VALUE(PollSet, EVENTS, offsetof(struct pollfd, events)) \
    VALUE(PollSet, REVENTS, offsetof(struct pollfd, revents)) \
    VALUE(UnixSocket, AF_UNIX, AF_UNIX) \
    VALUE(UnixSocket, SOCK_STREAM, SOCK_STREAM) \
    VALUE(UnixSocket, SOCK_DGRAM, SOCK_DGRAM) \
    VALUE(UnixSocket, SOCK_NONBLOCK, SOCK_NONBLOCK) \
    VALUE(UnixSocket, SOCK_CLOEXEC, SOCK_CLOEXEC) \
    VALUE(UnixSocket, SHUT_RDWR, SHUT_RDWR) \
    VALUE(UnixSocket, SOL_SOCKET, SOL_SOCKET) \
    VALUE(UnixSocket, SO_PEERCRED, SO_PEERCRED) \
    VALUE(UnixSocket, SO_SNDTIMEO, SO_SNDTIMEO) \
    VALUE(UnixSocket, MSG_NOSIGNAL, MSG_NOSIGNAL) \
    VALUE(UnixSocket, TIMEVAL_BYTES, sizeof(struct timeval)) \
    VALUE(UnixSocket, PATH_MAX_BYTES, sizeof(((struct sockaddr_un *) 0)->sun_path) - 1) \
    VALUE(UnixSocket, SUN_PATH, offsetof(struct sockaddr_un, sun_path)) \
    VALUE(UnixConnection, MSG_DONTWAIT, MSG_DONTWAIT) \
    VALUE(UnixConnection, MSG_CMSG_CLOEXEC, MSG_CMSG_CLOEXEC) \
    VALUE(UnixConnection, FIONREAD, FIONREAD) \
    VALUE(UnixConnection, UCRED_BYTES, sizeof(struct ucred)) \
    VALUE(Message, MSG_IOV, offsetof(struct msghdr, msg_iov)) \
    VALUE(Message, MSG_IOVLEN, offsetof(struct msghdr, msg_iovlen)) \
    VALUE(Message, MSG_CONTROL, offsetof(struct msghdr, msg_control)) \
    VALUE(Message, MSG_CONTROLLEN, offsetof(struct msghdr, msg_controllen)) \
    VALUE(Message, MSG_FLAGS, offsetof(struct msghdr, msg_flags)) \
    VALUE(Message, IOVEC, sizeof(struct msghdr)) \
    VALUE(Message, IOV_LEN, sizeof(struct msghdr) + offsetof(struct iovec, iov_len)) \
    VALUE(Message, CONTROL, sizeof(struct msghdr) + sizeof(struct iovec)) \
    VALUE(Message, CMSG_LEVEL, offsetof(struct cmsghdr, cmsg_level)) \
    VALUE(Message, CMSG_TYPE, offsetof(struct cmsghdr, cmsg_type)) \
    VALUE(Message, CMSG_DATA, CMSG_LEN(0)) \
    VALUE(Message, CONTROL_BYTES, CMSG_SPACE(64 * sizeof(int))) \
    VALUE(Message, MSG_CTRUNC, MSG_CTRUNC) \
    VALUE(Message, SOL_SOCKET, SOL_SOCKET) \
    VALUE(Message, SCM_RIGHTS, SCM_RIGHTS) \
    VALUE(DirectoryLock, LOCK_EX, LOCK_EX) \
    VALUE(DirectoryLock, LOCK_NB, LOCK_NB) \
    VALUE(ThreadControl, PR_SET_TIMERSLACK, PR_SET_TIMERSLACK) \
    VALUE(ThreadControl, PR_GET_TIMERSLACK, PR_GET_TIMERSLACK) \
    VALUE(ThreadControl, CLOCK_THREAD_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID)

/* Newer than the headers above: compared where the system has them. */
#if defined(MFD_NOEXEC_SEAL) && defined(F_SEAL_EXEC)
#define SLUICE_FENCE_SINCE_6_3(VALUE) \
    VALUE(Memfd, MFD_NOEXEC_SEAL, MFD_NOEXEC_SEAL) \
    VALUE(Memfd, SEAL_EXEC, F_SEAL_EXEC)
#else
#define SLUICE_FENCE_SINCE_6_3(VALUE)
#endif

#endif
