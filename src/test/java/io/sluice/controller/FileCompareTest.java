package io.sluice.controller;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Compare and Verify of a drive in a file: the same rules. */
class FileCompareTest extends CompareTest {
    @TempDir
    private Path folder;

    private final StorageFiles files = new StorageFiles();

    FileCompareTest() throws Exception {}

    @Override
    IoPath newStorage(Namespace namespace) throws Exception {
        return files.open(folder, namespace);
    }
}
