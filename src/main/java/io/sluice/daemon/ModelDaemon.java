package io.sluice.daemon;

import io.sluice.linux.SocketOptions;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The software NVMe model behind a vfio-user socket.
 *
 * <p>A guest's memory and its interrupts take descriptors. Their soft limit, 1024 on most hosts, needs no raising here: the
 * JVM raises it to the hard limit when it starts.
 */
public final class ModelDaemon implements AutoCloseable {

    private final SoftwareModel model;
    private final VfioUserServer server;

    private ModelDaemon(SoftwareModel model, VfioUserServer server) {
        this.model = model;
        this.server = server;
    }

    /**
     * Starts serving: on return a client can connect.
     *
     * @throws IOException where memory or the socket cannot be had; nothing is left behind
     * @throws IllegalArgumentException where the serial number is too long, or not printable ASCII
     */
    public static ModelDaemon start(ModelOptions options) throws IOException {
        SoftwareModel model = SoftwareModel.start(options.drive().serial(), options.drive());
        try {
            SocketOptions access = new SocketOptions(options.mode(), options.owner(), options.group());
            return new ModelDaemon(
                    model, new VfioUserServer(options.socket(), access, model.function(), ServerLimits.DEFAULT));
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** The drive's namespaces, which may come, go and change their size while a guest uses it. */
    public ModelNamespaces namespaces() {
        return model.namespaces();
    }

    /** Where it is served. */
    public Path socket() {
        return server.socket();
    }

    /**
     * Stops serving, removes the socket, disconnects the client, lets go of everything. Idempotent. A thread that hangs in the
     * model keeps what it uses.
     */
    @Override
    public void close() {
        if (server.stop()) {
            model.close();
        }
    }
}
