package io.sluice.vfiouser.server;

import io.sluice.device.AccessRefused;
import io.sluice.device.InterruptKind;
import io.sluice.device.PciFunction;
import io.sluice.device.Region;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.EventFd;
import java.util.List;
import java.util.Optional;

/** A function without a poller: whatever it has to do it does after each call that changes it. */
record Stepped(PciFunction function, Runnable step) implements PciFunction {
    @Override
    public String name() {
        return function.name();
    }

    @Override
    public Region region(int index) {
        return function.region(index);
    }

    @Override
    public int interruptCount(InterruptKind kind) {
        return function.interruptCount(kind);
    }

    @Override
    public Optional<DeviceMemory> deviceMemory() {
        return function.deviceMemory();
    }

    @Override
    public void attach(GuestMemory memory) {
        function.attach(memory);
        step.run();
    }

    @Override
    public void detach() {
        function.detach();
        step.run();
    }

    @Override
    public void read(int region, long offset, byte[] target) throws AccessRefused {
        function.read(region, offset, target);
    }

    @Override
    public void write(int region, long offset, byte[] source) throws AccessRefused {
        function.write(region, offset, source);
        step.run();
    }

    @Override
    public void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets) {
        function.setInterruptTargets(kind, start, targets);
        step.run();
    }

    @Override
    public void maskInterrupts(InterruptKind kind, int start, int count) {
        function.maskInterrupts(kind, start, count);
    }

    @Override
    public void unmaskInterrupts(InterruptKind kind, int start, int count) {
        function.unmaskInterrupts(kind, start, count);
    }

    @Override
    public void triggerInterrupts(InterruptKind kind, int start, int count) {
        function.triggerInterrupts(kind, start, count);
    }

    @Override
    public void reset() {
        function.reset();
        step.run();
    }
}
