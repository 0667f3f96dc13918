package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Random messages, most of them almost right. The server may refuse and disconnect as it likes; it must not hang, leak, break
 * the function's port, or stop serving. More of them by {@code -Dsluice.fuzz.messages=N}, the same again by
 * {@code -Dsluice.fuzz.seed=S}.
 */
class MutatedMessagesTest extends ServerFixture {
    private static final int MESSAGES = Integer.getInteger("sluice.fuzz.messages", 10_000);

    private final long seed = Long.getLong("sluice.fuzz.seed", System.nanoTime());

    @Test
    void shouldSurviveMutatedMessages() throws IOException {
        System.out.println("mutated messages: -Dsluice.fuzz.seed=" + seed + " -Dsluice.fuzz.messages=" + MESSAGES);
        try (MutatingClient mutating = new MutatingClient(seed, directory)) {
            long descriptors = MutatingClient.descriptors();
            mutating.send(socket, MESSAGES);
            try (RawClient last = RawClient.ready(socket)) {
                last.assertAlive();
                assertEquals(List.of(), function.violations, "seed " + seed);
                assertEquals(0, ProcSelf.mappings("/memfd:test-fuzz"), "seed " + seed);
                assertEquals(descriptors, MutatingClient.descriptors(), "seed " + seed);
            }
        }
    }
}
