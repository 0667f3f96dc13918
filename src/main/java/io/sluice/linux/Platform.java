package io.sluice.linux;

import java.util.Locale;

/** Where Sluice runs: Linux on x86-64. System call numbers, struct layouts and memory order are that platform's. */
public final class Platform {
    private Platform() {}

    /** A sentence that says why Sluice cannot run here; empty where it can. */
    public static String refusal() {
        return refusal(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    }

    static String refusal(String system, String processor) {
        boolean linux = system.toLowerCase(Locale.ROOT).equals("linux");
        boolean x64 = processor.equals("amd64") || processor.equals("x86_64");
        return linux && x64 ? "" : "Sluice runs on Linux on x86-64 only; this is " + system + " on " + processor + ".";
    }
}
