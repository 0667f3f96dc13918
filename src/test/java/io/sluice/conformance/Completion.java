package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** A completion queue entry: NVMe 1.4, 4.6. */
record Completion(int dw0, int dw1, int dw2, int dw3) {
    int sqHead() {
        return dw2 & 0xffff;
    }

    int sqId() {
        return dw2 >>> 16;
    }

    int cid() {
        return dw3 & 0xffff;
    }

    int code() {
        return dw3 >>> 17 & 0xff;
    }

    int type() {
        return dw3 >>> 25 & 7;
    }

    boolean more() {
        return (dw3 >>> 30 & 1) != 0;
    }

    boolean doNotRetry() {
        return dw3 < 0;
    }

    /** It ended well. */
    Completion good() {
        assertEquals("0h/00h", typeAndCode());
        return this;
    }

    /** It was refused, and is so whenever it comes again: Do Not Retry is 1. */
    Completion refused(int type, int code) {
        assertEquals(text(type, code) + ", do not retry", typeAndCode() + (doNotRetry() ? ", do not retry" : ""));
        return this;
    }

    /** It has this status, whatever Do Not Retry says. */
    Completion ends(int type, int code) {
        assertEquals(text(type, code), typeAndCode());
        return this;
    }

    private String typeAndCode() {
        return text(type(), code());
    }

    private static String text(int type, int code) {
        return "%xh/%02xh".formatted(type, code);
    }
}
