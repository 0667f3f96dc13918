package io.sluice.vfiouser.client;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DmaAccess;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import io.sluice.vfiouser.VfioUserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Memory that a client has mapped for DMA and does not share: the server asks for it by messages, which are answered here, in the
 * order in which they come. Thread-safe.
 */
final class UnsharedMemory implements DmaAnswerer, AutoCloseable {
    /** By IOVA, compared unsigned. */
    private final TreeMap<Long, Region> regions = new TreeMap<>(Long::compareUnsigned);

    private record Region(Mapping mapping, int access) {}

    /** Bytes of one access that are in one region: where they are here, and how many there are. */
    @FunctionalInterface
    private interface Part {
        void at(long address, int bytes);
    }

    /** Makes a range of a file what the server gets at an IOVA. */
    synchronized void map(Fd memory, long offset, long bytes, long iova, int access) throws LinuxException {
        regions.put(
                iova,
                new Region(Mapping.shared(memory, offset, bytes, Mapping.PROT_READ | Mapping.PROT_WRITE), access));
    }

    synchronized void unmap(long iova) {
        Region region = regions.remove(iova);
        if (region != null) {
            region.mapping.close();
        }
    }

    @Override
    public void answer(Message command, MessageChannel channel) throws IOException {
        Header header = command.header();
        try {
            if (header.command() == Command.DMA_READ.code()) {
                read(header, DmaAccess.decode(command.body(), "DMA_READ"), channel);
            } else if (header.command() == Command.DMA_WRITE.code()) {
                write(header, command.body(), channel);
            } else if (header.wantsReply()) {
                channel.send(header.errorReply(Errno.EOPNOTSUPP));
            }
        } catch (VfioUserException e) {
            if (header.wantsReply()) {
                channel.send(header.errorReply(e.errno()));
            }
        }
    }

    private void read(Header header, DmaAccess access, MessageChannel channel) throws IOException {
        byte[] data = new byte[checkedCount(access)];
        int[] done = {0};
        transfer(access, Translator.READ, (address, bytes) -> {
            Memory.copyOut(address, data, done[0], bytes);
            done[0] += bytes;
        });
        Consumer<ByteBuffer> body = out -> {
            access.encode(out);
            out.put(data);
        };
        channel.send(header.reply(DmaAccess.BYTES + data.length), body, List.of());
    }

    private void write(Header header, ByteBuffer body, MessageChannel channel) throws IOException {
        DmaAccess access = DmaAccess.decodeWithData(body, "DMA_WRITE");
        byte[] data = new byte[checkedCount(access)];
        body.get(data);
        int[] done = {0};
        transfer(access, Translator.WRITE, (address, bytes) -> {
            Memory.copyIn(data, done[0], address, bytes);
            done[0] += bytes;
        });
        if (header.wantsReply()) {
            channel.send(header.reply(DmaAccess.BYTES), access::encode, List.of());
        }
    }

    private static int checkedCount(DmaAccess access) throws VfioUserException {
        if (Long.compareUnsigned(access.count(), Exchange.MAX_DMA_BYTES) > 0) {
            throw new VfioUserException(Errno.E2BIG, "the server asks for " + access);
        }
        return (int) access.count();
    }

    private synchronized void transfer(DmaAccess access, int direction, Part part) throws VfioUserException {
        long iova = access.address();
        long rest = access.count();
        while (rest > 0) {
            Map.Entry<Long, Region> entry = regions.floorEntry(iova);
            long inside = entry == null ? 0 : entry.getValue().mapping.length() - (iova - entry.getKey());
            if (inside <= 0 || (entry.getValue().access & direction) == 0) {
                throw new VfioUserException(Errno.EFAULT, "the server asks for " + access + ", which is not mapped");
            }
            int bytes = (int) Math.min(rest, inside);
            part.at(entry.getValue().mapping.address() + (iova - entry.getKey()), bytes);
            iova += bytes;
            rest -= bytes;
        }
    }

    @Override
    public synchronized void close() {
        regions.values().forEach(region -> region.mapping.close());
        regions.clear();
    }
}
