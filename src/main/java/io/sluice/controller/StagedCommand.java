package io.sluice.controller;

import io.sluice.dma.GuestMemory;

/** One command whose lists or data are, at least in part, in memory that the guest does not share: see {@link StagedCommands}. */
final class StagedCommand {
    /** How far it is. */
    enum Stage {
        LOOK,
        FETCH,
        DATA_IN,
        SUBMIT,
        IN_PATH,
        DATA_OUT
    }

    final StagedMemory memory;
    IoCommand command;
    Stage stage = Stage.LOOK;

    StagedCommand(GuestMemory guestMemory, BouncePages pages) {
        this.memory = new StagedMemory(guestMemory, pages);
    }
}
