package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.state.DroppingStores;
import java.io.IOException;
import java.util.Random;
import java.util.function.LongSupplier;

/** Has one life of a controller lived again and again, which ends somewhere else each time. */
final class Drops {
    private static final int FEWEST_STEPS = 500;

    /** So many in a row that nothing has cut short, and there are no more steps. */
    private static final int WHOLE_LIVES = 10;

    /**
     * What one life is like.
     *
     * @param lengths how many steps each controller has
     * @param random what else is up to chance
     */
    record Spans(LongSupplier lengths, Random random) {}

    /** A life from its beginning to its end, whatever becomes of the controller. */
    @FunctionalInterface
    interface Life {
        /** Returns the controller, which may be closed. */
        RevivedController live(Spans spans) throws IOException;
    }

    private final Life life;

    Drops(Life life) {
        this.life = life;
    }

    /** Before each of its steps. As there may be more or fewer of them each time, on until it has often come to its end. */
    void dropEverywhere() throws Exception {
        dropEverywhere(0, 1, FEWEST_STEPS);
    }

    /**
     * The same for lives that take long: before one in some of its steps, others in each run, or with {@code -Dsluice.drops=all} before
     * each.
     */
    void dropEverywhere(int stride) throws Exception {
        dropEverywhere(stride, FEWEST_STEPS);
    }

    /** @param fewestSteps a life that has fewer is not as it should be */
    void dropEverywhere(int stride, int fewestSteps) throws Exception {
        boolean all = "all".equals(System.getProperty("sluice.drops"));
        dropEverywhere(all ? 0 : new Random().nextInt(stride), all ? 1 : stride, fewestSteps);
    }

    private void dropEverywhere(int firstStep, int stride, int fewestSteps) throws Exception {
        long step = firstStep;
        for (int whole = 0; whole < WHOLE_LIVES; step += stride) {
            try {
                RevivedController last = live(step, new Random(step), 0);
                whole = last.revivals() == 0 ? whole + 1 : 0;
            } catch (AssertionError | Exception e) {
                throw new AssertionError("dropped after step " + step, e);
            }
        }
        assertTrue(step > fewestSteps, step + " steps");
    }

    /** In many lives, at random. */
    void dropAgainAndAgain(int lives) throws Exception {
        dropAgainAndAgain(lives, 20);
    }

    /** @param leastSteps how many steps a process has at least, on average: those that it goes on with take some */
    void dropAgainAndAgain(int lives, int leastSteps) throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        Random random = new Random(seed);
        int revivals = 0;
        for (int i = 0; i < lives; i++) {
            try {
                revivals += live(random.nextInt(400), random, leastSteps + random.nextInt(200))
                        .revivals();
            } catch (AssertionError | Exception e) {
                throw new AssertionError("life " + i + ", -Dsluice.seed=" + seed, e);
            }
        }
        assertTrue(revivals > 2 * lives, revivals + " revivals, -Dsluice.seed=" + seed);
    }

    /**
     * One life.
     *
     * @param first after which step it is dropped first
     * @param mean how many steps it has after that, on average; 0 for as many as it needs
     */
    private RevivedController live(long first, Random random, int mean) throws IOException {
        long[] next = {first};
        LongSupplier lengths = () -> {
            long length = next[0];
            next[0] = mean == 0 ? DroppingStores.NEVER : random.nextInt(2 * mean);
            return length;
        };
        return life.live(new Spans(lengths, random));
    }
}
