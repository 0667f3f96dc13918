package io.sluice.cli;

import io.sluice.bench.Operation;
import io.sluice.daemon.LogSetup;
import io.sluice.hostpci.PciAddress;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Entry point of the {@code sluice} command. */
@Command(
        name = "sluice",
        description = "Shares one NVMe SSD among virtual machines, from userspace, over vfio-user.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = SluiceVersion.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            "0:it worked; serve: it was stopped by a signal, and has finished what was begun",
            "1:it could not be done; the message says what and why",
            "2:the command line is wrong",
            "3:commands to the device ended with errors, or it had to be reset (bench)",
            "4:data was read that differs from what was written (bench --verify)",
            "129:stopped by SIGHUP; what there was to say has been said",
            "130:stopped by Ctrl-C (SIGINT), likewise",
            "143:stopped by SIGTERM, likewise"
        },
        subcommands = {
            ServeCommand.class,
            CheckCommand.class,
            ModelCommand.class,
            IdentifyCommand.class,
            BenchCommand.class,
            ListCommand.class,
            BindCommand.class,
            UnbindCommand.class
        })
public final class Sluice implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(
            names = {"-v", "--verbose"},
            scope = ScopeType.INHERIT,
            description = "Say more: debug log lines (serve, model), and where in the program an error came from.")
    private boolean verbose;

    private Sluice() {}

    public static void main(String[] args) {
        System.exit(run(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                args));
    }

    /** Runs a command, and returns its exit code: what could not be printed has not worked. */
    static int run(PrintWriter out, PrintWriter err, String... args) {
        int code = commandLine(out, err).execute(args);
        if (out.checkError()) {
            err.println("sluice: cannot write to standard output: the disk is full, or whoever read it is gone");
            return code == ExitCode.OK ? ExitCode.FAILED : code;
        }
        return code;
    }

    /** The whole command line; tests run it in their own process. */
    static CommandLine commandLine(PrintWriter out, PrintWriter err) {
        CommandLine line = new CommandLine(new Sluice());
        line.setOut(out);
        line.setErr(err);
        line.registerConverter(Long.class, new ByteSize());
        line.registerConverter(Operation.class, Sluice::operation);
        line.registerConverter(PciAddress.class, Sluice::address);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((e, args) -> Errors.usage(e));
        line.setExecutionExceptionHandler((e, failed, parsed) -> Errors.failure(e, failed));
        return line;
    }

    private static Operation operation(String name) {
        return Arrays.stream(Operation.values())
                .filter(operation -> operation.toString().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("\"" + name + "\" is none of "
                        + Arrays.stream(Operation.values())
                                .map(Operation::toString)
                                .collect(Collectors.joining(", "))));
    }

    private static PciAddress address(String text) {
        try {
            return PciAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    boolean isVerbose() {
        return verbose;
    }

    /** For commands whose output is not a log: only what goes wrong is logged, or everything with {@code --verbose}. */
    void logOnlyTrouble() {
        LogSetup.set(verbose ? "DEBUG" : "WARN", verbose);
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "a command is missing: serve, check, model, identify, bench, list, bind or unbind");
    }
}
