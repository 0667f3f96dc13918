package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RegistersTest {
    @ParameterizedTest
    @CsvSource({
        "CAP, 0, 7",
        "VS, 8, b",
        "INTMS, c, f",
        "INTMC, 10, 13",
        "CC, 14, 17",
        "CSTS, 1c, 1f",
        "NSSR, 20, 23",
        "AQA, 24, 27",
        "ASQ, 28, 2f",
        "ACQ, 30, 37",
        "CMBLOC, 38, 3b",
        "CMBSZ, 3c, 3f",
        "BPINFO, 40, 43",
        "BPRSEL, 44, 47",
        "BPMBL, 48, 4f",
        "CMBMSC, 50, 57",
        "CMBSTS, 58, 5b",
        "PMRCAP, e00, e03",
        "PMRCTL, e04, e07",
        "PMRSTS, e08, e0b",
        "PMREBS, e0c, e0f",
        "PMRSWTP, e10, e13",
        "PMRMSCL, e14, e17",
        "PMRMSCU, e18, e1b"
    })
    void shouldLieWhereTheSpecificationSays(Registers register, String first, String last) {
        int offset = Integer.parseInt(first, 16);
        assertEquals(offset, register.offset());
        assertEquals(Integer.parseInt(last, 16) - offset + 1, register.bytes());
    }

    @Test
    void shouldFindTheCoveringRegisterForEveryByteAndNoneElsewhere() {
        int covered = 0;
        for (int offset = 0; offset < Doorbells.OFFSET; offset++) {
            Registers found = Registers.at(offset);
            if (found != null) {
                covered++;
                assertTrue(offset >= found.offset() && offset < found.offset() + found.bytes());
            }
        }
        int expected = 0;
        for (Registers register : Registers.values()) {
            expected += register.bytes();
        }
        assertEquals(expected, covered, "overlapping registers hide each other");
    }

    @Test
    void shouldFindNothingWhenReservedOrOutside() {
        assertNull(Registers.at(0x18));
        assertNull(Registers.at(0x5c));
        assertNull(Registers.at(0xdff));
        assertNull(Registers.at(0xe1c));
        assertNull(Registers.at(-1));
        assertNull(Registers.at(Long.MIN_VALUE));
        assertNull(Registers.at(0x1000));
        assertNull(Registers.at(0x1_0000_0014L));
        assertSame(Registers.ASQ, Registers.at(0x2c));
    }

    @Test
    void shouldNameTheResetValueInAscii() {
        byte[] ascii = "NVMe".getBytes(StandardCharsets.US_ASCII);
        assertEquals(Registers.NSSR_RESET, ascii[0] << 24 | ascii[1] << 16 | ascii[2] << 8 | ascii[3]);
    }
}
