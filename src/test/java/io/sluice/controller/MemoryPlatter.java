package io.sluice.controller;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import java.io.IOException;

/** The blocks of {@link DurableDrive}, which does commands in its own steps: with the process, all of it stands still. */
final class MemoryPlatter implements Platter {
    private final Mapping blocks;

    MemoryPlatter() throws IOException {
        blocks = Mapping.anonymous(DurableDrive.BLOCKS * DurableDrive.BLOCK, Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    @Override
    public IoPath open() {
        return new DurableDrive(blocks);
    }

    @Override
    public void kill() {}

    @Override
    public byte at(long lba, int offset) {
        return Memory.getByte(blocks.address() + lba * DurableDrive.BLOCK + offset);
    }

    @Override
    public void close() {
        blocks.close();
    }
}
