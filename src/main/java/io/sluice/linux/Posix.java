package io.sluice.linux;

import java.nio.file.Path;
import jnr.posix.Group;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import jnr.posix.Passwd;
import jnr.posix.RLimit;
import jnr.posix.util.SunMiscSignal;

/**
 * The process-level POSIX calls, through jnr-posix.
 *
 * <p>That library takes a noticeable part of a second to load, so nothing on the way to a running daemon should need it
 * unless the user asked for what it does.
 */
public final class Posix {
    /** No limit. */
    public static final long UNLIMITED = -1L;

    private Posix() {}

    /** Loaded at first use. */
    private static final class Library {
        static final POSIX INSTANCE = POSIXFactory.getNativePOSIX();
    }

    /** A limit of this process. */
    public enum Resource {
        /** Open descriptors: the highest number, plus 1. */
        NOFILE(7),
        /** Bytes locked into memory, DMA mappings among them. */
        MEMLOCK(8);

        final int number;

        Resource(int number) {
            this.number = number;
        }
    }

    /** Signals that ask a process to end. */
    public enum Signal {
        /** The terminal has gone. */
        HUP(jnr.constants.platform.Signal.SIGHUP),
        /** Ctrl-C. */
        INT(jnr.constants.platform.Signal.SIGINT),
        /** From a service manager, or kill(1). */
        TERM(jnr.constants.platform.Signal.SIGTERM);

        final jnr.constants.platform.Signal constant;

        Signal(jnr.constants.platform.Signal constant) {
            this.constant = constant;
        }
    }

    /**
     * What the kernel allows and what it may be raised to; {@link #UNLIMITED} for no limit.
     *
     * @param soft the limit in force
     * @param hard how far this process may raise it itself
     */
    public record Limit(long soft, long hard) {}

    /** Sets which permissions new files do not get, for the whole process, and returns the old value. */
    public static int umask(int mask) {
        return Library.INSTANCE.umask(mask);
    }

    public static void chmod(Path path, int mode) throws LinuxException {
        check(
                "chmod",
                "of " + path + " to " + Integer.toOctalString(mode),
                Library.INSTANCE.chmod(path.toString(), mode));
    }

    /** Changes owner and group; -1 leaves one as it is. Links are followed. */
    public static void chown(Path path, int uid, int gid) throws LinuxException {
        check(
                "chown",
                "of " + path + " to user " + uid + ", group " + gid,
                Library.INSTANCE.chown(path.toString(), uid, gid));
    }

    /** The number of a user given by name, or by number in decimal. */
    public static int userId(String user) throws LinuxException {
        if (isNumber(user)) {
            return number("user", user);
        }
        Passwd found = Library.INSTANCE.getpwnam(user);
        if (found == null) {
            throw new LinuxException(
                    "getpwnam",
                    "of " + user,
                    Errno.ENOENT,
                    "There is no such user on this host: name another, or a number.");
        }
        return (int) found.getUID();
    }

    /** The number of a group given by name, or by number in decimal. */
    public static int groupId(String group) throws LinuxException {
        if (isNumber(group)) {
            return number("group", group);
        }
        Group found = Library.INSTANCE.getgrnam(group);
        if (found == null) {
            throw new LinuxException(
                    "getgrnam",
                    "of " + group,
                    Errno.ENOENT,
                    "There is no such group on this host: name another, or a number.");
        }
        return (int) found.getGID();
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    /** The largest value means "leave as it is" to chown, so it is nobody's number. */
    private static int number(String kind, String text) throws LinuxException {
        try {
            int value = Integer.parseUnsignedInt(text);
            if (value != -1) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw new LinuxException("look-up", "of " + kind + " " + text, Errno.ERANGE);
        }
        throw new LinuxException("look-up", "of " + kind + " " + text, Errno.ERANGE);
    }

    public static Limit limit(Resource resource) {
        RLimit limit = Library.INSTANCE.getrlimit(resource.number);
        return new Limit(limit.rlimCur(), limit.rlimMax());
    }

    /** EPERM for a hard limit above the present one without the privilege for that. */
    public static void setLimit(Resource resource, Limit limit) throws LinuxException {
        int result = Library.INSTANCE.setrlimit(resource.number, limit.soft(), limit.hard());
        check("setrlimit", "of " + resource + " to " + limit, result);
    }

    /** Sends a signal; number 0 only asks whether the process is there. */
    public static void kill(int pid, int signal) throws LinuxException {
        check("kill", "of process " + pid + " with signal " + signal, Library.INSTANCE.kill(pid, signal));
    }

    /**
     * Calls somebody whenever a signal comes, instead of what the JVM does with it. On a thread of the JVM's, not in the
     * signal's own context; one that this process was started to ignore stays ignored.
     *
     * @throws IllegalArgumentException if the JVM leaves signals alone (-Xrs), or keeps this one for itself
     */
    public static void onSignal(Signal signal, Runnable action) {
        SunMiscSignal.signal(signal.constant, number -> action.run());
    }

    public static int pid() {
        return Library.INSTANCE.getpid();
    }

    public static int uid() {
        return Library.INSTANCE.getuid();
    }

    private static void check(String call, String on, int result) throws LinuxException {
        if (result != 0) {
            throw new LinuxException(call, on, Library.INSTANCE.errno());
        }
    }
}
