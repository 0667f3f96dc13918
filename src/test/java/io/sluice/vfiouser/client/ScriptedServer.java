package io.sluice.vfiouser.client;

import io.sluice.linux.Fd;
import io.sluice.linux.UnixConnection;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DeviceInfo;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import io.sluice.vfiouser.Version;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/** The other end of a socket, which answers as a test wants it to. Well-behaved for VERSION and DEVICE_GET_INFO by default. */
final class ScriptedServer implements AutoCloseable {
    private final MessageChannel channel;
    private final UnixConnection clientEnd;
    private final Map<Command, Answer> answers = new EnumMap<>(Command.class);
    private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
    private Thread thread;

    /** What is done about a request. */
    @FunctionalInterface
    interface Answer {
        void to(Header request, ByteBuffer body, MessageChannel channel) throws IOException;
    }

    /** A request as it came; its descriptors have been counted and closed. */
    record Received(Header header, ByteBuffer body, int fds) {}

    ScriptedServer() throws IOException {
        UnixConnection[] pair = UnixConnection.pair();
        clientEnd = pair[0];
        channel = new MessageChannel(pair[1], 1 << 20);
        on(Command.VERSION, reply(4, new Version(0, 1, "")::encode));
        on(Command.DEVICE_GET_INFO, reply(DeviceInfo.BYTES, new DeviceInfo(16, 3, 9, 5)::encode));
    }

    ScriptedServer on(Command command, Answer answer) {
        answers.put(command, answer);
        return this;
    }

    /** An orderly reply with a body. */
    static Answer reply(int bytes, Consumer<ByteBuffer> body, Fd... fds) {
        return (request, ignored, channel) -> channel.send(request.reply(bytes), body, List.of(fds));
    }

    /** An orderly reply of these bytes. */
    static Answer replyBytes(byte[] body, Fd... fds) {
        return reply(body.length, out -> out.put(body), fds);
    }

    static Answer error(int errno) {
        return (request, ignored, channel) -> channel.send(request.errorReply(errno));
    }

    ScriptedServer start() {
        thread = Thread.ofPlatform().daemon().name("scripted-server").start(this::serve);
        return this;
    }

    private void serve() {
        try {
            while (true) {
                Message message = channel.receive();
                if (message == null) {
                    return;
                }
                answer(message);
            }
        } catch (IOException e) {
            return; // the client has closed, or a test has
        }
    }

    private void answer(Message message) throws IOException {
        ByteBuffer body = ByteBuffer.allocate(message.body().remaining()).order(ByteOrder.LITTLE_ENDIAN);
        body.put(message.body()).flip();
        received.add(new Received(message.header(), body, message.fdCount()));
        message.close();
        Answer answer = answers.get(Command.ofCode(message.header().command()));
        if (answer != null) {
            answer.to(message.header(), body.duplicate().order(ByteOrder.LITTLE_ENDIAN), channel);
        }
    }

    /** The next request of a kind; earlier ones of other kinds are dropped. */
    Received next(Command command) throws InterruptedException {
        while (true) {
            Received request = received.take();
            if (request.header().command() == command.code()) {
                return request;
            }
        }
    }

    MessageChannel channel() {
        return channel;
    }

    UnixConnection clientEnd() {
        return clientEnd;
    }

    @Override
    public void close() {
        channel.shutdown();
        try {
            if (thread != null) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        channel.close();
        clientEnd.close();
    }
}
