package io.sluice.dma;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;

/**
 * A change of a guest's memory that is not possible as it was asked for. Nothing has changed.
 *
 * <p>The errno is what a vfio-user server puts into its error reply. Where the specification names none, it is what Linux's
 * type1 IOMMU driver would give:
 *
 * <pre>
 *   EINVAL  not a multiple of 4096, empty, wraps at 2^64, past the end of the file, not a file that can be mapped,
 *           an unmap that would cut a region in two
 *   EEXIST  a map over a region that exists
 *   ENOSPC  a limit of this guest ({@link DmaLimits}) or of the device, or no free IOVA
 *   EACCES  a descriptor that does not allow the access asked for
 *   EIO     a device did not take the memory and did not say why
 *   other   what the system call said: ENOMEM, EPERM, EBADF
 * </pre>
 */
public final class DmaRefused extends Exception {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param errno one of {@link Errno}
     * @param message what was refused, why, and what to do about it
     */
    public DmaRefused(int errno, String message) {
        super(message + " (" + Errno.name(errno) + ")");
        this.errno = errno;
    }

    DmaRefused(LinuxException cause) {
        super(cause.getMessage(), cause);
        this.errno = cause.errno();
    }

    /** Why: one of {@link Errno}, positive. */
    public int errno() {
        return errno;
    }
}
