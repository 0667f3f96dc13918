package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.Sqe;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a command's data is, as a device reads it from the command: by PRPs (NVMe 1.4, 4.3) or by one SGL data block.
 *
 * @param pages IOVA of the beginning of the data in each page
 * @param listIova of the PRP list, or 0
 */
record DataPages(List<Long> pages, long listIova) {
    static final DataPages NONE = new DataPages(List.of(), 0);

    static DataPages of(FakeNvme device, long sqe, int bytes) {
        long first = Sqe.prp1(sqe);
        long firstBytes = Memory.PAGE_BYTES - first % Memory.PAGE_BYTES;
        int more = (int) Math.ceilDiv(Math.max(0, bytes - firstBytes), Memory.PAGE_BYTES);
        List<Long> pages = new ArrayList<>(List.of(first));
        if (Sqe.psdt(sqe) != 0) {
            for (int i = 0; i < more; i++) {
                pages.add(first + firstBytes + (long) i * Memory.PAGE_BYTES);
            }
            return new DataPages(pages, 0);
        }
        if (more == 1) {
            pages.add(Sqe.prp2(sqe));
        } else if (more > 1) {
            pages.addAll(list(device, Sqe.prp2(sqe), more));
        }
        return new DataPages(pages, more > 1 ? Sqe.prp2(sqe) : 0);
    }

    private static List<Long> list(FakeNvme device, long listIova, int count) {
        List<Long> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(Memory.getLong(device.at(listIova + (long) i * Long.BYTES)));
        }
        return entries;
    }

    /** Whether the list says what it said first. */
    boolean isStill(FakeNvme device) {
        return listIova == 0 || list(device, listIova, pages.size() - 1).equals(pages.subList(1, pages.size()));
    }
}
