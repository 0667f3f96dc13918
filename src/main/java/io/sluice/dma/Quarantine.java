package io.sluice.dma;

import io.sluice.linux.LinuxException;
import java.util.ArrayDeque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mappings that lost their last region while some reader did not acknowledge in time. Their memory is scratch by now; their
 * addresses stay taken until no reader can have them any more; so do those that a device had. One thread at a time uses it.
 */
final class Quarantine {
    private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

    private record Entry(long epoch, Runnable release) {}

    private final String name;
    private final Readers readers;
    private final Backings backings;
    /** By rising epoch, so what is acknowledged is in front. */
    private final ArrayDeque<Entry> entries = new ArrayDeque<>();

    Quarantine(String name, Readers readers, Backings backings) {
        this.name = name;
        this.readers = readers;
        this.backings = backings;
    }

    /** Takes in what went away with an epoch that has not been acknowledged. */
    void admit(long epoch, List<Extent> extents) {
        for (Extent extent : extents) {
            try {
                extent.replaceByScratch();
            } catch (LinuxException e) {
                // The guest's memory stays reachable by the stalled reader a while longer: worse than scratch, better
                // than a hole.
                LOG.warn(
                        "{}: the memory that was unmapped stays in place until its readers are done: {}",
                        name,
                        e.getMessage());
            }
            admit(epoch, () -> backings.release(extent));
        }
    }

    /** Takes in addresses that are to be given back when an epoch has been acknowledged. */
    void admit(long epoch, Runnable release) {
        entries.add(new Entry(epoch, release));
    }

    /** Takes in mappings that nobody was told to be gone: their memory stays until an epoch has been acknowledged. */
    void admitAsIs(long epoch, List<Extent> extents) {
        extents.forEach(extent -> admit(epoch, () -> backings.release(extent)));
    }

    /** Unmaps what has been acknowledged meanwhile. Returns whether nothing is left. */
    boolean sweep() {
        while (!entries.isEmpty() && readers.haveAcknowledged(entries.peek().epoch())) {
            entries.poll().release().run();
        }
        return entries.isEmpty();
    }
}
