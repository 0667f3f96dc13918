package io.sluice.daemon;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciDevice;
import io.sluice.linux.EventFd;
import io.sluice.linux.PollSet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for what the host has to say of a device: that it would like to have it back (REQ), or that it has failed on its bus
 * (ERR). Either ends the use of the device.
 */
final class DeviceWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceWatch.class);
    private static final int FOR_EVER = -1;
    private static final int EVENTS = 3;

    private final PciDevice device;
    private final Runnable onLoss;
    private final EventFd stop;
    private final EventFd request;
    private final EventFd error;
    private final Thread thread;

    private DeviceWatch(PciDevice device, Runnable onLoss, EventFd stop, EventFd request, EventFd error) {
        this.device = device;
        this.onLoss = onLoss;
        this.stop = stop;
        this.request = request;
        this.error = error;
        thread = Thread.ofPlatform().name("watch-" + device.name()).daemon().unstarted(this::watch);
    }

    /**
     * Starts to wait.
     *
     * @param onLoss called once, on a thread of its own, when the device has to be let go of
     */
    static DeviceWatch start(PciDevice device, Runnable onLoss) throws IOException {
        List<EventFd> events = new ArrayList<>();
        try {
            for (int i = 0; i < EVENTS; i++) {
                events.add(EventFd.create());
            }
            DeviceWatch watch = new DeviceWatch(device, onLoss, events.get(0), events.get(1), events.get(2));
            watch.connect(InterruptKind.REQ, watch.request);
            watch.connect(InterruptKind.ERR, watch.error);
            watch.thread.start();
            return watch;
        } catch (IOException | RuntimeException | Error e) { // a thread that cannot be started is an Error
            events.forEach(EventFd::close);
            throw e;
        }
    }

    private void connect(InterruptKind kind, EventFd event) throws IOException {
        if (device.interruptCount(kind) > 0) {
            device.setInterruptTargets(kind, 0, List.of(event));
        }
    }

    private void watch() {
        PollSet set = new PollSet(EVENTS);
        int stopped = set.add(stop.fd(), PollSet.IN);
        int requested = set.add(request.fd(), PollSet.IN);
        int failed = set.add(error.fd(), PollSet.IN);
        try {
            set.await(FOR_EVER);
        } catch (IOException e) {
            LOG.error("{}: nobody hears any more if the host asks for it: {}", device.name(), e.getMessage());
            return;
        }
        if (set.ready(stopped) != 0) {
            return;
        }
        if (set.ready(failed) != 0) {
            LOG.error("{}: it has failed on its bus; letting go of it. The kernel's log has the cause", device.name());
            onLoss.run();
        } else if (set.ready(requested) != 0) {
            LOG.warn("{}: the host asks for it back; letting go of it", device.name());
            onLoss.run();
        }
    }

    /** Stops waiting. Idempotent; may be called by {@code onLoss}. */
    @Override
    public void close() {
        stop.signal();
        if (Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        closeAll();
    }

    private void closeAll() {
        request.close();
        error.close();
        stop.close();
    }
}
