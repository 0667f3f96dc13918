package io.sluice.cli;

import io.sluice.config.ConfigError;
import io.sluice.config.ConfigException;
import java.io.PrintWriter;
import java.util.List;

/** Says what is wrong with a configuration: a line each, as compilers do. */
final class ConfigReport {
    private ConfigReport() {}

    static void errors(ConfigException e, PrintWriter err) {
        err.println(e.getMessage());
        err.println("sluice: " + e.count() + (e.count() == 1 ? " error" : " errors") + ", so nothing can be served");
    }

    /** What would be in the way of a start here and now. */
    static void warnings(List<ConfigError> problems, PrintWriter err) {
        for (ConfigError problem : problems) {
            err.println(problem.position() + ": warning: " + problem.path() + ": " + problem.message());
        }
    }
}
