package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.sluice.nvme.Csts;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.vfiouser.client.OpenClient;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A guest at a socket that tries to reach blocks and memory that are not its own: by random and mutated commands, while another
 * of its threads rewrites them, and while it takes its memory, its queues, its controller and itself away.
 */
final class HostileGuest implements AutoCloseable {
    private static final long QUEUES = 0x6969_6960_0000L;
    private static final int BATCH = 64;
    private static final int MAX_BATCHES = 20;
    private static final int ADMIN_COMMANDS = 8;
    private static final long SHORT_DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int SHORTLY_DELAYED = 16;

    /** Longer than an answer takes on a machine that is busy with other things. */
    private static final long LONG_DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(40);

    /** Those that are tried more often stand there more often. */
    private static final String[] ACTIONS = {
        "unmap of half the data",
        "unmap of half the data",
        "unmap of half the data",
        "unmap of all data",
        "unmap of all data",
        "unmap of the lists",
        "unmap of the queues",
        "reset",
        "reset",
        "disable",
        "disable",
        "deletion of a queue",
        "deletion of a queue",
        "deletion of a completion queue",
        "admin commands",
        "disconnection",
        "kill",
    };

    private final Path socket;
    private final int[] marks;
    private final DelayingStorage device;
    private final Random random;
    private final HostileMemory memory;
    private final HostileCommands commands;
    private final Racer racer;
    private OpenClient client;
    private RawController raw;
    private TrackedQueues queues;
    private String action = "nothing";
    private long delayNanos;
    private long sent;
    private long ended;
    private long exactlyKnown;
    private long slowestNanos;

    /** How often each of {@link #ACTIONS} was done. */
    private final Map<String, Integer> done = new TreeMap<>();

    /**
     * @param marks upper halves of words that must not get into its memory
     * @param device behind it all, which is made slow where something is to be in flight for long
     * @param others addresses to try
     */
    HostileGuest(Path socket, int[] marks, DelayingStorage device, long seed, long... others) throws Exception {
        this.socket = socket;
        this.marks = marks.clone();
        this.device = device;
        random = new Random(seed);
        memory = new HostileMemory();
        commands = new HostileCommands(memory, IsolationRig.BLOCKS_EACH, random, others);
        racer = commands.newRacer(random.nextLong());
        delay(false);
        connect();
        memory.mapAll(raw.device);
        bringUp();
    }

    /**
     * Sends so many commands or a few more, and with some of them in flight does something else now and then.
     *
     * @param check what must go on being so, else it throws
     */
    void attack(long count, Runnable check) throws Exception {
        while (sent < count) {
            try {
                round();
                check.run();
            } catch (AssertionError e) {
                throw new AssertionError("after " + sent + " commands, by " + action + ": " + e.getMessage(), e);
            }
        }
        tally();
    }

    /** Before these queues are left. */
    private void tally() {
        ended += queues.ended();
        exactlyKnown += queues.exactlyKnown();
        slowestNanos = Math.max(slowestNanos, queues.slowestNanos());
    }

    private void round() throws Exception {
        Racer.Prey prey = switch (random.nextInt(4)) {
            case 0 -> Racer.Prey.NOTHING;
            case 1 -> Racer.Prey.LISTS;
            default -> Racer.Prey.LISTS_AND_ENTRIES;
        };
        queues.entriesMayChange(prey == Racer.Prey.LISTS_AND_ENTRIES);
        racer.chase(prey);
        for (int i = random.nextInt(MAX_BATCHES); i > 0; i--) {
            submit();
            queues.awaitAll();
        }
        delay(random.nextInt(8) == 0);
        submit();
        if (random.nextInt(4) == 0) {
            LockSupport.parkNanos(random.nextInt((int) delayNanos));
        }
        act(random.nextInt(ACTIONS.length));
        queues.awaitAll();
        delay(false);
        racer.chase(Racer.Prey.NOTHING);
        int csts = raw.read(Registers.CSTS);
        assertFalse(Csts.fatal(csts), () -> "the controller has failed, CSTS 0x" + Integer.toHexString(csts));
        inspect();
    }

    /** Whether all that comes is in flight for long, or some of it for a moment. */
    private void delay(boolean allForLong) {
        delayNanos = allForLong ? LONG_DELAY_NANOS : SHORT_DELAY_NANOS;
        device.delay(allForLong ? 1 : SHORTLY_DELAYED, delayNanos);
    }

    private void submit() {
        for (int i = 0; i < BATCH; i++) {
            int sqid = 1 + random.nextInt(TrackedQueues.SUBMISSION_QUEUES);
            if (random.nextInt(16) == 0 && queues.hasRoom(sqid, 2)) {
                commands.fillFused(queues.next(sqid, NvmOpcode.READ), queues.next(sqid, NvmOpcode.READ));
                sent += 2;
            } else if (queues.hasRoom(sqid, 1)) {
                commands.fill(queues.next(sqid, NvmOpcode.READ));
                sent++;
            }
        }
        queues.ring();
    }

    private void act(int number) throws Exception {
        action = ACTIONS[number];
        done.merge(action, 1, Integer::sum);
        switch (action) {
            case "unmap of half the data" -> takeData(HostileMemory.DATA[random.nextInt(2)]);
            case "unmap of all data" -> takeData(HostileMemory.DATA);
            case "unmap of the lists" -> takeLists();
            case "unmap of the queues" -> takeQueues();
            case "reset" -> {
                raw.device.reset();
                startAgain();
            }
            case "disable" -> {
                raw.disable();
                startAgain();
            }
            case "deletion of a queue" -> {
                int sqid = 1 + random.nextInt(TrackedQueues.SUBMISSION_QUEUES);
                queues.deleteSubmissionQueue(sqid);
                submit();
                queues.awaitAll();
                queues.createSubmissionQueue(sqid);
            }
            case "deletion of a completion queue" -> queues.renewLastCompletionQueue(this::watchDeletedQueue);
            case "admin commands" -> sendAdminCommands();
            case "disconnection" -> {
                raw.device.close();
                comeBack();
            }
            default -> {
                client.kill();
                comeBack();
            }
        }
    }

    // ---- memory

    /** Commands go on naming it. */
    private void takeData(HostileMemory.Part... parts) throws Exception {
        for (HostileMemory.Part part : parts) {
            HostileMemory.unmap(raw.device, part);
        }
        inspectOrHurry();
        for (HostileMemory.Part part : parts) {
            memory.paint(part);
        }
        submit();
        queues.awaitAll();
        for (HostileMemory.Part part : parts) {
            memory.assertUntouched(part, action);
            memory.map(raw.device, part);
        }
    }

    /** It writes there itself, so it must keep still. */
    private void takeLists() throws Exception {
        HostileMemory.unmap(raw.device, HostileMemory.LISTS);
        racer.chase(Racer.Prey.NOTHING);
        inspectOrHurry();
        memory.paint(HostileMemory.LISTS);
        queues.awaitAll();
        memory.assertUntouched(HostileMemory.LISTS, action);
        memory.map(raw.device, HostileMemory.LISTS);
    }

    /** The controller may fail for it. */
    private void takeQueues() throws Exception {
        raw.unmapQueues();
        queues.forgetAll();
        queues.forEachWritten((address, bytes) -> Painted.paint(address, bytes, HostileMemory.PAINT));
        rest();
        assertQueuesUntouched(raw, queues);
        raw.disable();
        raw.mapQueues();
        startAgain();
    }

    private void watchDeletedQueue() {
        long address = raw.queueAddress(TrackedQueues.cqOffset(TrackedQueues.COMPLETION_QUEUES));
        Painted.paint(address, TrackedQueues.CQ_BYTES, HostileMemory.PAINT);
        submit();
        queues.awaitAll();
        Painted.assertWhole("the deleted queue", address, TrackedQueues.CQ_BYTES, HostileMemory.PAINT);
    }

    private void assertQueuesUntouched(RawController of, TrackedQueues which) {
        which.forEachWritten((address, bytes) ->
                Painted.assertWhole("a queue after " + action, address, bytes, HostileMemory.PAINT));
        inspect(of);
    }

    /** What must never have happened to its memory. */
    private void inspect() {
        inspect(raw);
        memory.assertGuardsAreWhole();
        assertEquals(0, memory.count(marks), "words of others have leaked");
    }

    /** Painting hides what has leaked, and looking for that takes as long as what is late may be: so now this, now that. */
    private void inspectOrHurry() {
        if (random.nextInt(4) == 0) {
            inspect();
        }
    }

    private void inspect(RawController of) {
        long leaked = Painted.count(of.queueAddress(0), RawController.MEMORY_BYTES, marks);
        assertEquals(0, leaked, "words of others have leaked into queues");
    }

    // ---- life

    private void connect() throws Exception {
        client = OpenClient.connect(socket, IsolationRig.REPLY_TIMEOUT);
        raw = new RawController(client.client(), QUEUES, 0);
        queues = new TrackedQueues(raw, (sqid, cid, status) -> {});
        raw.mapQueues();
    }

    private void bringUp() throws Exception {
        raw.enablePci();
        raw.enable();
        queues.createAll();
        Racer.Target[] entries = new Racer.Target[TrackedQueues.SUBMISSION_QUEUES];
        for (int i = 0; i < entries.length; i++) {
            long address = raw.queueAddress(TrackedQueues.sqOffset(i + 1));
            entries[i] = HostileCommands.racedEntries(address, TrackedQueues.SQ_BYTES);
        }
        racer.aim(commands.racedLists(), entries);
    }

    /** After a reset: nothing that was in flight may arrive any more. */
    private void startAgain() throws Exception {
        racer.chase(Racer.Prey.NOTHING);
        queues.forgetAll();
        assertQuiet(raw, queues);
        bringUp();
    }

    /** A new client, of the same guest: what it had mapped before is not, and nothing in it changes. */
    private void comeBack() throws Exception {
        racer.chase(Racer.Prey.NOTHING);
        RawController before = raw;
        TrackedQueues queuesBefore = queues;
        tally();
        try {
            connect(); // the server cleans up after a client before it answers the next
            assertQuiet(before, queuesBefore);
        } finally {
            before.close();
        }
        memory.mapAll(raw.device);
        bringUp();
    }

    private void assertQuiet(RawController of, TrackedQueues which) {
        inspectOrHurry();
        memory.paintWritable();
        which.forEachWritten((address, bytes) -> Painted.paint(address, bytes, HostileMemory.PAINT));
        rest();
        memory.assertWritableUntouched(action);
        assertQueuesUntouched(of, which);
    }

    private void rest() {
        LockSupport.parkNanos(random.nextInt(4) == 0 ? 2 * delayNanos : delayNanos / 4);
    }

    private void sendAdminCommands() {
        for (int i = 0; i < ADMIN_COMMANDS; i++) {
            long sqe = raw.adminSqe(commands.adminOpcode());
            commands.fillAdmin(sqe);
            raw.advanceAdmin();
            assertEquals(Sqe.cid(sqe), raw.awaitAdmin().cid());
        }
    }

    /** What happened, for people; after the attack. */
    String summary() {
        return String.format(
                "%d commands sent, %d ended, %d of them known by their CID; slowest batch %.1f ms; %s",
                sent, ended, exactlyKnown, slowestNanos / 1e6, done);
    }

    /** How many commands it has sent. */
    long sent() {
        return sent;
    }

    /** How many of them have ended exactly once, for sure. */
    long exactlyKnown() {
        return exactlyKnown;
    }

    @Override
    public void close() {
        racer.close();
        raw.close();
        memory.close();
    }
}
