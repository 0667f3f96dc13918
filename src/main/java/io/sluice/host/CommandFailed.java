package io.sluice.host;

import io.sluice.nvme.Status;
import java.io.IOException;

/** A command that the driver needs was answered with an error status. The device is well otherwise. */
public final class CommandFailed extends IOException {
    private static final long serialVersionUID = 1L;

    private final int status;

    /**
     * @param command its name and arguments, for people: "Create I/O Completion Queue 3"
     * @param device the device's name
     * @param status as in {@link Status}, not 0
     */
    public CommandFailed(String command, String device, int status) {
        super(command + " on " + device + " was refused: " + Status.describe(status));
        this.status = status;
    }

    /** The status as in {@link Status}. */
    public int status() {
        return status;
    }
}
