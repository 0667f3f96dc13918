package io.sluice.controller;

import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FileStorage;
import io.sluice.storage.RawFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The blocks of a {@link FileStorage}. When its process ends, its threads end what the kernel is doing for them, and nobody hears of it;
 * only then the file is opened anew.
 */
final class FilePlatter implements Platter {
    private static final Namespace NAMESPACE =
            new Namespace(1, DurableDrive.BLOCKS, DurableDrive.BLOCK, 0, 0, 0, false);

    private final Path path;
    private FileStorage storage;

    /** @param path of a file that is not there yet */
    FilePlatter(Path path) {
        this.path = path;
    }

    @Override
    public IoPath open() throws IOException {
        OptionalLong bytes = OptionalLong.of(NAMESPACE.bytes());
        BackingFile file = BackingFile.open(path, bytes, OptionalInt.of(DurableDrive.BLOCK), false);
        storage = new FileStorage(NAMESPACE, new Unsynced(file), () -> {});
        return storage;
    }

    @Override
    public void kill() {
        storage.close();
    }

    @Override
    public byte at(long lba, int offset) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            file.seek(lba * DurableDrive.BLOCK + offset);
            return file.readByte();
        }
    }

    @Override
    public void close() {
        storage.close();
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A process that ends loses nothing of what the kernel has, so nobody has to wait for a medium. */
    private record Unsynced(RawFile file) implements RawFile {
        @Override
        public long read(IoVectors vectors, int count, long offset) throws LinuxException {
            return file.read(vectors, count, offset);
        }

        @Override
        public long write(IoVectors vectors, int count, long offset, boolean durable) throws LinuxException {
            return file.write(vectors, count, offset, false);
        }

        @Override
        public void sync() {}

        @Override
        public void punch(long offset, long bytes) throws LinuxException {
            file.punch(offset, bytes);
        }

        @Override
        public void zero(long offset, long bytes) throws LinuxException {
            file.zero(offset, bytes);
        }

        @Override
        public long size() throws LinuxException {
            return file.size();
        }

        @Override
        public void resize(long bytes) throws IOException {
            file.resize(bytes);
        }

        @Override
        public String name() {
            return file.name();
        }

        @Override
        public void close() {
            file.close();
        }
    }
}
