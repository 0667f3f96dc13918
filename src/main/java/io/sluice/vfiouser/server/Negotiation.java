package io.sluice.vfiouser.server;

import io.sluice.linux.UnixConnection;
import io.sluice.vfiouser.Capabilities;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.Version;
import io.sluice.vfiouser.VfioUserException;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;

/**
 * The answer to VERSION (vfio-user, "VFIO_USER_VERSION").
 *
 * @param reply the lower minor of both sides, and of what the client named the capabilities that this server has
 * @param writeMultiple whether REGION_WRITE_MULTI has been agreed on
 * @param maxDmaBytes the most data that the client takes, or gives, with one DMA request
 */
record Negotiation(Version reply, boolean writeMultiple, long maxDmaBytes) {
    /**
     * QEMU 10.1 to 11.1 calls a larger max_msg_fds malformed, though it means how many we can take. So a client that says it
     * takes few itself is told this.
     */
    private static final long FDS_FOR_ALL = 16;

    /** How many descriptors {@link UnixConnection} takes with one message. */
    private static final long MOST_FDS = UnixConnection.MAX_FDS;

    private static final long PAGE_SIZES = 4096;

    /**
     * Reads a client's proposal.
     *
     * @throws VfioUserException where there is no common version, or the proposal is malformed
     */
    static Negotiation of(Message message, ServerLimits limits) throws VfioUserException {
        Refuse.fds(message);
        int jsonBytes = message.body().remaining() - Version.FIXED_BYTES;
        Version proposal = Version.decode(message.body());
        if (proposal.major() != Version.MAJOR) {
            throw Refuse.invalid("the client speaks vfio-user " + proposal.major() + "." + proposal.minor()
                    + ", this server " + Version.MAJOR + "." + Version.MINOR + " and older");
        }
        Capabilities theirs = Capabilities.parse(proposal.json());
        String json = jsonFor(theirs, limits, jsonBytes);
        return new Negotiation(
                new Version(Version.MAJOR, Math.min(proposal.minor(), Version.MINOR), json),
                theirs.writeMultipleOrDefault(),
                theirs.maxDataTransferBytesOrDefault());
    }

    /** Our capabilities, in no more bytes than the client used (NUL included): QEMU has no room for more. */
    private static String jsonFor(Capabilities theirs, ServerLimits limits, int maxBytes) {
        long fds = theirs.maxMessageFds().orElse(0);
        for (long offeredFds : new long[] {Math.clamp(fds, FDS_FOR_ALL, MOST_FDS), Math.min(fds, MOST_FDS)}) {
            String json = ours(theirs, limits, offeredFds).toJson();
            if (json.getBytes(StandardCharsets.UTF_8).length < maxBytes) {
                return json;
            }
        }
        return "";
    }

    /** A subset of what the client named, as the specification wants it, and no number above the client's. */
    private static Capabilities ours(Capabilities theirs, ServerLimits limits, long fds) {
        return new Capabilities(
                replace(theirs.maxMessageFds(), fds),
                lower(theirs.maxDataTransferBytes(), limits.maxDataTransferBytes()),
                replace(theirs.pageSizes(), PAGE_SIZES),
                lower(theirs.maxDmaMaps(), Math.min(limits.dma().regions(), Capabilities.DEFAULT_MAX_DMA_MAPS)),
                theirs.writeMultiple());
    }

    private static OptionalLong replace(OptionalLong theirs, long ours) {
        return theirs.isPresent() ? OptionalLong.of(ours) : OptionalLong.empty();
    }

    private static OptionalLong lower(OptionalLong theirs, long ours) {
        return theirs.isPresent() ? OptionalLong.of(Math.min(theirs.getAsLong(), ours)) : OptionalLong.empty();
    }
}
