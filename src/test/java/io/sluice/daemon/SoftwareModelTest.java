package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.device.FunctionStalled;
import io.sluice.dma.DmaReader;
import io.sluice.dma.GuestMemory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Status;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SoftwareModelTest {
    private static final class NotingPath implements IoPath {
        private volatile boolean closed;

        @Override
        public List<Namespace> namespaces() {
            return List.of(new Namespace(1, 8, 512, 1, 2, 0, false));
        }

        @Override
        public int maxPending() {
            return 1;
        }

        @Override
        public boolean hasVolatileCache() {
            return false;
        }

        @Override
        public int submit(IoCommand command) {
            return Status.OK;
        }

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public void cancel(IoCommand command) {
            throw new AssertionError("nothing is ever pending");
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    /** Holds the poller up as long as the test likes. */
    private record Trap(CountDownLatch caught, CountDownLatch open) implements GuestMemory {
        @Override
        public Translator hostView() {
            throw new AssertionError("never asked for");
        }

        @Override
        public DmaReader register(String name, Runnable wake) {
            caught.countDown();
            try {
                open.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            throw new IllegalStateException("let go of by the test");
        }

        @Override
        public boolean damaged() {
            return false;
        }
    }

    @Test
    void shouldLetGoOfEverythingWhenClosed() throws Exception {
        NotingPath path = new NotingPath();

        SoftwareModel.start("CLOSED", path).close();

        assertTrue(path.closed);
    }

    @Test
    void shouldLeaveWhatAThreadThatDoesNotEndStillUses() throws Exception {
        NotingPath path = new NotingPath();
        SoftwareModel model = SoftwareModel.start("STUCK", path);
        Trap trap = new Trap(new CountDownLatch(1), new CountDownLatch(1));
        assertThrows(FunctionStalled.class, () -> model.function().attach(trap));
        assertEquals(0, trap.caught.getCount());

        model.close();

        assertFalse(path.closed);
        trap.open.countDown();
        model.close();
        assertTrue(path.closed, "once it has ended");
    }
}
