package io.sluice.daemon;

import io.sluice.config.DeviceFacts;
import io.sluice.config.ServePlan;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.linux.PlainText;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Whether a device is the one that was meant: what it says of itself, and what is on it. */
final class DeviceSelection {
    private DeviceSelection() {}

    /** What volumes depend on. */
    static DeviceFacts facts(NvmeDriver driver) {
        List<DeviceFacts.Namespace> namespaces = driver.namespaces().stream()
                .map(some -> new DeviceFacts.Namespace(
                        some.nsid(),
                        some.blockBytes(),
                        some.blockCount(),
                        Alignment.of(some).bytes(),
                        some.nguid(),
                        some.eui64(),
                        some.unusableBecause()))
                .toList();
        int transferBytes = driver.queuePairs().stream()
                .mapToInt(QueuePair::maxTransferBytes)
                .min()
                .orElse(0);
        return new DeviceFacts(
                driver.name(),
                driver.controller().serial().strip(),
                driver.controller().model().strip(),
                namespaces,
                transferBytes,
                driver.queuePairs().size());
    }

    /** What it is, in the words of a configuration that takes no other: a line for the log. */
    static String introduce(NvmeDriver driver) {
        String namespaces = driver.namespaces().stream()
                .filter(some -> some.unusableBecause().isEmpty())
                .map(DeviceSelection::introduce)
                .collect(Collectors.joining());
        String serial = PlainText.of(driver.controller().serial().strip());
        String model = PlainText.of(driver.controller().model().strip());
        return driver.name() + " is serial: \"" + serial + "\", model: \"" + model + "\"" + namespaces;
    }

    private static String introduce(NamespaceInfo namespace) {
        String identity = !namespace.nguid().isEmpty()
                ? "nguid: " + namespace.nguid()
                : !namespace.eui64().isEmpty() ? "eui64: " + namespace.eui64() : "without identifier";
        return "; namespace " + namespace.nsid() + " is " + identity;
    }

    /**
     * Makes sure, as far as {@link Contents} can tell, that guests that write to their volumes destroy nothing. A namespace that
     * nobody may write to may hold anything.
     *
     * @param consent what its user says to have it all the same
     * @throws IOException if there is something, naming it, or it cannot be read
     */
    static void requireEmpty(NvmeSession session, List<ServePlan.Volume> plan, String consent) throws IOException {
        for (NamespaceInfo namespace : session.driver().namespaces()) {
            boolean written = plan.stream()
                    .map(ServePlan.Volume::settings)
                    .anyMatch(volume -> volume.nsid() == namespace.nsid() && !volume.readOnly());
            Optional<String> found = written ? session.contents(namespace, namespace.bytes()) : Optional.empty();
            if (found.isPresent()) {
                throw new IOException("namespace " + namespace.nsid() + " of "
                        + session.driver().name() + " is not empty: " + found.get()
                        + ". Sluice itself writes nothing to it, but its guests would; if they are meant to, say "
                        + consent + ", else make their volumes read-only");
            }
        }
    }
}
