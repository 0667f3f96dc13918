package io.sluice.dma;

/**
 * The memory of a client that shares no file for it: what is there is had by messages to the client, and arrives later, or
 * never. Which addresses that is for, {@link GuestMemory#hostView} says ({@link io.sluice.mem.Translator#NOT_LOCAL}); whoever asks
 * here has asked there first.
 *
 * <p>One thread uses it, and no call waits for the client. Requests have tickets:
 *
 * <pre>
 *   read, write ──▶ PENDING ──answered──▶ DONE ──take──▶ end
 *                      │  └──refused, or answered with something else──▶ FAILED ──▶ end
 *                      └──end: nobody waits for it any more. What has not gone out yet does not, what is answered late is
 *                         thrown away
 * </pre>
 */
public interface MessagedMemory {
    /** Instead of a ticket: as much is under way as may be. */
    long NONE = -1;

    /** What {@link #look} says. */
    enum Progress {
        PENDING,
        DONE,
        FAILED
    }

    /** The most bytes that one request may have, 1 or more. */
    int maxBytes();

    /**
     * Whose turn it is when something has been answered.
     *
     * @param wake called from another thread
     */
    void listen(Runnable wake);

    /**
     * Asks for memory.
     *
     * @param bytes 1 to {@link #maxBytes}
     * @return a ticket, or {@link #NONE}
     */
    long read(long gpa, int bytes);

    /**
     * Changes memory. What is to be written is copied before this returns.
     *
     * @param hva where it is, here
     * @param bytes 1 to {@link #maxBytes}
     * @return a ticket, or {@link #NONE}
     */
    long write(long gpa, long hva, int bytes);

    /** How far a request is. */
    Progress look(long ticket);

    /** Copies what a request of {@link #read} that is DONE has brought, all of it, to a place here. */
    void take(long ticket, long hva);

    /** Nobody needs this request any more, however far it is: its ticket means nothing from now on. */
    void end(long ticket);
}
