package io.sluice.vfiouser;

import java.io.IOException;

/**
 * One message failed; the connection is as good as before. A server answers it with an error reply of this errno; a client
 * throws it when the server answered so, or when a reply makes no sense.
 */
public final class VfioUserException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param errno one of {@link io.sluice.linux.Errno}
     * @param message what failed, on what, why
     */
    public VfioUserException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** Why, as one of {@link io.sluice.linux.Errno}; 0 where the peer gave no reason. */
    public int errno() {
        return errno;
    }
}
