package io.sluice.hostpci;

import io.sluice.linux.PlainText;

/**
 * One way in which a device is in use.
 *
 * @param kind what sort of use
 * @param device the name of the node that is used: {@code nvme0n1p2}
 * @param by who or what: a mount point, {@code dm-0 (vg-root)}, {@code fio (pid 12)}
 * @param mend what ends it: a command where there is one
 */
public record Use(Kind kind, String device, String by, String mend) {
    public Use {
        device = PlainText.of(device);
        by = PlainText.of(by);
        mend = PlainText.of(mend);
    }

    /** Sorts of use. */
    public enum Kind {
        MOUNTED("is mounted at"),
        SWAP("is used as"),
        /** By device mapper, md or the like, which make another block device of it. */
        HELD("is part of"),
        LOOP("is the backing of"),
        /** A process has the node open. */
        OPEN("is open in"),
        /** To other machines, as an NVMe target. */
        EXPORTED("is exported by"),
        /** By its contents, of something that is not in use now. */
        MEMBER("holds"),
        /** Opened exclusively, it cannot be seen by whom. */
        CLAIMED("is held by"),
        /** It could not be found out. */
        UNKNOWN("may be in use:");

        private final String verb;

        Kind(String verb) {
            this.verb = verb;
        }
    }

    /** "nvme0n1p2 is mounted at /home". */
    public String sentence() {
        return device + " " + kind.verb + " " + by;
    }
}
