package io.sluice.linux;

/** ioctl(2): whatever a device understands. */
public final class Ioctl {
    private Ioctl() {}

    /**
     * Makes one request, once: a driver's requests are not all harmless to repeat.
     *
     * @param name the request's name, for the error message, such as {@code VFIO_GET_API_VERSION}
     * @param argument an address or a number, as the request has it
     * @return what the driver returns, 0 or more
     */
    public static int call(Fd fd, String name, long request, long argument) throws LinuxException {
        int number = fd.acquire("ioctl");
        try {
            long result = Syscalls.ioctl(number, request, argument);
            if (result < 0) {
                throw new LinuxException("ioctl", name + " of " + fd.describe(), (int) -result);
            }
            return (int) result;
        } finally {
            fd.release();
        }
    }
}
