package io.sluice.nvme;

/**
 * The shadow doorbell and EventIdx buffers: NVMe 1.4, 5.7 "Doorbell Buffer Config command", and "Updating Controller
 * Doorbell Registers using a Shadow Doorbell Buffer". Both buffers are one memory page laid out as the doorbells are, from
 * offset 0.
 *
 * <pre>
 *   shadow doorbells (PRP1)           EventIdx (PRP2)
 *     0   SQ0 tail (not used)           0   SQ0 (not used)
 *     4   CQ0 head (not used)           4   CQ0 (not used)
 *     8   SQ1 tail                      8   SQ1: "write the doorbell once the tail passes this"
 *     c   CQ1 head                      c   CQ1
 * </pre>
 */
public final class DoorbellBuffer {
    private DoorbellBuffer() {}

    /** Offset of a submission queue's entry in either buffer, DSTRD = 0. */
    public static int sqTailOffset(int qid) {
        return Doorbells.sqTailDoorbell(qid) - Doorbells.OFFSET;
    }

    /** Offset of a completion queue's entry in either buffer, DSTRD = 0. */
    public static int cqHeadOffset(int qid) {
        return Doorbells.cqHeadDoorbell(qid) - Doorbells.OFFSET;
    }

    /** The highest queue identifier whose entries fit a buffer of {@code pageBytes}, DSTRD = 0. */
    public static int maxQid(int pageBytes) {
        return pageBytes / (2 * Doorbells.BYTES) - 1;
    }

    /**
     * Whether a driver that moves a doorbell from {@code oldIndex} to {@code newIndex} steps past {@code eventIdx} and so
     * has to write the doorbell register too. All three are taken modulo 65536.
     *
     * <pre>
     *    old        eventIdx          new          "passes" means: eventIdx is one of old … new - 1
     *     |-------------|--------------|
     * </pre>
     */
    public static boolean needsEvent(int eventIdx, int newIndex, int oldIndex) {
        int beyondEvent = Short.toUnsignedInt((short) (newIndex - eventIdx - 1));
        int moved = Short.toUnsignedInt((short) (newIndex - oldIndex));
        return beyondEvent < moved;
    }
}
