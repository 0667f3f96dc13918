package io.sluice.poll;

import io.sluice.linux.ThreadControl;

/**
 * An access to mapped memory whose file has been cut short is an {@link InternalError}, which compiled code tells some time later,
 * in whatever its thread does then.
 */
final class LateErrors {
    private LateErrors() {}

    /**
     * Has the JVM tell now. For what is rare: it costs a system call.
     *
     * @throws InternalError if an access of this thread's was at fault, and it was not told yet
     */
    static void tell() {
        ThreadControl.threadId(); // any call: on its way back from native code the JVM tells all that it has kept
    }
}
