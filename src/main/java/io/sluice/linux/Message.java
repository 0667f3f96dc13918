package io.sluice.linux;

import java.util.ArrayList;
import java.util.List;

/**
 * The struct msghdr of a stream socket, with one buffer and up to 64 descriptors, in scratch memory:
 *
 * <pre>
 *   0  msghdr   ──▶ iovec, control      (56 bytes)
 *  56  iovec    ──▶ the data            (16 bytes)
 *  72  control: cmsghdr (len, level, type), then the descriptors' numbers, 4 bytes each
 *                                       (16 + 64 * 4 = 272 bytes)
 * 344  pollfd, for whoever waits in between (8 bytes)
 * </pre>
 */
final class Message {
    /** The most descriptors one message carries here; the kernel's own limit is 253. */
    static final int MAX_FDS = 64;

    static final int MSG_CTRUNC = 0x8;

    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int MSG_CONTROL = 32;
    private static final int MSG_CONTROLLEN = 40;
    private static final int MSG_FLAGS = 48;
    private static final int IOVEC = 56;
    private static final int IOV_LEN = IOVEC + 8;
    private static final int CONTROL = 72;
    private static final int CMSG_LEVEL = 8;
    private static final int CMSG_TYPE = 12;
    private static final int CMSG_DATA = 16;

    /** CMSG_SPACE of 64 descriptors: a multiple of 8 as it is, so that no padding makes room for a 65th. */
    private static final int CONTROL_BYTES = CMSG_DATA + MAX_FDS * Integer.BYTES;

    private static final int POLLFD = CONTROL + CONTROL_BYTES;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    private Message() {}

    static long pollfd(long message) {
        return message + POLLFD;
    }

    /** Prepares for sending data, with no descriptors yet. */
    static void prepare(long message, long data, long bytes) {
        Bytes.zero(message, POLLFD);
        Bytes.putLong(message + MSG_IOV, message + IOVEC);
        Bytes.putLong(message + MSG_IOVLEN, 1);
        setData(message, data, bytes);
    }

    static void setData(long message, long data, long bytes) {
        Bytes.putLong(message + IOVEC, data);
        Bytes.putLong(message + IOV_LEN, bytes);
    }

    /** Prepares for receiving data and up to {@link #MAX_FDS} descriptors. */
    static void prepareToReceive(long message, long data, long bytes) {
        prepare(message, data, bytes);
        Bytes.putLong(message + MSG_CONTROL, message + CONTROL);
        Bytes.putLong(message + MSG_CONTROLLEN, CONTROL_BYTES);
    }

    /** Adds descriptors, which the caller has acquired; at least one. */
    static void attach(long message, List<Fd> fds) {
        long control = message + CONTROL;
        long bytes = CMSG_DATA + (long) fds.size() * Integer.BYTES;
        Bytes.putLong(control, bytes);
        Bytes.putInt(control + CMSG_LEVEL, SOL_SOCKET);
        Bytes.putInt(control + CMSG_TYPE, SCM_RIGHTS);
        for (int i = 0; i < fds.size(); i++) {
            Bytes.putInt(
                    control + CMSG_DATA + (long) i * Integer.BYTES, fds.get(i).acquired());
        }
        Bytes.putLong(message + MSG_CONTROL, control);
        // msg_controllen counts the last element's padding (CMSG_SPACE).
        Bytes.putLong(message + MSG_CONTROLLEN, (bytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES);
    }

    /** Descriptors travel with the first byte; what is sent after that goes without. */
    static void detach(long message) {
        Bytes.putLong(message + MSG_CONTROL, 0);
        Bytes.putLong(message + MSG_CONTROLLEN, 0);
    }

    /** Takes every descriptor that came, so that none can be lost, whatever is wrong with the message. */
    static List<Fd> takeFds(long message) {
        long bytes = Bytes.getLong(message + MSG_CONTROLLEN);
        if (bytes < CMSG_DATA) {
            return List.of();
        }
        List<Fd> fds = new ArrayList<>();
        long control = message + CONTROL;
        long end = control + Math.min(bytes, CONTROL_BYTES);
        while (end - control >= CMSG_DATA) {
            long length = Bytes.getLong(control);
            if (length < CMSG_DATA || length > end - control) {
                break;
            }
            if (Bytes.getInt(control + CMSG_LEVEL) == SOL_SOCKET && Bytes.getInt(control + CMSG_TYPE) == SCM_RIGHTS) {
                for (long at = CMSG_DATA; at + Integer.BYTES <= length; at += Integer.BYTES) {
                    fds.add(Fd.adopt(Bytes.getInt(control + at)));
                }
            }
            control += (length + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        }
        return fds;
    }

    /** Whether descriptors were cut off: too many, or too many for this process. */
    static boolean isTruncated(long message) {
        return (Bytes.getInt(message + MSG_FLAGS) & MSG_CTRUNC) != 0;
    }
}
