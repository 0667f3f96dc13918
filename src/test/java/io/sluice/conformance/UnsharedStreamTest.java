package io.sluice.conformance;

/** {@link RandomStreamTest} where much of the host's memory is not shared: there are commands with data of one kind, of the other, and of both. */
class UnsharedStreamTest extends RandomStreamTest {
    @Override
    boolean sharesMemory() {
        return false;
    }

    @Override
    long defaultCommands() {
        return 20_000;
    }
}
