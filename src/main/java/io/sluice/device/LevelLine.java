package io.sluice.device;

import io.sluice.linux.EventFd;

/**
 * INTx: a level-triggered interrupt, told by an eventfd as VFIO does it. Each signal masks the line; the other side unmasks
 * it once it has served the device, and if the level is asserted still, it is signalled again.
 *
 * <pre>
 *   asserted, unmasked ──signal──▶ asserted, masked ──unmask──▶ asserted, unmasked ──signal──▶ …
 *                                        │ level falls                ▲ level rises
 *                                        ▼                            │
 *                                  idle, masked ──────unmask──▶ idle, unmasked
 * </pre>
 *
 * <p>Belongs to one thread, as {@link InterruptLine} does.
 */
final class LevelLine {
    private EventFd target;
    private boolean masked;
    private boolean asserted;

    void setLevel(boolean nowAsserted) {
        if (asserted != nowAsserted) {
            asserted = nowAsserted;
            fire();
        }
    }

    boolean asserted() {
        return asserted;
    }

    EventFd setTarget(EventFd newTarget) {
        EventFd old = target;
        target = newTarget;
        masked = false; // VFIO enables INTx unmasked
        fire();
        return old;
    }

    void setMasked(boolean nowMasked) {
        masked = nowMasked;
        fire();
    }

    /** Signals whatever the level is. */
    void trigger() {
        if (target != null) {
            target.signal();
        }
    }

    private void fire() {
        if (asserted && !masked && target != null) {
            masked = true;
            target.signal();
        }
    }
}
