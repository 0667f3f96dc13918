package io.sluice.hostpci;

import io.sluice.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Path;

/** All that this room asks of the kernel beyond reading files and links: what changes the host, or could. */
public interface HostKernel {
    /** The host that this process runs on. */
    static HostKernel running() {
        return new RunningKernel();
    }

    /** Whether {@link #write} to the file could succeed, as far as rights go. */
    boolean mayWrite(Path file);

    /**
     * Writes to a file of sysfs, in one piece. The kernel acts on it before this returns.
     *
     * @throws IOException saying what was written where, and why that failed
     */
    void write(Path file, String text) throws IOException;

    /**
     * Opens a block device exclusively: the kernel lets one such user in, and a mounted file system is one.
     *
     * @throws LinuxException EBUSY where somebody has it
     */
    Claim claim(Path blockDevice) throws LinuxException;

    /**
     * Loads a module.
     *
     * @throws IOException saying why it cannot
     */
    void loadModule(String name) throws IOException;

    /** Lets a tenth of a second go by, for the kernel to get on. */
    void pause();

    /** An exclusive hold on a block device. */
    @FunctionalInterface
    interface Claim extends AutoCloseable {
        /** Gives it up. Idempotent, never throws. */
        @Override
        void close();
    }
}
