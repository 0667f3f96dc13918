package io.sluice.cli;

import io.sluice.hostpci.Binder;
import io.sluice.hostpci.HostKernel;
import io.sluice.hostpci.HostPaths;
import io.sluice.hostpci.PciAddress;
import io.sluice.hostpci.Rebound;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice unbind}: give an SSD back to the kernel. */
@Command(
        name = "unbind",
        description = {
            "Gives an NVMe controller back to the kernel's own driver, and waits until its block devices are there again.",
            "Refuses one that a process has open through VFIO. Also mends a device that was left without a driver."
        },
        footer = {"", "Example: sluice unbind 0000:01:00.0"})
final class UnbindCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "ADDR", description = "The PCI address, as \"sluice list\" shows it.")
    private PciAddress address;

    @Option(
            names = "--force",
            description =
                    "Even if a process has it open: the kernel asks that process to let go, and waits for it, for ever"
                            + " if need be.")
    private boolean force;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        Binder binder = new Binder(HostPaths.system(), HostKernel.running(), line -> err.println("sluice: " + line));
        Rebound rebound = StopOnSignal.toTheEnd(
                "unbinding " + address, "sluice unbind " + address, () -> binder.unbind(address, force));
        PrintWriter out = spec.commandLine().getOut();
        out.print(ReboundText.ofUnbind(rebound));
        out.flush();
        return ExitCode.OK;
    }
}
