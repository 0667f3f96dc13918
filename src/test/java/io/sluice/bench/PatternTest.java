package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PatternTest {
    private static final int BLOCK = 512;
    private static final long SEED = 42;
    private static final long LBA = 1234;
    private static final long GENERATION = 7;

    private final Pattern pattern = new Pattern(SEED);
    private Mapping mapping;
    private long block;

    @BeforeEach
    void open() throws LinuxException {
        mapping = Mapping.anonymous(BLOCK, Mapping.PROT_READ | Mapping.PROT_WRITE);
        block = mapping.address();
        pattern.fill(block, BLOCK, LBA, GENERATION);
    }

    @AfterEach
    void close() {
        mapping.close();
    }

    private int check() {
        return pattern.check(block, BLOCK, LBA, GENERATION);
    }

    @Test
    void shouldCarryLbaSeedAndGenerationInTheFirstWords() {
        assertEquals(LBA, Memory.getLong(block));
        assertEquals(SEED, Memory.getLong(block + 8));
        assertEquals(GENERATION, Memory.getLong(block + 16));
    }

    @Test
    void shouldAcceptWhatItHasFilled() {
        assertEquals(Pattern.OK, check());
        assertEquals(Pattern.OK, pattern.check(block, BLOCK, LBA, Pattern.ANY_GENERATION));
    }

    @Test
    void shouldNameTheFirstWrongWordWhenAnyOneBitIsFlipped() {
        for (int bit = 0; bit < BLOCK * 8; bit++) {
            long at = block + bit / 8;
            byte flipped = (byte) (Memory.getByte(at) ^ (1 << (bit % 8)));
            Memory.putByte(at, flipped);
            assertEquals(bit / 64 * 8, check(), "bit " + bit);
            Memory.putByte(at, (byte) (flipped ^ (1 << (bit % 8))));
        }
        assertEquals(Pattern.OK, check());
    }

    @Test
    void shouldDifferInEveryWordWhenLbaOrGenerationDiffers() {
        try (Mapping other = Mapping.anonymous(BLOCK, Mapping.PROT_READ | Mapping.PROT_WRITE)) {
            pattern.fill(other.address(), BLOCK, LBA + 1, GENERATION);
            for (int offset = 24; offset < BLOCK; offset += 8) {
                assertTrue(Memory.getLong(block + offset) != Memory.getLong(other.address() + offset));
            }
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldTellAnotherSeedFromAMismatchWhenAnyGenerationIsAllowed() {
        Pattern other = new Pattern(SEED + 1);
        assertEquals(Pattern.FOREIGN, other.check(block, BLOCK, LBA, Pattern.ANY_GENERATION));
        assertEquals(8, other.check(block, BLOCK, LBA, GENERATION));
    }

    @Test
    void shouldCheckTheBodyAgainstTheGenerationFoundWhenAnyIsAllowed() {
        Memory.putLong(block + 16, GENERATION + 1);
        assertEquals(24, pattern.check(block, BLOCK, LBA, Pattern.ANY_GENERATION));
    }

    @Test
    void shouldReportExactlyWhenAStaleBlockIsRead() {
        Mismatch mismatch = pattern.explain(1, block, LBA, GENERATION + 1, 16);
        assertEquals(
                "namespace 1, LBA 1234, byte 16 of the block: expected 0x0000000000000008, got 0x0000000000000007"
                        + " (it is generation 7 of this block; generation 8 was written last)",
                mismatch.text());
    }

    @Test
    void shouldSayWhoseBlockItIsWhenABlockIsMisplaced() {
        int offset = pattern.check(block, BLOCK, 99, GENERATION);
        assertEquals(0, offset);
        assertEquals(
                "it is the pattern of LBA 1234, generation 7",
                pattern.explain(1, block, 99, GENERATION, offset).meaning());
    }

    @Test
    void shouldSayWhereItGoesWrongWhenTheBodyIsTorn() {
        Memory.putLong(block + 256, 0);
        Mismatch mismatch = pattern.explain(1, block, LBA, GENERATION, check());
        assertEquals(256, mismatch.byteOffset());
        assertEquals(0, mismatch.got());
        assertEquals(pattern.word(256, LBA, GENERATION), mismatch.expected());
        assertEquals("the block begins as generation 7 should, and goes wrong there", mismatch.meaning());
    }

    @Test
    void shouldSaySoWhenTheBlockIsNotOfThisRun() {
        Memory.fill(block, BLOCK, (byte) 0);
        assertEquals(
                "the block does not carry this run's seed",
                pattern.explain(1, block, LBA, GENERATION, check()).meaning());
    }
}
