package io.sluice.conformance;

import io.sluice.daemon.Medium;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** {@link RandomStreamTest} on files. */
class FileStreamTest extends RandomStreamTest {
    @Override
    List<Medium> media(Path here) {
        return List.of(file(here.resolve("1"), BLOCKS, BLOCK), file(here.resolve("2"), BLOCKS_2, PAGE));
    }

    private static Medium file(Path path, long blocks, int blockBytes) {
        return new Medium.File(path, OptionalLong.of(blocks * blockBytes), OptionalInt.of(blockBytes), false);
    }

    @Override
    long defaultCommands() {
        return 5_000;
    }

    /** So many deallocations at a time are followed. */
    @Override
    int mostAtATime() {
        return 16;
    }
}
