package io.sluice.fuzz;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.LoggerFactory;

/** What the product says of itself while it is fuzzed: what it has contained, and logged as a bug of its own, is a finding. */
public final class LoggedBugs extends AppenderBase<ILoggingEvent> {
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.sluice");
    private final List<String> bugs = new ArrayList<>();

    private LoggedBugs() {}

    /** From now on nothing is printed: refusals are the point here, not news. */
    public static LoggedBugs capture() {
        LoggedBugs all = new LoggedBugs();
        all.logger.setLevel(Level.ERROR);
        all.logger.setAdditive(false);
        all.start();
        all.logger.addAppender(all);
        return all;
    }

    /** The log is as it was. */
    public void release() {
        logger.detachAppender(this);
        logger.setAdditive(true);
        logger.setLevel(null);
    }

    /** A controller that fails because of what its guest did says why, and has no exception to tell of. */
    @Override
    protected synchronized void append(ILoggingEvent event) {
        String message = event.getFormattedMessage();
        boolean contained = event.getThrowableProxy() != null;
        if (contained || message.contains("bug") || message.contains("still in flight")) {
            bugs.add(contained ? message + ": " + ThrowableProxyUtil.asString(event.getThrowableProxy()) : message);
        }
    }

    /**
     * Looks.
     *
     * @throws AssertionError if a bug was logged since the last call
     */
    public synchronized void check() {
        if (!bugs.isEmpty()) {
            AssertionError finding = new AssertionError("logged: " + bugs);
            bugs.clear();
            throw finding;
        }
    }
}
