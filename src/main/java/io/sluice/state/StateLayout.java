package io.sluice.state;

/**
 * What a state file holds. Two processes understand each other's file only if all of this is the same.
 *
 * @param kind whose state it is: up to 8 letters of ASCII
 * @param version of the layout: another one for each change of what is stored where
 * @param shape of what was configured when the file was made, such as numbers of queues; of any meaning
 * @param snapshotBytes room for one snapshot, whole pages
 * @param areaBytes room for words that are stored one by one, whole pages
 */
public record StateLayout(String kind, int version, long shape, int snapshotBytes, long areaBytes) {
    /** Checks the sizes. */
    public StateLayout {
        if (kind.isEmpty() || kind.length() > Long.BYTES || snapshotBytes <= 0 || areaBytes < 0) {
            throw new IllegalArgumentException("no layout: " + kind + ", " + snapshotBytes + ", " + areaBytes);
        }
    }

    /** The kind as 8 bytes. */
    long kindWord() {
        long word = 0;
        for (int i = 0; i < kind.length(); i++) {
            word = word * 256 + kind.charAt(i);
        }
        return word;
    }
}
