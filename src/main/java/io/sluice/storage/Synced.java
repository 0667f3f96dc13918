package io.sluice.storage;

import io.sluice.controller.IoPath;

/** A storage that is to be flushed for a command that is not its own. */
interface Synced extends IoPath {
    /** Asks for a flush that begins after this. Returns its number. */
    long beginSync();

    /** How that has ended: a status as in {@link io.sluice.nvme.Status}, or {@link #PENDING}. */
    int syncStatus(long number);
}
