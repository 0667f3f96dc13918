package io.sluice.cli;

/** Entry point of the {@code sluice} command. */
public final class Sluice {
    private Sluice() {}

    public static void main(String[] args) {
        System.out.println("sluice");
    }
}
