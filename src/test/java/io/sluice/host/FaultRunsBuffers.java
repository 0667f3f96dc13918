package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * The memory of the commands in {@link FaultRunsTest}: each has its own, over several pages, at any offset. A word in each page
 * says whose it is, so that DMA for a command that has ended shows when its memory is used again.
 */
final class FaultRunsBuffers {
    private static final int BYTES = 4 * Memory.PAGE_BYTES;
    private static final long FREE = 0xf4ee_f4eeL;

    /** A part of an area of its own. */
    static final class Buffer {
        private final DmaArea area;
        private int offset;
        private int bytes = BYTES;
        private int opcode;
        private boolean closed;

        Buffer(DmaArea area) {
            this.area = area;
        }

        long iova() {
            return area.iova() + offset;
        }

        int bytes() {
            return bytes;
        }

        /** Where the data begins in each page. */
        private List<Long> words() {
            List<Long> words = new ArrayList<>(List.of(area.address() + offset));
            long end = area.address() + offset + bytes;
            for (long page = area.address() + Memory.PAGE_BYTES; page < end; page += Memory.PAGE_BYTES) {
                words.add(page);
            }
            return words;
        }

        private void setBounds(int newOffset, int newBytes) {
            offset = newOffset;
            bytes = newBytes;
        }

        private void stamp(long word) {
            words().forEach(address -> Memory.putLong(address, word));
        }

        private void require(long word, String what) {
            words().forEach(address -> assertEquals(word, Memory.getLong(address), what));
        }
    }

    private final FaultyNvme device;
    private final List<Buffer> free = new ArrayList<>();
    private final Map<Long, Buffer> used = new HashMap<>();

    FaultRunsBuffers(FaultyNvme device) {
        this.device = device;
    }

    /** A buffer that no command has, with new bounds; null if there is no memory for one. */
    Buffer any(NvmeDriver driver, RandomGenerator random) {
        if (free.isEmpty()) {
            try {
                free.add(new Buffer(driver.allocate("data", BYTES)));
            } catch (IOException noMapping) {
                return null;
            }
            free.getLast().stamp(FREE);
        }
        Buffer buffer = free.get(random.nextInt(free.size()));
        buffer.setBounds(0, BYTES);
        buffer.require(FREE, "memory that no command has");
        buffer.setBounds(512 * random.nextInt(8), 512 * (1 + random.nextInt(24)));
        return buffer;
    }

    void use(Buffer buffer, long token, int opcode) {
        free.remove(buffer);
        used.put(token, buffer);
        buffer.opcode = opcode;
        buffer.stamp(opcode == NvmOpcode.WRITE ? token : ~token);
    }

    /** The promise of {@link CompletionListener}: the command's memory is its owner's again. */
    void ended(long token, int status) {
        Buffer buffer = used.remove(token);
        if (!DriverStatus.isMemoryFree(status)) {
            return; // never used again
        }
        assertFalse(
                device.mayTouch(token),
                () -> "command " + token + " has ended (" + DriverStatus.describe(status)
                        + ") while the device still has it");
        if (buffer.closed) {
            return;
        }
        if (buffer.opcode == NvmOpcode.READ && Status.isSuccess(status)) {
            buffer.require(token, "data that was read");
        }
        buffer.stamp(FREE);
        buffer.setBounds(0, BYTES);
        buffer.stamp(FREE);
        free.add(buffer);
    }

    /** Closes an area that a command has, which only a late one may bear. */
    void closeOne() {
        for (Buffer buffer : used.values()) {
            if (!buffer.closed) {
                buffer.closed = true;
                buffer.area.close();
                return;
            }
        }
    }
}
