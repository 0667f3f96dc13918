package io.sluice.dma;

import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** The pins that regions may share, by file and rights. Under the space's lock. */
final class PinTable {
    /**
     * How many pins are looked at for one region, backwards from where it begins. A client whose regions overlap in the file
     * more than that gets more pins than it needs.
     */
    private static final int MAX_CANDIDATES = 64;

    private record Kind(Backing backing, int access) {}

    private record Position(long start, long number) implements Comparable<Position> {
        @Override
        public int compareTo(Position other) {
            return start == other.start ? Long.compare(number, other.number) : Long.compare(start, other.start);
        }
    }

    private final Map<Kind, NavigableMap<Position, Pin>> kinds = new HashMap<>();

    void add(Pin pin) {
        kinds.computeIfAbsent(new Kind(pin.backing, pin.access), kind -> new TreeMap<>())
                .put(new Position(pin.fileStart, pin.number), pin);
    }

    void remove(Pin pin) {
        Kind kind = new Kind(pin.backing, pin.access);
        NavigableMap<Position, Pin> pins = kinds.get(kind);
        if (pins != null) {
            pins.remove(new Position(pin.fileStart, pin.number));
            if (pins.isEmpty()) {
                kinds.remove(kind);
            }
        }
    }

    /** A pin that a region may share, or null. */
    Pin find(DmaRegion region) {
        NavigableMap<Position, Pin> pins = kinds.get(new Kind(region.extent.backing, region.access));
        if (pins == null) {
            return null;
        }
        return pins.headMap(new Position(region.offset, Long.MAX_VALUE), true).descendingMap().values().stream()
                .limit(MAX_CANDIDATES)
                .filter(pin -> pin.mayHold(region))
                .findFirst()
                .orElse(null);
    }
}
