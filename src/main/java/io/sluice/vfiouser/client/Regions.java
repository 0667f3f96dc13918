package io.sluice.vfiouser.client;

import io.sluice.device.MappedBar;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.RegionAccess;
import io.sluice.vfiouser.RegionInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The server's regions: what they are, access by message, and mapping. */
final class Regions {
    /** A BAR larger than this (1 TiB) is taken for a mistake or worse. */
    private static final long MAX_BAR_BYTES = 1L << 40;

    /** As many separately mapped parts as a sane BAR has; each is a mapping of this process. */
    private static final int MAX_AREAS = 64;

    private final Exchange exchange;

    Regions(Exchange exchange) {
        this.exchange = exchange;
    }

    /** Reads 1, 2, 4 or 8 bytes by message, little endian, zero-extended. */
    long read(int region, long offset, int bytes) throws IOException {
        RegionAccess access = new RegionAccess(offset, region, bytes);
        return exchange.call(Command.REGION_READ, RegionAccess.BYTES, access::encode, List.of(), reply -> {
            RegionAccess answer = RegionAccess.decodeWithData(reply.body(), "the reply to REGION_READ");
            requireCount(answer, bytes);
            return number(reply.body(), bytes);
        });
    }

    private static long number(ByteBuffer body, int bytes) {
        return switch (bytes) {
            case Byte.BYTES -> Byte.toUnsignedLong(body.get());
            case Short.BYTES -> Short.toUnsignedLong(body.getShort());
            case Integer.BYTES -> Integer.toUnsignedLong(body.getInt());
            default -> body.getLong();
        };
    }

    /** Writes the low 1, 2, 4 or 8 bytes of a value by message, and waits until it is done. */
    void write(int region, long offset, int bytes, long value) throws IOException {
        RegionAccess access = new RegionAccess(offset, region, bytes);
        exchange.call(
                Command.REGION_WRITE,
                RegionAccess.BYTES + bytes,
                out -> {
                    access.encode(out);
                    putNumber(out, bytes, value);
                },
                List.of(),
                reply -> {
                    RegionAccess answer = RegionAccess.decodeWriteReply(reply.body());
                    requireCount(answer, bytes);
                    return answer;
                });
    }

    private static void putNumber(ByteBuffer out, int bytes, long value) {
        switch (bytes) {
            case Byte.BYTES -> out.put((byte) value);
            case Short.BYTES -> out.putShort((short) value);
            case Integer.BYTES -> out.putInt((int) value);
            default -> out.putLong(value);
        }
    }

    private static void requireCount(RegionAccess answer, int bytes) throws IOException {
        if (answer.count() != bytes) {
            throw new IOException("the server answered an access of " + bytes + " bytes with one of " + answer);
        }
    }

    /** Opens a BAR and maps what the server lets be mapped. */
    MappedBar openBar(int index) throws IOException {
        List<Fd> fds = new ArrayList<>();
        try {
            RegionInfo info = info(index, fds);
            if (info.size() <= 0 || info.size() > MAX_BAR_BYTES) {
                throw new IOException(exchange.peer() + " has no usable BAR " + index + ": its size is "
                        + Long.toUnsignedString(info.size()) + " bytes");
            }
            return new MappedBar(
                    "BAR " + index + " of " + exchange.peer(), info.size(), map(info, fds), byMessage(index));
        } finally {
            fds.forEach(Fd::close);
        }
    }

    private MappedBar.Fallback byMessage(int index) {
        return new MappedBar.Fallback() {
            @Override
            public long read(long offset, int width) throws IOException {
                return Regions.this.read(index, offset, width);
            }

            @Override
            public void write(long offset, int width, long value) throws IOException {
                Regions.this.write(index, offset, width, value);
            }
        };
    }

    /** Asks twice where the first answer has no room for the mappable areas. */
    private RegionInfo info(int index, List<Fd> fds) throws IOException {
        RegionInfo first = ask(RegionInfo.FIXED_BYTES, index, fds);
        if (first.argsz() <= RegionInfo.FIXED_BYTES) {
            return first;
        }
        fds.forEach(Fd::close);
        fds.clear();
        return ask(Math.min(first.argsz(), Exchange.MAX_MESSAGE_BYTES / 2), index, fds);
    }

    private RegionInfo ask(long argsz, int index, List<Fd> fds) throws IOException {
        RegionInfo request = RegionInfo.request(argsz, index);
        return exchange.call(Command.DEVICE_GET_REGION_INFO, request.bytes(), request::encode, List.of(), reply -> {
            RegionInfo answer = RegionInfo.decodeReply(reply.body());
            fds.addAll(reply.takeFds());
            return answer;
        });
    }

    private List<MappedBar.Piece> map(RegionInfo info, List<Fd> fds) throws IOException {
        if ((info.flags() & RegionInfo.MMAP) == 0 || fds.isEmpty()) {
            return List.of();
        }
        List<RegionInfo.Area> areas =
                info.areas().isEmpty() ? List.of(new RegionInfo.Area(0, info.size())) : info.areas();
        if (areas.size() > MAX_AREAS) {
            throw new IOException(exchange.peer() + " offers " + areas.size() + " mappable areas in BAR " + info.index()
                    + "; " + MAX_AREAS + " are accepted");
        }
        List<MappedBar.Piece> pieces = new ArrayList<>();
        try {
            for (int i = 0; i < areas.size(); i++) {
                // Some servers send one descriptor for the region, others one for each area.
                Fd fd = fds.get(fds.size() == areas.size() ? i : 0);
                pieces.add(map(info, areas.get(i), fd));
            }
            return pieces;
        } catch (IOException | RuntimeException e) {
            pieces.forEach(piece -> piece.mapping().close());
            throw e;
        }
    }

    private MappedBar.Piece map(RegionInfo info, RegionInfo.Area area, Fd fd) throws IOException {
        boolean inside = area.offset() >= 0
                && area.size() > 0
                && area.offset() <= info.size() - area.size()
                && info.offset() >= 0
                && info.offset() <= Long.MAX_VALUE - info.size();
        if (!inside || area.offset() % Memory.PAGE_BYTES != 0 || area.size() % Memory.PAGE_BYTES != 0) {
            throw new IOException(exchange.peer() + " offers to map 0x" + Long.toHexString(area.size())
                    + " bytes at 0x" + Long.toHexString(area.offset()) + " of BAR " + info.index() + ", which has 0x"
                    + Long.toHexString(info.size()) + " bytes; an area is whole pages inside of its region");
        }
        int protection = Mapping.PROT_READ;
        if ((info.flags() & RegionInfo.WRITE) != 0) {
            protection += Mapping.PROT_WRITE;
        }
        return new MappedBar.Piece(
                area.offset(), Mapping.shared(fd, info.offset() + area.offset(), area.size(), protection));
    }
}
