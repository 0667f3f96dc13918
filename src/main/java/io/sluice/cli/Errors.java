package io.sluice.cli;

import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** How failures are told: one line, what failed and why; where in the program only under {@code --verbose}. */
final class Errors {
    private Errors() {}

    /** A command line that makes no sense. */
    static int usage(ParameterException e) {
        PrintWriter err = e.getCommandLine().getErr();
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        err.println("sluice: " + firstLower(e.getMessage()));
        UnmatchedArgumentException.printSuggestions(e, err);
        err.println("Try '" + command + " --help'.");
        return ExitCode.USAGE;
    }

    /** A command that failed. */
    static int failure(Exception e, CommandLine failed) {
        PrintWriter err = failed.getErr();
        err.println("sluice: " + failed.getCommandName() + " failed: " + message(e));
        if (isVerbose(failed)) {
            e.printStackTrace(err);
        }
        return ExitCode.FAILED;
    }

    /** A bug has no message that helps, so its kind is told too. */
    private static String message(Exception e) {
        boolean told = e instanceof IOException || e instanceof IllegalArgumentException;
        if (told && e.getMessage() != null) {
            return e.getMessage();
        }
        return e + " (this is a defect of sluice; run it again with --verbose and report what it says)";
    }

    private static boolean isVerbose(CommandLine command) {
        CommandLine root = command;
        while (root.getParent() != null) {
            root = root.getParent();
        }
        Sluice sluice = root.getCommand();
        return sluice.isVerbose();
    }

    private static String firstLower(String message) {
        return message.isEmpty() ? message : Character.toLowerCase(message.charAt(0)) + message.substring(1);
    }
}
