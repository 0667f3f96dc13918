package io.sluice.controller;

import io.sluice.device.InterruptBank;
import io.sluice.device.InterruptKind;
import io.sluice.pci.ConfigSpace;
import java.util.function.LongSupplier;

/**
 * Which interrupt tells the guest of completions: NVMe 1.4, 7.5. MSI-X while configuration space has it enabled, else the
 * INTx pin, else none: the guest polls. Belongs to the controller's agent.
 *
 * <pre>
 *   MSI-X:  posted ──▶ the queue's vector is signalled, once for a batch, or later if the guest has so configured
 *   INTx:   asserted while a queue with interrupts has completions that the guest has not consumed, and INTMS lets it
 * </pre>
 *
 * <p>The mask bits of MSI-X (in the table, and the function's) are not looked at here: QEMU, as every user of VFIO, keeps the
 * table to itself and masks by taking the eventfd away, upon which interrupts are latched.
 */
final class Interrupts implements InterruptSink {
    /** The only bit of INTMS and INTMC that a pin has: NVMe 1.4, 7.5.1.1. */
    private static final int PIN_VECTOR = 0;

    private final InterruptBank bank;
    private final RegisterFile registers;
    private final ConfigSpace config;
    private final InterruptCoalescing coalescing;
    private boolean pinAsserted;

    Interrupts(InterruptBank bank, RegisterFile registers, ConfigSpace config, Features features, LongSupplier clock) {
        this.bank = bank;
        this.registers = registers;
        this.config = config;
        this.coalescing = new InterruptCoalescing(this::raise, bank.count(InterruptKind.MSIX), features, clock);
    }

    /** Whether the controller has such a vector. */
    boolean isVector(int vector) {
        return vector < bank.count(InterruptKind.MSIX);
    }

    /** Whether a queue can have this vector now: without MSI-X, there is only the pin. */
    boolean isUsable(int vector) {
        return usesMsix() || vector == PIN_VECTOR;
    }

    boolean usesMsix() {
        return config.msixEnabled();
    }

    private void raise(int vector) {
        if (usesMsix()) {
            bank.raiseMsix(vector);
        }
    }

    @Override
    public void completionsPosted(int vector) {
        coalescing.completionsPosted(vector);
    }

    @Override
    public void completionsPosted(int vector, int count, boolean anyFailed) {
        coalescing.completionsPosted(vector, count, anyFailed);
    }

    @Override
    public void queueDeleted(int vector) {
        coalescing.queueDeleted(vector);
    }

    /** Where the guest configures which of them wait for more completions, and what is due is raised. */
    InterruptCoalescing coalescing() {
        return coalescing;
    }

    /** Brings the pin to the level that the queues' state asks for, and shows it in configuration space. */
    void updatePin(AdminQueue adminQueue, IoQueues queues) {
        int mask = registers.interruptMask();
        show(!usesMsix() && (adminQueue.assertsPin(mask) || queues.assertsIntx(mask)));
        bank.setIntx(pinAsserted && !config.intxDisabled());
    }

    /** Whether the pin waits for the guest to consume completions. */
    boolean isPinAsserted() {
        return pinAsserted;
    }

    /** The controller and its features are reset: nothing is raised any more. */
    void clear() {
        coalescing.reset();
        show(false);
        bank.clear();
    }

    /** Interrupt Status says what is pending even where Interrupt Disable keeps it from being signalled. */
    private void show(boolean asserted) {
        if (pinAsserted != asserted) {
            pinAsserted = asserted;
            config.setInterruptStatus(asserted);
        }
    }
}
