package io.sluice.vfiouser.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.Fd;
import io.sluice.linux.UnixConnection;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DmaMap;
import io.sluice.vfiouser.DmaUnmap;
import io.sluice.vfiouser.RegionAccess;
import io.sluice.vfiouser.RegionInfo;
import io.sluice.vfiouser.VfioUserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A client, and messages beside it on the same connection: those that no driver sends. DMA by message is refused where a test has not
 * said what is there.
 */
public final class OpenClient {
    private final UnixConnection connection;
    private final Exchange exchange;
    private final VfioUserClient client;
    private final UnsharedMemory unshared;

    private OpenClient(UnixConnection connection, Exchange exchange, VfioUserClient client, UnsharedMemory unshared) {
        this.connection = connection;
        this.exchange = exchange;
        this.client = client;
        this.unshared = unshared;
    }

    public static OpenClient connect(Path socket) throws IOException {
        return connect(socket, VfioUserClient.DEFAULT_TIMEOUT);
    }

    /** As {@link #connect(Path)}; with a time for each reply. */
    public static OpenClient connect(Path socket, Duration timeout) throws IOException {
        return connect(socket, timeout, memory -> memory);
    }

    /** The same with something between the server's requests for memory and what answers them. */
    public static OpenClient connect(Path socket, Duration timeout, UnaryOperator<DmaAnswerer> between)
            throws IOException {
        UnixConnection connection = UnixConnection.connect(socket);
        UnsharedMemory unshared = new UnsharedMemory();
        Exchange exchange = new Exchange(socket.toString(), connection, timeout, between.apply(unshared));
        return new OpenClient(connection, exchange, VfioUserClient.over(exchange, null), unshared);
    }

    /** As the end of a process that was killed looks to the server: nothing is unmapped before. */
    public void kill() {
        connection.shutdown();
    }

    /** The client; it owns the connection. */
    public VfioUserClient client() {
        return client;
    }

    /** Maps a part of a file for reading and writing, without giving its descriptor away: the server gets it by messages. */
    public void mapUnshared(Fd memory, long offset, long bytes, long iova) throws IOException {
        unshared.map(memory, offset, bytes, iova, Translator.READ | Translator.WRITE);
        assertEquals(0, mapWithoutDescriptor(iova, bytes));
    }

    /**
     * Maps for reading and writing, as QEMU maps other devices' BARs: without a descriptor, and nobody answers for it. Returns an errno,
     * 0 if done.
     */
    public int mapWithoutDescriptor(long iova, long bytes) throws IOException {
        DmaMap map = new DmaMap(DmaMap.BYTES, DmaMap.READABLE | DmaMap.WRITABLE, 0, iova, bytes);
        return request(Command.DMA_MAP, DmaMap.BYTES, map::encode);
    }

    /** Takes it away again. Returns an errno, 0 if done. */
    public int unmap(long iova, long bytes) throws IOException {
        DmaUnmap unmap = new DmaUnmap(DmaUnmap.BYTES, 0, iova, bytes);
        return request(Command.DMA_UNMAP, DmaUnmap.BYTES, unmap::encode);
    }

    /** Writes a region by message, also where it is mapped. Returns an errno, 0 if done. */
    public int write(int region, long offset, byte... data) throws IOException {
        RegionAccess access = new RegionAccess(offset, region, data.length);
        return request(Command.REGION_WRITE, RegionAccess.BYTES + data.length, out -> {
            access.encode(out);
            out.put(data);
        });
    }

    /** The same with four bytes, little endian. */
    public int write(int region, long offset, int value) throws IOException {
        ByteBuffer data = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return write(region, offset, data.putInt(value).array());
    }

    /** The file behind the mappable part of a region: the caller closes it. */
    public Fd regionFile(int region) throws IOException {
        List<Fd> fds = new ArrayList<>();
        RegionInfo info = RegionInfo.request(RegionInfo.bytesWith(1), region);
        int errno = request(Command.DEVICE_GET_REGION_INFO, info.bytes(), info::encode, fds);
        if (errno != 0 || fds.size() != 1) {
            throw new IOException("region " + region + ": error " + errno + ", " + fds.size() + " descriptors");
        }
        return fds.getFirst();
    }

    private int request(Command command, int bodyBytes, Consumer<ByteBuffer> body) throws IOException {
        return request(command, bodyBytes, body, new ArrayList<>());
    }

    private int request(Command command, int bodyBytes, Consumer<ByteBuffer> body, List<Fd> fds) throws IOException {
        try {
            return exchange.call(command, bodyBytes, body, List.of(), reply -> {
                fds.addAll(reply.takeFds());
                return 0;
            });
        } catch (VfioUserException refused) {
            return refused.errno();
        }
    }
}
