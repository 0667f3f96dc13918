package io.sluice.conformance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Queues that nobody uses, which come and go; what is asked for is now and then nonsense: NVMe 1.4, 5.3 to 5.6. */
final class RandomQueues {
    private static final int FIRST = 6;
    private static final int LAST = 16;
    private static final int VECTORS = LAST + 1;
    private static final int MOST_ENTRIES = 64;
    private static final long MEMORY = 0x2_0000;
    private static final int NOT_THERE = -1;

    private final Host host;
    private final Random random;

    /** For each submission queue its completion queue, or that it is not there. */
    private final int[] submission = new int[LAST + 1];

    private final boolean[] completion = new boolean[LAST + 1];

    /** Queues that a command of the batch is about, so that no other one may be. */
    private final Set<Integer> claimed = new HashSet<>();

    RandomQueues(Host host, Random random) {
        this.host = host;
        this.random = random;
        Arrays.fill(submission, NOT_THERE);
    }

    void beginBatch() {
        claimed.clear();
    }

    /** Null if what came out cannot go with the others of the batch. */
    Planned plan(Planned.Slot slot) {
        Change change = new Change(slot);
        change.plan();
        for (int qid : change.touched) {
            if (claimed.contains(qid)) {
                return null;
            }
        }
        claimed.addAll(change.touched);
        return change;
    }

    private boolean isOurs(int qid) {
        return qid >= FIRST && qid <= LAST;
    }

    /** One of the four commands. */
    private final class Change extends Planned {
        private final List<Integer> touched = new ArrayList<>();
        private int opcode;
        private int qid;
        private int cqid;

        Change(Slot slot) {
            super(RandomQueues.this.host, RandomQueues.this.random, slot);
        }

        private void plan() {
            int[] opcodes = {0x00, 0x01, 0x04, 0x05};
            opcode = opcodes[random.nextInt(opcodes.length)];
            qid = FIRST + random.nextInt(LAST - FIRST + 1);
            if (chance(20)) {
                int[] none = {0, LAST + 1, 0x100, 0x8000, 0xffff, 1};
                // Queue 1 is there, and used: it can be neither made nor, its completion queue, deleted.
                qid = none[random.nextInt(opcode == 0x00 ? none.length - 1 : none.length)];
            }
            touched.add(qid);
            command = new Command(opcode).dw(10, qid);
            switch (opcode) {
                case 0x00 -> planDeletion();
                case 0x01 -> planSubmission();
                case 0x04 -> {
                    wrongIf(!hasCompletion(qid), 0x01);
                    wrongIf(hasCompletion(qid) && isUsed(qid), 0x0c);
                }
                default -> planCompletion();
            }
            if (chance(50)) {
                command.fuse(1 + random.nextInt(3));
                wrong(0, 0x02);
            } else if (chance(50)) {
                command.psdt(1 + random.nextInt(3));
                wrong(0, 0x02);
            }
        }

        private void planDeletion() {
            wrongIf(!hasSubmission(qid), 0x01);
            if (isOurs(qid) && hasSubmission(qid)) {
                touched.add(submission[qid]);
            }
        }

        private void wrongIf(boolean is, int code) {
            if (is) {
                wrong(1, code);
            }
        }

        private boolean hasSubmission(int id) {
            return id == 1 || (isOurs(id) && submission[id] != NOT_THERE);
        }

        private boolean hasCompletion(int id) {
            return id == 1 || (isOurs(id) && completion[id]);
        }

        private boolean isUsed(int id) {
            for (int user : submission) {
                if (user == id) {
                    return true;
                }
            }
            return id == 1;
        }

        private void planSubmission() {
            wrongIf(!isOurs(qid) || hasSubmission(qid), 0x01);
            cqid = chance(2) && isOurs(qid) ? qid : FIRST + random.nextInt(LAST - FIRST + 1);
            if (chance(20)) {
                cqid = chance(2) ? 0 : LAST + 1 + random.nextInt(0x8000);
            }
            touched.add(cqid);
            boolean possible = cqid >= 1 && cqid <= LAST;
            wrongIf(!possible, 0x01);
            wrongIf(possible && !hasCompletion(cqid), 0x00);
            command.dw(11, cqid << 16 | random.nextInt(4) << 1 | 1);
            planMemory(0);
        }

        private void planCompletion() {
            wrongIf(!isOurs(qid) || hasCompletion(qid), 0x01);
            int vector = random.nextInt(VECTORS);
            if (chance(20)) {
                vector = VECTORS + random.nextInt(0x1_0000 - VECTORS);
                wrong(1, 0x08);
            }
            command.dw(11, vector << 16 | 1);
            planMemory(1);
        }

        /** Size, contiguity and address. */
        private void planMemory(int page) {
            int entries = 2 + random.nextInt(MOST_ENTRIES - 1);
            if (chance(20)) {
                entries = chance(2) ? 1 : 4097 + random.nextInt(0x1_0000 - 4096);
                wrong(1, 0x02);
            }
            command.dw(10, qid | (entries - 1) << 16);
            if (chance(30)) {
                command.dw(11, command.dwords[11] & ~1);
                wrong(0, 0x02);
            }
            long memory = Host.gpa(MEMORY + (long) PAGE * (2 * Math.max(0, Math.min(qid, LAST) - FIRST) + page));
            if (chance(30)) {
                memory += 1 + random.nextInt(PAGE - 1);
                wrong(0, 0x13);
            }
            command.prp1(memory);
        }

        @Override
        void done(Completion completed) {
            switch (opcode) {
                case 0x00 -> submission[qid] = NOT_THERE;
                case 0x01 -> submission[qid] = cqid;
                case 0x04 -> completion[qid] = false;
                default -> completion[qid] = true;
            }
        }
    }
}
