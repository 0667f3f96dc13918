package io.sluice.vfiouser.server;

import io.sluice.linux.Errno;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.VfioUserException;

/** Refusals that several kinds of requests share. */
final class Refuse {
    private Refuse() {}

    /** Something in the message is wrong. */
    static VfioUserException invalid(String why) {
        return new VfioUserException(Errno.EINVAL, why);
    }

    /** The message is well-formed, and asks for what this server does not do. */
    static VfioUserException unsupported(String why) {
        return new VfioUserException(Errno.EOPNOTSUPP, why);
    }

    /** Makes sure that no descriptors came along. */
    static void fds(Message message) throws VfioUserException {
        if (message.fdCount() > 0) {
            throw invalid(message.header() + " came with " + message.fdCount() + " descriptors; it takes none");
        }
    }

    /** Makes sure that there is nothing but a header. */
    static void body(Message message) throws VfioUserException {
        if (message.body().hasRemaining()) {
            throw invalid(message.header() + " has a body; it takes none");
        }
    }
}
