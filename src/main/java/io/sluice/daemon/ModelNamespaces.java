package io.sluice.daemon;

import io.sluice.controller.IoPath;
import io.sluice.controller.LiveNamespaces;
import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.device.FunctionStalled;
import io.sluice.storage.ManyStorages;
import io.sluice.storage.Resizable;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The namespaces of a running model: they come, go and change their size while a guest uses the drive, which is told. From any
 * thread but the model's own; one change at a time.
 */
public final class ModelNamespaces {
    private static final Logger LOG = LoggerFactory.getLogger(ModelNamespaces.class);

    private final NvmeController controller;
    private final LiveNamespaces live;
    private final IoPath path;
    private final String serial;
    private final Runnable wake;

    /** For commands of the guest's that must end before. */
    int patienceMillis = 10_000;

    /**
     * @param serial the drive's serial number
     * @param wake makes the model's thread run soon
     */
    ModelNamespaces(NvmeController controller, IoPath path, String serial, Runnable wake) {
        this.controller = controller;
        this.serial = serial;
        this.live = controller.liveNamespaces();
        this.path = path;
        this.wake = wake;
    }

    /** Those that are there, in the order of their identifiers. */
    public synchronized List<Namespace> list() {
        return path.namespaces();
    }

    /**
     * A namespace comes.
     *
     * @param nsid its identifier, 1 to {@link DriveOptions#MAX_NAMESPACES}, which no other has
     * @throws IOException if it cannot, with why and what to do
     */
    public synchronized void attach(int nsid, Medium medium) throws IOException {
        ManyStorages drive = drive();
        if (nsid < 1 || nsid > drive.maxNsid()) {
            throw new IOException("namespace " + nsid + " cannot come to " + controller.name()
                    + ": identifiers are 1 to " + drive.maxNsid());
        }
        if (list().stream().anyMatch(namespace -> namespace.nsid() == nsid)) {
            throw new IOException("namespace " + nsid + " of " + controller.name()
                    + " is there already: detach it first, or take another identifier");
        }
        IoPath storage = Media.open(nsid, serial, medium, Optional.empty(), wake);
        try {
            String refusal = drive.refusal(storage);
            if (!refusal.isEmpty()) {
                throw new IOException("namespace " + nsid + " cannot come to " + controller.name() + ": " + refusal
                        + ". Take a drive of its own for it");
            }
            change(nsid, 0, () -> drive.attach(storage));
        } catch (IOException | RuntimeException e) {
            storage.close();
            throw e;
        }
        LOG.info(
                "{}: namespace {} is there, of {} bytes",
                controller.name(),
                nsid,
                find(nsid).bytes());
    }

    /**
     * A namespace goes; the guest's commands to it that have begun end before, and what it has written is safe.
     *
     * @throws IOException if there is none, or commands to it do not end
     */
    public synchronized void detach(int nsid) throws IOException {
        ManyStorages drive = drive();
        find(nsid);
        IoPath storage = drive.storage(nsid);
        try {
            live.change(nsid, 0, patienceMillis, () -> drive.isReadyToLeave(nsid), () -> drive.detach(nsid));
        } catch (FunctionStalled e) {
            throw stalled(nsid, e);
        }
        storage.close();
        LOG.info("{}: namespace {} is gone", controller.name(), nsid);
    }

    /**
     * A namespace becomes larger or smaller. What is new reads as zeroes; what is behind the new end is lost.
     *
     * @param bytes whole blocks, one or more
     * @throws IOException if that cannot be, with why and what to do
     */
    public synchronized void resize(int nsid, long bytes) throws IOException {
        Namespace before = find(nsid);
        long blockCount = bytes / before.blockBytes();
        if (bytes <= 0 || bytes % before.blockBytes() != 0) {
            throw new IOException("namespace " + nsid + " of " + controller.name() + " cannot have " + bytes
                    + " bytes: it has whole blocks of " + before.blockBytes() + " bytes, one or more");
        }
        if (!(drive().storage(nsid) instanceof Resizable storage)) {
            throw new IOException("namespace " + nsid + " of " + controller.name() + " keeps its size");
        }
        boolean larger = blockCount > before.blockCount();
        if (larger) {
            storage.makeRoom(bytes);
        }
        change(nsid, Math.min(blockCount, before.blockCount()), () -> storage.setBlockCount(blockCount));
        if (!larger) {
            storage.giveBack(bytes);
        }
        LOG.info("{}: namespace {} has {} bytes now, and had {}", controller.name(), nsid, bytes, before.bytes());
    }

    private void change(int nsid, long blockCount, LiveNamespaces.Change change) throws IOException {
        try {
            live.change(nsid, blockCount, patienceMillis, () -> true, change);
        } catch (FunctionStalled e) {
            throw stalled(nsid, e);
        }
    }

    private IOException stalled(int nsid, FunctionStalled e) {
        return new IOException("namespace " + nsid + " of " + controller.name() + ": " + e.getMessage(), e);
    }

    private ManyStorages drive() throws IOException {
        if (path instanceof ManyStorages drive) {
            return drive;
        }
        throw new IOException(controller.name() + " keeps the namespaces that it was made with");
    }

    private Namespace find(int nsid) throws IOException {
        return list().stream()
                .filter(namespace -> namespace.nsid() == nsid)
                .findAny()
                .orElseThrow(() -> new IOException("there is no namespace " + nsid + " in " + controller.name()));
    }
}
