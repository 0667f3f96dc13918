package io.sluice.controller;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import java.io.UncheckedIOException;

/**
 * The page of this process that takes what nobody wants, such as what a Read's bit buckets leave out. Whoever likes writes there, at
 * the same time as others, and nobody looks at it, so that one does for all controllers and is there for good.
 */
final class DiscardPage {
    private static final Mapping PAGE = make();

    private DiscardPage() {}

    private static Mapping make() {
        try {
            return Mapping.anonymous(Memory.PAGE_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        } catch (LinuxException e) {
            throw new UncheckedIOException("no page for what is to be discarded: " + e.getMessage(), e);
        }
    }

    /** Its address, page-aligned. */
    static long address() {
        return PAGE.address();
    }
}
