package io.sluice.daemon;

import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.linux.LinuxException;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FaultPlan;
import io.sluice.storage.FaultyStorage;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ManyStorages;
import io.sluice.storage.MemoryStorage;
import io.sluice.storage.NoopStorage;
import io.sluice.storage.RawFile;
import io.sluice.storage.VolatileFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes storages of {@link Medium}s. */
final class Media {
    private static final Logger LOG = LoggerFactory.getLogger(Media.class);

    private Media() {}

    /** All of a drive's namespaces, each in a storage of its own. */
    static IoPath open(DriveOptions options, Runnable wake) throws IOException {
        List<IoPath> storages = new ArrayList<>();
        try {
            for (Medium medium : options.media()) {
                storages.add(open(storages.size() + 1, options.serial(), medium, options.faults(), wake));
            }
        } catch (IOException | RuntimeException e) {
            storages.forEach(IoPath::close);
            throw e;
        }
        IoPath all = new ManyStorages(storages, DriveOptions.MAX_NAMESPACES);
        return options.faults().map(faults -> faulty(all, faults)).orElse(all);
    }

    private static IoPath faulty(IoPath storage, FaultPlan faults) {
        LOG.warn("commands meet faults, as was asked for: {} (again with --fault-seed)", faults);
        return new FaultyStorage(storage, faults, System::nanoTime);
    }

    /**
     * One namespace.
     *
     * @param nsid its identifier
     * @param serial the drive's
     * @param faults how it is to misbehave
     * @param wake makes the controller's agent run soon
     * @throws IOException where memory, or the file, cannot be had
     */
    static IoPath open(int nsid, String serial, Medium medium, Optional<FaultPlan> faults, Runnable wake)
            throws IOException {
        return switch (medium) {
            case Medium.Memory(long bytes, int blockBytes, boolean hugePages) -> {
                Namespace namespace = namespace(nsid, serial, bytes, blockBytes, false);
                yield hugePages ? MemoryStorage.onHugePages(namespace) : new MemoryStorage(namespace);
            }
            case Medium.Nothing(long bytes, int blockBytes) ->
                new NoopStorage(namespace(nsid, serial, bytes, blockBytes, false));
            case Medium.File file -> open(nsid, serial, file, faults, wake);
        };
    }

    private static IoPath open(int nsid, String serial, Medium.File medium, Optional<FaultPlan> faults, Runnable wake)
            throws IOException {
        BackingFile file = BackingFile.open(medium.path(), medium.bytes(), medium.blockBytes(), medium.readOnly());
        try {
            Namespace namespace = namespace(nsid, serial, file.bytes(), file.blockBytes(), medium.readOnly());
            return new FileStorage(namespace, behindCache(file, medium, faults), wake);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static RawFile behindCache(BackingFile file, Medium.File medium, Optional<FaultPlan> faults)
            throws LinuxException {
        Optional<FaultPlan> torn = faults.filter(FaultPlan::torn);
        return torn.isEmpty() || medium.readOnly() ? file : new VolatileFile(file, file.blockBytes(), torn.get());
    }

    private static Namespace namespace(int nsid, String serial, long bytes, int blockBytes, boolean readOnly) {
        ByteBuffer nguid = Identity.nguid(nsid == 1 ? serial : serial + "\n" + nsid);
        long blockCount = bytes / blockBytes;
        return new Namespace(nsid, blockCount, blockBytes, nguid.getLong(0), nguid.getLong(Long.BYTES), 0, readOnly);
    }
}
