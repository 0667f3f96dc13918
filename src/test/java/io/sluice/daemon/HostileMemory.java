package io.sluice.daemon;

import io.sluice.device.PciDevice;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.io.IOException;

/**
 * What a hostile guest's commands are about: a file of which parts are mapped for the controller, with guards between them.
 * Queues are elsewhere, where commands do not find them: who overwrites its own queues proves nothing.
 *
 * <pre>
 *   pages:  0 guard | 32 lists, ranges | 64 guard | 96 data, two halves | 352 guard | 384 read only | 416 guard | 448
 * </pre>
 */
final class HostileMemory implements AutoCloseable {
    static final int PAGE = Memory.PAGE_BYTES;
    static final long GPA = 0x3000_0000_0000L;
    static final long GUARD_WORD = 0x5afe_5afe_5afe_5afeL;
    static final long PAINT = 0x5a5a_5a5a_5a5a_5a5aL;

    /** Pages of the file. */
    record Part(int firstPage, int pages, int access) {
        long gpa() {
            return GPA + (long) firstPage * PAGE;
        }

        long bytes() {
            return (long) pages * PAGE;
        }
    }

    private static final int READ_WRITE = Translator.READ | Translator.WRITE;
    static final int PAGES = 448;
    static final Part LISTS = new Part(32, 32, READ_WRITE);
    static final Part[] DATA = {new Part(96, 128, READ_WRITE), new Part(224, 128, READ_WRITE)};
    static final Part READ_ONLY = new Part(384, 32, Translator.READ);
    private static final Part[] GUARDS = {
        new Part(0, 32, 0), new Part(64, 32, 0), new Part(352, 32, 0), READ_ONLY, new Part(416, 32, 0)
    };

    private final Fd file;
    private final Mapping mapping;

    HostileMemory() throws IOException {
        file = Memfd.create("hostile", (long) PAGES * PAGE);
        mapping = Mapping.shared(file, 0, (long) PAGES * PAGE, Mapping.PROT_READ | Mapping.PROT_WRITE);
        Painted.paint(mapping.address(), mapping.length(), GUARD_WORD);
    }

    /** Of any part of it, here. */
    long address(Part part) {
        return mapping.address() + (long) part.firstPage * PAGE;
    }

    void mapAll(PciDevice device) throws IOException {
        map(device, LISTS);
        map(device, DATA[0]);
        map(device, DATA[1]);
        map(device, READ_ONLY);
    }

    void map(PciDevice device, Part part) throws IOException {
        device.mapDma(file, (long) part.firstPage * PAGE, part.bytes(), part.gpa(), part.access);
    }

    static void unmap(PciDevice device, Part part) throws IOException {
        device.unmapDma(part.gpa(), part.bytes());
    }

    void paint(Part part) {
        Painted.paint(address(part), part.bytes(), PAINT);
    }

    void assertUntouched(Part part, String since) {
        Painted.assertWhole("memory after " + since, address(part), part.bytes(), PAINT);
    }

    /** All that the controller may write to. */
    void paintWritable() {
        paint(LISTS);
        paint(DATA[0]);
        paint(DATA[1]);
    }

    void assertWritableUntouched(String since) {
        assertUntouched(LISTS, since);
        assertUntouched(DATA[0], since);
        assertUntouched(DATA[1], since);
    }

    /** What no command may have changed: what was never mapped, and what is mapped for reading only. */
    void assertGuardsAreWhole() {
        for (Part guard : GUARDS) {
            Painted.assertWhole("the guard from page " + guard.firstPage, address(guard), guard.bytes(), GUARD_WORD);
        }
    }

    /** How many of its words have one of these upper halves. */
    long count(int... upperHalves) {
        return Painted.count(mapping.address(), mapping.length(), upperHalves);
    }

    @Override
    public void close() {
        mapping.close();
        file.close();
    }
}
