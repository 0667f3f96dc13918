package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.uapi.NativeHeaders;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares the numbers in this room with the system's headers by way of native-headers/fence.h. */
class FenceHeaderTest {
    private static final String PROGRAM = """
            #include "fence.h"
            #include <stdio.h>
            #define VALUE(class, name, expression) printf(#class "." #name " %lld\\n", (long long) (expression));
            int main(void) { SLUICE_FENCE(VALUE) SLUICE_FENCE_SINCE_6_3(VALUE) return 0; }
            """;

    /** Constants that are this project's own choice, or newer than the headers may be. */
    private static final Set<String> OUR_OWN = Set.of(
            "DirectoryLock.PAUSE_NANOS",
            "Fd.CLOSED",
            "FileIo.MODE",
            "FileStatus.SMALL_PAGE_BYTES",
            "Memfd.HUGE_PAGE_BYTES",
            "Memfd.MFD_NOEXEC_SEAL",
            "Memfd.NAME_MAX",
            "Memfd.SEAL_EXEC",
            "Message.MAX_FDS",
            "Message.POLLFD",
            "PollSet.NANOS_PER_MILLI",
            "StuckCalls.QUIET_TICKS",
            "StuckCalls.SIGNAL",
            "StuckCalls.TICK_NANOS",
            "ThreadControl.CALLER",
            "ThreadControl.MASK_BYTES",
            "UnixConnection.BOUNCE_BYTES",
            "UnixConnection.MAX_FDS",
            "UnixConnection.NANOS_PER_MILLI");

    private static Map<String, Long> kernel(Path directory) throws Exception {
        return NativeHeaders.values(directory, List.of("sys/socket.h", "linux/memfd.h"), PROGRAM);
    }

    private static Class<?> room(String simpleName) throws ClassNotFoundException {
        return Class.forName("io.sluice.linux." + simpleName);
    }

    private static Field constant(String name) throws ReflectiveOperationException {
        int dot = name.indexOf('.');
        Field field = room(name.substring(0, dot)).getDeclaredField(name.substring(dot + 1));
        field.setAccessible(true);
        return field;
    }

    @Test
    void shouldEqualTheSystemsHeaders(@TempDir Path directory) throws Exception {
        for (Map.Entry<String, Long> value : kernel(directory).entrySet()) {
            assertEquals(value.getValue(), constant(value.getKey()).getLong(null), value.getKey());
        }
    }

    @Test
    void shouldListEveryNumberThatIsTheKernels(@TempDir Path directory) throws Exception {
        Set<String> listed = kernel(directory).keySet();
        Set<String> classes = listed.stream()
                .map(name -> name.substring(0, name.indexOf('.')))
                .collect(Collectors.toSet());
        Set<String> unlisted = new TreeSet<>();
        for (String name : classes) {
            for (Field field : room(name).getDeclaredFields()) {
                String full = name + "." + field.getName();
                if (isNumber(field) && !listed.contains(full) && !OUR_OWN.contains(full)) {
                    unlisted.add(full);
                }
            }
        }
        assertEquals(Set.of(), unlisted, "not in native-headers/fence.h");
    }

    private static boolean isNumber(Field field) {
        return Modifier.isStatic(field.getModifiers())
                && Modifier.isFinal(field.getModifiers())
                && (field.getType() == int.class || field.getType() == long.class)
                && field.getName().matches("[A-Z0-9_]+")
                && !field.getName().equals("ONE");
    }
}
