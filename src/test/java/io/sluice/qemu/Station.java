package io.sluice.qemu;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Runs test programs one after the other in one JVM, for scripts in the rig's guests: under emulation most of what a program costs is
 * the JVM that warms up for it. A program has a {@code main} that returns if all is well and throws if not.
 *
 * <p>Arguments: two named pipes. From the first it takes the number of words of a command, then each word in a line of its own: the
 * name of a class, and arguments. Into the second it puts a line for each command: 0, or 1 if the program has failed.
 */
public final class Station {
    private Station() {}

    public static void main(String[] pipes) throws IOException {
        try (BufferedReader commands = Files.newBufferedReader(Path.of(pipes[0]))) {
            String words = commands.readLine();
            while (words != null) {
                String name = commands.readLine();
                String[] arguments = new String[Integer.parseInt(words, 10) - 1];
                for (int i = 0; i < arguments.length; i++) {
                    arguments[i] = commands.readLine();
                }
                reply(Path.of(pipes[1]), run(name, arguments) ? "0\n" : "1\n");
                words = commands.readLine();
            }
        }
        System.exit(0); // whatever threads a program has left behind
    }

    private static void reply(Path pipe, String line) throws IOException {
        System.out.flush();
        Files.write(pipe, line.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
    }

    /** Runs a program of a class that may be visible by its name only; prints what it throws, and says whether it went well. */
    @SuppressWarnings("CatchAndPrintStackTrace") // the console is the guest's log
    public static boolean run(String name, String... arguments) {
        try {
            Method main = Class.forName(name).getDeclaredMethod("main", String[].class);
            main.setAccessible(true);
            main.invoke(null, (Object) arguments);
            return true;
        } catch (InvocationTargetException e) {
            e.getCause().printStackTrace();
        } catch (ReflectiveOperationException e) {
            e.printStackTrace();
        }
        return false;
    }
}
