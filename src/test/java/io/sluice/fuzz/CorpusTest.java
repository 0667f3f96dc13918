package io.sluice.fuzz;

import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@link FuzzTest} has found worth keeping, once more. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class CorpusTest {
    @ParameterizedTest
    @EnumSource
    void shouldFindNothingWhenTheCorpusIsReplayed(Target target) throws Exception {
        assertFalse(target.corpus().isEmpty());
        target.begin();
        try {
            int line = 0;
            for (byte[] input : target.corpus()) {
                replay(target, ++line, input);
            }
        } finally {
            target.end();
        }
    }

    private static void replay(Target target, int line, byte[] input) throws Exception {
        try {
            target.one(input);
        } catch (Exception | AssertionError e) {
            throw new AssertionError("line " + line + ": " + e.getMessage(), e);
        }
    }
}
