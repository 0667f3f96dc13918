package io.sluice.poll;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import org.junit.jupiter.api.Test;

/** When Java tells of an access to memory whose file has been cut short, in code that it has compiled. */
class LateErrorsTest {
    private long sum;
    private boolean told;

    /** Returns whether an error was told before this went on. */
    private boolean touch(long address) {
        told = false;
        try {
            sum += Memory.getLong(address);
            LateErrors.tell();
            told = true;
            return false;
        } catch (InternalError late) {
            return !told;
        }
    }

    @Test
    void shouldBeToldBeforeAnythingElseIsDone() throws Exception {
        int toldInTime = 0;
        try (Fd file = Memfd.create("cut", 2 * Memory.PAGE_BYTES);
                Mapping memory = Mapping.shared(file, 0, 2 * Memory.PAGE_BYTES, Mapping.PROT_READ)) {
            Memfd.resize(file, Memory.PAGE_BYTES);
            for (int i = 0; i < 100_000; i++) { // it is compiled after a while
                sum += touch(memory.address()) ? 1 : 0;
            }
            assertEquals(0, sum, "nothing is wrong with the first page");
            for (int i = 0; i < 1_000; i++) {
                toldInTime += touch(memory.address() + Memory.PAGE_BYTES) ? 1 : 0;
            }
        }
        assertEquals(1_000, toldInTime);
    }
}
