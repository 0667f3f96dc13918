package io.sluice.cli;

import java.nio.file.Path;

/** What QEMU (10.1 or newer) needs to hear to use a socket, ready to be pasted into a shell. */
final class QemuArguments {
    private QemuArguments() {}

    static String of(Path socket) {
        String device = "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\""
                + jsonEscaped(socket.toAbsolutePath().toString()) + "\"}}";
        return """
                # The drive is ready. Give QEMU (10.1 or newer) these arguments, with the guest's memory size for 1G:
                -object memory-backend-memfd,id=mem,size=1G,share=on -machine q35,memory-backend=mem
                -device %s
                """.formatted(shellQuoted(device));
    }

    private static String jsonEscaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }

    private static String shellQuoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
