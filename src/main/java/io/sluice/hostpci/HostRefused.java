package io.sluice.hostpci;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.stream.Collectors;

/** Nothing was done, and these are the reasons, all of them. */
public final class HostRefused extends IOException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // an immutable list of records of strings
    private final List<Problem> problems;

    /**
     * One reason.
     *
     * @param what a sentence
     * @param mend what mends it: a command where there is one; empty if nothing does
     */
    public record Problem(String what, String mend) implements Serializable {
        @Override
        public String toString() {
            return mend.isEmpty() ? what : what + "\n      mend it: " + mend;
        }
    }

    HostRefused(PciAddress address, List<Problem> problems) {
        super(message(address, problems));
        this.problems = List.copyOf(problems);
    }

    private static String message(PciAddress address, List<Problem> problems) {
        String head = problems.size() == 1
                ? address + " was not touched:"
                : address + " was not touched, for " + problems.size() + " reasons:";
        return problems.stream().map(problem -> "\n  - " + problem).collect(Collectors.joining("", head, ""));
    }

    /** Everything that is in the way. */
    public List<Problem> problems() {
        return problems;
    }
}
