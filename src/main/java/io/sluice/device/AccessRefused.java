package io.sluice.device;

/** A region access that the function does not allow: wrong width, misaligned, outside of every register. */
public final class AccessRefused extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * Says what was refused.
     *
     * @param message what was refused, where, and why
     */
    public AccessRefused(String message) {
        super(message);
    }
}
