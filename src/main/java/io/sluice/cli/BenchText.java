package io.sluice.cli;

import io.sluice.bench.BenchOptions;
import io.sluice.bench.BenchResult;
import io.sluice.bench.BenchResult.Latency;
import io.sluice.bench.BenchResult.Measured;
import io.sluice.bench.BenchResult.Verification;
import io.sluice.bench.Operation;
import java.util.List;
import java.util.Locale;

/** A result as a small table. */
final class BenchText {
    private BenchText() {}

    static String of(BenchResult result) {
        StringBuilder text = new StringBuilder();
        text.append(title(result)).append('\n');
        text.append(table(result));
        result.errors()
                .forEach((status, count) ->
                        text.append(String.format(Locale.ROOT, "errors   %,d x %s%n", count, status)));
        result.lastResetReason()
                .ifPresent(why -> text.append(String.format(
                        Locale.ROOT, "resets   %,d of the controller, the last because %s%n", result.resets(), why)));
        result.verification().ifPresent(verification -> text.append(verification(verification)));
        return text.toString();
    }

    private static String title(BenchResult result) {
        BenchOptions options = result.options();
        String queues = options.queues() == 1 ? "1 queue" : options.queues() + " queues";
        String early = result.stopped() ? " (stopped early)" : "";
        return String.format(
                Locale.ROOT,
                "%s, %s, depth %d, %s, %.1f s%s%s, seed %d, on %s",
                options.operation(),
                ByteSize.text(options.blockBytes()),
                options.depth(),
                queues,
                result.seconds(),
                options.thinkMillis() == 0 ? "" : ", " + options.thinkMillis() + " ms of think time",
                early,
                options.seed(),
                result.device());
    }

    private static String table(BenchResult result) {
        TextTable table =
                new TextTable(List.of("", "IOPS", "bandwidth", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"));
        Operation operation = result.options().operation();
        if (operation != Operation.WRITE && operation != Operation.RANDWRITE) {
            addRow(table, "reads", result.reads());
        }
        if (operation.writes()) {
            addRow(table, "writes", result.writes());
        }
        if (operation == Operation.RANDRW) {
            addRow(table, "both", result.total());
        }
        return table.toString();
    }

    private static void addRow(TextTable table, String name, Measured measured) {
        Latency latency = measured.latency();
        table.addRow(List.of(
                name,
                Units.count(measured.iops()),
                Units.bandwidth(measured.bytesPerSecond()),
                Units.time(latency.meanNanos()),
                Units.time((double) latency.p50()),
                Units.time((double) latency.p90()),
                Units.time((double) latency.p99()),
                Units.time((double) latency.p999()),
                Units.time((double) latency.p9999()),
                Units.time((double) latency.maxNanos())));
    }

    private static String verification(Verification found) {
        String foreign = found.blocksForeign() == 0
                ? ""
                : String.format(Locale.ROOT, "; %,d blocks were not written with this seed", found.blocksForeign());
        if (found.blocksWrong() > 0) {
            String first = found.first().map(mismatch -> mismatch.text()).orElse("");
            return String.format(
                    Locale.ROOT,
                    "DATA IS WRONG in %,d of %,d blocks read%s%nfirst: %s%n",
                    found.blocksWrong(),
                    found.blocksChecked(),
                    foreign,
                    first);
        }
        if (found.blocksChecked() == 0) {
            return "NOTHING WAS VERIFIED: no block read carries this seed\n";
        }
        return String.format(Locale.ROOT, "verified %,d blocks: all as written%s%n", found.blocksChecked(), foreign);
    }
}
