package io.sluice.vfiouser.server;

import io.sluice.device.AccessRefused;
import io.sluice.device.PciFunction;
import io.sluice.device.Region;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.RegionAccess;
import io.sluice.vfiouser.RegionWrites;
import io.sluice.vfiouser.VfioUserException;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads and writes of regions. */
final class RegionRequests {
    private static final Logger LOG = LoggerFactory.getLogger(RegionRequests.class);

    private final PciFunction function;
    private final int maxBytes;

    /** @param maxBytes the largest access */
    RegionRequests(PciFunction function, int maxBytes) {
        this.function = function;
        this.maxBytes = maxBytes;
    }

    Reply read(Message message) throws VfioUserException {
        Refuse.fds(message);
        RegionAccess access = RegionAccess.decodeRead(message.body());
        check("read", access, maxBytes);
        byte[] data = new byte[(int) access.count()];
        try {
            function.read(access.region(), access.offset(), data);
        } catch (AccessRefused e) {
            throw refused("read", access, e);
        }
        return Reply.of(RegionAccess.BYTES + data.length, out -> {
            access.encode(out);
            out.put(data);
        });
    }

    Reply write(Message message) throws VfioUserException {
        Refuse.fds(message);
        RegionAccess access = RegionAccess.decodeWithData(message.body(), "REGION_WRITE");
        check("write", access, maxBytes);
        byte[] data = new byte[(int) access.count()];
        message.body().get(data);
        write(access, data);
        return Reply.of(RegionAccess.BYTES, access::encode);
    }

    /**
     * Does several writes as if each had its own message: one that is refused does not stop those after it.
     *
     * @throws VfioUserException the first refusal, if every single one was refused
     */
    Reply writeMulti(Message message) throws VfioUserException {
        Refuse.fds(message);
        RegionWrites writes = RegionWrites.decode(message.body());
        long done = 0;
        VfioUserException firstRefusal = null;
        for (RegionWrites.Write write : writes.writes()) {
            try {
                check("write", write.access(), RegionWrites.MAX_DATA_BYTES);
                write(write.access(), Arrays.copyOf(write.data(), (int)
                        write.access().count()));
                done++;
            } catch (VfioUserException e) {
                LOG.debug(
                        "{}: one of {} writes in a message is refused: {}",
                        function.name(),
                        writes.writes().size(),
                        e.getMessage());
                firstRefusal = firstRefusal == null ? e : firstRefusal;
            }
        }
        if (done == 0 && firstRefusal != null) {
            throw firstRefusal;
        }
        long count = done;
        return Reply.of(RegionWrites.FIXED_BYTES, out -> out.putLong(count));
    }

    private void write(RegionAccess access, byte[] data) throws VfioUserException {
        if (access.region() == Region.ROM) {
            throw Refuse.invalid("the expansion ROM cannot be written");
        }
        try {
            function.write(access.region(), access.offset(), data);
        } catch (AccessRefused e) {
            throw refused("write", access, e);
        }
    }

    private void check(String what, RegionAccess access, int most) throws VfioUserException {
        if (access.region() < 0 || access.region() >= Region.COUNT) {
            throw Refuse.invalid("cannot " + what + " " + access + ": there is no such region");
        }
        if (access.count() < 1 || access.count() > most) {
            throw Refuse.invalid("cannot " + what + " " + access + ": 1 to " + most + " bytes are possible");
        }
        long regionBytes = function.region(access.region()).bytes();
        // The offset is unsigned; negative here is beyond every region. The subtraction cannot overflow.
        if (access.offset() < 0 || access.offset() > regionBytes - access.count()) {
            throw Refuse.invalid("cannot " + what + " " + access + ": it has " + regionBytes + " bytes");
        }
    }

    private static VfioUserException refused(String what, RegionAccess access, AccessRefused e) {
        return Refuse.invalid("cannot " + what + " " + access + ": " + e.getMessage());
    }
}
