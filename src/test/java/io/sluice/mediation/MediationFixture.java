package io.sluice.mediation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.GuestQueues;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.FakeIommu;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverOnFake;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.poll.Agent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** Guests on a device, all in virtual time: the poller and the supervisor are the test's thread, and faults are chosen. */
abstract class MediationFixture {
    static final long BLOCKS = 100;
    static final int GUEST_ENTRIES = 64;

    final List<Guest> guests = new ArrayList<>();
    final IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(4096, 1 << 20)));
    final DeviceMemory memory = new DeviceMemory(new FakeIommu(), iovas, 10);
    DriverOnFake device;
    SharedDevice shared;
    Mediator mediator;

    void share(DriverOnFake with) {
        device = with;
        shared = new SharedDevice(device.driver, device::nanoTime);
        mediator = new Mediator("fake", shared);
    }

    void share(int queuePairs, int entries) throws IOException {
        share(new DriverOnFake(queuePairs, entries));
    }

    /** A guest on a slice of its own. */
    final class Guest implements Agent {
        final MediatedPath path;
        final GuestQueues queues;
        /** Submits so many reads before each of its turns as keep so many outstanding. */
        int keeps;

        private int submitted;

        Guest(int maxPending) throws IOException {
            Slice slice = new Slice(1, guests.size() * BLOCKS, BLOCKS, 512);
            path = new MediatedPath(
                    shared,
                    guests.size(),
                    memory,
                    slice,
                    new Namespace(1, BLOCKS, 512, 0, 0, 0, false),
                    NamespaceTraits.OF_MEMORY,
                    maxPending);
            queues = new GuestQueues(path, GUEST_ENTRIES, device.dataView());
            guests.add(this);
            mediator.add(this);
        }

        int read() {
            submitted++;
            return queues.submit(NvmOpcode.READ, 0, 1);
        }

        int flush() {
            return queues.submit(NvmOpcode.FLUSH, 0, 1);
        }

        @Override
        public String name() {
            return "guest";
        }

        @Override
        public int doWork() {
            while (keeps > 0 && submitted - queues.statuses.size() < keeps) {
                read();
            }
            return queues.cycle();
        }

        @Override
        public void onFault(Throwable fault) {
            throw new AssertionError("a guest fails", fault);
        }
    }

    Guest guest() throws IOException {
        return new Guest(16);
    }

    /** One duty cycle of the poller and of the supervisor. */
    void cycle() {
        if (mediator.doWork() == 0) {
            mediator.isDormant(); // as an idle poller asks
        }
        device.supervise();
    }

    void cycles(int count) {
        for (int i = 0; i < count; i++) {
            cycle();
        }
    }

    void passSeconds(int seconds) {
        for (int i = 0; i < seconds; i++) {
            device.passMillis(1_000);
            cycles(70); // so that the clock is looked at
        }
    }

    void resetDevice() {
        device.breakDown();
        device.passMillis(1_000);
        cycles(5);
    }

    /** The device dies, so that nobody can tell whether it still does DMA. */
    void loseDevice() {
        device.vanish();
        passSeconds(5);
        assertTrue(device.driver.isDead());
    }

    void assertServed(Guest guest) {
        guest.queues.statuses.clear();
        guest.read();
        cycles(5);
        assertFalse(guest.queues.statuses.isEmpty(), "no answer");
        assertEquals(List.of(Status.OK), guest.queues.statuses, "a read that is done");
    }

    @AfterEach
    void close() {
        guests.forEach(guest -> guest.queues.close());
        device.close();
    }
}
