package io.sluice.linux;

/**
 * Who was at the other end of a socket when it was connected (SO_PEERCRED).
 *
 * @param pid process id in our namespace; 0 if the peer is outside it
 * @param uid effective user id
 * @param gid effective group id
 */
public record PeerCredentials(int pid, int uid, int gid) {
    @Override
    public String toString() {
        return "pid " + pid + ", uid " + Integer.toUnsignedString(uid) + ", gid " + Integer.toUnsignedString(gid);
    }
}
