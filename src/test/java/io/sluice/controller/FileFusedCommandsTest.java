package io.sluice.controller;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Compare and Write, fused, of a drive in a file: the same rules. */
class FileFusedCommandsTest extends FusedCommandsTest {
    @TempDir
    private Path folder;

    private final StorageFiles files = new StorageFiles();

    FileFusedCommandsTest() throws Exception {}

    @Override
    IoPath newStorage(Namespace namespace) throws Exception {
        return files.open(folder, namespace);
    }
}
