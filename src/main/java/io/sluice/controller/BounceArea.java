package io.sluice.controller;

import io.sluice.linux.Mapping;

/** Memory of our own that an {@link IoPath} moves data to and from, in the place of a guest's that it cannot reach. Zeroed. */
public interface BounceArea extends AutoCloseable {
    /** Where this process has it; page-aligned. */
    long hva();

    /** Where the path has it, as {@link IoPath#dataView} would say. */
    long dataAddress();

    /** Nobody uses it any more. */
    @Override
    void close();

    /** Memory that this process and the path have at the same addresses; closed with the area. */
    static BounceArea of(Mapping memory) {
        return new BounceArea() {
            @Override
            public long hva() {
                return memory.address();
            }

            @Override
            public long dataAddress() {
                return memory.address();
            }

            @Override
            public void close() {
                memory.close();
            }
        };
    }
}
