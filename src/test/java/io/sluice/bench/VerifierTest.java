package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VerifierTest {
    private static final Span SPAN = new Span(100, 4, 2, 512);

    private Mapping mapping;
    private long buffer;
    private final Verifier verifier = new Verifier(new Pattern(1), SPAN, 1);

    @BeforeEach
    void open() throws LinuxException {
        mapping = Mapping.anonymous(4096, Mapping.PROT_READ | Mapping.PROT_WRITE);
        buffer = mapping.address();
    }

    @AfterEach
    void close() {
        mapping.close();
    }

    @Test
    void shouldWriteEachBlocksOwnLbaWhenAUnitHasSeveral() {
        verifier.beginWrite(3, buffer);
        assertEquals(106, Memory.getLong(buffer));
        assertEquals(107, Memory.getLong(buffer + 512));
    }

    @Test
    void shouldExpectTheLastGenerationThatWasWritten() {
        for (int i = 0; i < 3; i++) {
            verifier.beginWrite(1, buffer);
            verifier.writeEnded(1, true);
        }
        assertEquals(3, Memory.getLong(buffer + Pattern.GENERATION_OFFSET));
        verifier.beginRead(1);
        verifier.readEnded(1, true, buffer);
        assertEquals(2, verifier.blocksChecked());
        assertEquals(0, verifier.blocksWrong());
        new Pattern(1).fill(buffer + 512, 512, 103, 2);
        verifier.beginRead(1);
        verifier.readEnded(1, true, buffer);
        assertEquals(1, verifier.blocksWrong());
        assertEquals(103, verifier.firstMismatch().lba());
        assertEquals(16, verifier.firstMismatch().byteOffset());
    }

    @Test
    void shouldKeepTheFirstMismatchWhenMoreFollow() {
        verifier.beginWrite(0, buffer);
        verifier.writeEnded(0, true);
        Memory.putLong(buffer + 24, 1);
        verifier.readEnded(0, true, buffer);
        Memory.putLong(buffer, 5);
        verifier.readEnded(0, true, buffer);
        assertEquals(24, verifier.firstMismatch().byteOffset());
        assertEquals(2, verifier.blocksWrong());
    }

    @Test
    void shouldNotJudgeWhenThisRunHasNotWritten() {
        verifier.beginRead(0);
        verifier.readEnded(0, true, buffer);
        assertEquals(2, verifier.blocksForeign());
        assertEquals(0, verifier.blocksChecked());
        assertNull(verifier.firstMismatch());
    }

    @Test
    void shouldNotJudgeWhenTheReadFailed() {
        verifier.beginWrite(0, buffer);
        verifier.writeEnded(0, true);
        Memory.fill(buffer, 1024, (byte) 0);
        verifier.readEnded(0, false, buffer);
        assertEquals(0, verifier.blocksChecked());
    }

    private void write(int unit, boolean success) {
        verifier.beginWrite(unit, buffer);
        verifier.writeEnded(unit, success);
    }

    private long wrongAfterReading(int unit) {
        long before = verifier.blocksWrong();
        verifier.beginRead(unit);
        verifier.readEnded(unit, true, buffer);
        return verifier.blocksWrong() - before;
    }

    private void fill(int block, long generation) {
        new Pattern(1).fill(buffer + block * 512L, 512, 104 + block, generation);
    }

    @Test
    void shouldTakeOldAndNewBlocksWhenAWriteFailed() {
        write(2, true);
        write(2, true);
        write(2, false);
        write(2, false);
        assertEquals(2, verifier.nextKnown(0), "it is read back");
        for (int generation = 2; generation <= 4; generation++) {
            fill(0, generation);
            fill(1, 2);
            assertEquals(0, wrongAfterReading(2), "generation " + generation);
        }
        fill(0, 1);
        fill(1, 5);
        assertEquals(2, wrongAfterReading(2), "too old, and never written");
        Memory.fill(buffer, 1024, (byte) 0);
        assertEquals(2, wrongAfterReading(2), "neither old nor new");
    }

    @Test
    void shouldKnowTheContentsAgainWhenAWriteSucceedsAfterOneThatFailed() {
        write(2, true);
        write(2, false);
        write(2, true);
        assertEquals(0, wrongAfterReading(2));
        fill(0, 2);
        assertEquals(1, wrongAfterReading(2), "overwritten since");
    }

    @Test
    void shouldNotJudgeWhenOnlyFailedWritesAreKnown() {
        write(2, false);
        assertEquals(4, verifier.nextKnown(0));
        Memory.fill(buffer, 1024, (byte) 0);
        assertEquals(0, wrongAfterReading(2));
        assertEquals(2, verifier.blocksForeign());
    }

    @Test
    void shouldNotJudgeWhenMoreWritesFailedThanAreCounted() {
        write(2, true);
        for (int i = 0; i < 200; i++) {
            write(2, false);
        }
        assertEquals(4, verifier.nextKnown(0));
        fill(0, 1);
        fill(1, 150);
        assertEquals(0, wrongAfterReading(2));
        write(2, true);
        assertEquals(0, wrongAfterReading(2));
        assertEquals(202, Memory.getLong(buffer + Pattern.GENERATION_OFFSET));
    }

    @Test
    void shouldChooseAnotherUnitWhenOneIsInFlight() {
        verifier.beginWrite(2, buffer);
        verifier.beginRead(3);
        assertEquals(0, verifier.firstIdle(2));
        verifier.writeEnded(2, true);
        assertEquals(2, verifier.firstIdle(2));
    }
}
