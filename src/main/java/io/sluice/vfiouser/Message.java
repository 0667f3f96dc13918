package io.sluice.vfiouser;

import io.sluice.linux.Fd;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One received message. Its body is the channel's buffer: it is good until the next message is received. Its descriptors
 * are closed with it, except those that somebody has taken.
 */
public final class Message implements AutoCloseable {
    private final Header header;
    private final ByteBuffer body;
    private List<Fd> fds;

    Message(Header header, ByteBuffer body, List<Fd> fds) {
        this.header = header;
        this.body = body;
        this.fds = List.copyOf(fds);
    }

    public Header header() {
        return header;
    }

    /** What follows the header; position 0, limit its size. */
    public ByteBuffer body() {
        return body;
    }

    /** How many descriptors came along and have not been taken. */
    public int fdCount() {
        return fds.size();
    }

    /** The descriptors that came along; from now on the caller's to close. A second call gets none. */
    public List<Fd> takeFds() {
        List<Fd> taken = fds;
        fds = List.of();
        return taken;
    }

    /** Closes the descriptors that nobody has taken. */
    @Override
    public void close() {
        takeFds().forEach(Fd::close);
    }
}
