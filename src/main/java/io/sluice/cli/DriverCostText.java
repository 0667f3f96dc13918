package io.sluice.cli;

import io.sluice.bench.BenchOptions;
import io.sluice.bench.DriverCost;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** What the driver itself costs, for people and for programs. */
final class DriverCostText {
    private DriverCostText() {}

    static String of(DriverCost.Result result) {
        BenchOptions options = result.options();
        TextTable table = new TextTable(List.of("ns a command", "submit", "take", "both", "both, median", "the model"));
        table.addRow(List.of(
                "driver",
                nanos(result.submitNanos()),
                nanos(result.takeNanos()),
                nanos(result.totalNanos()),
                nanos(result.medianNanos()),
                nanos(result.deviceNanos())));
        return String.format(
                Locale.ROOT,
                "the driver's own cost: %s, %s, batches of %d, %s, %,d commands, seed %d, on %s%n%s",
                options.operation(),
                ByteSize.text(options.blockBytes()),
                options.depth(),
                options.queues() == 1 ? "1 queue" : options.queues() + " queues",
                result.commands(),
                options.seed(),
                result.device(),
                table);
    }

    private static String nanos(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    /** Names end in their units; they are an interface: add, never rename. */
    static String json(DriverCost.Result result) {
        ObjectNode root = Json.object();
        root.put("device", result.device());
        BenchJson.load(root.putObject("load"), result.options());
        ObjectNode cost = root.putObject("driver_cost");
        cost.put("commands", result.commands());
        cost.put("submit_ns", result.submitNanos());
        cost.put("take_ns", result.takeNanos());
        cost.put("total_ns", result.totalNanos());
        cost.put("median_total_ns", result.medianNanos());
        cost.put("model_ns", result.deviceNanos());
        return Json.text(root);
    }
}
