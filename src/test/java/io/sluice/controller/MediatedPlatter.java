package io.sluice.controller;

import io.sluice.device.Loopback;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverOptions;
import io.sluice.host.DriverStarts;
import io.sluice.host.DriverState;
import io.sluice.host.NvmeDriver;
import io.sluice.linux.Mapping;
import io.sluice.mediation.MediatedPath;
import io.sluice.mediation.SharedDevice;
import io.sluice.mediation.Slice;
import io.sluice.mem.Memory;
import io.sluice.poll.CommandQueue;
import io.sluice.state.DroppingStores;
import io.sluice.state.Stores;
import java.io.IOException;
import java.util.List;

/**
 * The blocks are a slice of a device's, which has a thread of its own and goes on whatever becomes of who drives it: a mediator, that is
 * dropped with the guest's controller, at its own stores and doorbells too.
 */
final class MediatedPlatter implements Platter {
    /** The guest's slice begins there. */
    private static final long FIRST = 64;

    private static final int QUEUE_PAIRS = 2;
    private static final int QUEUE_ENTRIES = 8;
    private static final int GUEST = 3;
    private static final long ADDRESSES = 64L << 20;

    private final Mapping blocks;
    private final DurableDrive drive;
    private final NvmeController device;
    private final Loopback bus;
    private final DriverOptions options;
    private boolean connected;
    private final Thread life;
    private volatile boolean ended;
    private volatile long turns;
    private NvmeDriver driver;
    private SharedDevice shared;
    private DriverState.Left left;

    MediatedPlatter() throws IOException {
        blocks = Mapping.anonymous(
                (FIRST + DurableDrive.BLOCKS) * DurableDrive.BLOCK, Mapping.PROT_READ | Mapping.PROT_WRITE);
        drive = new DurableDrive(blocks, FIRST + DurableDrive.BLOCKS);
        device = new NvmeController(
                ControllerConfig.of("device", "SN9").withMaxQueuePairs(QUEUE_PAIRS),
                drive,
                CommandQueue.to(() -> {}),
                () -> {},
                System::nanoTime);
        life = Thread.ofPlatform().daemon().name("device").start(this::live);
        bus = new Loopback(device);
        options = DriverOptions.polled(QUEUE_PAIRS, QUEUE_ENTRIES);
    }

    @SuppressWarnings("ThreadPriorityCheck") // whoever waits for a turn has no other processor, perhaps
    private void live() {
        while (!ended) {
            device.doWork();
            long next = turns + 1;
            turns = next; // nobody else writes it
            Thread.yield();
        }
    }

    /** So that something happens, however few cycles somebody waits. */
    @SuppressWarnings("ThreadPriorityCheck")
    private void awaitTurn() {
        long before = turns;
        while (turns < before + 2) {
            Thread.yield();
        }
    }

    @Override
    public IoPath open() {
        throw new IllegalStateException("a mediator stores something");
    }

    @Override
    public IoPath open(FakeGuest guest, DroppingStores stores) throws IOException {
        if (left == null) {
            driver = DriverStarts.start(bus, iovas(), options, new Stores());
            left = driver.left().duplicate();
            driver.leave();
        }
        if (!connected) {
            guest.connect(bus, ADDRESSES);
            connected = true;
        }
        IovaAllocator iovas = iovas();
        driver = null;
        driver = DriverStarts.resume(bus, iovas, options, left.duplicate(), stores);
        shared = new SharedDevice(driver, System::nanoTime);
        return new MediatedPath(
                shared,
                GUEST,
                new DeviceMemory(bus, iovas, 10),
                new Slice(1, FIRST, DurableDrive.BLOCKS, DurableDrive.BLOCK),
                new Namespace(1, DurableDrive.BLOCKS, DurableDrive.BLOCK, 0, 0, 0, false),
                NamespaceTraits.OF_MEMORY,
                DurableDrive.MAX_PENDING);
    }

    private static IovaAllocator iovas() {
        return new IovaAllocator(List.of(new IovaAllocator.Range(0, ADDRESSES - 1)));
    }

    @Override
    public void resumed() {
        driver.allTakenOver();
    }

    @Override
    public int beforeTurn() {
        return shared.poll();
    }

    @Override
    public int afterTurn() {
        int work = shared.submit();
        driver.supervise(System.nanoTime());
        awaitTurn();
        return work;
    }

    @Override
    public void kill() {
        if (driver != null) {
            driver.leave();
            driver = null;
        }
    }

    /** Has whoever drives the device now reset it. */
    void resetDevice() {
        if (driver != null) {
            driver.requestReset("a test wishes it");
        }
    }

    /** How often the present driver has reset the device. */
    int resets() {
        return driver.resets();
    }

    /** How many commands the device has done, Flushes aside. */
    int executed() {
        return drive.executed();
    }

    private void join() {
        try {
            life.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public byte at(long lba, int offset) {
        return Memory.getByte(blocks.address() + (FIRST + lba) * DurableDrive.BLOCK + offset);
    }

    @Override
    public void close() {
        kill();
        bus.close();
        ended = true;
        join();
        device.close();
        blocks.close();
    }
}
