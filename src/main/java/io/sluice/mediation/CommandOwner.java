package io.sluice.mediation;

import io.sluice.controller.IoCommand;

/** Who has a command in a {@link HostQueue}. */
interface CommandOwner {
    /**
     * The device has ended it, or the driver has; the device does not use its memory any more.
     *
     * @param command what it was for; null where it was for nobody in particular
     * @param hostStatus as {@link io.sluice.host.CompletionListener} gets it
     */
    void ended(IoCommand command, int hostStatus);

    /** What is noted of a command for who comes after this process: see {@link SlotNote}. */
    long note(IoCommand command);
}
