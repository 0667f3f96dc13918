package io.sluice.vfiouser;

import java.io.IOException;

/** The stream of messages cannot be trusted any more: nobody knows where the next one begins. The connection must end. */
public final class FramingException extends IOException {
    private static final long serialVersionUID = 1L;

    /** @param message what the peer sent, and why it cannot be followed */
    public FramingException(String message) {
        super(message);
    }
}
