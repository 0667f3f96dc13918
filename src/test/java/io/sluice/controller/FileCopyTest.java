package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Status;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copy of a drive in a file: the same rules. */
class FileCopyTest extends CopyTest {
    @TempDir
    private Path folder;

    private final StorageFiles files = new StorageFiles();

    FileCopyTest() throws Exception {}

    @Override
    IoPath newStorage(Namespace namespace) throws Exception {
        return files.open(folder, namespace);
    }

    /** Blocks cannot be marked as unreadable here: the medium has to fail. */
    @Override
    @Test
    void shouldSayWhichRangeCouldNotBeRead() throws Exception {
        open(1 << 20, BLOCK);
        write(0, random(16 * BLOCK));
        files.file().script((call, offset) -> {
            if (call.equals("read") && offset == 6 * BLOCK) {
                throw new LinuxException(call, "of a test", Errno.EIO);
            }
        });
        int index = tail;

        assertEquals(
                Status.UNRECOVERED_READ_ERROR.dnr(),
                copy(100, new long[] {0, 4}, new long[] {4, 2}, new long[] {6, 4}, new long[] {12, 4}));

        assertEquals(2, Cqe.dw0(cqe(index)));
        assertArrayEquals(read(0, 6 * BLOCK), read(100, 6 * BLOCK));
    }
}
