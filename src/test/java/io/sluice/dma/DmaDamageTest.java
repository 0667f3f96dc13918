package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A client that makes its file shorter under our mapping. */
class DmaDamageTest {
    private static final String NAME = "damage-test";
    private static final long PAGE = GuestFile.PAGE;
    private static final long MIB = GuestFile.MIB;
    private static final int RW = Translator.READ | Translator.WRITE;

    private GuestFile file;
    private DmaSpace space;

    @BeforeEach
    void open() throws Exception {
        file = GuestFile.create(NAME, 1, 4 * MIB);
        space = new DmaSpace("guest", DmaLimits.DEFAULT);
        Transaction transaction = space.begin();
        transaction.map(0, MIB, RW, file.give(), 0);
        transaction.map(MIB, MIB, RW, file.give(), MIB);
        transaction.commit();
    }

    @AfterEach
    void nothingLeaks() throws Exception {
        space.close();
        file.close();
        assertEquals(0, ProcSelf.mappings(NAME));
        assertEquals(0, ProcSelf.descriptors(NAME));
    }

    /** The error comes late, at a moment of the JVM's choice; a call into the JVM makes it choose. */
    private static long touch(long hva) throws InterruptedException {
        long value = Memory.getLong(hva);
        Thread.sleep(1);
        return value;
    }

    @Test
    void shouldBeDamagedAndSurviveWhenTheFileIsTruncated() throws Exception {
        long hva = space.hostView().translate(MIB + PAGE, 8, RW);
        file.assertPage(MIB + PAGE, hva);
        assertFalse(space.damaged());
        Memfd.resize(file.fd, MIB);
        assertTrue(space.damaged());
        assertThrows(InternalError.class, () -> touch(hva));
        file.assertPage(MIB - PAGE, space.hostView().translate(MIB - PAGE, 8, RW));
        assertTrue(space.damaged(), "still");
        Transaction transaction = space.begin();
        assertEquals(MIB, transaction.unmap(MIB, MIB));
        transaction.commit();
        assertFalse(space.damaged(), "no region is past the end any more");
    }

    @Test
    void shouldNotBeDamagedWhenOnlyWhatNoRegionUsesIsCutOff() throws Exception {
        Memfd.resize(file.fd, 2 * MIB);
        assertFalse(space.damaged());
        Memfd.resize(file.fd, 2 * MIB - PAGE + 1);
        assertFalse(space.damaged(), "the rest of the last page is there");
        Memfd.resize(file.fd, 2 * MIB - PAGE);
        assertTrue(space.damaged());
    }

    @Test
    void shouldNotBeDamagedWhenTheFileIsSealedAgainstShrinking() throws Exception {
        Memfd.addSeals(file.fd, Memfd.SEAL_SHRINK);
        assertThrows(LinuxException.class, () -> Memfd.resize(file.fd, MIB));
        assertFalse(space.damaged());
    }

    @Test
    void shouldNotBeDamagedWhenAnotherGuestsFileIsTruncated() throws Exception {
        try (GuestFile second = GuestFile.create(NAME, 2, MIB);
                DmaSpace other = new DmaSpace("other", DmaLimits.DEFAULT)) {
            Transaction transaction = other.begin();
            transaction.map(0, MIB, RW, second.give(), 0);
            transaction.commit();
            Memfd.resize(second.fd, 0);
            assertTrue(other.damaged());
            assertFalse(space.damaged());
        }
    }
}
