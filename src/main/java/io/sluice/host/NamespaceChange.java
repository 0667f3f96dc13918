package io.sluice.host;

/**
 * A namespace that is not what it was: it has come, has gone, or has another size, format or identity. What is known of its
 * blocks holds no longer.
 *
 * @param before null if there was none
 * @param after null if there is none any more
 */
public record NamespaceChange(NamespaceInfo before, NamespaceInfo after) {
    /** Of either, as both have the same. */
    public int nsid() {
        return before == null ? after.nsid() : before.nsid();
    }

    /** What was expected and what was found, as a clause. */
    public String description() {
        return "expected was " + describe(before) + "; found was " + describe(after);
    }

    private static String describe(NamespaceInfo namespace) {
        return namespace == null ? "no such namespace" : namespace.identity();
    }
}
