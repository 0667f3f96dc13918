package io.sluice.linux;

/** A client that has said all, and still listens. */
public final class HalfClose {
    private static final int SHUT_WR = 1;

    private HalfClose() {}

    public static void writing(UnixConnection connection) throws LinuxException {
        long result = Syscalls.shutdown(connection.fd().number(), SHUT_WR);
        if (result < 0) {
            throw new LinuxException("shutdown", "of the sending side", (int) -result);
        }
    }
}
