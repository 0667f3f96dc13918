package io.sluice.conformance;

import java.util.Arrays;

/**
 * What a namespace must have in its blocks after every command, as the specification says. A block that was written holds a tag,
 * repeated; tag 0 is zeroes, of blocks that were never written, too.
 */
final class ReferenceDrive {
    final int nsid;
    final int blockBytes;
    final long blockCount;
    private final int[] tags;
    private final boolean[] bad;

    /** The command that has last been planned to read a block, and the one to change it. */
    private final int[] readBy;

    private final int[] changedBy;
    private int command = 1;
    private int firstOfBatch = 1;

    /** What is written is told apart by tags, 1 and up. */
    static final class Tags {
        private int next = 1;

        int take(int count) {
            int first = next;
            next += count;
            return first;
        }
    }

    ReferenceDrive(int nsid, int blockCount, int blockBytes) {
        this.nsid = nsid;
        this.blockBytes = blockBytes;
        this.blockCount = blockCount;
        tags = new int[blockCount];
        bad = new boolean[blockCount];
        readBy = new int[blockCount];
        changedBy = new int[blockCount];
    }

    /** All commands have ended. */
    void beginBatch() {
        firstOfBatch = ++command;
    }

    void beginCommand() {
        command++;
    }

    /** Whether the command may use these blocks beside the others of its batch, of which nobody knows which is done first. */
    boolean claim(long slba, int count, boolean changes) {
        boolean free = true;
        for (int lba = (int) slba; lba < slba + count; lba++) {
            free &= !isOfAnother(changedBy[lba]) && !(changes && isOfAnother(readBy[lba]));
            (changes ? changedBy : readBy)[lba] = command;
        }
        return free;
    }

    private boolean isOfAnother(int user) {
        return user >= firstOfBatch && user != command;
    }

    /** Whether a range is inside; neither its start nor its end need make sense. */
    boolean has(long slba, long count) {
        return slba >= 0 && slba < blockCount && count <= blockCount - slba;
    }

    int tag(long lba) {
        return tags[(int) lba];
    }

    /** Whether any of these was written uncorrectable. */
    boolean isBad(long slba, int count) {
        for (int i = 0; i < count; i++) {
            if (bad[(int) slba + i]) {
                return true;
            }
        }
        return false;
    }

    void write(long slba, int count, int tag) {
        Arrays.fill(tags, (int) slba, (int) slba + count, tag);
        Arrays.fill(bad, (int) slba, (int) slba + count, false);
    }

    /** The same with a tag for each, from one on. */
    void writeEach(long slba, int count, int firstTag) {
        for (int i = 0; i < count; i++) {
            tags[(int) slba + i] = firstTag + i;
            bad[(int) slba + i] = false;
        }
    }

    void spoil(long slba, int count) {
        Arrays.fill(bad, (int) slba, (int) slba + count, true);
    }

    /** Range by range; where they overlap what is read is what was there when its turn came. */
    void copy(long from, long to, int count) {
        int[] read = Arrays.copyOfRange(tags, (int) from, (int) from + count);
        System.arraycopy(read, 0, tags, (int) to, count);
        Arrays.fill(bad, (int) to, (int) to + count, false);
    }
}
