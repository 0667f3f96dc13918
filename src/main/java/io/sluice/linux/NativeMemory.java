package io.sluice.linux;

import java.lang.foreign.MemorySegment;

/** The whole address space as one segment. Only {@code io.sluice.mem} reads and writes through it. */
public final class NativeMemory {
    /**
     * Address 0 to {@link Long#MAX_VALUE}. It is a static final with a constant size, so the JIT compiles an access with an
     * address that it knows to be non-negative into a bare load or store. Nothing checks that the address is mapped: an
     * access to one that is not ends the process.
     */
    @SuppressWarnings("restricted")
    public static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private NativeMemory() {}
}
