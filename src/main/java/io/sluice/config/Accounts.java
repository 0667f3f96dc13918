package io.sluice.config;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.Optional;

/** Users and groups of this host. */
final class Accounts {
    static final String WHAT = "a name or a number";

    /** The largest means "leave as it is" to chown. */
    private static final long MAX_NUMBER = 0xffff_fffeL;

    private Accounts() {}

    /** How one is looked up. */
    @FunctionalInterface
    private interface LookUp {
        Object find(UserPrincipalLookupService accounts, String name) throws IOException;
    }

    static Optional<String> user(Section section, String key) {
        return check(section, key, "user", UserPrincipalLookupService::lookupPrincipalByName);
    }

    static Optional<String> group(Section section, String key) {
        return check(section, key, "group", UserPrincipalLookupService::lookupPrincipalByGroupName);
    }

    private static Optional<String> check(Section section, String key, String kind, LookUp lookUp) {
        Optional<String> name = section.text(key, WHAT);
        if (name.isPresent() && !exists(name.get(), lookUp)) {
            section.problem(
                    key, "there is no " + kind + " " + Problems.quoted(name.get()) + " on this host; it takes " + WHAT);
        }
        return name;
    }

    private static boolean exists(String name, LookUp lookUp) {
        if (name.matches("\\d{1,10}")) {
            return Long.parseLong(name) <= MAX_NUMBER; // a number needs no account
        }
        // What is no name is not asked for: some directory services take patterns.
        if (!name.matches("[\\p{Alpha}_][\\p{Alnum}_.@\\\\-]{0,255}\\$?")) {
            return false;
        }
        try {
            lookUp.find(FileSystems.getDefault().getUserPrincipalLookupService(), name);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
