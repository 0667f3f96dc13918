package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.dma.MessagedMemory.Progress;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Status;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data of admin commands, as far as the guest does not share its memory. A command is done again and again, as long as something
 * has to come that it reads, and ends when what it has written has got to the guest.
 *
 * <pre>
 *   execute ──something is missing──▶ fetch ──▶ execute again
 *      └──has ended, with data──▶ data out ──▶ its status
 * </pre>
 *
 * <p>It is between the commands and the host view: see {@link #translate}.
 */
final class AdminStaging implements Translator, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AdminStaging.class);

    private static final int UNREACHABLE = Status.DATA_TRANSFER_ERROR.code();

    /** For data of the longest transfer, and lists. Of what is not used nothing is there. */
    private static final int PAGES = 1 << 16;

    private GuestMemory guest;
    private Translator hostView;

    /** Null as long as all was in memory that the guest shares. */
    private StagedMemory staged;

    private BouncePages pages;

    /** The command's own status, while its data is on its way. */
    private int held;

    private boolean holding;

    /** For a guest's queues, until {@link #close}. */
    void open(GuestMemory guestMemory) {
        guest = guestMemory;
        hostView = guest.hostView();
    }

    @Override
    public long translate(long gpa, int bytes, int access) {
        long address = hostView.translate(gpa, bytes, access);
        if (address == NOT_LOCAL && guest.messages() != null && staged == null) {
            make();
        }
        return address > 0 || staged == null ? address : staged.list(gpa, bytes, access);
    }

    private void make() {
        try {
            pages = new BouncePages(BounceArea.of(Mapping.sparse((long) PAGES * Memory.PAGE_BYTES)), PAGES);
            staged = new StagedMemory(guest, pages);
        } catch (LinuxException e) {
            LOG.warn("no memory to stage an admin command's data in, so it fails: {}", e.getMessage());
        }
    }

    /** Does a command, or goes on with it. Returns as {@link AdminQueue.Executor#execute}. */
    int run(AdminQueue.Executor executor, AdminCommand command) {
        if (holding) {
            return out();
        }
        if (staged != null && staged.isFetching()) {
            Progress progress = staged.advanceFetch();
            if (progress != Progress.DONE) {
                return progress == Progress.PENDING ? AdminCommand.UNFINISHED : end(UNREACHABLE);
            }
        }
        if (staged != null) {
            staged.rewind();
        }
        int result = executor.execute(command);
        return staged == null ? result : executed(result);
    }

    private int executed(int result) {
        if (staged.isFetching()) {
            return AdminCommand.UNFINISHED; // whatever it says: it has not had all
        }
        if (staged.isShort()) {
            return end(UNREACHABLE);
        }
        if (result == AdminCommand.UNFINISHED) {
            return result;
        }
        if (result < 0 || !Status.isSuccess(result) || !staged.hasOut()) {
            return end(result);
        }
        held = result;
        holding = true;
        return out();
    }

    private int out() {
        return switch (staged.advanceOut()) {
            case PENDING -> AdminCommand.UNFINISHED;
            case FAILED -> end(UNREACHABLE);
            case DONE -> end(held);
        };
    }

    private int end(int result) {
        staged.release();
        holding = false;
        return result;
    }

    /** The guest's memory has changed: requests to what is not there any more are called off. */
    void memoryChanged() {
        if (staged != null) {
            staged.recheck();
        }
    }

    /** Nobody waits for anything any more. */
    @Override
    public void close() {
        if (staged != null) {
            end(Status.OK);
            pages.close();
            staged = null;
        }
    }
}
