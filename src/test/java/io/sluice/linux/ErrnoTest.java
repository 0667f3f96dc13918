package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import org.junit.jupiter.api.Test;

class ErrnoTest {
    @Test
    void shouldNameEveryConstantAsItIsCalled() throws Exception {
        int constants = 0;
        for (Field field : Errno.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                assertEquals(field.getName(), Errno.name(field.getInt(null)));
                constants++;
            }
        }
        assertEquals(52, constants);
    }

    @Test
    void shouldTellTheKnownTexts() {
        assertEquals("Operation not permitted", Errno.describe(1));
        assertEquals("Invalid argument", Errno.describe(22));
        assertEquals("Connection refused", Errno.describe(111));
        assertEquals("EHWPOISON", Errno.name(133));
    }

    @Test
    void shouldStayReadableWhenTheNumberIsUnknown() {
        assertEquals("errno 4711", Errno.name(4711));
        assertEquals("Unknown error", Errno.describe(4711));
        assertEquals("Unknown error", Errno.describe(-1));
        assertEquals("Unknown error", Errno.describe(0));
    }

    @Test
    void shouldSayWhatFailedOnWhatAndWhy() {
        LinuxException plain = new LinuxException("mmap", "of guest.mem, 4096 bytes at offset 0", Errno.EINVAL);
        assertEquals("mmap of guest.mem, 4096 bytes at offset 0: Invalid argument (EINVAL)", plain.getMessage());
        assertEquals("mmap", plain.call());
        assertEquals(22, plain.errno());
        LinuxException advised = new LinuxException("socket", "", Errno.EMFILE, "Raise the limit.");
        assertEquals("socket: Too many open files (EMFILE). Raise the limit.", advised.getMessage());
    }
}
