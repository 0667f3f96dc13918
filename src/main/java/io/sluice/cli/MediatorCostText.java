package io.sluice.cli;

import io.sluice.bench.BenchOptions;
import io.sluice.bench.MediatorCost;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** What a mediator adds to a device, for people and for programs. */
final class MediatorCostText {
    private MediatorCostText() {}

    static String of(MediatorCost.Result result) {
        BenchOptions options = result.options();
        TextTable table = new TextTable(List.of("ns", "device", "with mediator", "added", "added, median"));
        table.addRow(List.of(
                "a command",
                nanos(result.directNanos()),
                nanos(result.mediatedNanos()),
                nanos(result.addedNanos()),
                nanos(result.medianAddedNanos())));
        if (options.depth() == 1) {
            table.addRow(List.of(
                    "latency, p50",
                    Long.toString(result.directLatencyNanos()),
                    Long.toString(result.mediatedLatencyNanos()),
                    Long.toString(result.addedLatencyNanos()),
                    ""));
            table.addRow(List.of(
                    "latency, p50 of the quickest 20 ms",
                    Long.toString(result.leastDirectLatencyNanos()),
                    Long.toString(result.leastMediatedLatencyNanos()),
                    Long.toString(result.leastAddedLatencyNanos()),
                    ""));
        }
        return String.format(
                Locale.ROOT,
                "what the mediator adds: %s, %s, depth %d, %,d commands, seed %d, on %s%n%s",
                options.operation(),
                ByteSize.text(options.blockBytes()),
                options.depth(),
                result.commands(),
                options.seed(),
                result.device(),
                table);
    }

    private static String nanos(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    /** Names end in their units; they are an interface: add, never rename. */
    static String json(MediatorCost.Result result) {
        ObjectNode root = Json.object();
        root.put("device", result.device());
        BenchJson.load(root.putObject("load"), result.options());
        ObjectNode cost = root.putObject("mediator_cost");
        cost.put("commands", result.commands());
        cost.put("device_ns", result.directNanos());
        cost.put("mediated_ns", result.mediatedNanos());
        cost.put("added_ns", result.addedNanos());
        cost.put("median_added_ns", result.medianAddedNanos());
        if (result.options().depth() == 1) {
            cost.put("device_latency_p50_ns", result.directLatencyNanos());
            cost.put("mediated_latency_p50_ns", result.mediatedLatencyNanos());
            cost.put("added_latency_p50_ns", result.addedLatencyNanos());
            cost.put("device_least_latency_p50_ns", result.leastDirectLatencyNanos());
            cost.put("mediated_least_latency_p50_ns", result.leastMediatedLatencyNanos());
            cost.put("added_least_latency_p50_ns", result.leastAddedLatencyNanos());
        }
        return Json.text(root);
    }
}
