package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.state.Stores;

/** What I/O commands have done since the controller was made, for the SMART log. Belongs to the controller's agent. */
final class IoCounters {
    private long readCommands;
    private long readBytes;
    private long writeCommands;
    private long writeBytes;

    private long mediaErrors;

    private final long kept;
    private final Stores stores;

    /**
     * All 0.
     *
     * @param address host address of a cache line where they outlive this process
     */
    IoCounters(long address, Stores stores) {
        this.kept = address;
        this.stores = stores;
    }

    /** Once a duty cycle: what it has counted since may be missing after the end of this process, or be counted twice. */
    void save() {
        stores.putLong(kept, readCommands);
        stores.putLong(kept + 8, readBytes);
        stores.putLong(kept + 16, writeCommands);
        stores.putLong(kept + 24, writeBytes);
        stores.putLong(kept + 32, mediaErrors);
    }

    /** As another process has left them. */
    void resume() {
        readCommands = Memory.getLong(kept);
        readBytes = Memory.getLong(kept + 8);
        writeCommands = Memory.getLong(kept + 16);
        writeBytes = Memory.getLong(kept + 24);
        mediaErrors = Memory.getLong(kept + 32);
    }

    /** A command has succeeded. What counts as what: NVM Command Set 1.0, 1.4.2.7, 1.4.2.8 and 1.4.2.10. */
    void succeeded(IoCommand command) {
        switch (command.opcode()) {
            case NvmOpcode.READ, NvmOpcode.COMPARE -> {
                readCommands++;
                readBytes += command.byteCount();
            }
            case NvmOpcode.WRITE -> {
                writeCommands++;
                writeBytes += command.byteCount();
            }
            case NvmOpcode.VERIFY -> readBytes += command.byteCount();
            default -> {} // moves no data of the user's
        }
    }

    /** A command has ended with a status that is not success. */
    void failed(int status) {
        mediaErrors += Status.UNRECOVERED_READ_ERROR.is(status) ? 1 : 0;
    }

    /** How often data could not be read. */
    long mediaErrors() {
        return mediaErrors;
    }

    long readCommands() {
        return readCommands;
    }

    long readBytes() {
        return readBytes;
    }

    long writeCommands() {
        return writeCommands;
    }

    long writeBytes() {
        return writeBytes;
    }
}
