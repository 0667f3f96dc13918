package io.sluice.controller;

import io.sluice.device.Region;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.nvme.Doorbells;
import java.util.Optional;

/**
 * BAR0's memory, of which the page of doorbells is shared with the driver. A doorbell's value is here and nowhere else,
 * whether it came by the mapped page or by a message.
 *
 * <pre>
 *   BAR0, and the memfd:   0h          1000h        2000h          4000h
 *                          | registers | doorbells  |   reserved   |
 *                            messages    mapped       messages
 * </pre>
 *
 * <p>16 KiB, since Windows' driver refuses less. The registers' page of the memfd stays empty: registers are in {@link
 * RegisterFile}.
 */
final class DoorbellPage implements AutoCloseable {
    static final int BAR_BYTES = 16 << 10;
    static final int PAGE_END = Doorbells.OFFSET + Memory.PAGE_BYTES;

    private final String name;
    private final Mapping mapping;
    private final ControllerState state;
    private volatile Fd memory;
    private final boolean trapped;

    /**
     * The page that a state has, or a new one.
     *
     * @param trapped whether drivers ring by messages and cannot map the page
     * @param state is given the memory, and closes it
     */
    DoorbellPage(String controllerName, boolean trapped, ControllerState state) throws LinuxException {
        this.trapped = trapped;
        this.state = state;
        name = "sluice-bar0-" + controllerName;
        if (state.doorbellFd() == null) {
            state.setDoorbellFd(newMemory());
        }
        memory = state.doorbellFd();
        mapping = Mapping.shared(memory, 0, BAR_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    private Fd newMemory() throws LinuxException {
        Fd fresh = Memfd.create(name, BAR_BYTES);
        try {
            // The driver gets this fd: it must not be able to cut the file short under our mapping.
            Memfd.addSeals(fresh, Memfd.SEAL_SHRINK | Memfd.SEAL_GROW | Memfd.SEAL_SEAL);
            return fresh;
        } catch (LinuxException e) {
            fresh.close();
            throw e;
        }
    }

    /**
     * Takes new memory, all zeroes, at the same address: a client that is gone may have kept its mapping, and must not ring
     * the doorbells of the next one.
     */
    void renew() throws LinuxException {
        Fd fresh = newMemory();
        try {
            mapping.replaceBy(fresh);
        } catch (LinuxException e) {
            fresh.close();
            throw e;
        }
        Fd old = memory;
        memory = fresh;
        state.setDoorbellFd(fresh);
        old.close();
    }

    /** Host address of BAR0's byte 0. */
    long address() {
        return mapping.address();
    }

    Region region() {
        if (trapped) {
            return Region.plain(Region.BAR0, BAR_BYTES);
        }
        return new Region(
                Region.BAR0, BAR_BYTES, Optional.of(new Region.Mappable(memory, Doorbells.OFFSET, Memory.PAGE_BYTES)));
    }

    /** Whether an offset of BAR0 is on the page. */
    static boolean contains(long offset) {
        return offset >= Doorbells.OFFSET && offset < PAGE_END;
    }

    /** What the page holds; NVMe 1.4, 3.1.24 leaves it to us what a read of a doorbell returns. */
    int read(int offset) {
        return Memory.getIntVolatile(address() + offset);
    }

    void write(int offset, int value) {
        Memory.putIntVolatile(address() + offset, value);
    }

    /** Zeroes all doorbells, whatever was written while there was no queue. */
    void clear() {
        for (int offset = Doorbells.OFFSET; offset < PAGE_END; offset += Doorbells.BYTES) {
            write(offset, 0);
        }
    }

    @Override
    public void close() {
        mapping.close();
    }
}
