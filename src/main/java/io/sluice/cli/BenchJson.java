package io.sluice.cli;

import io.sluice.bench.BenchOptions;
import io.sluice.bench.BenchResult;
import io.sluice.bench.BenchResult.Latency;
import io.sluice.bench.BenchResult.Measured;
import io.sluice.bench.BenchResult.Verification;
import tools.jackson.databind.node.ObjectNode;

/** A result as JSON. Names end in their units; they are an interface: add, never rename. */
final class BenchJson {
    private BenchJson() {}

    static String of(BenchResult result) {
        ObjectNode root = Json.object();
        root.put("device", result.device());
        load(root.putObject("load"), result.options());
        root.put("logical_block_bytes", result.blockBytes());
        root.put("measured_seconds", result.seconds());
        root.put("stopped_early", result.stopped());
        measured(root.putObject("reads"), result.reads());
        measured(root.putObject("writes"), result.writes());
        measured(root.putObject("total"), result.total());
        root.put("error_count", result.errorCount());
        ObjectNode errors = root.putObject("errors");
        result.errors().forEach(errors::put);
        root.put("resets", result.resets());
        result.lastResetReason().ifPresent(why -> root.put("last_reset_reason", why));
        result.verification().ifPresent(found -> verification(root.putObject("verification"), found));
        return Json.text(root);
    }

    static void load(ObjectNode node, BenchOptions options) {
        node.put("op", options.operation().toString());
        node.put("block_bytes", options.blockBytes());
        node.put("depth", options.depth());
        node.put("queues", options.queues());
        node.put("threads", options.threads());
        node.put("seconds", options.seconds());
        node.put("warm_up_seconds", options.warmUpSeconds());
        node.put("read_percent", options.readPercent());
        node.put("verify", options.verify());
        node.put("seed", options.seed());
        node.put("size_bytes", options.regionBytes());
        node.put("think_ms", options.thinkMillis());
    }

    private static void measured(ObjectNode node, Measured measured) {
        node.put("commands", measured.commands());
        node.put("iops", measured.iops());
        node.put("bytes_per_second", measured.bytesPerSecond());
        Latency latency = measured.latency();
        ObjectNode nanos = node.putObject("latency_ns");
        nanos.put("mean", latency.meanNanos());
        nanos.put("p50", latency.p50());
        nanos.put("p90", latency.p90());
        nanos.put("p99", latency.p99());
        nanos.put("p99_9", latency.p999());
        nanos.put("p99_99", latency.p9999());
        nanos.put("max", latency.maxNanos());
    }

    private static void verification(ObjectNode node, Verification found) {
        node.put("blocks_checked", found.blocksChecked());
        node.put("blocks_wrong", found.blocksWrong());
        node.put("blocks_foreign", found.blocksForeign());
        found.first().ifPresent(mismatch -> {
            ObjectNode first = node.putObject("first_mismatch");
            first.put("nsid", mismatch.nsid());
            first.put("lba", mismatch.lba());
            first.put("byte_offset", mismatch.byteOffset());
            first.put("expected", mismatch.expected());
            first.put("got", mismatch.got());
            first.put("text", mismatch.text());
        });
    }
}
