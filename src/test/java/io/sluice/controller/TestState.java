package io.sluice.controller;

import io.sluice.linux.LinuxException;
import io.sluice.state.Stores;

/** State for what is tested without a controller. */
final class TestState {
    private TestState() {}

    /** For queues over a path; whoever makes it closes it. */
    static ControllerState of(IoPath path) throws LinuxException {
        return ControllerState.create(
                ControllerConfig.of("test", "test"), ControllerState.slotsFor(path), new Stores());
    }
}
