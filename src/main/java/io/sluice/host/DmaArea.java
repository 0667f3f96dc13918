package io.sluice.host;

import io.sluice.device.PciDevice;
import io.sluice.dma.DmaRefused;
import io.sluice.dma.IovaAllocator;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.io.IOException;

/**
 * Memory that both this process and the device reach: a memfd, mapped here at an address and there at an IOVA. Zeroed.
 *
 * <p>Taken apart in the reverse order: first the device loses it, then the IOVA may be given out again, then this process
 * lets go. If the device cannot be made to let go (it is unreachable), its IOVA is never given out again, and the pages
 * stay with whoever has them mapped: late DMA hits memory that nobody else uses.
 */
public final class DmaArea implements AutoCloseable {
    private final PciDevice device;
    private final IovaAllocator iovas;
    private final Mapping mapping;
    private final Fd memory;
    private final long iova;
    private final long bytes;
    private final Quarantine quarantine;
    private boolean closed;
    private boolean takenAway;

    private DmaArea(
            PciDevice device, IovaAllocator iovas, Quarantine quarantine, Fd memory, Mapping mapping, long iova) {
        this.quarantine = quarantine;
        this.device = device;
        this.iovas = iovas;
        this.memory = memory;
        this.mapping = mapping;
        this.iova = iova;
        this.bytes = mapping.length();
    }

    /**
     * Allocates memory and maps it for the device, readable and writable: in hugepages of 2 MiB where it is as large as that
     * and the host has some left, so that one entry of the IOMMU's cache covers 512 pages; else in pages of 4 KiB.
     *
     * @param name shown in /proc, and in messages
     * @param bytes more than 0; rounded up to whole pages
     * @throws IOException where memory, IOVAs or mappings are short, or the device cannot be reached; nothing is left behind
     */
    static DmaArea allocate(PciDevice device, IovaAllocator iovas, Quarantine quarantine, String name, long bytes)
            throws IOException {
        if (bytes >= Memfd.HUGE_PAGE_BYTES) {
            try {
                long length = Math.ceilDiv(bytes, Memfd.HUGE_PAGE_BYTES) * Memfd.HUGE_PAGE_BYTES;
                return share(device, iovas, quarantine, Memfd.createHuge(name, length), length);
            } catch (LinuxException none) {
                // No hugepages are set aside, or not enough of them: most hosts have none.
            }
        }
        long length = Math.ceilDiv(bytes, Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
        return share(device, iovas, quarantine, Memfd.create(name, length), length);
    }

    /** Owns the file. */
    private static DmaArea share(PciDevice device, IovaAllocator iovas, Quarantine quarantine, Fd memory, long length)
            throws IOException {
        try {
            Mapping mapping = Mapping.shared(memory, 0, length, Mapping.PROT_READ + Mapping.PROT_WRITE);
            try {
                return map(device, iovas, quarantine, memory, mapping);
            } catch (IOException | RuntimeException | Error e) {
                mapping.close();
                throw e;
            }
        } catch (IOException | RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    private static DmaArea map(PciDevice device, IovaAllocator iovas, Quarantine quarantine, Fd memory, Mapping mapping)
            throws IOException {
        long length = mapping.length();
        long iova = allocate(iovas, length);
        try {
            device.mapDma(memory, 0, length, iova, Translator.READ + Translator.WRITE);
        } catch (IOException | RuntimeException | Error e) {
            iovas.free(iova, length);
            throw e;
        }
        return new DmaArea(device, iovas, quarantine, memory, mapping, iova);
    }

    /**
     * Takes over memory that another process has allocated, and mapped for the device.
     *
     * @param memory its file; owned by the result
     * @param left where the device has it; taken of the allocator already
     * @throws IOException if the device or this process cannot have it; the file stays the caller's
     */
    static DmaArea adopt(
            PciDevice device, IovaAllocator iovas, Quarantine quarantine, Fd memory, DriverState.Piece left)
            throws IOException {
        Mapping mapping = Mapping.shared(memory, 0, left.bytes(), Mapping.PROT_READ + Mapping.PROT_WRITE);
        try {
            device.adoptDma(memory, 0, left.bytes(), left.iova(), Translator.READ + Translator.WRITE);
        } catch (IOException | RuntimeException | Error e) {
            mapping.close();
            throw e;
        }
        return new DmaArea(device, iovas, quarantine, memory, mapping, left.iova());
    }

    private static long allocate(IovaAllocator iovas, long length) throws IOException {
        try {
            boolean huge = length % Memfd.HUGE_PAGE_BYTES == 0;
            return iovas.allocate(length, huge ? Memfd.HUGE_PAGE_BYTES : Memory.PAGE_BYTES);
        } catch (DmaRefused e) {
            throw new IOException(
                    "no addresses are left at which the device could see its memory: " + e.getMessage(), e);
        }
    }

    /** Where this process sees it. */
    public long address() {
        return mapping.address();
    }

    /** Where the device sees it. */
    public long iova() {
        return iova;
    }

    /** Its length, whole pages. */
    public long bytes() {
        return bytes;
    }

    /** The file; owned by this. */
    Fd file() {
        return memory;
    }

    /** What another process needs to know of it. */
    DriverState.Piece piece() {
        return new DriverState.Piece(iova, bytes);
    }

    /** This process lets go, and the device does not: it is for who comes after this process. Idempotent. */
    synchronized void leave() {
        closed = true;
        if (!takenAway) {
            takenAway = true;
            mapping.close();
            memory.close();
        }
    }

    synchronized boolean isTakenAway() {
        return takenAway;
    }

    /**
     * The device loses the memory, then this process. The addresses must not be used any more. While the device may still use
     * memory for a command that is late, both happen later. Idempotent.
     */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        if (!quarantine.defers(this)) {
            takeAway();
        }
    }

    /** Whatever the quarantine says: nothing can use the memory any more, or its owner goes away. Idempotent. */
    synchronized void takeAway() {
        closed = true;
        if (takenAway) {
            return;
        }
        takenAway = true;
        try {
            device.unmapDma(iova, bytes);
            iovas.free(iova, bytes);
        } catch (IOException unreachable) {
            // The device may still have it mapped: the IOVA stays taken, as the class comment says.
        }
        mapping.close();
        memory.close();
    }
}
