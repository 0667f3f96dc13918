package io.sluice.cli;

import io.sluice.bench.Bench;
import io.sluice.bench.BenchOptions;
import io.sluice.bench.BenchResult;
import io.sluice.bench.DriverCost;
import io.sluice.bench.MediatorCost;
import io.sluice.bench.Operation;
import io.sluice.bench.Progress;
import io.sluice.daemon.DeviceTarget;
import io.sluice.daemon.NvmeSession;
import io.sluice.host.DriverOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice bench}: how fast is it, and does it keep its data? */
@Command(
        name = "bench",
        description = {
            "Measures an NVMe device: commands a second, bandwidth, latency.",
            "Ops that write destroy what the device holds. Queues are polled, so each thread takes a processor; where"
                    + " there are fewer processors than pollers, device included, figures say little."
        },
        footer = {
            "",
            "Latency runs from submitting a command until its completion has been taken, in batches: the time spent on"
                    + " the other commands of a batch counts.",
            "Queues work on equal, separate parts of the namespace. With --verify each block carries its LBA, the seed"
                    + " and a generation; reads are checked, and at the end everything written is read back. Generating"
                    + " and checking costs time: those figures are not the device's.",
            "A model in this process runs on a thread of its own. Blocks of model:memory that this run has not written read"
                    + " as zeroes, from one page that is always in the cache.",
            "",
            "Example: sluice bench /tmp/nvme.sock --op randread --block-size 4K --depth 32 --time 10",
            "Example: sluice bench model:noop --op randread --depth 32 --driver-cost",
            "Example: sluice bench model:memory --op randread --depth 1 --mediator-cost"
        })
final class BenchCommand implements Callable<Integer> {
    private static final int EXTRA_ENTRIES = 1; // a queue of n entries takes n - 1 commands

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Sluice sluice;

    @Parameters(
            index = "0",
            paramLabel = "TARGET",
            converter = TargetConverter.class,
            description = TargetConverter.DESCRIPTION)
    private DeviceTarget target;

    @Option(
            names = "--destroy-data",
            description =
                    "Let ops that write overwrite a device or file of this host even if there is something on it. Without this"
                            + " they refuse if they find anything but unwritten blocks in what they look at first: the first and"
                            + " last MiB of the namespace and of the part to be written, and 256 samples of 64 KiB between them."
                            + " Small things elsewhere are NOT found.")
    private boolean destroyData;

    @Option(names = "--op", required = true, paramLabel = "OP", description = "What to do: ${COMPLETION-CANDIDATES}.")
    private Operation operation;

    @Option(
            names = "--block-size",
            paramLabel = "SIZE",
            defaultValue = "4096",
            description = "Data of one command: 4096, 128K, ... (default ${DEFAULT-VALUE}).")
    private Long blockBytes;

    @Option(
            names = "--depth",
            paramLabel = "N",
            defaultValue = "1",
            description = "Commands in flight on each queue (default ${DEFAULT-VALUE}).")
    private int depth;

    @Option(
            names = "--queues",
            paramLabel = "N",
            defaultValue = "1",
            description = "I/O queue pairs (default ${DEFAULT-VALUE}).")
    private int queues;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Threads that drive the queues; 0 is one for each queue (the default).")
    private int threads;

    @Option(
            names = "--time",
            paramLabel = "S",
            defaultValue = "10",
            description = "Seconds to measure (default ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "S",
            defaultValue = "1",
            description =
                    "Seconds to run before that, uncounted, for the JIT and the caches (default ${DEFAULT-VALUE}).")
    private int warmUpSeconds;

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            defaultValue = "0",
            description = "Use this much from the namespace's start; 0 is all of it (the default).")
    private Long regionBytes;

    @Option(
            names = "--read-percent",
            paramLabel = "N",
            defaultValue = "50",
            description = "Share of reads under --op randrw (default ${DEFAULT-VALUE}).")
    private int readPercent;

    @Option(
            names = "--nsid",
            paramLabel = "N",
            defaultValue = "0",
            description = "The namespace; 0 is the first active one (the default).")
    private int nsid;

    @Option(
            names = "--think-time",
            paramLabel = "MS",
            defaultValue = "0",
            description =
                    "Milliseconds between the end of commands and the next ones (default ${DEFAULT-VALUE}). At --depth 1"
                            + " the latency then tells how long a device takes that has fallen asleep.")
    private int thinkMillis;

    @Option(
            names = "--no-shared-memory",
            description =
                    "Give a socket's server no descriptors of this process's memory, so that it has to ask for all data and queues by"
                            + " messages (DMA_READ, DMA_WRITE), as QEMU does for a guest whose memory is not share=on.")
    private boolean noSharedMemory;

    @Option(names = "--verify", description = "Write a pattern, and check it whenever it is read, and at the end.")
    private boolean verify;

    @Option(
            names = "--seed",
            paramLabel = "N",
            converter = WholeNumber.class,
            description =
                    "Of the addresses and the pattern; random and printed if not given. With --verify, an op that only"
                            + " reads checks what an earlier run of this seed has written.")
    private Long seed;

    @Option(
            names = "--driver-cost",
            description =
                    "Measure what Sluice's own driver costs a command, and nothing else: one thread runs it and a model"
                            + " in this process by turns, in batches of --depth, and only the driver's turns are timed.")
    private boolean driverCost;

    @Option(
            names = "--mediator-cost",
            description =
                    "Measure what a mediator adds to a command, and at --depth 1 to its latency: the model in this process and"
                            + " another one behind a mediator have the same load, by turns, on one queue.")
    private boolean mediatorCost;

    @Option(names = "--json", description = "Print the result as JSON.")
    private boolean json;

    /** Set once there is something to stop. */
    private volatile Runnable stopper;

    private volatile boolean stopRequested;
    private volatile boolean takenBack;

    @Override
    public Integer call() throws IOException {
        sluice.logOnlyTrouble();
        BenchOptions options = options();
        target = withMemoryAsAsked(target);
        return StopOnSignal.during(this::stop, () -> measure(options));
    }

    private int measure(BenchOptions options) throws IOException {
        if (driverCost) {
            return measureDriver(options);
        }
        return mediatorCost ? measureMediator(options) : bench(options);
    }

    private int bench(BenchOptions options) throws IOException {
        BenchResult result = run(options, spec.commandLine().getErr());
        print(json ? BenchJson.of(result) : BenchText.of(result));
        return exitCode(result);
    }

    private void print(String text) {
        PrintWriter out = spec.commandLine().getOut();
        out.print(text);
        out.flush();
    }

    private int measureDriver(BenchOptions options) throws IOException {
        int depthOfQueues = DriverCost.commandsInFlight(depth);
        try (NvmeSession session = NvmeSession.open(target, driverOptions(depthOfQueues), this::stopForTheHost)) {
            DriverCost cost = new DriverCost(session.driver(), options);
            stopWith(cost::stop);
            DriverCost.Result result = session.byTurns(cost::measure);
            session.driver().shutDown();
            print(json ? DriverCostText.json(result) : DriverCostText.of(result));
        }
        return ExitCode.OK;
    }

    private int measureMediator(BenchOptions options) throws IOException {
        DriverOptions driver = driverOptions(depth);
        try (NvmeSession direct = NvmeSession.open(target, driver, this::stopForTheHost);
                NvmeSession mediated =
                        NvmeSession.open(new DeviceTarget.Mediated(target), driver, this::stopForTheHost)) {
            MediatorCost cost = new MediatorCost(direct.driver(), mediated.driver(), options);
            stopWith(cost::stop);
            direct.byTurns(directTurn -> mediated.byTurns(mediatedTurn -> {
                cost.measureCost(directTurn, mediatedTurn);
                return null;
            }));
            cost.measureLatency();
            MediatorCost.Result result = cost.result();
            print(json ? MediatorCostText.json(result) : MediatorCostText.of(result));
        }
        return ExitCode.OK;
    }

    private DriverOptions driverOptions(int depthOfQueues) {
        return DriverOptions.polled(queues, depthOfQueues + EXTRA_ENTRIES);
    }

    /** From now on there is something to stop, perhaps at once. */
    private void stopWith(Runnable stop) {
        stopper = stop;
        if (stopRequested) {
            stop.run(); // asked for while the device was brought up
        }
    }

    private void stopForTheHost() {
        takenBack = true;
        stop();
    }

    private void stop() {
        stopRequested = true;
        Runnable running = stopper;
        if (running != null) {
            running.run();
        }
    }

    /** What a troubled run has to tell is told, also if the device does not end well either. */
    private static void shutDown(NvmeSession session, BenchResult result, PrintWriter err) throws IOException {
        try {
            session.driver().shutDown();
        } catch (IOException e) {
            if (result.errorCount() == 0 && result.resets() == 0) {
                throw e;
            }
            err.println("sluice: " + e.getMessage());
        }
    }

    private static int exitCode(BenchResult result) {
        if (result.dataIsWrong()) {
            return ExitCode.DATA_WRONG;
        }
        if (result.errorCount() > 0 || result.resets() > 0) {
            return ExitCode.IO_ERRORS;
        }
        return result.nothingWasVerified() ? ExitCode.FAILED : ExitCode.OK;
    }

    private BenchOptions options() {
        checkCosts();
        if (verify && !operation.writes() && seed == null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--verify with --op " + operation + " needs the --seed of the run that wrote the data");
        }
        if (blockBytes > Integer.MAX_VALUE) {
            throw new ParameterException(
                    spec.commandLine(), "a block size of " + blockBytes + " bytes is more than any device transfers");
        }
        try {
            return new BenchOptions(
                    operation,
                    blockBytes.intValue(),
                    depth,
                    queues,
                    threads == 0 ? queues : threads,
                    seconds,
                    warmUpSeconds,
                    readPercent,
                    verify,
                    seed == null ? ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE) : seed,
                    regionBytes,
                    nsid,
                    thinkMillis);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private DeviceTarget withMemoryAsAsked(DeviceTarget given) {
        if (!noSharedMemory) {
            return given;
        }
        if (given instanceof DeviceTarget.Socket socket) {
            return socket.withoutSharedMemory();
        }
        throw new ParameterException(
                spec.commandLine(),
                "--no-shared-memory is for a device behind a vfio-user socket, /tmp/nvme.sock say, and " + given
                        + " is none");
    }

    private void checkCosts() {
        if (driverCost && (verify || !(target instanceof DeviceTarget.Model))) {
            throw new ParameterException(
                    spec.commandLine(), "--driver-cost needs a model in this process, model:noop say, and no --verify");
        }
        if (mediatorCost && (driverCost || verify || queues > 1 || !(target instanceof DeviceTarget.Model))) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--mediator-cost needs a model in this process, model:memory say without via=mediator, one queue, no"
                            + " --verify, and no --driver-cost");
        }
    }

    /** Whether what is there may be somebody's: of a socket nobody knows, a model in memory has nothing. */
    private static boolean isKept(DeviceTarget target) {
        return switch (target) {
            case DeviceTarget.Pci pci -> true;
            case DeviceTarget.Model model -> model.isKept();
            case DeviceTarget.Mediated mediated -> isKept(mediated.device());
            case DeviceTarget.Socket socket -> false;
        };
    }

    private BenchResult run(BenchOptions options, PrintWriter err) throws IOException {
        ProgressLine line = new ProgressLine(err, options);
        Progress progress = Terminal.isWatched() ? line : Progress.NONE;
        try (NvmeSession session =
                NvmeSession.open(target, driverOptions(depth), options.bufferBytes(), this::stopForTheHost)) {
            Bench bench = new Bench(session.driver(), options, progress);
            if (operation.writes() && !destroyData && isKept(target)) {
                session.requireEmpty(bench.namespace(), bench.spanBytes());
            }
            stopWith(bench::stop);
            BenchResult result = bench.run();
            if (takenBack) {
                throw new IOException(
                        "the host has asked for " + target + " back, or it has failed: the run was ended");
            }
            if (!result.stopped()) {
                shutDown(session, result, err);
            }
            return result;
        } finally {
            line.clear();
        }
    }
}
