package io.sluice.nvme;

/** A named part of a structure in memory, at a fixed offset; the structure's address is given with each access. */
public sealed interface Member permits Field, TextField, BytesField, WideField {
    /** The name in the specification. */
    String name();

    /** Offset in the structure, in bytes. */
    int offset();

    /** Length, in bytes. */
    int bytes();
}
