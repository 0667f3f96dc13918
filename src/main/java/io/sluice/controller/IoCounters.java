package io.sluice.controller;

import io.sluice.nvme.NvmOpcode;

/** What I/O commands have done since the controller was made, for the SMART log. Belongs to the controller's agent. */
final class IoCounters {
    private long readCommands;
    private long readBytes;
    private long writeCommands;
    private long writeBytes;

    /** A command has succeeded. */
    void succeeded(IoCommand command) {
        if (command.opcode() == NvmOpcode.READ) {
            readCommands++;
            readBytes += command.byteCount();
        } else if (command.opcode() == NvmOpcode.WRITE) {
            writeCommands++;
            writeBytes += command.byteCount();
        }
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
