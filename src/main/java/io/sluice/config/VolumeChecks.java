package io.sluice.config;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What volumes may not have in common: names, sockets, serial numbers, blocks. */
final class VolumeChecks {
    private final List<VolumeSettings> volumes = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();
    private final Map<String, Map<String, Section>> taken = new HashMap<>();
    private final boolean inSequence;

    /** @param inSequence whether a volume without a start begins where the one before it ends */
    VolumeChecks(boolean inSequence) {
        this.inSequence = inSequence;
    }

    /** Compares a volume with those before it. */
    void add(VolumeSettings volume, Section section) {
        if (!section.isGroup()) {
            return;
        }
        unique("name", volume.name(), section);
        unique("socket", volume.socket(), section);
        // Shorter ones are filled up with blanks (NVMe 1.4, figure 247, SN).
        unique("serial", volume.serial().stripTrailing(), section);
        if (hasRange(volume, section)) {
            findOverlap(volume, section);
            volumes.add(volume);
            sections.add(section);
        }
    }

    private void unique(String key, String value, Section section) {
        if (value.isEmpty() || !section.isGood(key) || (key.equals("serial") && !section.isGood("name"))) {
            return; // that has been told
        }
        Section first = taken.computeIfAbsent(key, k -> new HashMap<>()).putIfAbsent(value, section);
        if (first != null && !(key.equals("serial") && sameDerived(first, section))) {
            String how = section.has(key) ? "" : ", which comes from its name,";
            section.problem(
                    key, Problems.quoted(value) + how + " is taken by " + first.path() + ", at " + first.position(key));
        }
    }

    /** Two volumes of one name have one serial number too; that need not be told twice. */
    private static boolean sameDerived(Section one, Section other) {
        return !one.has("serial") && !other.has("serial");
    }

    private static boolean hasRange(VolumeSettings volume, Section section) {
        if (!section.isGood("start") || !section.isGood("size") || !section.isGood("namespace")) {
            return false;
        }
        if (volume.sizeBytes().isPresent()
                && volume.startBytes() > Long.MAX_VALUE - volume.sizeBytes().getAsLong()) {
            section.problem("size", "the volume would end beyond 8 EiB; no device is that large");
            return false;
        }
        return true;
    }

    private void findOverlap(VolumeSettings volume, Section section) {
        for (int i = 0; i < volumes.size(); i++) {
            VolumeSettings other = volumes.get(i);
            if (volume.nsid() == other.nsid() && volume.startBytes() < end(other) && other.startBytes() < end(volume)) {
                section.problem("start", overlap(volume, section, other, sections.get(i)));
                return; // one is enough to look at
            }
        }
    }

    private static long end(VolumeSettings volume) {
        return volume.sizeBytes().isPresent()
                ? volume.startBytes() + volume.sizeBytes().getAsLong()
                : Long.MAX_VALUE;
    }

    private String overlap(VolumeSettings volume, Section section, VolumeSettings other, Section first) {
        String hint = section.has("start") ? "" : whyThere(other);
        return Problems.quoted(volume.name()) + ", " + volume.rangeText() + ", overlaps " + first.path() + ", "
                + Problems.quoted(other.name()) + ", " + other.rangeText() + ", at " + first.position("start") + hint;
    }

    /** Why a volume that does not say where it begins is where another one is. */
    private String whyThere(VolumeSettings other) {
        if (!inSequence) {
            return "; it has no \"start\", which makes that 0";
        }
        return other.sizeBytes().isPresent()
                ? "; it has no \"start\", so that it begins where the one before it ends"
                : "; " + Problems.quoted(other.name()) + " has no \"size\", and takes all that is left: give it one";
    }
}
