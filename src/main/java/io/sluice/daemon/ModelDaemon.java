package io.sluice.daemon;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Posix;
import io.sluice.linux.SocketOptions;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The software NVMe model behind a vfio-user socket. */
public final class ModelDaemon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModelDaemon.class);

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
        raiseDescriptorLimit();
        SoftwareModel model = SoftwareModel.start(options);
        try {
            SocketOptions access = new SocketOptions(options.mode(), options.owner(), options.group());
            return new ModelDaemon(
                    model, new VfioUserServer(options.socket(), access, model.function(), ServerLimits.DEFAULT));
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** A guest's memory and its interrupts take descriptors; the soft limit is 1024 on most hosts. */
    private static void raiseDescriptorLimit() {
        Posix.Limit limit = Posix.limit(Posix.Resource.NOFILE);
        if (limit.soft() == limit.hard()) {
            return;
        }
        try {
            Posix.setLimit(Posix.Resource.NOFILE, new Posix.Limit(limit.hard(), limit.hard()));
        } catch (LinuxException e) {
            LOG.warn("goes on with {} descriptors at most: {}", limit.soft(), e.getMessage());
        }
    }

    /** Where it is served. */
    public Path socket() {
        return server.socket();
    }

    /** Stops serving, removes the socket, disconnects the client, lets go of everything. Idempotent. */
    @Override
    public void close() {
        server.close();
        model.close();
    }
}
