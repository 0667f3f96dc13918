package io.sluice.linux;

import java.util.Optional;

/**
 * Who may connect to a socket: connecting needs the write permission on its file.
 *
 * @param mode permission bits, 0 to 0777, regardless of the umask
 * @param owner user name or number; empty leaves it to whoever runs this
 * @param group group name or number; empty leaves it likewise
 */
public record SocketOptions(int mode, Optional<String> owner, Optional<String> group) {
    /** Only the user who runs this (and root). */
    public static final SocketOptions PRIVATE = new SocketOptions(0600, Optional.empty(), Optional.empty());

    public SocketOptions {
        if ((mode & ~0777) != 0) {
            throw new IllegalArgumentException(
                    "a socket's mode is 0 to 0777, not " + Integer.toOctalString(mode) + " (octal)");
        }
    }

    public SocketOptions withMode(int newMode) {
        return new SocketOptions(newMode, owner, group);
    }

    public SocketOptions withOwner(String newOwner) {
        return new SocketOptions(mode, Optional.of(newOwner), group);
    }

    public SocketOptions withGroup(String newGroup) {
        return new SocketOptions(mode, owner, Optional.of(newGroup));
    }
}
