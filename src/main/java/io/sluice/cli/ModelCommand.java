package io.sluice.cli;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.LogSetup;
import io.sluice.daemon.Medium;
import io.sluice.daemon.ModelDaemon;
import io.sluice.daemon.ModelOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice model}: a drive for a guest, in memory or in a file. */
@Command(
        name = "model",
        description = {
            "Serves an NVMe drive at a vfio-user socket, to one guest at a time. Its data is in memory and ends with the"
                    + " process, or in a file, or on a block device.",
            "Prints QEMU's arguments on standard output once it is ready; logs go to standard error."
        },
        footer = {
            "",
            "Example: sluice model --socket /tmp/nvme.sock --memory 1G",
            "Example: sluice model --socket /tmp/nvme.sock --file disk.img --size 1G"
        })
final class ModelCommand implements Callable<Integer> {
    /** What logs can be limited to. */
    enum LogLevel {
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE
    }

    private static final int RANDOM_SERIAL_BYTES = 6;
    private static final int OCTAL = 8;
    private static final int MAX_MODE = 0777;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Sluice sluice;

    @Option(
            names = "--socket",
            required = true,
            paramLabel = "PATH",
            description = "Where to listen; a stale socket file is replaced, a live one is not.")
    private Path socket;

    @ArgGroup(multiplicity = "1")
    private Storage storage;

    /** One of the three. */
    static final class Storage {
        @Option(
                names = "--memory",
                required = true,
                paramLabel = "SIZE",
                description = "Size of a drive in memory: 64M, 1G, ... Memory is taken when it is written.")
        private Long memory;

        @Option(
                names = "--file",
                required = true,
                paramLabel = "PATH",
                description = "The drive's data is in this file, or on this block device.")
        private Path file;

        @Option(
                names = "--namespace",
                required = true,
                paramLabel = "MEDIUM[,...]",
                converter = MediumConverter.class,
                description = "A namespace, once for each, up to 16: " + MediumConverter.DESCRIPTION)
        private List<Medium> namespaces;
    }

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "With --file: makes the file if it is not there, sparse; if it is, it must have this size.")
    private Long fileBytes;

    @Option(
            names = "--hugepages",
            description = "With --memory: on hugepages of 2 MiB, all of which are reserved at the start.")
    private boolean hugePages;

    @Option(names = "--read-only", description = "With --file: the guest may not write.")
    private boolean readOnly;

    @Option(
            names = "--block-size",
            paramLabel = "512|4096",
            description =
                    "With --memory or --file: bytes of a logical block (default 512, or what the block device has).")
    private Long blockBytes;

    @Option(
            names = "--serial",
            paramLabel = "TEXT",
            description = "Serial number, 1 to 20 ASCII characters, unique among a guest's drives (default: random, or"
                    + " made of the file's path).")
    private String serial;

    @Option(
            names = "--mode",
            paramLabel = "OCTAL",
            defaultValue = "600",
            description = "Permissions of the socket; connecting needs write (default 0${DEFAULT-VALUE}).")
    private String mode;

    @Option(names = "--owner", paramLabel = "USER", description = "Owner of the socket, by name or number.")
    private String owner;

    @Option(names = "--group", paramLabel = "GROUP", description = "Group of the socket, by name or number.")
    private String group;

    @Option(
            names = "--noop",
            description = "Move no data: commands succeed at once, and reads leave the guest's memory as it is. For"
                    + " measuring everything else.")
    private boolean noop;

    @Option(
            names = "--queues",
            paramLabel = "N",
            defaultValue = "64",
            description = "I/O queue pairs on offer, 1 to 64; a guest takes one for each of its processors (default"
                    + " ${DEFAULT-VALUE}).")
    private int queuePairs;

    @Option(
            names = "--faults",
            paramLabel = "FAULT[,...]",
            description = {
                "For tests: what goes wrong. late=P:TIME (begun TIME late: 500us, 5ms, 1s), fail=P (not done, an error),"
                        + " stuck=P (never ends by itself), reorder=P (later ones overtake it), each of which a command meets"
                        + " with likelihood P, 0 to 1; and torn: a file's volatile cache, of which a kill leaves a part."
            })
    private String faults;

    @Option(
            names = "--fault-seed",
            paramLabel = "N",
            description = "With --faults: the seed of their schedule, a whole number (default: random; it is logged).")
    private Long faultSeed;

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            description = "How much to log: ${COMPLETION-CANDIDATES} (default INFO; DEBUG with --verbose).")
    private LogLevel logLevel;

    @Override
    public Integer call() throws IOException {
        ModelOptions options = options();
        LogLevel level = logLevel != null ? logLevel : sluice.isVerbose() ? LogLevel.DEBUG : LogLevel.INFO;
        LogSetup.set(level.name(), sluice.isVerbose());
        CountDownLatch stopping = new CountDownLatch(1);
        return StopOnSignal.during(stopping::countDown, () -> serve(options, stopping));
    }

    private int serve(ModelOptions options, CountDownLatch stopping) throws IOException {
        try (ModelDaemon daemon = ModelDaemon.start(options)) {
            PrintWriter out = spec.commandLine().getOut();
            out.print(QemuArguments.of(daemon.socket()));
            if (out.checkError()) {
                return ExitCode.FAILED; // nobody would ever know that it is ready
            }
            stopping.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return ExitCode.OK;
    }

    private ModelOptions options() {
        try {
            List<Medium> media = storage.namespaces == null ? List.of(medium()) : namespaces();
            String usual = media.getFirst() instanceof Medium.File file ? file.serial() : randomSerial();
            DriveOptions drive = new DriveOptions(media, serial == null ? usual : serial, queuePairs);
            return new ModelOptions(
                    socket, mode(), Optional.ofNullable(owner), Optional.ofNullable(group), withFaults(drive));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private DriveOptions withFaults(DriveOptions drive) {
        if (faults == null && faultSeed != null) {
            throw new IllegalArgumentException("--fault-seed goes with --faults");
        }
        long seed = faultSeed == null ? new SecureRandom().nextInt(Integer.MAX_VALUE) : faultSeed;
        return faults == null ? drive : drive.withFaults(faults, seed);
    }

    private List<Medium> namespaces() {
        if (fileBytes != null || readOnly || hugePages || noop || blockBytes != null) {
            throw new IllegalArgumentException(
                    "--size, --block-size, --read-only, --hugepages and --noop go with --memory and"
                            + " --file; a --namespace has them in itself");
        }
        return storage.namespaces;
    }

    private Medium medium() {
        if (blockBytes != null && blockBytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("blocks have 512 or 4096 bytes, not " + blockBytes);
        }
        OptionalInt block = blockBytes == null ? OptionalInt.empty() : OptionalInt.of(blockBytes.intValue());
        if (storage.file != null) {
            if (noop || hugePages) {
                throw new IllegalArgumentException("--noop and --hugepages go with --memory, not with --file");
            }
            OptionalLong size = fileBytes == null ? OptionalLong.empty() : OptionalLong.of(fileBytes);
            return new Medium.File(storage.file, size, block, readOnly);
        }
        if (fileBytes != null || readOnly) {
            throw new IllegalArgumentException("--size and --read-only go with --file; --memory has a size already");
        }
        int bytes = block.orElse(Medium.SMALL_BLOCK);
        if (noop && hugePages) {
            throw new IllegalArgumentException("--noop moves no data, so it needs no --hugepages");
        }
        return noop ? new Medium.Nothing(storage.memory, bytes) : new Medium.Memory(storage.memory, bytes, hugePages);
    }

    private int mode() {
        try {
            int value = Integer.parseInt(mode, OCTAL);
            if (value >= 0 && value <= MAX_MODE) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw badMode(e);
        }
        throw badMode(null);
    }

    private ParameterException badMode(Exception cause) {
        return new ParameterException(
                spec.commandLine(), "invalid mode \"" + mode + "\": write it in octal, such as 660", cause);
    }

    private static String randomSerial() {
        byte[] random = new byte[RANDOM_SERIAL_BYTES];
        new SecureRandom().nextBytes(random);
        return "SLUICE" + HexFormat.of().withUpperCase().formatHex(random);
    }
}
