package io.sluice.cli;

/** What a command's exit status means; the same numbers stand in every command's help. */
final class ExitCode {
    static final int OK = 0;
    /** It could not be done: no such socket, a device that failed, a limit too low. */
    static final int FAILED = 1;
    /** The command line is wrong. */
    static final int USAGE = 2;
    /** Commands ended with an error status, or the controller had to be reset. */
    static final int IO_ERRORS = 3;
    /** Data was read that differs from what was written. */
    static final int DATA_WRONG = 4;

    private ExitCode() {}
}
