package io.sluice.daemon;

import io.sluice.config.DeviceSettings;
import io.sluice.config.PollerSettings;
import io.sluice.config.ServeSettings;
import io.sluice.config.TargetSettings;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.IoPath;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverClock;
import io.sluice.host.DriverOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** {@code sluice serve} in this process, on a device that does what a test wants; its guests come by its sockets. */
final class DaemonRig implements AutoCloseable {
    static final int BLOCK_BYTES = 512;

    final HangingDevice device;
    final FrozenClock clock = new FrozenClock();
    final Ending ending;
    final AtomicBoolean halted = new AtomicBoolean();
    final CountDownLatch lossHeard = new CountDownLatch(1);
    private final Path folder;
    private MediatorDaemon daemon;
    private NvmeSession session;

    /** @param storage of the device, with one namespace; closed with it */
    DaemonRig(Path folder, IoPath storage) throws IOException {
        this.folder = folder;
        device = new HangingDevice(SoftwareModel.start("RIG-1", storage));
        ending = new Ending(() -> halted.set(true));
    }

    /** A clock that stands still until a test lets it fly: so nothing is ever late by itself. */
    final class FrozenClock implements DriverClock {
        private final long begin = System.nanoTime();
        private volatile long skew;
        volatile boolean flies;
        final CountDownLatch hanging = new CountDownLatch(1);

        @Override
        public long nanoTime() {
            return begin + skew;
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // two who wait at a time may lose a tick
        public void pause() {
            LockSupport.parkNanos(20_000);
            if (device.hangs()) {
                hanging.countDown();
            }
            if (flies) {
                skew += HangingDevice.FlyingClock.PAUSE_NANOS;
            }
        }
    }

    static VolumeSettings volume(String name, Path socket, long mib, boolean readOnly) {
        return new VolumeSettings(
                name,
                1,
                mib << 20,
                OptionalLong.of(1 << 20),
                OptionalInt.empty(),
                socket.toString(),
                VolumeSettings.DEFAULT_MODE,
                Optional.empty(),
                Optional.empty(),
                4,
                64,
                VolumeSettings.DEFAULT_MAX_IN_FLIGHT,
                VolumeSettings.Doorbells.MAPPED,
                readOnly,
                name);
    }

    Path socket(String name) {
        return folder.resolve(name + ".sock");
    }

    /** Volumes of 1 MiB, one after the other. */
    MediatorDaemon start(boolean destroyData, boolean readOnly, String... names) throws IOException {
        VolumeSettings[] volumes = new VolumeSettings[names.length];
        for (int i = 0; i < names.length; i++) {
            volumes[i] = volume(names[i], socket(names[i]), i, readOnly);
        }
        DeviceSettings settings = new DeviceSettings(new TargetSettings.Pci("0000:01:00.0"), 2, 64, 500, destroyData);
        return start(new ServeSettings(settings, PollerSettings.DEFAULT, List.of(volumes)));
    }

    MediatorDaemon start(ServeSettings settings) throws IOException {
        daemon = MediatorDaemon.start(settings, ending, clock, this::open);
        return daemon;
    }

    private NvmeSession open(DriverOptions options, Runnable onLoss) throws IOException {
        session = NvmeSession.start(device, List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL)), options, () -> {
            onLoss.run();
            lossHeard.countDown();
        });
        return session;
    }

    NvmeSession session() {
        return session;
    }

    /** A guest's driver on a volume. */
    NvmeSession connect(String name) throws IOException {
        return NvmeSession.open(new DeviceTarget.Socket(socket(name)), DriverOptions.polled(2, 16), () -> {});
    }

    @Override
    public void close() {
        device.hang = HangingDevice.Hang.NOWHERE;
        device.release();
        clock.flies = true;
        if (daemon != null) {
            daemon.close();
        }
        if (daemon != null && !device.closed) {
            closeWhatWasStuck();
        }
        if (!device.closed) {
            device.close();
        }
    }

    /** A daemon leaves it to the end of its process; this process has other tests, which count its descriptors. */
    private void closeWhatWasStuck() {
        try {
            for (Thread thread : Thread.getAllStackTraces().keySet()) {
                if (thread.getName().startsWith("vfio-user ")) {
                    thread.join(); // detaches its controller, now that it can
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        daemon.mediation().stop(true);
        session.close();
    }
}
