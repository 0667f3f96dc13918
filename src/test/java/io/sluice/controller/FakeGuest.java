package io.sluice.controller;

import io.sluice.dma.DmaReader;
import io.sluice.dma.DmaTarget;
import io.sluice.dma.Epoch;
import io.sluice.dma.GuestMemory;
import io.sluice.dma.MessagedMemory;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.io.IOException;
import java.util.TreeMap;

/**
 * A guest's memory, of which nobody knows the file behind it: pages of one mapping that a test maps, unmaps and moves at will. Guest
 * address 0 is the mapping's first byte, until a test says otherwise.
 */
final class FakeGuest implements GuestMemory, AutoCloseable {
    private static final int ALL_ACCESS = Translator.READ | Translator.WRITE;

    final Epoch epoch = new Epoch();
    private final Fd file;
    private final Mapping ram;

    /** Where a device sees the mapping's first byte; 0 if there is none. */
    private long iova;

    private final TreeMap<Long, Page> pages = new TreeMap<>(Long::compareUnsigned);
    boolean damaged;

    /** How pages without a file descriptor are had; null if they are not. */
    FakeMessages messages;

    /** Who has registered last; null until somebody does. */
    DmaReader lastReader;

    /** What is at one guest page: a host address with its rights, or a negative code. */
    private record Page(long hva, int access) {}

    /** The pages at low addresses, by number: looking these up makes no Long, so that a test can count bytes. */
    private final Page[] low;

    FakeGuest(long bytes) throws IOException {
        file = Memfd.create("fake guest", bytes);
        ram = Mapping.shared(file, 0, bytes, Mapping.PROT_READ | Mapping.PROT_WRITE);
        low = new Page[(int) (bytes / Memory.PAGE_BYTES)];
        for (long offset = 0; offset < bytes; offset += Memory.PAGE_BYTES) {
            put(offset, new Page(ram.address() + offset, ALL_ACCESS));
        }
    }

    /** The host address of a byte of the guest's memory, by its place in the mapping. */
    long hva(long offset) {
        return ram.address() + offset;
    }

    /** Lets a device reach all of it, for good. */
    void connect(DmaTarget device, long at) throws IOException {
        device.mapDma(file, 0, ram.length(), at, ALL_ACCESS);
        iova = at;
    }

    /** Maps one page of the guest to a page of the mapping. */
    void mapPage(long gpa, long offset, int access) {
        put(gpa, new Page(ram.address() + offset, access));
        epoch.advance();
    }

    void unmapPage(long gpa) {
        put(gpa, null);
        epoch.advance();
    }

    /** Makes a page one that has no file descriptor. */
    void makePageRemote(long gpa) {
        put(gpa, new Page(Translator.NOT_LOCAL, ALL_ACCESS));
        epoch.advance();
    }

    /** Whoever changes the memory does not wait for the reader any longer. */
    void missDeadline() {
        lastReader.miss(epoch.current());
    }

    private void put(long gpa, Page page) {
        if (isLow(gpa)) {
            low[(int) (gpa / Memory.PAGE_BYTES)] = page;
        } else {
            pages.put(gpa, page);
        }
    }

    private Page page(long gpa) {
        return isLow(gpa) ? low[(int) (gpa / Memory.PAGE_BYTES)] : pages.get(gpa);
    }

    private boolean isLow(long gpa) {
        return gpa >= 0 && gpa / Memory.PAGE_BYTES < low.length;
    }

    @Override
    public Translator hostView() {
        return this::translate;
    }

    @Override
    public Translator deviceView() {
        return (gpa, bytes, access) -> {
            long address = translate(gpa, bytes, access);
            return address < 0 ? address : address - ram.address() + iova;
        };
    }

    private long translate(long gpa, int bytes, int access) {
        long offset = gpa & (Memory.PAGE_BYTES - 1);
        if (offset + bytes > Memory.PAGE_BYTES) {
            return Translator.SPLIT;
        }
        Page page = page(gpa - offset);
        if (page == null) {
            return Translator.NOT_MAPPED;
        }
        if (page.hva < 0) {
            return page.hva;
        }
        return (page.access & access) == access ? page.hva + offset : Translator.NO_ACCESS;
    }

    @Override
    public MessagedMemory messages() {
        return messages;
    }

    @Override
    public DmaReader register(String name, Runnable wake) {
        lastReader = new DmaReader(epoch, name, wake);
        return lastReader;
    }

    @Override
    public boolean damaged() {
        return damaged;
    }

    @Override
    public void close() {
        ram.close();
        file.close();
    }
}
