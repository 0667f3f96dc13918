package io.sluice.daemon;

import io.sluice.config.VolumeSettings;
import io.sluice.controller.IoCommand;
import io.sluice.controller.NamespaceTraits;
import io.sluice.host.IoHints;
import io.sluice.host.NamespaceInfo;
import io.sluice.nvme.CopyLimits;
import java.util.stream.LongStream;

/**
 * How a namespace likes to be cut: its slices begin and end on multiples of all that it hints at, so that each hint holds in a
 * slice as it does on the device.
 *
 * @param bytes what slices begin and end on multiples of, a multiple of 1 MiB
 * @param hinted whether that keeps the hints; if not, they make no sense together, and no guest hears of them
 */
record Alignment(long bytes, boolean hinted) {
    /** More than that is no property of an SSD, and would make volumes of odd sizes. */
    private static final long MAX_BYTES = 1L << 30;

    private static final Alignment WITHOUT_HINTS = new Alignment(VolumeSettings.ALIGNMENT_BYTES, false);

    static Alignment of(NamespaceInfo namespace) {
        IoHints hints = namespace.hints();
        long[] blocks = {
            hints.optimalBoundaryBlocks(),
            hints.writeGranularityBlocks(),
            hints.writeAlignmentBlocks(),
            hints.deallocateGranularityBlocks(),
            hints.deallocateAlignmentBlocks(),
            hints.optimalWriteBlocks()
        };
        long unit = VolumeSettings.ALIGNMENT_BYTES;
        for (long bytes : LongStream.of(blocks)
                .filter(count -> count > 0)
                .map(count -> count * namespace.blockBytes())
                .toArray()) {
            unit = unit
                    / greatestCommonDivisor(unit, bytes)
                    * bytes; // far from 2^63: at most 2^30 times 2^17 blocks of 2^16
            if (unit > MAX_BYTES) {
                return WITHOUT_HINTS;
            }
        }
        return new Alignment(unit, true);
    }

    private static long greatestCommonDivisor(long a, long b) {
        long larger = a;
        long smaller = b;
        while (smaller != 0) {
            long rest = larger % smaller;
            larger = smaller;
            smaller = rest;
        }
        return larger;
    }

    /** What a guest is told of its slice. */
    NamespaceTraits traits(IoHints hints) {
        CopyLimits copy = hints.copy().withRanges(IoCommand.MAX_COPY_RANGES);
        if (!hinted) {
            return new NamespaceTraits(hints.deallocation(), 0, 0, 0, 0, 0, 0, copy);
        }
        return new NamespaceTraits(
                hints.deallocation(),
                hints.optimalBoundaryBlocks(),
                hints.writeGranularityBlocks(),
                hints.writeAlignmentBlocks(),
                hints.deallocateGranularityBlocks(),
                hints.deallocateAlignmentBlocks(),
                hints.optimalWriteBlocks(),
                copy);
    }
}
