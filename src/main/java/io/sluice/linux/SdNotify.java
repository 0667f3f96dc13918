package io.sluice.linux;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Tells the service manager how a daemon is doing: sd_notify(3), which is a datagram of text to the socket in
 * {@code NOTIFY_SOCKET}. Where there is no manager nothing happens, and nothing that goes wrong here is an error: a daemon
 * does not end because nobody listens.
 */
public final class SdNotify {
    /** What a message has room for behind the address, in scratch memory. */
    static final int MAX_MESSAGE_BYTES = 2048;

    /** Where the message is in scratch memory, behind a timeval or an address. */
    private static final int MESSAGE = 256;

    /** A manager that is busy gets this long to make room. */
    private static final int TIMEOUT_SECONDS = 1;

    /** UTF-8 of one char; a pair of surrogates has four together. */
    private static final int MAX_BYTES_PER_CHAR = 3;

    /** Empty for none. */
    private final String socket;

    private final long watchdogMicros;

    private SdNotify(String socket, long watchdogMicros) {
        this.socket = socket;
        this.watchdogMicros = watchdogMicros;
    }

    /** The manager of this process, if it has one. */
    public static SdNotify ofThisProcess() {
        return of(System.getenv(), ProcessHandle.current().pid());
    }

    /**
     * What an environment says.
     *
     * @param pid of this process: a watchdog that is meant for another is not ours
     */
    public static SdNotify of(Map<String, String> environment, long pid) {
        String socket = environment.getOrDefault("NOTIFY_SOCKET", "");
        boolean known = socket.startsWith("/") || (socket.startsWith("@") && socket.length() > 1);
        boolean fits = socket.getBytes(StandardCharsets.UTF_8).length <= UnixSocket.PATH_MAX_BYTES;
        if (!known || !fits) {
            return new SdNotify("", 0);
        }
        boolean ours =
                environment.getOrDefault("WATCHDOG_PID", Long.toString(pid)).equals(Long.toString(pid));
        return new SdNotify(socket, ours ? number(environment.getOrDefault("WATCHDOG_USEC", "")) : 0);
    }

    private static long number(String text) {
        return text.matches("\\d{1,18}") ? Long.parseLong(text) : 0;
    }

    /** How often {@link #watchdog} must be called at least, in microseconds; empty for never. */
    public OptionalLong watchdogMicros() {
        return watchdogMicros > 0 ? OptionalLong.of(watchdogMicros) : OptionalLong.empty();
    }

    /** It serves. */
    public boolean ready(String status) {
        return send("READY=1\nSTATUS=" + oneLine(status));
    }

    /** How it is doing, a line for people. */
    public boolean status(String status) {
        return send("STATUS=" + oneLine(status));
    }

    /** It is still starting, or ending: the manager is to wait for that much longer, from now on, than it would have. */
    public boolean extendTimeout(long micros) {
        return send("EXTEND_TIMEOUT_USEC=" + micros);
    }

    /** It is on its way out. */
    public boolean stopping() {
        return send("STOPPING=1");
    }

    /** It is alive. */
    public boolean watchdog() {
        return send("WATCHDOG=1");
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\x00-\\x1f]+", " ");
    }

    /** Whether somebody got it. */
    private boolean send(String message) {
        if (socket.isEmpty()) {
            return false;
        }
        byte[] bytes = cut(message);
        try (Fd fd = Fd.fromResult(
                Syscalls.socket(UnixSocket.AF_UNIX, UnixSocket.SOCK_DGRAM | UnixSocket.SOCK_CLOEXEC),
                "socket",
                "of AF_UNIX")) {
            long memory = Scratch.memory();
            // A manager that does not read must not hold up who serves guests.
            Bytes.putLong(memory, TIMEOUT_SECONDS);
            Bytes.putLong(memory + Long.BYTES, 0);
            Syscalls.setsockopt(
                    fd.number(), UnixSocket.SOL_SOCKET, UnixSocket.SO_SNDTIMEO, memory, UnixSocket.TIMEVAL_BYTES);
            Bytes.copyIn(memory + MESSAGE, bytes);
            int addressBytes = putAddress(memory);
            long sent = Syscalls.sendto(
                    fd.number(), memory + MESSAGE, bytes.length, UnixSocket.MSG_NOSIGNAL, memory, addressBytes);
            return sent == bytes.length;
        } catch (LinuxException e) {
            return false; // no descriptor is left: there are louder signs of that
        }
    }

    /** The text in UTF-8, no longer than there is room, and no character cut in two. */
    private static byte[] cut(String message) {
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        String text = message;
        while (bytes.length > MAX_MESSAGE_BYTES) {
            int keep =
                    Math.max(0, text.length() - Math.max(1, (bytes.length - MAX_MESSAGE_BYTES) / MAX_BYTES_PER_CHAR));
            text = text.substring(0, Character.isHighSurrogate(text.charAt(keep - 1)) ? keep - 1 : keep);
            bytes = text.getBytes(StandardCharsets.UTF_8);
        }
        return bytes;
    }

    /** A path, or, written with an '@' for its leading NUL, an abstract name, which no NUL ends (unix(7)). */
    private int putAddress(long memory) {
        Bytes.putShort(memory, UnixSocket.AF_UNIX);
        Bytes.putString(memory + UnixSocket.SUN_PATH, socket, UnixSocket.PATH_MAX_BYTES + 1);
        int bytes = UnixSocket.SUN_PATH + socket.getBytes(StandardCharsets.UTF_8).length;
        if (!socket.startsWith("@")) {
            return bytes + 1;
        }
        Bytes.zero(memory + UnixSocket.SUN_PATH, 1);
        return bytes;
    }
}
