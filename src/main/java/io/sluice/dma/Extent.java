package io.sluice.dma;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;

/** A piece of a file that is mapped into this process, as large as possible: DMA regions are ranges in it. */
final class Extent {
    final Backing backing;

    /** Where it begins in the file, in bytes; a multiple of the file's page size. */
    final long fileStart;

    private final Mapping mapping;

    /** How many regions of the newest state, committed or not, are in it. The writer's. */
    private int regions;

    Extent(Backing backing, long fileStart, Mapping mapping) {
        this.backing = backing;
        this.fileStart = fileStart;
        this.mapping = mapping;
    }

    long bytes() {
        return mapping.length();
    }

    /** Whether a range of the file is in it; {@code end} is exclusive. */
    boolean holds(long start, long end) {
        return fileStart <= start && end <= fileStart + mapping.length();
    }

    /** The host address of a byte of the file. */
    long addressOf(long fileOffset) {
        return mapping.address() + (fileOffset - fileStart);
    }

    void addRegion() {
        regions++;
    }

    /** Returns whether this was the last one. */
    boolean removeRegion() {
        return --regions == 0;
    }

    /** Takes the guest's memory away under readers that may still come: they find scratch memory, never a hole. */
    void replaceByScratch() throws LinuxException {
        mapping.replaceByScratch();
    }

    /** Gives the addresses back. Only when no reader can have them any more. */
    void unmap() {
        mapping.close();
    }
}
