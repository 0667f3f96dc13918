package io.sluice.host;

import io.sluice.device.PciDevice;
import io.sluice.dma.IovaAllocator;
import io.sluice.linux.Fd;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All memory that a driver shares with its device, and what a driver before it, in another process, has left there. Thread-safe. */
final class DriverMemory {
    private static final Logger log = LoggerFactory.getLogger(DriverMemory.class);

    private final PciDevice device;
    private final IovaAllocator iovas;
    private final Quarantine quarantine;
    private final List<DmaArea> areas = new ArrayList<>();

    /** What another process had mapped, and nobody has here yet: IOVA to bytes. */
    private final Map<Long, Long> leftovers = new LinkedHashMap<>();

    private boolean closed;

    DriverMemory(PciDevice device, IovaAllocator iovas, Quarantine quarantine) {
        this.device = device;
        this.iovas = iovas;
        this.quarantine = quarantine;
    }

    /** See {@link NvmeDriver#allocate}. */
    synchronized DmaArea allocate(String name, long bytes) throws IOException {
        if (closed) {
            throw new IOException(
                    "no memory is allocated for " + device.name() + " any more: its driver has been closed");
        }
        areas.removeIf(DmaArea::isTakenAway);
        DmaArea area = DmaArea.allocate(device, iovas, quarantine, name, bytes);
        areas.add(area);
        return area;
    }

    /** No more is allocated. */
    synchronized void close() {
        closed = true;
    }

    /** The device loses all of it, what came last first. */
    synchronized void takeAway() {
        areas.reversed().forEach(DmaArea::takeAway);
        dropLeftovers();
        iovas.stopKeeping();
    }

    /** This process lets go of all of it, and the device does not. */
    synchronized void leave() {
        closed = true;
        areas.forEach(DmaArea::leave);
        iovas.stopKeeping();
    }

    // ---- what another process has left

    /** All that another process had mapped is left over, until it is adopted. */
    synchronized void takeOver(DriverState state) {
        iovas.resume(state.iovas());
        leftovers.putAll(iovas.taken());
    }

    /** Takes one of them over; see {@link DmaArea#adopt}. */
    synchronized DmaArea adopt(Fd file, DriverState.Piece piece) throws IOException {
        DmaArea area = DmaArea.adopt(device, iovas, quarantine, file, piece);
        areas.add(area);
        leftovers.remove(piece.iova());
        return area;
    }

    /** What has not been adopted goes from the device; what that does not let go of keeps its IOVAs. */
    synchronized void dropLeftovers() {
        leftovers.forEach((iova, bytes) -> {
            try {
                device.dropDma(iova, bytes);
                iovas.free(iova, bytes);
            } catch (IOException stuck) {
                log.warn("memory that {} had before this process stays with it: {}", device.name(), stuck.getMessage());
            }
        });
        leftovers.clear();
    }
}
