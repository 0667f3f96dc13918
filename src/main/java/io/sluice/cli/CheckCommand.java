package io.sluice.cli;

import io.sluice.config.ConfigException;
import io.sluice.config.HostChecks;
import io.sluice.config.ServeReader;
import io.sluice.config.ServeSettings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice check}: would this be served? */
@Command(
        name = "check",
        description = {
            "Reads a configuration of \"sluice serve\", and prints what would be served, or everything that is wrong with it,"
                    + " each with its line and column.",
            "Asks no device: whether ranges fit on it shows at the start. What would be in the way here and now, but may"
                    + " be different for the service (a socket's folder, a processor), is a warning."
        },
        footer = {"", "Example: sluice check /etc/sluice/serve.yaml"})
final class CheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "The configuration.")
    private Path file;

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
        try {
            ServeSettings settings = ServeReader.read(file);
            ConfigReport.warnings(HostChecks.problems(settings), err);
            PrintWriter out = spec.commandLine().getOut();
            out.print(SettingsText.of(settings));
            out.flush();
            return ExitCode.OK;
        } catch (ConfigException e) {
            ConfigReport.errors(e, err);
            return ExitCode.FAILED;
        }
    }
}
