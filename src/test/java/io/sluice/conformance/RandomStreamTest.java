package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Random commands, each of which must end as a reference model says, while queues come and go. */
class RandomStreamTest extends Conformance {
    private static final int QUEUES = 4;
    private static final int MOST_COMMANDS_OF_A_QUEUE = 2000;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final long commands = Long.getLong("sluice.stream.commands", 20_000);

    @Test
    void everyCommandEndsAsTheReferenceSays() throws IOException {
        System.out.println("RandomStreamTest, seed " + seed + ", " + commands + " commands");
        Random random = new Random(seed);
        RandomStream stream = new RandomStream(
                host, random, new ReferenceDrive(1, BLOCKS, BLOCK), new ReferenceDrive(2, BLOCKS_2, PAGE));
        HostQueue[] queues = new HostQueue[QUEUES];
        int[] left = new int[QUEUES];
        long slowest = 0;
        for (long i = 0; i < commands; i++) {
            int index = random.nextInt(QUEUES);
            if (left[index]-- == 0) {
                queues[index] = renew(random, index, queues[index]);
                left[index] = 1 + random.nextInt(MOST_COMMANDS_OF_A_QUEUE);
            }
            long start = System.nanoTime();
            stream.next(queues[index]);
            slowest = Math.max(slowest, System.nanoTime() - start);
        }
        System.out.printf("%d of them were refused; the slowest took %.1f ms%n", stream.refused(), slowest / 1e6);
        assertTrue(stream.refused() > 0 && stream.refused() < commands / 2);
    }

    /** Another pair of another size, in place of the one that was there. */
    private HostQueue renew(Random random, int index, HostQueue before) throws IOException {
        int qid = 2 + index;
        if (before != null) {
            host.admin(new Command(0x00).dw(10, qid)).good();
            host.admin(new Command(0x04).dw(10, qid)).good();
        }
        long memory = Host.QUEUES + index * 0x6000L;
        return host.createPair(qid, 2 + random.nextInt(254), memory, memory + 0x4000);
    }
}
