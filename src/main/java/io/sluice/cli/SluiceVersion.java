package io.sluice.cli;

import picocli.CommandLine.IVersionProvider;

/** Says which Sluice this is, and what it runs on. */
final class SluiceVersion implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = SluiceVersion.class.getPackage().getImplementationVersion();
        return new String[] {
            "sluice " + (version == null ? "(unpackaged)" : version),
            "JDK " + Runtime.version() + ", " + System.getProperty("os.name") + " " + System.getProperty("os.version")
                    + ", " + System.getProperty("os.arch")
        };
    }
}
