package io.sluice.cli;

import io.sluice.daemon.DeviceIdentity;
import io.sluice.daemon.DeviceTarget;
import io.sluice.daemon.NvmeSession;
import io.sluice.host.DriverOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice identify}: what is it? */
@Command(
        name = "identify",
        description = {
            "Shows what an NVMe device is: model, capacity, namespaces, limits, features.",
            "The device is enabled for that and shut down again; a guest that uses it at the time keeps it, since a"
                    + " server takes one connection at a time."
        })
final class IdentifyCommand implements Callable<Integer> {
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

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        sluice.logOnlyTrouble();
        DeviceIdentity identity = identify();
        // Only now: whoever reads the output may take its time, and the device is not to be kept meanwhile.
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? IdentityJson.of(identity) : IdentityText.of(identity));
        out.flush();
        return ExitCode.OK;
    }

    private DeviceIdentity identify() throws IOException {
        // If the host wants the device back, whatever waits for it ends by itself, and there is nothing else to end.
        try (NvmeSession session = NvmeSession.open(target, DriverOptions.adminOnly(), () -> {})) {
            DeviceIdentity identity = session.identity();
            session.driver().shutDown();
            return identity;
        }
    }
}
