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

/** {@code sluice bind}: take an SSD from the kernel. */
@Command(
        name = "bind",
        description = {
            "Takes an NVMe controller from the kernel's driver and binds it to vfio-pci, so that Sluice can drive it. Its"
                    + " block devices go away until \"sluice unbind\".",
            "Refuses one that is in use, and tells everything that is in the way before anything is touched."
        },
        footer = {"", "Example: sluice bind 0000:01:00.0"})
final class BindCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "ADDR", description = "The PCI address, as \"sluice list\" shows it.")
    private PciAddress address;

    @Option(
            names = "--force",
            description =
                    "Even if it is in use: file systems, swap and volumes on it lose their disk, and with it data.")
    private boolean force;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        Binder binder = new Binder(HostPaths.system(), HostKernel.running(), line -> err.println("sluice: " + line));
        // A signal in the middle would leave the device without a driver: the few steps are done to their end.
        Rebound rebound = StopOnSignal.toTheEnd(
                "binding " + address, "sluice unbind " + address, () -> binder.bind(address, force));
        PrintWriter out = spec.commandLine().getOut();
        out.print(ReboundText.ofBind(rebound));
        out.flush();
        return ExitCode.OK;
    }
}
