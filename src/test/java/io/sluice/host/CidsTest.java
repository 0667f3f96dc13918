package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CidsTest {
    /** How many commands of one slot have different CIDs; each of them names the slot. */
    private static int generations(int slots, int slot) {
        Cids cids = new Cids(slots);
        Set<Integer> seen = new HashSet<>();
        for (int cid = cids.first(slot); seen.add(cid); cid = cids.next(cid)) {
            assertEquals(slot, cids.slot(cid));
            assertTrue(cid >= 0 && cid < 0xffff, "CID 0x" + Integer.toHexString(cid));
        }
        return seen.size();
    }

    @Test
    void shouldHaveAsManyGenerationsAsTheSlotsLeaveBitsFor() {
        assertEquals(64, generations(1023, 0));
        assertEquals(64, generations(1023, 1022));
        assertEquals(64, generations(1024, 0));
        assertEquals(32, generations(1025, 1024));
        assertEquals(0x8000, generations(2, 0));
        assertEquals(2, generations(32768, 0));
        assertEquals(1, generations(65535, 65534), "no bit is left");
    }

    /** Where all bits of slot and generation are ones. */
    @Test
    void shouldLeaveOutTheCidThatStandsForNoCommand() {
        assertEquals(63, generations(1024, 1023));
        assertEquals(0x7fff, generations(2, 1));
        assertEquals(0xffff, generations(1, 0));
    }

    @Test
    void shouldNameASlotThatDoesNotExistWhenTheDeviceMadeTheCidUp() {
        assertEquals(1023, new Cids(1023).slot(0xffff));
        assertEquals(0, new Cids(1).slot(0xfffe));
    }

    @Test
    void shouldFindOnlyTheCommandThatIsOutstanding() {
        SlotTable slots = new SlotTable(3, RecordFixture.record(3));
        int first = slots.nextCid(slots.peek());
        slots.take(0, 7, 0);
        assertEquals(0, slots.find(first));
        assertEquals(-1, slots.find(3), "no such slot");
        assertEquals(7, slots.release(0));
        int second = slots.nextCid(0);
        assertEquals(-1, slots.find(second), "not yet");
        slots.take(0, 8, 0);
        assertEquals(-1, slots.find(first), "not any more");
        assertEquals(0, slots.find(second));
        slots.freeAll();
        assertEquals(-1, slots.find(second));
        slots.take(0, 9, 0);
        assertEquals(-1, slots.find(second), "forgetting does not use it again");
    }
}
