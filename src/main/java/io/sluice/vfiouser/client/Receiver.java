package io.sluice.vfiouser.client;

import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * A thread that receives a connection's messages: the server's commands it answers at once, replies it hands to who waits for them.
 *
 * <pre>
 *   receive ──command──▶ answer ──▶ receive
 *      └────reply──▶ take, by who waits ──▶ goOn ──▶ receive
 * </pre>
 *
 * <p>A message's body is good until the next one is received, so it waits for {@link #goOn}.
 */
final class Receiver {
    private final MessageChannel channel;
    private final DmaAnswerer answerer;
    private final Thread thread;

    /** A reply that nobody is done with. */
    private Message reply;

    private IOException end;
    private boolean closing;

    Receiver(String peer, MessageChannel channel, DmaAnswerer answerer) {
        this.channel = channel;
        this.answerer = answerer;
        this.thread =
                Thread.ofPlatform().daemon().name("vfio-user client " + peer).start(this::run);
    }

    private void run() {
        try {
            Message message = channel.receive();
            while (message != null) {
                if (message.header().isCommand()) {
                    answer(message);
                } else {
                    handOver(message);
                }
                message = channel.receive();
            }
            end(new EOFException("the server closed the connection"));
        } catch (IOException e) {
            end(e);
        } catch (InterruptedException | RuntimeException e) {
            end(new IOException("the thread that receives its messages has failed: " + e, e));
        }
        channel.close();
    }

    private void answer(Message command) throws IOException {
        try (command) {
            answerer.answer(command, channel);
        }
    }

    private synchronized void handOver(Message message) throws InterruptedException {
        reply = message;
        notifyAll();
        while (reply != null && !closing) {
            wait();
        }
    }

    private synchronized void end(IOException why) {
        end = why;
        notifyAll();
    }

    /**
     * Waits for a reply, which is to be closed before {@link #goOn}.
     *
     * @return null if there was none in time
     * @throws IOException if there will be none
     */
    synchronized Message take(long nanos) throws IOException {
        long deadline = System.nanoTime() + nanos;
        long left = nanos;
        try {
            while (reply == null && end == null && left > 0) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
                left = deadline - System.nanoTime();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for a reply", e);
        }
        if (reply == null && end != null) {
            throw new IOException(end.getMessage(), end);
        }
        return reply;
    }

    /** Whoever has taken a reply is done with it. */
    synchronized void goOn() {
        reply = null;
        notifyAll();
    }

    /** Ends the connection, and the thread. */
    void close() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        channel.shutdown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
