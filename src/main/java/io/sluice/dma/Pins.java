package io.sluice.dma;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Translator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One guest's memory as a device has it: the pins, and the view of them.
 *
 * <pre>
 *   connection thread                                            pinner's thread
 *     plan:     regions that come share pins, or get new ones
 *               regions that go leave theirs                      (a step in progress ends)
 *     publish both views ──▶ readers acknowledge
 *     unpin:    what has no region any more ──▶ the device
 *     start:    new pins ──────────────────────────────────────▶ step, step, ... ──▶ live: in the view
 *     await:    done, failed, or late  ◀─────────────────────────────────────────────┘ or failed: undone
 * </pre>
 *
 * <p>A device that is lost gets nothing any more, and what comes leads nowhere; at the next change all that it has goes from it,
 * before anybody is waited for.
 *
 * <p>Two threads change it, under the space's lock, which readers never see and which nobody holds while he calls the device.
 */
final class Pins {
    private static final Logger LOG = LoggerFactory.getLogger(Pins.class);

    private static final long POLL_NANOS = 10_000_000;

    private final String name;
    private final DeviceMemory device;
    private final DmaLimits limits;
    private final LongSupplier clock;
    private final Epoch epoch;
    private final Quarantine quarantine;
    private final ReentrantLock lock;
    private final Runnable onFailure;
    private final Condition progress;
    private final Pinner pinner;
    private final RegionView view = new RegionView();
    private final PinTable shareable = new PinTable();
    private final Map<DmaRegion, Pin> pinOf = new HashMap<>();

    /** Regions whose pin could not be made, and that are still in the host view. */
    private final Map<DmaRegion, DmaRefused> failed = new LinkedHashMap<>();

    private long pinnedBytes;
    private long entries;
    private long pinsMade;

    /** Whether the device has ever not let go of something. */
    private boolean stuck;

    private volatile boolean withdrawn;

    /**
     * @param lock the space's
     * @param onFailure called, under the lock, when there is something in {@link #takeFailed}
     */
    Pins(
            String name,
            DeviceMemory device,
            DmaLimits limits,
            LongSupplier clock,
            Epoch epoch,
            Quarantine quarantine,
            ReentrantLock lock,
            Runnable onFailure) {
        this.name = name;
        this.device = device;
        this.limits = limits;
        this.clock = clock;
        this.epoch = epoch;
        this.quarantine = quarantine;
        this.lock = lock;
        this.onFailure = onFailure;
        this.progress = lock.newCondition();
        this.pinner = new Pinner(name, this, lock, progress);
    }

    Translator view() {
        return view;
    }

    /** What counts against the limits: bytes of pins, and of those that the device did not let go of. */
    long pinnedBytes() {
        return pinnedBytes;
    }

    long entries() {
        return entries;
    }

    // ---- what a change means, under the lock

    /** Gives the regions of a change their pins, refuses those beyond a limit, and publishes the device view. */
    void plan(Change change) {
        List<DmaRegion> unserved = new ArrayList<>();
        // Before any region leaves: what is unmapped and mapped again by one change was never without a region.
        for (DmaRegion region : change.staying()) {
            if (region.isForDevice() && !device.isLost() && !share(region)) {
                unserved.add(region);
            }
        }
        for (DmaRegion region : change.removed) {
            leave(region, change);
        }
        for (DmaRegion region : unserved) {
            try {
                pin(region, change.fresh);
            } catch (DmaRefused e) {
                change.refuse(region, e);
            }
        }
        publish(change);
    }

    private boolean share(DmaRegion region) {
        Pin pin = shareable.find(region);
        if (pin == null) {
            return false;
        }
        pin.add(region);
        pinOf.put(region, pin);
        return true;
    }

    private void leave(DmaRegion region, Change change) {
        failed.remove(region);
        Pin pin = pinOf.remove(region);
        if (pin != null) {
            pin.remove(region);
            change.left.add(pin);
            if (pin.regions.isEmpty()) {
                giveUp(pin);
            }
        }
    }

    /** No region will be in this pin any more; whoever calls this unmaps it after. */
    private void giveUp(Pin pin) {
        pin.state = Pin.State.GONE;
        pinner.withdraw(pin);
        forget(pin);
    }

    private void forget(Pin pin) {
        shareable.remove(pin);
        pinnedBytes -= pin.bytes;
        entries -= pin.entries;
    }

    /** A pin for a region: one of {@code fresh}, or a new one that is added to them. */
    private void pin(DmaRegion region, List<Pin> fresh) throws DmaRefused {
        if (share(region)) {
            return;
        }
        long steps = Pin.steps(region, device.stepBytes());
        Backings.checkLimit("bytes that the device can reach", pinnedBytes, region.bytes(), limits.pinnedBytes());
        Backings.checkLimit(
                "DMA mappings of the device",
                entries,
                steps,
                Math.min(limits.iommuEntries(), device.entriesPerGuest()));
        Pin pin = new Pin(pinsMade++, region, device.stepBytes());
        pinnedBytes += pin.bytes;
        entries += pin.entries;
        pin.add(region);
        pinOf.put(region, pin);
        shareable.add(pin);
        fresh.add(pin);
    }

    private void publish(Change change) {
        List<DmaRegion> gone = new ArrayList<>();
        List<DmaRegion> come = new ArrayList<>();
        RegionIndex next = without(change.removed, gone);
        for (DmaRegion region : change.staying()) {
            Pin pin = pinOf.get(region);
            if (pin == null) {
                come.add(region.nowhere());
            } else if (pin.state == Pin.State.LIVE) {
                come.add(pin.seenByDevice(region));
            }
        }
        publish(next, gone, come);
    }

    /** @param gone receives those of {@code regions} that were in the view */
    private RegionIndex without(Collection<DmaRegion> regions, List<DmaRegion> gone) {
        RegionIndex next = view.index();
        for (DmaRegion region : regions) {
            DmaRegion seen = next.find(region.gpa);
            if (seen != null && seen.gpa == region.gpa) {
                gone.add(seen);
                next = next.without(seen);
            }
        }
        return next;
    }

    private void publish(RegionIndex remaining, List<DmaRegion> gone, List<DmaRegion> come) {
        RegionIndex next = remaining;
        for (DmaRegion region : come) {
            next = next.with(region);
        }
        view.publish(next, gone, come);
    }

    // ---- the connection thread, with a change that has been published

    /**
     * Takes from the device what has no region any more. If a reader has not acknowledged, then all that a region has left:
     * commands in flight still use those addresses. What other regions have there is pinned anew.
     */
    void unpin(Change change, boolean acknowledged) {
        List<DmaRegion> displaced = acknowledged ? List.of() : displace(change);
        for (Pin pin : change.left) {
            if (pin.state == Pin.State.GONE) {
                pinner.awaitTurn(pin);
                if (unmap(pin)) {
                    retire(pin, acknowledged);
                }
            }
        }
        pinAgain(displaced);
    }

    boolean isDeviceLost() {
        return device.isLost();
    }

    /** Whether the device is lost, and has let go of all of this memory. From any thread. */
    boolean isWithdrawn() {
        return withdrawn;
    }

    /**
     * Takes from a lost device all that it has, whoever still uses it; with a change that has been published. Commands that it
     * never ended, in that memory, have nothing to wait for after this.
     */
    void withdraw(Change change) {
        Set<Pin> taken = new LinkedHashSet<>(change.left);
        lock.lock();
        try {
            taken.addAll(pinOf.values());
            taken.stream()
                    .filter(pin -> pin.state == Pin.State.WAITING || pin.state == Pin.State.LIVE)
                    .forEach(this::giveUp);
            leadNowhere(List.copyOf(pinOf.keySet()));
        } finally {
            lock.unlock();
        }
        for (Pin pin : taken) {
            pinner.awaitTurn(pin);
            dismantle(pin);
        }
        noteWithdrawn();
    }

    private void noteWithdrawn() {
        lock.lock();
        try {
            if (!withdrawn && !stuck) {
                withdrawn = true;
                LOG.warn(
                        "{}: the device is lost: this memory is out of its reach from now on, and its commands end",
                        name);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void leadNowhere(Collection<DmaRegion> regions) {
        pinOf.keySet().removeAll(regions);
        List<DmaRegion> gone = new ArrayList<>();
        RegionIndex remaining = without(regions, gone);
        publish(remaining, gone, regions.stream().map(DmaRegion::nowhere).toList());
    }

    private List<DmaRegion> displace(Change change) {
        lock.lock();
        try {
            List<DmaRegion> displaced = new ArrayList<>();
            for (Pin pin : change.left) {
                // One that is not live is in nobody's hands yet.
                if (pin.state == Pin.State.LIVE) {
                    displaced.addAll(pin.regions);
                    giveUp(pin);
                }
            }
            if (displaced.isEmpty()) {
                return displaced;
            }
            displaced.forEach(pinOf::remove);
            List<DmaRegion> gone = new ArrayList<>();
            RegionIndex remaining = without(displaced, gone);
            publish(remaining, gone, List.of());
            epoch.advance();
            return displaced;
        } finally {
            lock.unlock();
        }
    }

    private void pinAgain(List<DmaRegion> displaced) {
        if (displaced.isEmpty()) {
            return;
        }
        List<Pin> fresh = new ArrayList<>();
        List<DmaRegion> come = new ArrayList<>();
        lock.lock();
        try {
            for (DmaRegion region : displaced) {
                try {
                    pin(region, fresh);
                    Pin pin = pinOf.get(region);
                    // There may be another one already, which nobody has left.
                    if (pin.state == Pin.State.LIVE) {
                        come.add(pin.seenByDevice(region));
                    }
                } catch (DmaRefused e) {
                    failed.put(region, e);
                }
            }
            publish(view.index(), List.of(), come);
            fresh.forEach(pinner::submit);
        } finally {
            lock.unlock();
        }
    }

    /** The addresses of a pin that is not mapped any more. They may be given out again when no command can use them. */
    private void retire(Pin pin, boolean acknowledged) {
        if (pin.takenBytes != 0) {
            long iova = pin.takenIova;
            long bytes = pin.takenBytes;
            pin.takenBytes = 0;
            if (acknowledged) {
                device.retire(iova, bytes);
            } else {
                quarantine.admit(epoch.current(), () -> device.retire(iova, bytes));
            }
        }
    }

    /** Begins to make the pins that a change needs, and waits for them for a while. */
    void make(Change change) {
        lock.lock();
        try {
            change.fresh.stream().filter(pin -> pin.state == Pin.State.WAITING).forEach(pinner::submit);
            long start = clock.getAsLong();
            while (remaining(change) > 0 && clock.getAsLong() - start < device.waitNanos()) {
                progress.awaitNanos(POLL_NANOS);
            }
            if (remaining(change) > 0) {
                LOG.info(
                        "{}: {} bytes are still to be pinned; that goes on in the background", name, remaining(change));
            }
        } catch (InterruptedException e) {
            // Whoever interrupts does not want to wait; nothing else depends on it.
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private static long remaining(Change change) {
        return change.fresh.stream()
                .filter(pin -> pin.state == Pin.State.WAITING)
                .mapToLong(Pin::remainingBytes)
                .sum();
    }

    /** Regions that the device could not be given; they are to go from the host view. Under the lock. */
    Map<DmaRegion, DmaRefused> takeFailed() {
        Map<DmaRegion, DmaRefused> taken = new LinkedHashMap<>(failed);
        failed.clear();
        return taken;
    }

    void stop() {
        lock.lock();
        try {
            pinner.stop();
        } finally {
            lock.unlock();
        }
    }

    // ---- whoever has the pin: the pinner in its turn, or the connection thread when the pin is gone

    /** Maps the next step of a pin. Returns why not. */
    DmaRefused step(Pin pin) {
        try {
            if (pin.iova == 0) {
                takeIova(pin);
            }
            long at = pin.mappedBytes;
            long end = pin.stepEnd(at);
            device.map(pin.backing.fd(), pin.fileStart + at, end - at, pin.iova + at, pin.access);
            pin.mappedBytes = end;
            return null;
        } catch (DmaRefused e) {
            return e;
        } catch (IOException | RuntimeException | Error e) {
            return refusal(pin, e);
        }
    }

    private void takeIova(Pin pin) throws DmaRefused {
        long alignment = pin.alignment();
        long inside = pin.fileStart % alignment;
        try {
            take(pin, inside, alignment);
        } catch (DmaRefused e) {
            if (alignment == Entry.PAGE_BYTES) {
                throw e;
            }
            take(pin, 0, Entry.PAGE_BYTES);
        }
    }

    private void take(Pin pin, long inside, long alignment) throws DmaRefused {
        long taken = device.iovas().allocate(inside + pin.bytes, alignment);
        if (taken + inside + pin.bytes < 0) {
            // Answers of a view are positive.
            device.iovas().free(taken, inside + pin.bytes);
            throw new DmaRefused(Errno.ENOSPC, "no IOVA space below 2^63 is free for " + pin.bytes + " bytes");
        }
        pin.takenIova = taken;
        pin.takenBytes = inside + pin.bytes;
        pin.iova = taken + inside;
    }

    private DmaRefused refusal(Pin pin, Throwable cause) {
        if (!(cause instanceof IOException)) {
            LOG.error("{}: a bug: pinning {} failed", name, pin, cause);
        }
        DmaRefused refusal =
                new DmaRefused(errno(cause), "the device cannot be given " + pin + ": " + cause.getMessage());
        refusal.initCause(cause);
        return refusal;
    }

    private static int errno(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof LinuxException linux) {
                return linux.errno();
            }
            if (cause instanceof DmaRefused refused) {
                return refused.errno();
            }
        }
        return Errno.EIO;
    }

    /** Undoes all that has been done of a pin that never was in the view. */
    void dismantle(Pin pin) {
        if (unmap(pin)) {
            retire(pin, true);
        }
    }

    /** Returns whether the device has let go of all of it. If not, its addresses are never given out again. */
    private boolean unmap(Pin pin) {
        boolean all = true;
        long end;
        for (long at = 0; at < pin.mappedBytes; at = end) {
            end = pin.stepEnd(at);
            try {
                device.unmap(pin.iova + at, end - at);
            } catch (IOException | RuntimeException | Error e) {
                all = false;
                stillMapped(pin, at, end, e);
            }
        }
        pin.mappedBytes = 0;
        if (!all) {
            pin.takenBytes = 0; // whoever comes to this pin later must not give back what is still mapped
        }
        return all;
    }

    private void stillMapped(Pin pin, long at, long end, Throwable cause) {
        LOG.error(
                "{}: the device did not let go of {} bytes at IOVA 0x{}, of {}. These addresses are not used any more, and"
                        + " count against the guest's limits until the device is closed.",
                name,
                end - at,
                Long.toHexString(pin.iova + at),
                pin,
                cause);
        lock.lock();
        try {
            pinnedBytes += end - at;
            entries++;
            stuck = true;
        } finally {
            lock.unlock();
        }
    }

    // ---- what becomes of a pin, under the lock

    /** All steps are done. */
    void live(Pin pin) {
        pin.state = Pin.State.LIVE;
        List<DmaRegion> come = pin.regions.stream().map(pin::seenByDevice).toList();
        publish(view.index(), List.of(), come);
    }

    /** A step has failed, and nothing is mapped. On a lost device that is nobody's concern any more. */
    void failed(Pin pin, DmaRefused why) {
        pin.state = Pin.State.FAILED;
        forget(pin);
        if (device.isLost()) {
            leadNowhere(List.copyOf(pin.regions));
            return;
        }
        for (DmaRegion region : pin.regions) {
            pinOf.remove(region);
            failed.put(region, why);
        }
        onFailure.run();
    }
}
