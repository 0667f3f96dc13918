package io.sluice.vfio;

import io.sluice.dma.IovaAllocator;
import io.sluice.linux.Fd;
import java.io.IOException;
import java.util.List;

/**
 * The IOMMU that a device is behind, and what the device can reach through it. The seam between {@link Type1}, a group in a
 * container, and what the kernel has in its place one day.
 *
 * <p>Not thread-safe: its device calls it under its own lock.
 */
interface Iommu extends AutoCloseable {
    /** The device's descriptor, by its PCI address; the caller closes it before this. */
    Fd openDevice(String address) throws IOException;

    /** Addresses that can be mapped, in ascending order. */
    List<IovaAllocator.Range> usableIovas();

    /** Page sizes that the IOMMU knows, one bit each: bit 12 is 4 KiB. */
    long pageSizes();

    /** How many more mappings there can be; {@link Long#MAX_VALUE} where the kernel does not say. */
    long availableMappings() throws IOException;

    /**
     * Lets the device reach memory of this process, which is locked in RAM for as long.
     *
     * @param hva where this process has it; it must stay mapped until {@link #unmap}
     * @param bytes a multiple of the smallest page size, as are {@code hva} and {@code iova}
     * @param access a sum of {@code Translator.READ} and {@code WRITE}, the device's rights
     */
    void map(long hva, long bytes, long iova, int access) throws IOException;

    /** Takes it away again, exactly as it was mapped. On return the device cannot reach it any more. */
    void unmap(long iova, long bytes) throws IOException;

    /** Takes away whatever is mapped in a range, whole mappings, if anything is. On return the device cannot reach it any more. */
    void clear(long iova, long bytes) throws IOException;

    /** Whatever is mapped still is taken away. Idempotent, throws nothing. */
    @Override
    void close();
}
