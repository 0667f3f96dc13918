package io.sluice.host;

import io.sluice.nvme.ErrorLogEntry;

/**
 * An entry of the Error Information log page, decoded: NVMe 1.4, 5.14.1.1.
 *
 * @param errorCount which error it is over the controller's life, unsigned, from 1
 * @param sqid the command's submission queue
 * @param cid the command's identifier; {@link ErrorLogEntry#UNKNOWN} for an error of no command
 * @param status as in {@code io.sluice.nvme.Status}
 * @param parameterLocation byte (7:0) and bit (10:8) of the command at fault; {@link ErrorLogEntry#UNKNOWN} if not known
 * @param lba the first block that failed
 * @param nsid the command's namespace
 */
public record ErrorRecord(long errorCount, int sqid, int cid, int status, int parameterLocation, long lba, int nsid) {

    static ErrorRecord of(long entry) {
        return new ErrorRecord(
                ErrorLogEntry.ERROR_COUNT.get(entry),
                ErrorLogEntry.SQID.getInt(entry),
                ErrorLogEntry.CID.getInt(entry),
                ErrorLogEntry.status(entry),
                ErrorLogEntry.PARAMETER_LOCATION.getInt(entry),
                ErrorLogEntry.LBA.get(entry),
                (int) ErrorLogEntry.NSID.get(entry));
    }
}
