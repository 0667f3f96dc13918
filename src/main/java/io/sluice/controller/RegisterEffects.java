package io.sluice.controller;

/** What a controller does when its registers are written. Belongs to the controller's agent. */
final class RegisterEffects implements RegisterFile.Effects {
    private final Lifecycle lifecycle;
    private final Interrupts interrupts;
    private final Runnable updatePin;

    /** @param updatePin brings the pin to the level that it should have */
    RegisterEffects(Lifecycle lifecycle, Interrupts interrupts, Runnable updatePin) {
        this.lifecycle = lifecycle;
        this.interrupts = interrupts;
        this.updatePin = updatePin;
    }

    @Override
    public void configured(int oldCc) {
        lifecycle.configured(oldCc);
    }

    @Override
    public boolean usesMsix() {
        return interrupts.usesMsix();
    }

    @Override
    public void interruptMaskChanged() {
        updatePin.run();
    }
}
