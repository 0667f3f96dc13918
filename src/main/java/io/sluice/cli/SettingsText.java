package io.sluice.cli;

import io.sluice.config.ByteCount;
import io.sluice.config.DeviceSettings;
import io.sluice.config.PollerSettings;
import io.sluice.config.ServeSettings;
import io.sluice.config.VolumeSettings;
import java.util.List;
import java.util.Locale;

/** What would be served, for people. */
final class SettingsText {
    private SettingsText() {}

    static String of(ServeSettings settings) {
        TextTable table = new TextTable(List.of(
                "NAME",
                "NS",
                "START",
                "SIZE",
                "ACCESS",
                "QUEUES",
                "ENTRIES",
                "IN FLIGHT",
                "DOORBELLS",
                "MODE",
                "OWNER",
                "GROUP",
                "SERIAL",
                "SOCKET"));
        settings.volumes().forEach(volume -> table.addRow(row(volume)));
        return device(settings.device()) + poller(settings.poller()) + "\n" + table;
    }

    private static String device(DeviceSettings device) {
        return "device  " + device.target() + ", up to " + device.queuePairs() + " queue pairs of "
                + device.queueEntries() + " entries, commands aborted after " + device.timeoutMillis() + " ms, "
                + (device.destroyData() ? "taken even if it is not empty" : "refused unless it is empty")
                + device.serial().map(serial -> ", no other than " + serial).orElse("")
                + device.model().map(model -> ", no other than a " + model).orElse("") + "\n";
    }

    private static String poller(PollerSettings poller) {
        return "poller  "
                + (poller.core().isPresent() ? "processor " + poller.core().getAsInt() : "any processor")
                + ", spins " + poller.spinMicros() + " us, yields " + poller.yieldMicros() + " us, parks up to "
                + poller.maxParkMicros() + " us"
                + (poller.parkIsBound() ? "" : ", or three times that where parks cost much")
                + "\n";
    }

    private static List<String> row(VolumeSettings volume) {
        return List.of(
                volume.name(),
                Integer.toString(volume.nsid()),
                ByteCount.exact(volume.startBytes()),
                volume.sizeBytes().isPresent()
                        ? ByteCount.exact(volume.sizeBytes().getAsLong())
                        : "the rest",
                volume.readOnly() ? "read-only" : "read-write",
                Integer.toString(volume.queuePairs()),
                Integer.toString(volume.queueEntries()),
                Integer.toString(volume.maxInFlight()),
                volume.doorbells().name().toLowerCase(Locale.ROOT),
                String.format(Locale.ROOT, "%04o", volume.mode()),
                volume.owner().orElse("-"),
                volume.group().orElse("-"),
                volume.serial(),
                volume.socket());
    }
}
