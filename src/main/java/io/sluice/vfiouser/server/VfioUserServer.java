package io.sluice.vfiouser.server;

import io.sluice.device.PciFunction;
import io.sluice.linux.LinuxException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.ThreadControl;
import io.sluice.linux.UnixConnection;
import io.sluice.linux.UnixListener;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a function at a Unix socket, to one client at a time. The next client connects and waits; when the one before has
 * gone, all that it left is cleaned up first.
 *
 * <p>It accepts as soon as it is made, and until {@link #close}. One thread accepts and serves; the function is called from
 * that thread only.
 */
public final class VfioUserServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VfioUserServer.class);

    /** A function call takes up to 2 s, and cleaning up after a client several of them. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

    /** Between attempts to take a client, while this process may open no more descriptors, say. */
    private static final long PAUSE_MILLIS = 100;

    /** A client that waits for an answer need not wait for the end of another thread's turn too. */
    private static final long SLICE_NANOS = 100_000;

    private final PciFunction function;
    private final ServerLimits limits;
    private final UnixListener listener;
    private final Thread thread;
    private final CountDownLatch closing = new CountDownLatch(1);

    /** Who is being served; guarded by this, so that no client slips past {@link #close}. */
    private ClientConnection current;

    /**
     * Listens and begins to serve.
     *
     * @param socket at most 107 bytes; a stale file there is replaced
     * @param options who may connect
     * @param function stays the caller's, and is used by nobody else until this is closed
     * @throws LinuxException where the socket cannot be had: EADDRINUSE if it is another server's
     */
    public VfioUserServer(Path socket, SocketOptions options, PciFunction function, ServerLimits limits)
            throws LinuxException {
        this.function = function;
        this.limits = limits;
        listener = UnixListener.bind(socket, options);
        thread = Thread.ofPlatform().name("vfio-user " + function.name()).unstarted(this::run);
        thread.start();
    }

    /** Where it listens. */
    public Path socket() {
        return listener.path();
    }

    private void run() {
        try {
            ThreadControl.setSlice(SLICE_NANOS);
        } catch (LinuxException e) {
            LOG.warn("{}: answers to the client may be late: {}", function.name(), e.getMessage());
        }
        try {
            while (isOpen()) {
                serveNext();
            }
        } catch (InterruptedException e) {
            // Nobody has a reason to; whoever does wants it to end.
            Thread.currentThread().interrupt();
        }
    }

    private boolean isOpen() {
        return closing.getCount() > 0;
    }

    private void serveNext() throws InterruptedException {
        try {
            UnixConnection connection = listener.accept();
            if (connection != null) {
                serve(connection);
            }
        } catch (LinuxException e) {
            LOG.warn("{}: a client has to wait: {}", function.name(), e.getMessage());
            Thread.sleep(PAUSE_MILLIS);
        } catch (RuntimeException | Error e) {
            LOG.error("{}: cannot take a client", function.name(), e);
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    private void serve(UnixConnection connection) {
        ClientConnection client = new ClientConnection(connection, function, limits);
        setCurrent(client);
        client.serve();
        setCurrent(null);
    }

    private synchronized void setCurrent(ClientConnection client) {
        current = client;
        if (client != null && !isOpen()) {
            client.shutdown();
        }
    }

    private synchronized void beginToClose() {
        closing.countDown();
        listener.close();
        if (current != null) {
            current.shutdown();
        }
    }

    /**
     * Stops listening, removes the socket, disconnects the client wherever it is, and cleans up after it. Idempotent; from any
     * thread but the server's own.
     *
     * @return whether the function is detached and not called any more. If not, within ten seconds, a call of it does not
     *     return, and it has to stay
     */
    public boolean stop() {
        beginToClose();
        try {
            if (thread.join(CLOSE_TIMEOUT)) {
                return true;
            }
            LOG.warn(
                    "{}: the server's thread has not ended within {}: the function does not return",
                    function.name(),
                    CLOSE_TIMEOUT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }

    /** Stops, where nobody needs to know whether the function came back. */
    @Override
    public void close() {
        stop();
    }
}
