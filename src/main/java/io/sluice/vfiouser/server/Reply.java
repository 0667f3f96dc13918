package io.sluice.vfiouser.server;

import io.sluice.linux.Fd;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;

/**
 * What answers a message.
 *
 * @param bodyBytes size of the body
 * @param body writes it
 * @param fds go along; they stay their owner's
 */
record Reply(int bodyBytes, Consumer<ByteBuffer> body, List<Fd> fds) {
    /** Done, and nothing to say. */
    static final Reply DONE = new Reply(0, out -> {}, List.of());

    static Reply of(int bodyBytes, Consumer<ByteBuffer> body) {
        return new Reply(bodyBytes, body, List.of());
    }
}
