package io.sluice.nvme;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A fake guest: small pages that appear at chosen guest addresses, each backed by a page of {@link Scratch} memory. It
 * records what it was asked, and answers as io.sluice.dma does: SPLIT where a span's pages are not contiguous.
 */
final class GuestMemory implements Translator {
    static final int PAGE = 4096;

    record Asked(long gpa, int bytes, int access) {}

    private final Scratch host;
    private final Map<Long, Long> hvaByGpa = new HashMap<>();
    private final Map<Long, Long> refusalByGpa = new HashMap<>();
    private final List<Asked> asked = new ArrayList<>();

    GuestMemory(int hostPages) {
        host = Scratch.of(hostPages * PAGE);
    }

    /** Makes host page {@code hostPage} appear at a page aligned guest address; answers its host address. */
    long map(long gpa, int hostPage) {
        long hva = hva(hostPage);
        hvaByGpa.put(gpa, hva);
        return hva;
    }

    /** Makes a mapped page answer with a code for this access, and only for this one. */
    void refuse(long gpa, int access, long code) {
        refusalByGpa.put(gpa | access, code);
    }

    void unmap(long gpa) {
        hvaByGpa.remove(gpa);
    }

    long hva(int hostPage) {
        return host.address() + (long) hostPage * PAGE;
    }

    void write(long gpa, long value) {
        Memory.putLong(hvaByGpa.get(gpa & -PAGE) + (gpa & (PAGE - 1)), value);
    }

    List<Asked> asked() {
        return asked;
    }

    @Override
    public long translate(long address, int bytes, int access) {
        asked.add(new Asked(address, bytes, access));
        long answer = 0;
        long last = (address + bytes - 1) & -PAGE;
        for (long page = address & -PAGE; ; page += PAGE) {
            long hva = onePage(page, access);
            if (hva < 0) {
                return hva;
            }
            if (answer == 0) {
                answer = hva + (address & (PAGE - 1));
            } else if (hva + (address & (PAGE - 1)) != answer + (page - (address & -PAGE))) {
                return SPLIT;
            }
            if (page == last) {
                return answer;
            }
        }
    }

    private long onePage(long page, int access) {
        Long refusal = refusalByGpa.get(page | access);
        if (refusal != null) {
            return refusal;
        }
        Long hva = hvaByGpa.get(page);
        return hva == null ? NOT_MAPPED : hva;
    }
}
