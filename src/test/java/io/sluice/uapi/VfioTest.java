package io.sluice.uapi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Field;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares {@link Vfio} with the system's linux/vfio.h by way of native-headers/vfio.h. */
class VfioTest {
    private static final String PROGRAM = """
            #include <stddef.h>
            #include <stdio.h>
            #include "vfio.h"
            #define CONSTANT(name) printf(#name " %lld\\n", (long long) (name));
            #define FIELD(type, field) printf(#type "." #field " %zu\\n", offsetof(struct type, field));
            #define SIZE(type, bytes) printf("sizeof " #type " %zu\\n", (size_t) (bytes));
            int main(void) { SLUICE_VFIO(CONSTANT, FIELD, SIZE) return 0; }
            """;

    @Test
    void shouldEqualTheKernelsHeaderAndNeitherHaveMore(@TempDir Path directory) throws Exception {
        Map<String, Long> kernel = NativeHeaders.values(directory, List.of("linux/vfio.h", "stdio.h"), PROGRAM);
        assertEquals(String.join("\n", lines(kernel)), String.join("\n", lines(ours())));
    }

    /** Sorted and in one text, so that a failure shows the lines that differ. */
    private static List<String> lines(Map<String, Long> values) {
        return new TreeMap<>(values)
                .entrySet().stream()
                        .map(value -> value.getKey() + " = " + value.getValue())
                        .toList();
    }

    private static Map<String, Long> ours() throws IllegalAccessException {
        Map<String, Long> values = new TreeMap<>();
        for (Field field : Vfio.class.getFields()) {
            String name = field.getName().equals("TYPE1V2_IOMMU") ? "TYPE1v2_IOMMU" : field.getName();
            values.put("VFIO_" + name, (long) field.getInt(null));
        }
        for (Class<?> struct : Vfio.class.getClasses()) {
            String name = kernelName(struct);
            for (Field field : struct.getFields()) {
                String key = field.getName().equals("BYTES")
                        ? "sizeof " + name
                        : name + "." + field.getName().toLowerCase(Locale.ROOT);
                values.put(key, (long) field.getInt(null));
            }
        }
        return values;
    }

    /** IommuType1DmaMap is vfio_iommu_type1_dma_map. */
    private static String kernelName(Class<?> struct) {
        return "vfio" + struct.getSimpleName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
