package io.sluice.host;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.SmartLog;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/** Reads log pages (Get Log Page, NVMe 1.4, 5.14), and decodes private copies of them. */
final class Logs {
    private final AdminQueue admin;

    Logs(AdminQueue admin) {
        this.admin = admin;
    }

    HealthLog health() throws IOException {
        return decoded(LogPage.SMART, SmartLog.BYTES, HealthLog::of);
    }

    /**
     * The newest errors first; unused entries are left out.
     *
     * @param limit no more than so many, 1 or more
     */
    List<ErrorRecord> errors(int limit) throws IOException {
        int entries = Math.min(limit, Memory.PAGE_BYTES / ErrorLogEntry.BYTES);
        return decoded(LogPage.ERROR_INFORMATION, entries * ErrorLogEntry.BYTES, page -> {
            List<ErrorRecord> errors = new ArrayList<>();
            for (int i = 0; i < entries; i++) {
                ErrorRecord error = ErrorRecord.of(page + (long) i * ErrorLogEntry.BYTES);
                if (error.errorCount() != 0) {
                    errors.add(error);
                }
            }
            return errors;
        });
    }

    private <T> T decoded(int logPageId, int bytes, LongFunction<T> decoder) throws IOException {
        byte[] copy = admin.logPage(logPageId, bytes);
        try (Mapping page = Mapping.anonymous(Memory.PAGE_BYTES, Mapping.PROT_READ + Mapping.PROT_WRITE)) {
            Memory.copyIn(copy, 0, page.address(), bytes);
            return decoder.apply(page.address());
        }
    }
}
