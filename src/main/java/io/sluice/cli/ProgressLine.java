package io.sluice.cli;

import io.sluice.bench.BenchOptions;
import io.sluice.bench.Progress;
import java.io.PrintWriter;
import java.util.Locale;

/** One line on a terminal, rewritten in place. */
final class ProgressLine implements Progress {
    /** Back to the line's start, and clear the line: ECMA-48 EL. */
    private static final String REWIND = "\r\u001b[K";

    private final PrintWriter terminal;
    private final BenchOptions options;
    private boolean shown;

    ProgressLine(PrintWriter terminal, BenchOptions options) {
        this.terminal = terminal;
        this.options = options;
    }

    @Override
    public void report(Report report) {
        String phase = switch (report.phase()) {
            case WARMING_UP -> "warming up";
            case MEASURING -> String.format(Locale.ROOT, "%4.1f of %d s", report.measuredSeconds(), options.seconds());
            case READING_BACK -> "reading back";
        };
        String errors = report.errors() == 0 ? "" : String.format(Locale.ROOT, "  %,d errors", report.errors());
        terminal.print(REWIND + options.operation() + "  " + phase + "  " + Units.count(report.iops()) + " IOPS  "
                + Units.bandwidth(report.bytesPerSecond()) + errors);
        terminal.flush();
        shown = true;
    }

    /** Takes the line away. */
    void clear() {
        if (shown) {
            terminal.print(REWIND);
            terminal.flush();
        }
    }
}
