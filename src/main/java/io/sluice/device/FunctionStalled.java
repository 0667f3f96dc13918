package io.sluice.device;

/**
 * A {@link PciFunction} did not do in time what it was asked to: whatever polls it does not come round, or what it waits for
 * does not end. The caller tells its client, and may ask again.
 */
public final class FunctionStalled extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message who did not do what within which time */
    public FunctionStalled(String message, Throwable cause) {
        super(message, cause);
    }
}
