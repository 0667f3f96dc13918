package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.spi.ILoggingEvent;
import io.sluice.mem.Translator;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** The device behind a guest's memory is lost: the guest goes on to map and unmap, and is never told of it by a refusal. */
class LostDeviceMemoryTest extends PinFixture {
    private static final String WITHDRAWN =
            "guest: the device is lost: this memory is out of its reach from now on, and its commands end";

    private long count(String message) {
        return log.list.stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(message::equals)
                .count();
    }

    private void assertHostOnly(long gpa, long offset) throws Exception {
        file.assertPage(offset, space.hostView().translate(gpa, 8, READ));
        assertEquals(Translator.NOT_LOCAL, iova(gpa, READ));
    }

    @Test
    void shouldTakeAllFromALostDeviceBeforeReadersAreWaitedForWhenOneOfSeveralRegionsGoes() throws Exception {
        map(0, STEP, 0);
        map(STEP, STEP, STEP); // one more pin, of which nothing goes
        map(1L << 32, PAGE, 0); // in the pin that loses a region
        DmaReader[] reader = new DmaReader[1];
        reader[0] = space.register("reader", () -> {
            // Its commands have ended when they have no memory that the device could use: as a controller does.
            assertTrue(space.isOutOfReach());
            assertEquals(0, iommu.pieces());
            reader[0].acknowledge(reader[0].current());
        });
        device.lose();
        assertFalse(space.isOutOfReach(), "the device has it all");

        unmap(1L << 32, PAGE);

        assertFalse(reader[0].takeMissed(), "answered before the deadline");
        assertHostOnly(0, 0);
        assertHostOnly(STEP, STEP);
        assertEquals(1, count(WITHDRAWN));
        reader[0].close();
        space.close();
        assertThrows(DmaRefused.class, this::assertNoIovaTaken, "what it still writes must reach nobody else");
    }

    @Test
    void shouldMapWithoutTheDeviceWhenItIsLost() throws Exception {
        device.lose();
        map(0, STEP, 0);
        assertHostOnly(0, 0);
        map(STEP, STEP, STEP);
        unmap(0, STEP);
        map(0, STEP, 0);
        assertHostOnly(0, 0);
        assertEquals(List.of(), iommu.takeCalls());
        assertEquals(0, space.pins().pinnedBytes());
        assertEquals(1, count(WITHDRAWN), "told once");
    }

    @Test
    void shouldMapWithoutTheDeviceWhenItIsFoundGoneByTheFirstCall() throws Exception {
        iommu.before = call -> {
            iommu.leave();
            throw new IOException("the connection has ended");
        };
        map(0, 2 * STEP, 0);
        assertHostOnly(0, 0);
        assertEquals(List.of("map 0+" + STEP + " rw"), iommu.takeCalls(), "asked once");
        map(1L << 32, STEP, 0);
        assertHostOnly(1L << 32, 0);
        assertEquals(List.of(), iommu.takeCalls());
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldNotCountWhatADeviceHadThatIsGone() throws Exception {
        for (int i = 0; i < 4; i++) {
            map(i * STEP, STEP, i * STEP);
        }
        iommu.leave();
        unmap(0, STEP);
        assertTrue(space.isOutOfReach());
        assertEquals(0, space.pins().pinnedBytes());
        assertEquals(0, space.pins().entries());
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldEndAPinThatIsBeingMadeWhenTheDeviceIsLost() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        iommu.before = call -> {
            if (call.startsWith("map " + STEP)) {
                begun.countDown();
                awaitUninterruptibly(goOn);
            }
        };
        passing = true; // so that the client is answered before all is pinned
        map(0, 4 * STEP, 0);
        passing = false;
        begun.await();
        device.lose();
        goOn.countDown();
        await("the next step is not made", () -> iova(0, READ) == Translator.NOT_LOCAL);

        map(1L << 32, PAGE, 0);

        assertHostOnly(0, 0);
        assertEquals(0, iommu.pieces());
        assertTrue(space.isOutOfReach());
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldStayInReachOfALostDeviceThatDoesNotLetGo() throws Exception {
        map(0, STEP, 0);
        long iova = iova(0, READ);
        iommu.before = call -> {
            throw new IOException("not now");
        };
        device.lose();
        map(STEP, PAGE, STEP);
        assertFalse(space.isOutOfReach());
        map(2 * STEP, PAGE, STEP);
        assertFalse(space.isOutOfReach(), "nor later");
        assertEquals(0, count(WITHDRAWN));
        assertEquals(1, errors().size());
        assertTrue(errors().getFirst().startsWith("guest: the device did not let go of " + STEP + " bytes"));
        iommu.before = call -> {};
        iommu.unmapDma(iova, STEP);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
