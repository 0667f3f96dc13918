package io.sluice.dma;

/**
 * What one guest may use of this process. Each limit is of its own space: a guest at its limit takes nothing from another.
 *
 * @param regions DMA regions at a time; a vfio-user server advertises it as {@code max_dma_maps}
 * @param descriptors files at a time, each of which keeps one descriptor open
 * @param extents pieces of files that are mapped at a time; the host's {@code vm.max_map_count} (65,530 by default) is
 *     shared by all spaces
 * @param virtualBytes of this process's address space, 2^47 bytes in all; what is retired counts until it is unmapped
 * @param pinnedBytes that a device behind the memory can reach, and that are locked in RAM for it
 * @param iommuEntries mappings of that device, each of which is a step of {@link DeviceMemory#STEP_BYTES} or less; all guests
 *     of a device share its own limit (65,535 by default)
 */
public record DmaLimits(
        int regions, int descriptors, int extents, long virtualBytes, long pinnedBytes, int iommuEntries) {
    /**
     * As many regions as vfio-user's default for {@code max_dma_maps}; 16 TiB; and 16,384 files, which is 32 GiB for a client
     * that keeps each 2 MiB page in a file of its own. That many need a limit of open files (NOFILE) above it: where the
     * process's is lower, the descriptor that does not come in is what is refused. There is no such bound for clients that
     * keep all memory in few files, as QEMU does.
     */
    public static final DmaLimits DEFAULT = new DmaLimits(65_535, 16_384, 16_384, 16L << 40);

    /** As much as {@link #DEFAULT} of what concerns a device. */
    public DmaLimits(int regions, int descriptors, int extents, long virtualBytes) {
        this(regions, descriptors, extents, virtualBytes, 16L << 40, 65_535);
    }

    public DmaLimits {
        if (regions < 0 || descriptors < 0 || extents < 0 || virtualBytes < 0 || pinnedBytes < 0 || iommuEntries < 0) {
            throw new IllegalArgumentException("limits are 0 or more");
        }
    }

    /** The same with other limits of what concerns a device. */
    public DmaLimits withPins(long newPinnedBytes, int newIommuEntries) {
        return new DmaLimits(regions, descriptors, extents, virtualBytes, newPinnedBytes, newIommuEntries);
    }
}
