package io.sluice.state;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StateFileTest {
    private static final StateLayout LAYOUT = new StateLayout("test", 3, 77, 4096, 8192);
    private static final int PART = 5;

    private final StateFile file;

    StateFileTest() throws LinuxException {
        file = StateFile.create("state-test", LAYOUT, new Stores());
    }

    @AfterEach
    void close() {
        file.close();
    }

    private StateFile reopen(StateLayout layout) throws IOException {
        Fd fd = file.fd().duplicate();
        try {
            return StateFile.open(fd, layout, new Stores());
        } catch (IOException e) {
            assertTrue(fd.isOpen(), "it stays the caller's");
            fd.close();
            throw e;
        }
    }

    @Test
    void shouldHaveNoSnapshotAndZeroesAtFirst() throws IOException {
        try (StateFile other = reopen(LAYOUT)) {
            assertFalse(other.hasSnapshot());
            for (int i = 0; i < 8192; i += Long.BYTES) {
                assertEquals(0, Memory.getLong(other.areaAddress() + i));
            }
        }
    }

    @Test
    void shouldKeepWordsAndTheLastSnapshot() throws IOException {
        file.stores().putInt(file.areaAddress(), 11);
        file.stores().putLong(file.areaAddress() + 8184, -12L);
        for (int i = 0; i < 5; i++) {
            int value = i;
            file.commit(out -> write(out, value));
        }
        try (StateFile other = reopen(LAYOUT)) {
            assertEquals(11, Memory.getInt(other.areaAddress()));
            assertEquals(-12L, Memory.getLong(other.areaAddress() + 8184));
            assertRead(other, 4);
            other.commit(out -> write(out, 5));
        }
        assertRead(file, 5);
    }

    private static void write(SnapshotWriter out, int value) {
        out.part(PART);
        out.put(value);
        out.put(-1L);
        out.put(true);
        out.put(new int[] {1, -2, value});
        out.put(new boolean[] {false, true});
        out.put(new byte[] {7, 8, 9});
    }

    private static void assertRead(StateFile from, int value) {
        SnapshotReader in = from.snapshot();
        in.part(PART);
        assertEquals(value, in.getInt());
        assertEquals(-1L, in.getLong());
        assertTrue(in.getBoolean());
        assertArrayEquals(new int[] {1, -2, value}, in.getInts());
        boolean[] truths = new boolean[2];
        in.get(truths);
        assertArrayEquals(new boolean[] {false, true}, truths);
        byte[] bytes = new byte[3];
        in.get(bytes);
        assertArrayEquals(new byte[] {7, 8, 9}, bytes);
    }

    @Test
    void shouldKeepTheSnapshotBeforeOneThatWasNotFinished() {
        file.commit(out -> write(out, 1));
        file.commit(out -> write(out, 2));
        assertThrows(
                ArithmeticException.class,
                () -> file.commit(out -> {
                    write(out, 3);
                    throw new ArithmeticException("the process ends");
                }));
        assertRead(file, 2);
    }

    @Test
    void shouldRefuseASnapshotThatDoesNotFit() {
        file.commit(out -> write(out, 1));
        assertThrows(IllegalStateException.class, () -> file.commit(out -> out.put(new byte[4096])));
        assertRead(file, 1);
    }

    @Test
    void shouldRefuseToReadWhatIsNotThere() {
        file.commit(out -> write(out, 1));
        assertThrows(IllegalStateException.class, () -> file.snapshot().part(PART + 1));
        SnapshotReader in = file.snapshot();
        in.part(PART);
        in.getInt();
        assertThrows(IllegalStateException.class, in::getInts, "-1 values");
        SnapshotReader all = file.snapshot();
        for (int i = 0; i < 4096 / Long.BYTES; i++) {
            all.getLong();
        }
        assertThrows(IllegalStateException.class, all::getLong);
    }

    @Test
    void shouldRefuseALengthThatIsNotTheArrays() {
        file.commit(out -> out.put(new int[] {1, 2, 3}));
        assertThrows(IllegalStateException.class, () -> file.snapshot().get(new int[2]));
    }

    @Test
    void shouldSayWhatDiffersInAnotherLayout() {
        assertRefused(new StateLayout("other", 3, 77, 4096, 8192), "kind");
        assertRefused(new StateLayout("test", 4, 77, 4096, 8192), "version");
        assertRefused(new StateLayout("test", 3, 78, 4096, 8192), "configuration");
        assertRefused(new StateLayout("test", 3, 77, 4096, 12_288), "bytes");
        assertRefused(new StateLayout("test", 3, 77, 8192, 0), "snapshots' size");
    }

    private void assertRefused(StateLayout layout, String why) {
        IOException e = assertThrows(IOException.class, () -> reopen(layout).close());
        assertTrue(e.getMessage().contains(why), e.getMessage());
        assertTrue(e.getMessage().contains("start afresh"), e.getMessage());
    }

    @Test
    void shouldRefuseAFileThatCouldBeCutShort() throws IOException {
        try (Fd fd = Memfd.create("unsealed", 4096 + 2 * 4096 + 8192)) {
            IOException e = assertThrows(IOException.class, () -> StateFile.open(fd, LAYOUT, new Stores()));
            assertTrue(e.getMessage().contains("may change its size"), e.getMessage());
        }
    }

    @Test
    void shouldRefuseAFileThatIsNoState() throws IOException {
        try (Fd fd = Memfd.create("zeroes", 4096 + 2 * 4096 + 8192)) {
            Memfd.addSeals(fd, Memfd.SEAL_SHRINK | Memfd.SEAL_GROW | Memfd.SEAL_SEAL);
            IOException e = assertThrows(IOException.class, () -> StateFile.open(fd, LAYOUT, new Stores()));
            assertTrue(e.getMessage().contains("not a state file"), e.getMessage());
        }
    }

    @Test
    void shouldRefuseALayoutWithoutASenseOrAName() {
        assertThrows(IllegalArgumentException.class, () -> new StateLayout("", 1, 0, 4096, 0));
        assertThrows(IllegalArgumentException.class, () -> new StateLayout("ninechars", 1, 0, 4096, 0));
        assertThrows(IllegalArgumentException.class, () -> new StateLayout("test", 1, 0, 0, 0));
    }
}
