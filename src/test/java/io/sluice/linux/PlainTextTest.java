package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlainTextTest {
    @Test
    void shouldLeaveTextForPeopleAlone() {
        String text = "/tmp/gäste/№1 \uD83D\uDE00 \\n.mem";
        assertSame(text, PlainText.of(text));
    }

    /** Code points, in hex. */
    @ParameterizedTest
    @CsvSource({
        "a,\\n",
        "d,\\r",
        "9,\\t",
        "0,\\u0000",
        "1b,\\u001b",
        "7f,\\u007f",
        "9b,\\u009b",
        "2028,\\u2028",
        "202e,\\u202e",
        "d800,\\ud800"
    })
    void shouldEscapeWhatCommandsATerminalOrBeginsALine(String codePoint, String escaped) {
        assertEquals(
                "a" + escaped + "z", PlainText.of("a" + Character.toString(Integer.parseInt(codePoint, 16)) + "z"));
    }

    @Test
    void shouldEscapeTheNameThatAPeerGaveItsMemory() throws Exception {
        try (Fd memory = Memfd.create("x\n20:00 ERROR Forged\u001b[31m", 4096)) {
            assertEquals("memfd:x\\n20:00 ERROR Forged\\u001b[31m", memory.describe());
        }
    }
}
