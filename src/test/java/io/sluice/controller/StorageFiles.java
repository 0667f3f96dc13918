package io.sluice.controller;

import io.sluice.storage.BackingFile;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ScriptedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Makes storages in files for tests that poll without resting. */
final class StorageFiles {
    private ScriptedFile file;

    FileStorage open(Path folder, Namespace namespace) throws IOException {
        Path path = folder.resolve("disk.img");
        OptionalInt blockBytes = OptionalInt.of(namespace.blockBytes());
        file = new ScriptedFile(BackingFile.open(path, OptionalLong.of(namespace.bytes()), blockBytes, false));
        return new FileStorage(namespace, file, () -> {});
    }

    /** The one that was opened last. */
    ScriptedFile file() {
        return file;
    }
}
