package io.sluice.fuzz;

import io.sluice.controller.AdminFuzz;
import io.sluice.controller.RegisterFuzz;
import io.sluice.vfiouser.server.MessageFuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What is fuzzed. */
enum Target {
    MESSAGES(MessageFuzz.class),
    REGISTERS(RegisterFuzz.class),
    ADMIN(AdminFuzz.class);

    /** With the methods that Jazzer calls. */
    final Class<?> entry;

    Target(Class<?> entry) {
        this.entry = entry;
    }

    void begin() throws Exception {
        switch (this) {
            case MESSAGES -> MessageFuzz.fuzzerInitialize();
            case REGISTERS -> RegisterFuzz.fuzzerInitialize();
            case ADMIN -> AdminFuzz.fuzzerInitialize();
        }
    }

    void one(byte[] input) throws Exception {
        switch (this) {
            case MESSAGES -> MessageFuzz.fuzzerTestOneInput(input);
            case REGISTERS -> RegisterFuzz.fuzzerTestOneInput(input);
            case ADMIN -> AdminFuzz.fuzzerTestOneInput(input);
        }
    }

    void end() throws Exception {
        switch (this) {
            case MESSAGES -> MessageFuzz.end();
            case REGISTERS -> RegisterFuzz.end();
            case ADMIN -> AdminFuzz.end();
        }
    }

    String folder() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The inputs that are kept, one a line in Base64: each reaches something that the others do not, or was a finding once. */
    List<byte[]> corpus() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("src/test/resources/fuzz", folder() + ".txt"))) {
            return lines.map(Base64.getDecoder()::decode).toList();
        }
    }
}
