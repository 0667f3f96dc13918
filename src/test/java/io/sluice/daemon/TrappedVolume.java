package io.sluice.daemon;

import io.sluice.config.VolumeSettings;
import io.sluice.controller.Namespace;
import io.sluice.device.PciFunction;
import io.sluice.host.DriverOptions;
import io.sluice.linux.SocketOptions;
import io.sluice.nvme.Doorbells;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** A volume of a shared model whose doorbells come as messages, served at a socket by this process, which counts them. */
public final class TrappedVolume implements AutoCloseable {
    private static final int BAR0 = 0;

    /** The first doorbell of an I/O queue; before it are the admin queue's two. */
    private static final long IO_DOORBELLS = Doorbells.sqTailDoorbell(1);

    private final MediatedRig rig;
    private final VfioUserServer server;
    private final AtomicLong rings = new AtomicLong();

    /**
     * Serves it.
     *
     * @param bytes of the volume
     */
    public TrappedVolume(Path socket, long bytes) throws IOException {
        long blocks = bytes / MediatedRig.BLOCK_BYTES;
        Namespace namespace = new Namespace(1, blocks, MediatedRig.BLOCK_BYTES, 0, 0, 0, false);
        rig = new MediatedRig(new MemoryStorage(namespace), DriverOptions.polled(4, 256));
        try {
            PciFunction function =
                    rig.share(VolumeSettings.Doorbells.TRAPPED, blocks).getFirst();
            server = new VfioUserServer(socket, SocketOptions.PRIVATE, counted(function), ServerLimits.DEFAULT);
        } catch (IOException | RuntimeException e) {
            rig.close();
            throw e;
        }
    }

    private PciFunction counted(PciFunction function) {
        return (PciFunction) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {PciFunction.class}, (proxy, method, arguments) -> {
                    if (isRing(method, arguments)) {
                        rings.incrementAndGet();
                    }
                    try {
                        return method.invoke(function, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static boolean isRing(Method method, Object[] arguments) {
        return method.getName().equals("write") && (int) arguments[0] == BAR0 && (long) arguments[1] >= IO_DOORBELLS;
    }

    /** How often doorbells of I/O queues have come by message. */
    public long rings() {
        return rings.get();
    }

    @Override
    public void close() {
        server.close();
        rig.close();
    }
}
