package io.sluice.cli;

import io.sluice.qemu.Station;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Does in one process, on a model, what the rig's guests do on devices, so that the JVM can record what that needs; the guests' JVMs
 * start from the record. Ends with exit code 0 if all of it went well.
 *
 * <p>Argument: a folder that is there.
 */
public final class Rehearsal {
    private static final int TRIES = 1200;

    private Rehearsal() {}

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        Path socket = folder.resolve("a.sock");
        Thread server = new Thread(
                () -> sluice("serve", "model:16M", "--volume", "name=a,size=4M,socket=" + socket), "rehearsal-serve");
        server.setDaemon(true);
        server.start();
        for (int i = 0; i < TRIES && !Files.exists(socket); i++) {
            Thread.sleep(50);
        }
        boolean good = Station.run(
                        "io.sluice.host.DrivePattern",
                        "write " + socket + " 1 " + folder.resolve("slice") + " queues=4")
                && sluice("bench", socket.toString(), "--op", "randrw", "--time", "1", "--warm-up", "0", "--verify")
                        == 0
                && Station.run("io.sluice.qemu.InGuest", "io.sluice.host.LoopbackContractTest");
        sluice("list"); // a host without such a controller fails it
        System.exit(good ? 0 : 1);
    }

    private static int sluice(String... command) {
        StringWriter said = new StringWriter();
        PrintWriter writer = new PrintWriter(said);
        int code = Sluice.run(writer, writer, command);
        System.out.println(said);
        return code;
    }
}
