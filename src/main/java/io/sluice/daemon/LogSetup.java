package io.sluice.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.LoggerFactory;

/**
 * Logging: plain lines on standard error. Found by logback as a service, so that no XML is parsed at start, which would
 * take a fifth of a second.
 */
public final class LogSetup extends ContextAwareBase implements Configurator {
    /** A message is one line whatever a client has put into it, and not a longer one than anybody reads. */
    private static final String MESSAGE = "%.-2000replace(%msg){'[\\p{Cntrl}\\x80-\\x9f]','?'}";

    static final String PATTERN = "%d{HH:mm:ss.SSS} %-5level %logger{0}: " + MESSAGE + "%n%xEx{short}";
    private static final String PATTERN_WITH_TRACES =
            "%d{HH:mm:ss.SSS} %-5level [%thread] %logger{0}: " + MESSAGE + "%n%xEx";
    private static final String APPENDER = "stderr";

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
        appender.setContext(context);
        appender.setName(APPENDER);
        appender.setTarget("System.err");
        appender.setEncoder(encoder(context, PATTERN));
        appender.start();
        LimitedAppender limited = new LimitedAppender(appender, System::nanoTime);
        limited.setContext(context);
        limited.setName(APPENDER);
        limited.start();
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        root.addAppender(limited);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    static PatternLayoutEncoder encoder(LoggerContext context, String pattern) {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(pattern);
        encoder.start();
        return encoder;
    }

    /**
     * Sets what is logged.
     *
     * @param level a level's name: error, warn, info, debug, trace
     * @param withTraces whether exceptions are logged with their stack traces
     */
    public static void set(String level, boolean withTraces) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.toLevel(level));
        if (withTraces
                && root.getAppender(APPENDER) instanceof LimitedAppender limited
                && limited.target() instanceof ConsoleAppender<ILoggingEvent> appender) {
            appender.setEncoder(encoder(context, PATTERN_WITH_TRACES));
        }
    }
}
