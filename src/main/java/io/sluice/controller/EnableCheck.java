package io.sluice.controller;

import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Rings;

/** Whether the registers allow CC.EN to be set: NVMe 1.4, 7.6.1 "Initialization", and each register's definition. */
final class EnableCheck {
    private EnableCheck() {}

    /** Null if the controller can be enabled with these values, or what is wrong. */
    static String fault(RegisterFile registers) {
        String fault = configurationFault(registers.cap(), registers.cc());
        return fault != null ? fault : adminQueueFault(registers);
    }

    private static String configurationFault(long cap, int cc) {
        if (Cc.css(cc) != Cc.CSS_NVM) {
            return "CC.CSS is " + Cc.css(cc) + "; only the NVM command set (0) is offered";
        }
        if (Cc.mps(cc) < Cap.mpsMin(cap) || Cc.mps(cc) > Cap.mpsMax(cap)) {
            return "CC.MPS is " + Cc.mps(cc) + "; CAP allows " + Cap.mpsMin(cap) + " to " + Cap.mpsMax(cap);
        }
        if (Cc.ams(cc) != Cc.AMS_ROUND_ROBIN) {
            return "CC.AMS is " + Cc.ams(cc) + "; only round robin (0) is offered";
        }
        if (!sizeAllowed(Cc.iosqes(cc), Cc.IOSQES) || !sizeAllowed(Cc.iocqes(cc), Cc.IOCQES)) {
            return "CC.IOSQES is " + Cc.iosqes(cc) + " and CC.IOCQES " + Cc.iocqes(cc) + "; entries have 2^" + Cc.IOSQES
                    + " and 2^" + Cc.IOCQES + " bytes";
        }
        return null;
    }

    /** The sizes of I/O queue entries may come later, before the first I/O queue: 0 is not set yet. */
    private static boolean sizeAllowed(int exponent, int required) {
        return exponent == 0 || exponent == required;
    }

    private static String adminQueueFault(RegisterFile registers) {
        int sqEntries = Aqa.sqEntries(registers.aqa());
        int cqEntries = Aqa.cqEntries(registers.aqa());
        if (sqEntries < Rings.MIN_ENTRIES || cqEntries < Rings.MIN_ENTRIES) {
            return "AQA gives the admin queues " + sqEntries + " and " + cqEntries + " entries; the least is "
                    + Rings.MIN_ENTRIES;
        }
        int pageBytes = Cc.pageBytes(registers.cc());
        if (registers.asq() % pageBytes != 0 || registers.acq() % pageBytes != 0) {
            return "ASQ 0x" + Long.toHexString(registers.asq()) + " or ACQ 0x" + Long.toHexString(registers.acq())
                    + " is not a multiple of the memory page size, " + pageBytes;
        }
        return null;
    }
}
