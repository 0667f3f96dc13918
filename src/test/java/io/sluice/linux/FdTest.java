package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class FdTest {
    @Test
    void shouldGiveTheNumberBackWhenClosed() throws Exception {
        long before = Descriptors.count();
        Fd fd = Memfd.create("fd-test", 4096);
        assertEquals(before + 1, Descriptors.count());
        assertTrue(fd.isOpen());
        fd.close();
        assertFalse(fd.isOpen());
        assertEquals(before, Descriptors.count());
    }

    @Test
    void shouldCloseOnlyOnceWhenTheNumberIsReused() throws Exception {
        Fd first = Memfd.create("first", 4096);
        int number = first.number();
        first.close();
        try (Fd second = Memfd.create("second", 4096)) {
            assertEquals(number, second.number(), "the kernel gives out the lowest free number");
            first.close();
            assertEquals(4096, FileStatus.of(second).size());
        }
    }

    @Test
    void shouldStayOpenWhenClosedDuringACall() throws Exception {
        long before = Descriptors.count();
        Fd fd = Memfd.create("busy", 4096);
        int number = fd.acquire("test");
        fd.close();
        assertFalse(fd.isOpen());
        assertFalse(fd.tryAcquire());
        assertEquals(before + 1, Descriptors.count());
        assertEquals(number, fd.acquired());
        fd.release();
        assertEquals(before, Descriptors.count());
    }

    @Test
    void shouldDuplicateTheSameFileWhenAsked() throws Exception {
        Fd fd = Memfd.create("original", 8192);
        try (Fd copy = fd.duplicate()) {
            assertNotEquals(fd.number(), copy.number());
            assertTrue(Descriptors.isCloseOnExec(copy));
            fd.close();
            assertEquals(8192, FileStatus.of(copy).size());
        }
    }

    @Test
    void shouldRefuseEveryUseWhenClosed() throws Exception {
        Fd fd = Memfd.create("closed", 4096);
        fd.close();
        assertThrows(IllegalStateException.class, fd::number);
        LinuxException refused = assertThrows(LinuxException.class, fd::duplicate);
        assertEquals(Errno.EBADF, refused.errno());
        assertThrows(LinuxException.class, () -> FileStatus.of(fd));
    }

    @Test
    void shouldRefuseNegativeNumbersWhenAdopting() {
        assertThrows(IllegalArgumentException.class, () -> Fd.adopt(-1));
    }

    @Test
    void shouldSayWhatItIsWhenDescribed() throws Exception {
        try (Fd fd = Memfd.create("guest.mem", 4096);
                EventFd event = EventFd.create()) {
            assertEquals("memfd:guest.mem", fd.describe());
            assertEquals("anon_inode:[eventfd]", event.fd().describe());
        }
    }
}
