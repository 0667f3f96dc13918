package io.sluice.dma;

import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.mem.Translator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * An IOMMU that only keeps an account: what is mapped, and every call in order, {@code "map 0+4096 rw"} by the offset in the
 * file, {@code "unmap 0+4096"}. It holds a caller to the rules of {@link DmaTarget}, and can refuse, or do something first.
 */
public final class FakeIommu implements DmaTarget {
    /** What a piece of the device's addresses leads to. */
    public record Piece(long bytes, long inode, long offset, int access, long mappedAt) {}

    /** One page of it. */
    public record Page(long inode, long offset, int access) {}

    public final List<String> calls = new ArrayList<>();

    /** What a caller did that it must not. */
    public final List<String> violations = new ArrayList<>();

    /** Before each call, outside of any lock: may block, may throw. */
    public volatile Hook before = call -> {};

    private volatile boolean gone;

    /** How often something was mapped. */
    private long maps;

    private final TreeMap<Long, Piece> pieces = new TreeMap<>(Long::compareUnsigned);

    /** Something to do before a call. */
    @FunctionalInterface
    public interface Hook {
        void run(String call) throws IOException;
    }

    @Override
    public void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        String rights = ((access & Translator.READ) == 0 ? "" : "r") + ((access & Translator.WRITE) == 0 ? "" : "w");
        note("map " + offset + "+" + bytes + " " + rights);
        FileStatus status = FileStatus.of(memory);
        synchronized (this) {
            check((offset | bytes | iova) % 4096 == 0 && bytes > 0 && iova > 0, "a bad range");
            check(offset + bytes <= status.size(), "past the end of the file");
            check(access != 0, "no access");
            Map.Entry<Long, Piece> floor = pieces.floorEntry(iova + bytes - 1);
            check(floor == null || floor.getKey() + floor.getValue().bytes() <= iova, "mapped already");
            pieces.put(iova, new Piece(bytes, status.inode(), offset, access, ++maps));
        }
    }

    @Override
    public void unmapDma(long iova, long bytes) throws IOException {
        Piece piece;
        synchronized (this) {
            piece = pieces.get(iova);
            check(piece != null && piece.bytes() == bytes, "not mapped as one piece");
        }
        note("unmap " + piece.offset() + "+" + bytes);
        synchronized (this) {
            pieces.remove(iova);
        }
    }

    /** It leaves: whatever is asked of it fails, and what it reached it reaches no more. */
    public synchronized void leave() {
        gone = true;
        pieces.clear();
        before = call -> {
            throw new IOException("nobody answers any more");
        };
    }

    @Override
    public boolean isGone() {
        return gone;
    }

    private void note(String call) throws IOException {
        synchronized (this) {
            calls.add(call);
        }
        before.run(call);
    }

    private void check(boolean good, String what) {
        if (!good) {
            violations.add(what + " after " + calls.getLast());
            throw new IllegalArgumentException(what);
        }
    }

    /** What the device finds at an address; null for a fault. */
    public synchronized Page at(long iova) {
        Map.Entry<Long, Piece> floor = pieces.floorEntry(iova);
        if (floor == null || iova - floor.getKey() >= floor.getValue().bytes()) {
            return null;
        }
        Piece piece = floor.getValue();
        return new Page(piece.inode(), piece.offset() + ((iova - floor.getKey()) & -4096), piece.access());
    }

    public synchronized long maps() {
        return maps;
    }

    /** The how manieth map it was that made an address reachable. */
    public synchronized long mappedAt(long iova) {
        return pieces.floorEntry(iova).getValue().mappedAt();
    }

    /** The lowest address that is mapped. */
    public synchronized long lowest() {
        return pieces.firstKey();
    }

    public synchronized int pieces() {
        return pieces.size();
    }

    public synchronized long bytes() {
        return pieces.values().stream().mapToLong(Piece::bytes).sum();
    }

    public synchronized List<String> takeCalls() {
        List<String> taken = List.copyOf(calls);
        calls.clear();
        return taken;
    }
}
