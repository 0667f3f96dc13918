package io.sluice.controller;

import io.sluice.nvme.Status;

/**
 * The admin command that is being done: our copy of its entry and what its completion will say. One object, used again and
 * again, since admin commands are done one after the other.
 */
final class AdminCommand {
    /** A result besides a status: the command stays outstanding and its completion comes later, or never. */
    static final int PARKED = -1;
    /** A result besides a status: the command is not done yet; the queue waits for it. */
    static final int UNFINISHED = -2;

    private final long sqe;
    private int dw0;
    private int blamedByte;
    private int blamedBit;

    /** @param sqeAddress host address of 64 bytes of our own */
    AdminCommand(long sqeAddress) {
        this.sqe = sqeAddress;
    }

    /** Host address of our copy of the entry. */
    long sqe() {
        return sqe;
    }

    void begin() {
        dw0 = 0;
        blamedByte = ErrorLog.NO_LOCATION;
        blamedBit = 0;
    }

    int dw0() {
        return dw0;
    }

    void setDw0(int value) {
        dw0 = value;
    }

    /** Ends the command with an error about the field of its entry that begins at a byte and bit; a retry will not help. */
    int refuse(Status status, int atByte, int atBit) {
        blamedByte = atByte;
        blamedBit = atBit;
        return status.dnr();
    }

    /** Where in the entry the fault is, in bytes, or {@link ErrorLog#NO_LOCATION}. */
    int blamedByte() {
        return blamedByte;
    }

    /** The bit in {@link #blamedByte()}, 0 to 7. */
    int blamedBit() {
        return blamedBit;
    }
}
