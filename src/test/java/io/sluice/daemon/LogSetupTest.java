package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.OutputStreamAppender;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of log lines on their way to standard error. */
class LogSetupTest {
    private final LoggerContext context = new LoggerContext();
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private Logger logger;
    private long now;

    @BeforeEach
    void open() {
        context.setMDCAdapter(new LogbackMDCAdapter());
        OutputStreamAppender<ILoggingEvent> output = new OutputStreamAppender<>();
        output.setContext(context);
        output.setEncoder(LogSetup.encoder(context, LogSetup.PATTERN));
        output.setOutputStream(printed);
        output.start();
        LimitedAppender limited = new LimitedAppender(output, () -> now);
        limited.setContext(context);
        limited.start();
        logger = context.getLogger("io.sluice.Some");
        logger.setLevel(Level.DEBUG);
        logger.addAppender(limited);
    }

    @AfterEach
    void close() {
        context.stop();
    }

    /** What was printed, without the time of day. */
    private List<String> lines() {
        return printed.toString(StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.substring("00:00:00.000 ".length()))
                .toList();
    }

    @Test
    void shouldMakeOneLineOfManyOfTheSameKindAndSubject() {
        for (int i = 0; i < 50; i++) {
            logger.info("{}: enabled, CC 0x{}", "nvme0", i);
        }
        assertEquals(LogLimiter.BURST + 1, lines().size());
        assertEquals("INFO  Some: nvme0: enabled, CC 0x9", lines().get(9));
        assertEquals("INFO  Some: nvme0: enabled, CC 0x10 (from here on, many like it are one line)", lines().get(10));

        now += TimeUnit.SECONDS.toNanos(12);
        logger.warn("{}: something else", "nvme1");

        assertEquals("INFO  Some: 40 more in 12 s, the last of them: nvme0: enabled, CC 0x49", lines().get(11));
        assertEquals("WARN  Some: nvme1: something else", lines().get(12));
    }

    @Test
    void shouldLeaveOneGuestsLinesAloneWhenAnotherOneFloods() {
        for (int i = 0; i < 1000; i++) {
            logger.error("{}: failed until it is reset: {}", "nvme0", "of its own doing");
        }
        logger.error("{}: failed until it is reset: {}", "nvme1", "a bug");

        assertEquals("ERROR Some: nvme1: failed until it is reset: a bug", lines().getLast());
    }

    @Test
    void shouldShowAllDetailsToWhoeverAsksForThem() {
        for (int i = 0; i < 1000; i++) {
            logger.debug("{}: received {}", "nvme0", i);
        }

        assertEquals(1000, lines().size());
    }

    @Test
    void shouldPrintAMessageAsOneLineOfBoundedLengthWhateverIsInIt() {
        logger.info("refused: {}", "\u001b[2J\nERROR forged\r\u009b" + "x".repeat(100_000));

        assertEquals(1, lines().size());
        String line = lines().getFirst();
        assertTrue(line.startsWith("INFO  Some: refused: ?[2J?ERROR forged??xxx"), () -> line.substring(0, 80));
        assertTrue(line.length() < 2100, () -> line.length() + " characters");
    }
}
