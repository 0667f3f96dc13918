package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Descriptors;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Random commands, each of which must end as a reference model says, while queues come and go. */
class RandomStreamTest extends Conformance {
    private static final int QUEUES = 4;
    private static final int MOST_BATCHES_OF_A_QUEUE = 200;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final long commands = Long.getLong("sluice.stream.commands", defaultCommands());

    /** How many commands there are if nobody says otherwise. */
    long defaultCommands() {
        return 100_000;
    }

    /** The most commands of a batch, 1 to {@link Planned.Slot#COUNT}. */
    int mostAtATime() {
        return Planned.Slot.COUNT;
    }

    @Test
    void everyCommandEndsAsTheReferenceSays() throws IOException {
        System.out.println(getClass().getSimpleName() + ", seed " + seed + ", " + commands + " commands");
        Random random = new Random(seed);
        RandomStream stream = new RandomStream(
                host, random, QUEUES, new ReferenceDrive(1, BLOCKS, BLOCK), new ReferenceDrive(2, BLOCKS_2, PAGE));
        int[] left = new int[QUEUES];
        boolean[] there = new boolean[QUEUES];
        long slowest = 0;
        long descriptors = Descriptors.count();
        while (stream.ended() < commands) {
            for (int i = 0; i < QUEUES; i++) {
                if (left[i]-- == 0) {
                    renew(stream, random, i, there[i]);
                    there[i] = true;
                    left[i] = random.nextInt(MOST_BATCHES_OF_A_QUEUE);
                }
            }
            long start = System.nanoTime();
            stream.batch(1 + random.nextInt(mostAtATime()));
            slowest = Math.max(slowest, System.nanoTime() - start);
        }
        System.out.printf("%s; the slowest batch took %.1f ms%n", stream.tally(), slowest / 1e6);
        assertEquals(descriptors, Descriptors.count(), "descriptors");
        assertTrue(stream.refused() > 0 && stream.refused() < stream.ended() / 2);
    }

    /** Another pair of another size, in place of the one that was there. */
    private void renew(RandomStream stream, Random random, int index, boolean there) throws IOException {
        int qid = 2 + index;
        if (there) {
            host.admin(new Command(0x00).dw(10, qid)).good();
            host.admin(new Command(0x04).dw(10, qid)).good();
        }
        long memory = Host.QUEUES + index * 0x6000L;
        int entries = 2 + random.nextInt(254);
        stream.setQueue(index, host.createPair(qid, entries, memory, memory + 0x4000), entries - 1);
    }
}
