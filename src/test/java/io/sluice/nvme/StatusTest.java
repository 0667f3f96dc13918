package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusTest {
    @ParameterizedTest
    @CsvSource({
        "SUCCESS, 000",
        "INVALID_OPCODE, 001",
        "INVALID_FIELD, 002",
        "DATA_TRANSFER_ERROR, 004",
        "ABORTED_SQ_DELETION, 008",
        "INVALID_NAMESPACE_OR_FORMAT, 00b",
        "COMMAND_SEQUENCE_ERROR, 00c",
        "PRP_OFFSET_INVALID, 013",
        "SGL_OFFSET_INVALID, 016",
        "HOST_ID_INCONSISTENT_FORMAT, 018",
        "TRANSIENT_TRANSPORT_ERROR, 022",
        "LBA_OUT_OF_RANGE, 080",
        "FORMAT_IN_PROGRESS, 084",
        "COMPLETION_QUEUE_INVALID, 100",
        "INVALID_QUEUE_IDENTIFIER, 101",
        "INVALID_QUEUE_SIZE, 102",
        "ABORT_LIMIT_EXCEEDED, 103",
        "ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED, 105",
        "INVALID_INTERRUPT_VECTOR, 108",
        "INVALID_LOG_PAGE, 109",
        "INVALID_QUEUE_DELETION, 10c",
        "FEATURE_NOT_SAVEABLE, 10d",
        "FEATURE_NOT_CHANGEABLE, 10e",
        "NAMESPACE_ALREADY_ATTACHED, 118",
        "ANA_ATTACH_FAILED, 125",
        "CONFLICTING_ATTRIBUTES, 180",
        "WRITE_TO_READ_ONLY_RANGE, 182",
        "WRITE_FAULT, 280",
        "COMPARE_FAILURE, 285",
        "DEALLOCATED_OR_UNWRITTEN_BLOCK, 287",
        "ANA_TRANSITION, 303",
        "ABORTED_BY_HOST, 371"
    })
    void shouldEncodeTypeAndCodeAsTheSpecificationSays(Status status, String hex) {
        assertEquals(Integer.parseInt(hex, 16), status.code());
    }

    @Test
    void shouldGiveEveryConstantACodeOfItsOwn() {
        Map<Integer, Status> seen = new HashMap<>();
        for (Status status : Status.values()) {
            assertNull(seen.put(status.code(), status), status + " has the code of another");
            assertSame(status, Status.of(status.code()));
            assertSame(status, Status.of(status.dnr() | Status.MORE));
        }
        // Generic 00h to 22h but 17h, and 80h to 84h; command specific 00h to 25h but 04h and 17h, and 80h to 83h;
        // media; path.
        assertEquals((34 + 5) + (36 + 4) + 8 + 7, seen.size());
    }

    @Test
    void shouldSetBitFourteenWhenDoNotRetry() {
        assertEquals(0x4080, Status.LBA_OUT_OF_RANGE.dnr());
        assertTrue(Status.isDoNotRetry(0x4080));
        assertFalse(Status.isDoNotRetry(0x2080));
        assertTrue(Status.isMore(0x2080));
        assertFalse(Status.isMore(0x4080));
    }

    @Test
    void shouldSeeEachBitInItsFieldAloneWhenOneBitWalks() {
        for (int bit = 0; bit < 15; bit++) {
            int status = 1 << bit;
            assertEquals(bit < 8 ? status : 0, Status.sc(status));
            assertEquals(bit >= 8 && bit < 11 ? 1 << (bit - 8) : 0, Status.sct(status));
            assertEquals(bit == 11 || bit == 12 ? 1 << (bit - 11) : 0, Status.crd(status));
            assertEquals(bit == 13, Status.isMore(status));
            assertEquals(bit == 14, Status.isDoNotRetry(status));
            assertEquals(bit > 10, Status.isSuccess(status));
        }
    }

    @Test
    void shouldBeSuccessWhenOnlyTypeAndCodeAreZero() {
        assertTrue(Status.isSuccess(Status.OK));
        assertFalse(Status.isSuccess(0x100));
        assertTrue(Status.LBA_OUT_OF_RANGE.is(0x6080));
        assertFalse(Status.LBA_OUT_OF_RANGE.is(0x180));
    }

    @Test
    void shouldDescribeForPeople() {
        assertEquals("LBA Out of Range (SCT 0h, SC 80h, do not retry)", Status.describe(0x4080));
        assertEquals("unknown status (SCT 7h, SC 01h)", Status.describe(0x701));
        assertNull(Status.of(0x701));
    }
}
