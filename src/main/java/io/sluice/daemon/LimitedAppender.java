package io.sluice.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.AppenderBase;
import java.time.Instant;
import java.util.function.LongSupplier;

/**
 * Passes on what a {@link LogLimiter} lets through. What has the same text, its arguments aside, and the same first argument
 * is of one kind: the first argument is the controller's name wherever a guest or a client is the cause, so that one guest
 * does not use up what another's events need.
 */
final class LimitedAppender extends AppenderBase<ILoggingEvent> {
    private final Appender<ILoggingEvent> target;
    private final LogLimiter<ILoggingEvent> limiter;

    /**
     * @param target gets what passes; started, and stopped with this one
     * @param clock nanoseconds of any origin
     */
    LimitedAppender(Appender<ILoggingEvent> target, LongSupplier clock) {
        this.target = target;
        this.limiter = new LogLimiter<>(clock);
    }

    /** Where what passes goes. */
    Appender<ILoggingEvent> target() {
        return target;
    }

    private record Kind(String logger, String text, Object subject) {
        static Kind of(ILoggingEvent event) {
            Object[] arguments = event.getArgumentArray();
            boolean named = arguments != null && arguments.length > 0 && arguments[0] instanceof String;
            return new Kind(event.getLoggerName(), event.getMessage(), named ? arguments[0] : null);
        }
    }

    @Override
    protected void append(ILoggingEvent event) {
        if (!event.getLevel().isGreaterOrEqual(Level.INFO)) {
            target.doAppend(event); // who asks for details wants all of them
            return;
        }
        for (LogLimiter.Summary<ILoggingEvent> summary : limiter.due()) {
            ILoggingEvent last = summary.last();
            String text = last.getFormattedMessage();
            say(last, summary.count() + " more in " + summary.seconds() + " s, the last of them: " + text);
        }
        switch (limiter.admit(Kind.of(event), event)) {
            case SHOW -> target.doAppend(event);
            case BEGIN_TO_COUNT ->
                say(event, event.getFormattedMessage() + " (from here on, many like it are one line)");
            case COUNT -> {
                // until a summary is due
            }
        }
    }

    /** A line at the same place and level as an event, with a text of ours, and without a stack trace. */
    private void say(ILoggingEvent about, String text) {
        LoggingEvent line = new LoggingEvent();
        line.setLoggerContext((LoggerContext) getContext());
        line.setLoggerName(about.getLoggerName());
        line.setLevel(about.getLevel());
        line.setThreadName(about.getThreadName());
        line.setInstant(Instant.now());
        line.setMessage(text);
        target.doAppend(line);
    }

    @Override
    public void stop() {
        super.stop();
        target.stop();
    }
}
