package io.sluice.host;

import java.io.IOException;

/** The device, not a command, has failed: it is gone, stuck, or does what no controller may do. Nothing more is asked of it. */
public final class DeviceFailure extends IOException {
    private static final long serialVersionUID = 1L;

    /** @param message what failed, on which device, why, and what to do next */
    public DeviceFailure(String message) {
        super(message);
    }

    /** As above, with what gave rise to it. */
    public DeviceFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
