package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DoorbellTest {
    private static final int OFFSET = 0x1008;

    private final FakeBar bar = new FakeBar();
    private Mapping mapping;
    private long shadow;
    private long eventIdx;
    private Doorbell doorbell;

    @BeforeEach
    void open() throws IOException {
        mapping = Mapping.anonymous(2 * 4096, Mapping.PROT_READ | Mapping.PROT_WRITE);
        shadow = mapping.address() + 8;
        eventIdx = mapping.address() + 4096 + 8;
        doorbell = new Doorbell(bar, OFFSET, shadow, eventIdx);
    }

    @AfterEach
    void close() {
        mapping.close();
    }

    private static FakeBar.Write write(int value) {
        return new FakeBar.Write(OFFSET, value);
    }

    @Test
    void shouldWriteTheRegisterEachTimeWhenThereIsNoBuffer() throws IOException {
        Doorbell plain = new Doorbell(bar, OFFSET);
        plain.ring(1);
        plain.ring(2);
        assertEquals(List.of(write(1), write(2)), bar.writes);
    }

    @Test
    void shouldWriteTheRegisterOnlyWhenItPassesTheEventIndex() throws IOException {
        doorbell.ring(2); // passes 0
        Memory.putInt(eventIdx, 5);
        doorbell.ring(4);
        doorbell.ring(5);
        assertEquals(List.of(write(2)), bar.writes);
        assertEquals(5, Memory.getInt(shadow), "the device finds it here");
        doorbell.ring(6);
        assertEquals(List.of(write(2), write(6)), bar.writes);
    }

    @Test
    void shouldWakeTheDeviceAgainWhenItWrapsAround() throws IOException {
        doorbell.ring(7);
        Memory.putInt(eventIdx, 7);
        doorbell.ring(1); // of 8 entries: past 7
        assertEquals(List.of(write(7), write(1)), bar.writes);
    }

    @Test
    void shouldBeginAgainAtZeroWhenTheQueueDoes() throws IOException {
        doorbell.ring(3);
        Memory.putInt(eventIdx, 3);
        doorbell.restart();
        assertEquals(0, Memory.getInt(shadow));
        assertEquals(0, Memory.getInt(eventIdx));
        doorbell.ring(1);
        assertEquals(List.of(write(3), write(1)), bar.writes);
    }
}
