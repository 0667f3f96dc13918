package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.CommandEffectsLog;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.FirmwareSlotLog;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NamespaceList;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.SmartLog;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.function.IntPredicate;

/**
 * Get Log Page: NVMe 1.4, 5.14. Offsets and lengths of any size; what a command asks for beyond a page's end is zeroes.
 */
final class LogCommands {
    private static final int AT_NSID = 4;
    private static final int AT_LID = 40;
    private static final int AT_OFFSET = 48;
    private static final int CONTROLLER_SCOPE = 0;
    /** A dword for each page that can be named. */
    private static final int SUPPORTED_PAGES_BYTES = 256 * Integer.BYTES;

    static final int MAX_OPCODE = 0xff;

    private final ControllerConfig config;
    private final IoPath path;
    private final GuestData data;
    private final ErrorLog errorLog;
    private final Health health;
    private final ChangedNamespaces changedNamespaces;
    private final AsyncEvents events;

    LogCommands(
            ControllerConfig config,
            IoPath path,
            GuestData data,
            ErrorLog errorLog,
            Health health,
            ChangedNamespaces changedNamespaces,
            AsyncEvents events) {
        this.config = config;
        this.path = path;
        this.data = data;
        this.errorLog = errorLog;
        this.health = health;
        this.changedNamespaces = changedNamespaces;
        this.events = events;
    }

    /** @param adminOpcodes the admin commands that there are now */
    int getLogPage(AdminCommand command, IntPredicate adminOpcodes) {
        long sqe = command.sqe();
        int page = AdminSqe.logPageId(sqe);
        int pageBytes = pageBytes(page);
        if (pageBytes == 0) {
            return command.refuse(Status.INVALID_LOG_PAGE, AT_LID, 0);
        }
        // All pages are about the controller: Identify Controller LPA bit 0 is 0.
        if (Sqe.nsid(sqe) != CONTROLLER_SCOPE && Sqe.nsid(sqe) != Sqe.NSID_ALL) {
            return command.refuse(Status.INVALID_FIELD, AT_NSID, 0);
        }
        long offset = AdminSqe.logOffset(sqe);
        if (offset % Integer.BYTES != 0 || Long.compareUnsigned(offset, pageBytes) > 0) {
            return command.refuse(Status.INVALID_FIELD, AT_OFFSET, 0);
        }
        write(page, data.clearBuffer(), adminOpcodes);
        return data.send(sqe, (int) offset, AdminSqe.logBytes(sqe));
    }

    /** The size of a page, or 0 for one that is not offered. */
    private static int pageBytes(int page) {
        return switch (page) {
            case LogPage.SUPPORTED_PAGES -> SUPPORTED_PAGES_BYTES;
            case LogPage.ERROR_INFORMATION -> ErrorLog.ENTRIES * ErrorLogEntry.BYTES;
            case LogPage.SMART -> SmartLog.BYTES;
            case LogPage.FIRMWARE_SLOT -> FirmwareSlotLog.BYTES;
            case LogPage.CHANGED_NAMESPACES -> NamespaceList.BYTES;
            case LogPage.COMMAND_EFFECTS -> CommandEffectsLog.BYTES;
            default -> 0;
        };
    }

    private void write(int page, long target, IntPredicate adminOpcodes) {
        switch (page) {
            case LogPage.SUPPORTED_PAGES -> writeSupportedPages(target);
            case LogPage.ERROR_INFORMATION -> errorLog.write(target);
            case LogPage.SMART -> health.write(target);
            case LogPage.FIRMWARE_SLOT -> writeFirmwareSlots(target);
            case LogPage.CHANGED_NAMESPACES -> changedNamespaces.write(target);
            default -> writeEffects(target, adminOpcodes);
        }
    }

    /**
     * A command of {@link #getLogPage} is about to be answered, and the guest has the page, which may have taken a while: the event that
     * it is about may be told again. NVMe 1.4, 5.2, and 5.14.1.4 for the list.
     */
    void succeeded(AdminCommand command) {
        if (AdminSqe.retainAsyncEvent(command.sqe())) {
            return;
        }
        int page = AdminSqe.logPageId(command.sqe());
        if (page == LogPage.CHANGED_NAMESPACES) {
            changedNamespaces.read();
        }
        events.logPageRead(page);
    }

    private static void writeSupportedPages(long target) {
        for (int page = 0; page < SUPPORTED_PAGES_BYTES / Integer.BYTES; page++) {
            Memory.putInt(target + (long) page * Integer.BYTES, pageBytes(page) > 0 ? 1 : 0);
        }
    }

    private void writeFirmwareSlots(long target) {
        FirmwareSlotLog.setSlots(target, Identification.FIRMWARE_SLOT, 0);
        FirmwareSlotLog.revision(Identification.FIRMWARE_SLOT).set(target, config.firmwareRevision());
    }

    private void writeEffects(long target, IntPredicate adminOpcodes) {
        for (int opcode = 0; opcode <= MAX_OPCODE; opcode++) {
            if (adminOpcodes.test(opcode)) {
                CommandEffectsLog.admin(opcode).set(target, CommandEffectsLog.SUPPORTED);
            }
        }
        CommandEffectsLog.io(NvmOpcode.READ).set(target, CommandEffectsLog.SUPPORTED);
        CommandEffectsLog.io(NvmOpcode.FLUSH).set(target, CommandEffectsLog.SUPPORTED);
        int changing = CommandEffectsLog.SUPPORTED | CommandEffectsLog.CHANGES_BLOCKS;
        CommandEffectsLog.io(NvmOpcode.WRITE).set(target, changing);
        writeEffectsIfOffered(target, NvmOpcode.COMPARE, CommandEffectsLog.SUPPORTED);
        writeEffectsIfOffered(target, NvmOpcode.VERIFY, CommandEffectsLog.SUPPORTED);
        writeEffectsIfOffered(target, NvmOpcode.WRITE_UNCORRECTABLE, changing);
        writeEffectsIfOffered(target, NvmOpcode.WRITE_ZEROES, changing);
        writeEffectsIfOffered(target, NvmOpcode.DATASET_MANAGEMENT, changing);
        writeEffectsIfOffered(target, NvmOpcode.COPY, changing);
    }

    private void writeEffectsIfOffered(long target, int opcode, int effects) {
        if (path.offers(opcode)) {
            CommandEffectsLog.io(opcode).set(target, effects);
        }
    }
}
