package io.sluice.cli;

import io.sluice.hostpci.HostKernel;
import io.sluice.hostpci.HostPaths;
import io.sluice.hostpci.Inventory;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice list}: which NVMe controllers does this host have, and who uses them? */
@Command(
        name = "list",
        description = {
            "Lists the NVMe controllers of this host: address, model, serial number, size, driver, IOMMU group, NUMA node, and"
                    + " what uses them.",
            "\"-\" is what is not known: model, serial number and size are while the kernel's nvme driver has the device."
                    + " Only root sees all users."
        })
final class ListCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "Print JSON, with all that is known and nothing cut short.")
    private boolean json;

    @Override
    public Integer call() {
        Inventory inventory = Inventory.take(HostPaths.system(), HostKernel.running());
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? InventoryJson.of(inventory) : InventoryText.of(inventory));
        out.flush();
        if (!inventory.complete() && !inventory.controllers().isEmpty()) {
            spec.commandLine().getErr().println("sluice: not all users could be seen; run it as root");
        }
        return ExitCode.OK;
    }
}
