package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Translator;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Devices that refuse, that are slow, or that do not let go. */
class PinFailureTest extends PinFixture {
    private final IOException locked =
            new IOException("no more memory may be locked: raise LimitMEMLOCK", new LinuxException("ioctl", "x", 12));

    /** From the n-th call from now on, counted from 0. */
    private void failFrom(int call, IOException failure) {
        AtomicInteger left = new AtomicInteger(call);
        iommu.before = name -> {
            if (name.startsWith("map") && left.getAndDecrement() <= 0) {
                throw failure;
            }
        };
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldRefuseTheMapAndLeaveNothingWhicheverStepFails() throws Exception {
        map(1L << 32, MIB, READ, 0);
        for (int step = 0; step < 4; step++) {
            failFrom(step, locked);
            DmaRefused refused = assertThrows(DmaRefused.class, () -> map(0, FILE_BYTES, 0));
            assertEquals(Errno.ENOMEM, refused.errno());
            assertTrue(refused.getMessage().contains("raise LimitMEMLOCK"), refused.getMessage());
            assertTrue(refused.getMessage().contains(FILE_BYTES + " bytes"), refused.getMessage());
            assertEquals(1, iommu.pieces(), "step " + step);
            assertEquals(1, space.pins().entries());
            assertEquals(MIB, space.pins().pinnedBytes());
            assertEquals(1, space.regionCount());
            assertEquals(Translator.NOT_MAPPED, space.hostView().translate(0, 8, READ));
            assertEquals(Translator.NOT_MAPPED, iova(0, READ));
        }
        iommu.before = name -> {};
        map(0, FILE_BYTES, 0);
        assertReached(0, 0, RW);
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldRefuseOnlyWhatFailsWhenATransactionHasMore() throws Exception {
        Transaction transaction = space.begin();
        PendingMap small = transaction.map(0, MIB, RW, file.give(), 0);
        PendingMap large = transaction.map(1L << 32, 2 * STEP, READ, file.give(), 0);
        PendingMap alias = transaction.map(1L << 33, STEP, READ, file.give(), STEP);
        PendingMap none = transaction.map(1L << 34, MIB, RW, null, 0);
        failFrom(1, new IOException("what it does not know"));
        transaction.commit();
        small.confirm();
        none.confirm();
        assertEquals(Errno.EIO, assertThrows(DmaRefused.class, large::confirm).errno());
        assertThrows(DmaRefused.class, alias::confirm);
        assertReached(0, 0, RW);
        assertEquals(2, space.regionCount());
    }

    @Test
    void shouldRefuseWhenTheDeviceBreaksByABug() throws Exception {
        iommu.before = name -> {
            throw new IllegalStateException("a bug in the driver");
        };
        assertEquals(
                Errno.EIO, assertThrows(DmaRefused.class, () -> map(0, MIB, 0)).errno());
        assertTrue(errors().getFirst().contains("a bug"), errors().toString());
        iommu.before = name -> {};
        map(0, MIB, 0);
    }

    @Test
    void shouldRefuseBeyondTheLimitsOfOneGuestAndNotOfAnother() throws Exception {
        try (DmaSpace few = space(DmaLimits.DEFAULT.withPins(6 * MIB + 2 * PAGE, 9), 3)) {
            Transaction transaction = few.begin();
            PendingMap first = transaction.map(0, 6 * MIB, RW, file.give(), 0);
            PendingMap bytes = transaction.map(1L << 32, 3 * PAGE, RW, file.give(), 8 * MIB);
            PendingMap shared = transaction.map(1L << 33, PAGE, RW, file.give(), 0);
            transaction.commit();
            first.confirm();
            shared.confirm();
            DmaRefused refused = assertThrows(DmaRefused.class, bytes::confirm);
            assertEquals(Errno.ENOSPC, refused.errno());
            assertTrue(
                    refused.getMessage().contains("limit of " + (6 * MIB + 2 * PAGE) + " bytes"), refused.getMessage());
            assertTrue(refused.getMessage().contains("Unmap something first"), refused.getMessage());
            assertEquals(2, few.regionCount());

            Transaction pages = few.begin();
            pages.unmapAll();
            pages.map(0, PAGE, RW, file.give(), 0);
            pages.map(2 * PAGE, PAGE, RW, file.give(), 2 * PAGE);
            PendingMap third = pages.map(4 * PAGE, PAGE, RW, file.give(), 8 * MIB);
            PendingMap fourth = pages.map(6 * PAGE, PAGE, RW, file.give(), 9 * MIB);
            PendingMap gone = pages.map(8 * PAGE, PAGE, RW, file.give(), 10 * MIB);
            pages.unmap(8 * PAGE, PAGE);
            pages.commit();
            gone.confirm();
            assertEquals(3, few.pins().entries(), "the old pin of two steps is shared, and one more");
            third.confirm();
            refused = assertThrows(DmaRefused.class, fourth::confirm);
            assertTrue(refused.getMessage().contains("limit of 3 DMA mappings"), refused.getMessage());
            map(0, FILE_BYTES, 0);
        }
    }

    @Test
    void shouldRefuseWhenTheDeviceHasNoAddressesLeft() throws Exception {
        IovaAllocator tight = new IovaAllocator(List.of(new IovaAllocator.Range(MIB, 6 * MIB - 1)));
        DeviceMemory device = new DeviceMemory(iommu, tight, 99, STEP, 1000);
        try (DmaSpace small = new DmaSpace("small", DmaLimits.DEFAULT, Optional.of(device), 1, time::get)) {
            Transaction transaction = small.begin();
            PendingMap second = transaction.map(0, 5 * MIB, RW, file.give(), 0);
            PendingMap first = transaction.map(1L << 32, PAGE, RW, file.give(), 8 * MIB);
            transaction.commit();
            // The page has less to do and comes first.
            assertThrows(DmaRefused.class, second::confirm);
            first.confirm();
        }
        tight.free(tight.allocate(5 * MIB, PAGE), 5 * MIB);
    }

    @Test
    void shouldAnswerBeforeAllIsPinnedWhenTheDeviceIsSlow() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        iommu.before = call -> {
            time.addAndGet(1000); // each step takes longer than the client is to wait
            if (call.startsWith("map 4194304")) {
                awaitLatch(slow);
            }
        };
        map(0, FILE_BYTES, 0);
        assertEquals(Translator.NOT_MAPPED, iova(0, READ), "not before all of it is there");
        file.assertPage(0, space.hostView().translate(0, 8, READ));

        Transaction pieces = space.begin();
        pieces.unmapAll();
        pieces.map(0, MIB, RW, file.give(), 0);
        pieces.map(MIB, FILE_BYTES - MIB, RW, file.give(), MIB);
        pieces.commit();
        slow.countDown();
        await("pinned", () -> iova(0, READ) > 0);
        assertReached(FILE_BYTES - PAGE, FILE_BYTES - PAGE, RW);
        assertEquals(4, iommu.takeCalls().size(), "the pieces share what was being made");
    }

    @Test
    void shouldPinASmallRegionBeforeTheRestOfALargeOne() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        iommu.before = call -> {
            if (call.equals("map 0+4194304 rw")) {
                time.addAndGet(1000);
                awaitLatch(slow);
            }
        };
        map(0, FILE_BYTES, 0);
        Thread client = new Thread(() -> {
            try {
                map(1L << 32, PAGE, READ, 0);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        client.start();
        await("the commit waits", () -> client.getState() == Thread.State.TIMED_WAITING);
        slow.countDown();
        client.join();
        await("pinned", () -> iova(0, READ) > 0);
        assertReached(1L << 32, 0, READ);
        assertEquals("map 0+4096 r", iommu.takeCalls().get(1));
    }

    @Test
    void shouldTakeARegionFromBothViewsWhenItFailsAfterTheAnswer() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        iommu.before = call -> {
            if (call.startsWith("map 4194304")) {
                time.addAndGet(1000);
                awaitLatch(slow);
                throw locked;
            }
        };
        map(MIB, 8 * MIB, READ, 0);
        DmaReader reader = space.register("reader", () -> {});
        long hva = space.hostView().translate(MIB, 8, READ);
        slow.countDown();
        await("taken away", () -> space.hostView().translate(MIB, 8, READ) == Translator.NOT_MAPPED);
        await("said", () -> !errors().isEmpty());
        assertTrue(errors().getFirst().contains("raise LimitMEMLOCK"), errors().toString());
        assertEquals(Translator.NOT_MAPPED, iova(MIB, READ));
        assertEquals(0, iommu.pieces());
        assertEquals(0, space.regionCount());
        file.assertPage(0, hva);

        iommu.before = call -> {};
        reader.close();
        map(1L << 32, PAGE, 0);
        assertReached(1L << 32, 0, RW);
    }

    @Test
    void shouldWaitForReadersWhenAClientUnmapsWhatHasFailed() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        iommu.before = call -> {
            time.addAndGet(1000);
            awaitLatch(slow);
            throw locked;
        };
        AtomicInteger woken = new AtomicInteger();
        DmaReader[] reader = new DmaReader[1];
        reader[0] = space.register("reader", () -> {
            woken.incrementAndGet();
            reader[0].acknowledge(reader[0].current());
        });
        map(0, MIB, 0);
        slow.countDown();
        await("taken away", () -> space.regionCount() == 0);
        assertEquals(0, woken.get());
        unmap(0, MIB);
        assertEquals(1, woken.get(), "there is no region, and still it has to let go");
        assertEquals(0, space.backings().extents());
        reader[0].close();
    }

    @Test
    void shouldCancelTheRestWhenARegionGoesWhileItIsPinned() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        iommu.before = call -> {
            if (call.startsWith("map 4194304")) {
                time.addAndGet(1000);
                awaitLatch(slow);
            }
        };
        map(0, FILE_BYTES, 0);
        Thread.ofPlatform().start(() -> {
            await("the unmap", () -> space.regionCount() == 0);
            slow.countDown();
        });
        unmap(0, FILE_BYTES);
        assertEquals(0, iommu.pieces(), "before the answer");
        assertEquals(
                List.of("map 0+4194304 rw", "map 4194304+4194304 rw", "unmap 0+4194304", "unmap 4194304+4194304"),
                iommu.takeCalls());
        assertNoIovaTaken();
        assertEquals(0, space.pins().entries());
    }

    @Test
    void shouldCancelTheRestWhenTheSpaceIsClosedOrTheStepFailsThen() throws Exception {
        for (boolean fails : new boolean[] {false, true}) {
            CountDownLatch slow = new CountDownLatch(1);
            iommu.before = call -> {
                if (call.startsWith("map 4194304")) {
                    time.addAndGet(1000);
                    awaitLatch(slow);
                    if (fails) {
                        throw locked;
                    }
                }
            };
            map(0, FILE_BYTES, 0);
            DmaSpace closing = space;
            Thread.ofPlatform().start(() -> {
                await("the end", () -> closing.regionCount() == 0);
                slow.countDown();
            });
            space.close();
            assertEquals(0, iommu.pieces());
            assertNoIovaTaken();
            space = space(DmaLimits.DEFAULT, 9);
        }
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldNeverGiveOutAddressesThatTheDeviceDidNotLetGoOf() throws Exception {
        map(0, 2 * STEP, 0);
        long iova = iova(0, READ);
        iommu.before = call -> {
            if (call.startsWith("unmap 0")) {
                throw new IOException("it does not let go");
            }
        };
        unmap(0, 2 * STEP);
        assertEquals(1, errors().size());
        assertTrue(errors().getFirst().contains("did not let go"), errors().toString());
        assertEquals(1, iommu.pieces(), "the other step went");
        assertEquals(STEP, space.pins().pinnedBytes());
        assertEquals(1, space.pins().entries());
        iommu.before = call -> {};
        map(0, 2 * STEP, 0);
        assertTrue(iova(0, READ) >= iova + 2 * STEP || iova(0, READ) + 2 * STEP <= iova);
        space.close();
        // What the fixture expects to be gone.
        iommu.unmapDma(iova, STEP);
        iovas.free(iova, 2 * STEP);
    }

    @Test
    void shouldNotGiveOutAddressesThatWereNotLetGoOfWhenPinningHadFailed() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        iommu.before = call -> {
            if (call.startsWith("map 4194304")) {
                time.addAndGet(1000);
                awaitLatch(slow);
                throw locked;
            }
            if (call.startsWith("unmap 0")) {
                throw new IOException("it does not let go");
            }
        };
        map(0, FILE_BYTES, 0);
        DmaSpace closing = space;
        Thread.ofPlatform().start(() -> {
            await("the unmap", () -> closing.regionCount() == 0);
            slow.countDown();
        });
        unmap(0, FILE_BYTES);
        assertEquals(1, iommu.pieces(), "the device still has the first step");
        long usable = USABLE.last() + 1 - PAGE;
        assertThrows(DmaRefused.class, () -> iovas.free(iovas.allocate(usable, PAGE), usable), "nobody may have it");

        iommu.before = call -> {};
        map(0, STEP, 0);
        assertReached(0, 0, RW);
        space.close();
        // What the fixture expects to be gone.
        long kept = iommu.lowest();
        iommu.unmapDma(kept, STEP);
        iovas.free(kept, FILE_BYTES);
    }
}
