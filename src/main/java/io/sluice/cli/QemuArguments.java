package io.sluice.cli;

import io.sluice.config.ServeSettings;
import io.sluice.config.VolumeSettings;
import java.nio.file.Path;

/** What QEMU (10.1 or newer) needs to hear to use a socket, ready to be pasted into a shell. */
final class QemuArguments {
    /** What each guest needs once, whichever drives it gets. */
    static final String MACHINE =
            "-object memory-backend-memfd,id=mem,size=1G,share=on -machine q35,memory-backend=mem";

    private QemuArguments() {}

    /** For a socket, with the machine that it needs. */
    static String of(Path socket) {
        return """
                # The drive is ready. Give QEMU (10.1 or newer) these arguments, with the guest's memory size for 1G:
                %s
                %s
                """.formatted(MACHINE, device(socket));
    }

    /** For each volume, and what all guests need. */
    static String of(ServeSettings settings) {
        StringBuilder text = new StringBuilder(
                "# Serving. Give QEMU (10.1 or newer) these arguments, with the guest's memory size for 1G:\n" + MACHINE
                        + "\n");
        for (VolumeSettings volume : settings.volumes()) {
            String access = volume.readOnly() ? ", read-only" : "";
            text.append("# volume ").append(volume.name()).append(", ").append(volume.rangeText() + access + ":\n");
            text.append(device(Path.of(volume.socket()))).append('\n');
        }
        return text.toString();
    }

    /** For a socket alone. */
    static String device(Path socket) {
        String device = "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\""
                + jsonEscaped(socket.toAbsolutePath().toString()) + "\"}}";
        return "-device " + shellQuoted(device);
    }

    private static String jsonEscaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }

    private static String shellQuoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
