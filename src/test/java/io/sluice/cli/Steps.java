package io.sluice.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs {@code sluice} commands one after the other in one process, and checks their exit codes and what they say: for guests, in which a
 * JVM takes many seconds to start. What all of them said is in /tmp/said afterwards.
 *
 * <p>Arguments: {@code CODE TEXT COMMAND...}, and more of these, each after {@code --}.
 */
final class Steps {
    private Steps() {}

    public static void main(String[] arguments) throws IOException {
        Path all = Path.of("/tmp/said");
        Files.writeString(all, "");
        for (List<String> step : split(List.of(arguments))) {
            StringWriter said = new StringWriter();
            PrintWriter writer = new PrintWriter(said);
            List<String> command = step.subList(2, step.size());
            int code = Sluice.run(writer, writer, command.toArray(String[]::new));
            Files.writeString(all, Files.readString(all) + said);
            String what = "sluice " + String.join(" ", command);
            if (code != Integer.parseInt(step.get(0), 10) || !said.toString().contains(step.get(1))) {
                throw new AssertionError(
                        what + ": exit code " + code + ", and it said: " + said + "\nnot " + step.subList(0, 2));
            }
            System.out.println("as it should be: " + what + ": exit code " + code + ", \"" + step.get(1) + "\"");
        }
    }

    private static List<List<String>> split(List<String> arguments) {
        List<List<String>> steps = new ArrayList<>(List.of(new ArrayList<>()));
        for (String argument : arguments) {
            if (argument.equals("--")) {
                steps.add(new ArrayList<>());
            } else {
                steps.getLast().add(argument);
            }
        }
        return steps;
    }
}
