package io.sluice.conformance;

import java.io.IOException;
import java.util.Random;

/**
 * Random commands in batches: all of a batch are in their queues before the first is rung for, so nobody knows which is done first, and
 * the wait for an answer is paid once. So none of a batch touches what another one changes.
 */
final class RandomStream {
    private static final int IDENTIFIERS = 0x100;
    private static final int ADMIN_ROOM = 60;

    private final Host host;
    private final Random random;
    private final ReferenceDrive[] drives;
    private final ReferenceDrive.Tags tags = new ReferenceDrive.Tags();
    private final RandomAdmin adminCommands;
    private final RandomFeatures featureCommands;
    private final RandomQueues queueCommands;
    private final Lane admin;
    private final Lane[] io;
    private int planned;
    private long ended;
    private long refused;
    private long ofAdmin;
    private long fusedPairs;

    /** A queue, and what is in flight in it. */
    private static final class Lane {
        private HostQueue queue;
        private int room;
        private int inFlight;
        private final Planned[] commands = new Planned[IDENTIFIERS];

        private void put(Planned command) {
            int index = queue.put(command.command) % IDENTIFIERS;
            commands[index] = command;
            inFlight++;
        }

        /** The one that this is the completion of. */
        private Planned take(Completion completion) {
            int index = completion.cid() % IDENTIFIERS;
            Planned command = commands[index];
            if (command == null) {
                throw new AssertionError("nothing waits for " + completion);
            }
            commands[index] = null;
            inFlight--;
            return command;
        }
    }

    RandomStream(Host host, Random random, int queues, ReferenceDrive... drives) throws IOException {
        this.host = host;
        this.random = random;
        this.drives = drives;
        adminCommands = new RandomAdmin(host, random, drives);
        featureCommands = new RandomFeatures(host, random);
        queueCommands = new RandomQueues(host, random);
        admin = lane(host.admin(), ADMIN_ROOM);
        io = new Lane[queues];
    }

    private static Lane lane(HostQueue queue, int room) {
        Lane lane = new Lane();
        lane.queue = queue;
        lane.room = room;
        return lane;
    }

    /** Another queue, in the place of one, with room for so many commands, 1 or more. */
    void setQueue(int index, HostQueue queue, int room) {
        io[index] = lane(queue, room);
    }

    /** How many commands have ended. */
    long ended() {
        return ended;
    }

    /** How many of them had something wrong with them. */
    long refused() {
        return refused;
    }

    String tally() {
        return "%d commands, %d of them admin commands, %d fused pairs, %d refused"
                .formatted(ended, ofAdmin, fusedPairs, refused);
    }

    /** Sends up to so many commands, 1 to {@link Planned.Slot#COUNT}, and compares what becomes of each. */
    void batch(int most) throws IOException {
        planned = 0;
        for (ReferenceDrive drive : drives) {
            drive.beginBatch();
        }
        adminCommands.beginBatch();
        featureCommands.beginBatch();
        queueCommands.beginBatch();
        while (planned < most && plan()) {}
        for (Lane lane : io) {
            ring(lane);
        }
        ring(admin);
        finish(admin);
        for (Lane lane : io) {
            finish(lane);
        }
    }

    private static void ring(Lane lane) throws IOException {
        if (lane.inFlight > 0) {
            lane.queue.ring();
        }
    }

    private Planned.Slot nextSlot() {
        return Planned.Slot.of(planned++);
    }

    /** One command, or two; false if that makes the batch long enough: big commands come, when they are their batch's first. */
    private boolean plan() {
        if (random.nextInt(8) == 0) {
            return planAdmin();
        }
        Lane lane = io[random.nextInt(io.length)];
        if (lane.inFlight == lane.room) {
            return random.nextInt(4) != 0;
        }
        if (lane.room - lane.inFlight >= 2 && planned + 2 <= Planned.Slot.COUNT && random.nextInt(20) == 0) {
            return planFused(lane);
        }
        RandomIo command = new RandomIo(host, random, nextSlot(), drives, tags).plan();
        if (command == null) {
            return random.nextInt(8) != 0;
        }
        lane.put(command);
        return true;
    }

    private boolean planFused(Lane lane) {
        RandomIo first = new RandomIo(host, random, nextSlot(), drives, tags).planFirst();
        if (first == null) {
            return random.nextInt(8) != 0;
        }
        RandomIo second = new RandomIo(host, random, nextSlot(), drives, tags).planSecond(first);
        lane.put(first);
        lane.put(second);
        fusedPairs++;
        return true;
    }

    private boolean planAdmin() {
        if (admin.inFlight == admin.room) {
            return true;
        }
        Planned.Slot slot = nextSlot();
        Planned command = switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> queueCommands.plan(slot);
            case 4, 5 -> featureCommands.plan(slot);
            default -> adminCommands.plan(slot);
        };
        if (command != null) {
            admin.put(command);
            ofAdmin++;
        }
        return true;
    }

    private void finish(Lane lane) throws IOException {
        if (lane.inFlight == 0) {
            return;
        }
        while (lane.inFlight > 0) {
            Completion completion = lane.queue.awaitUntold();
            Planned command = lane.take(completion);
            command.ended(completion);
            ended++;
            refused += command.isGood() ? 0 : 1;
        }
        lane.queue.tell();
    }
}
