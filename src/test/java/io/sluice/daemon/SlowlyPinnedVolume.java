package io.sluice.daemon;

import io.sluice.controller.Namespace;
import io.sluice.host.DriverOptions;
import io.sluice.linux.SocketOptions;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Path;

/** A volume of a shared model, served at a socket by this process, whose guest's memory takes its time to be pinned. */
public final class SlowlyPinnedVolume implements AutoCloseable {
    private final WatchedMaps maps;
    private final MediatedRig rig;
    private final VfioUserServer server;

    /**
     * Serves it.
     *
     * @param bytes of the volume
     * @param nanosPerGib how long pinning takes
     */
    public SlowlyPinnedVolume(Path socket, long bytes, long nanosPerGib) throws IOException {
        maps = new WatchedMaps(nanosPerGib);
        long blocks = bytes / MediatedRig.BLOCK_BYTES;
        Namespace namespace = new Namespace(1, blocks, MediatedRig.BLOCK_BYTES, 0, 0, 0, false);
        rig = new MediatedRig(new MemoryStorage(namespace), DriverOptions.polled(4, 256), maps);
        try {
            server = new VfioUserServer(
                    socket, SocketOptions.PRIVATE, rig.share(blocks).getFirst(), ServerLimits.DEFAULT);
        } catch (IOException | RuntimeException e) {
            rig.close();
            throw e;
        }
    }

    /** How much was pinned in all, also what has been let go of since, in bytes. */
    public long pinnedBytes() {
        return maps.bytes.get();
    }

    @Override
    public void close() {
        server.close();
        rig.close();
    }
}
