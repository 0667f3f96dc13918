package io.sluice.cli;

import io.sluice.cli.ModelCommand.LogLevel;
import io.sluice.config.ConfigException;
import io.sluice.config.HostChecks;
import io.sluice.config.ServeArguments;
import io.sluice.config.ServeReader;
import io.sluice.config.ServeSettings;
import io.sluice.daemon.LogSetup;
import io.sluice.daemon.MediatorDaemon;
import io.sluice.daemon.Service;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code sluice serve}: a device, cut into volumes, for many guests. */
@Command(
        name = "serve",
        description = {
            "Shares an NVMe device among guests: cuts it into volumes, and serves each as an NVMe drive at a vfio-user"
                    + " socket of its own. DEVICE is the PCI address of a device that vfio-pci has, the path of a vfio-user"
                    + " socket, or model:SIZE or model:file=PATH for a software model.",
            "Prints QEMU's arguments on standard output once it is ready; logs go to standard error. SIGTERM, Ctrl-C and"
                    + " SIGHUP: it finishes what was begun, shuts the device down, and exits with 0, or with 1 if not all of"
                    + " that could be done. The second of them: it ends at once, with 1."
        },
        footer = {
            "",
            "KEY in --volume: name, socket, size, start, namespace, block-size, mode, owner, group, queues, queue-entries,"
                    + " max-in-flight, doorbells (mapped or trapped), read-only, serial, nguid, eui64; as in a file. A volume without"
                    + " a start begins where the one before it ends; one without a size has all that is left. Values"
                    + " have no commas.",
            "",
            "Examples:",
            "  sluice serve --config /etc/sluice/serve.yaml",
            "  sluice serve 0000:01:00.0 --volume name=a,size=10G,socket=/run/a.sock"
                    + " --volume name=b,size=10G,socket=/run/b.sock",
            "  sluice serve 0000:01:00.0 --pass-through /run/nvme.sock",
            "  sluice serve model:1G --volume name=a,socket=/tmp/a.sock,doorbells=trapped"
        })
final class ServeCommand implements Callable<Integer> {
    /** Options, and what they are called in a file. */
    private static final Map<String, String> DEVICE_KEYS = Map.of(
            "--device-queues", "queues",
            "--device-queue-entries", "queue-entries",
            "--timeout-millis", "timeout-millis",
            "--device-serial", "serial");

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Sluice sluice;

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "DEVICE",
            description = "The device, unless --config names it.")
    private String device;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "What to serve, in YAML; \"sluice check\" tells whether it is right. Only --destroy-data and"
                    + " --log-level go with it.")
    private Path config;

    @Option(
            names = "--volume",
            paramLabel = "KEY=VALUE,...",
            description = "A volume; may be given many times. name and socket are needed.")
    private final List<String> volumes = new ArrayList<>();

    @Option(
            names = "--pass-through",
            paramLabel = "SOCKET",
            description =
                    "Give a whole namespace of the device to the guest at this socket: the only one that there is,"
                            + " unless --namespace says which. Sluice itself writes nothing to it; since the guest does, a disk with"
                            + " something on it takes --destroy-data here too.")
    private String passThrough;

    @Option(
            names = "--namespace",
            paramLabel = "N",
            description = "The namespace for --pass-through, where the device has several.")
    private String namespace;

    @Option(
            names = "--destroy-data",
            description =
                    "Take a device even if it is not empty. Without this, the first and the last MiB of each namespace"
                            + " that guests may write to are read, and 256 samples between them; what lies between those is not"
                            + " seen. Guests' own data is something too.")
    private boolean destroyData;

    @Option(names = "--device-queues", paramLabel = "N", description = "I/O queue pairs to ask of the device.")
    private String deviceQueues;

    @Option(names = "--device-queue-entries", paramLabel = "N", description = "Entries of each.")
    private String deviceQueueEntries;

    @Option(
            names = "--device-serial",
            paramLabel = "SERIAL",
            description = "Take no device of another serial number: addresses change when cards are added.")
    private String deviceSerial;

    @Option(names = "--timeout-millis", paramLabel = "MS", description = "After which a command of it is aborted.")
    private String timeoutMillis;

    @Option(
            names = "--core",
            paramLabel = "N",
            description = "The processor that polls; it fails to start if that cannot be had. None is set aside if not"
                    + " given.")
    private String core;

    @Option(names = "--spin-micros", paramLabel = "US", description = "How long the poller spins after the last work.")
    private String spinMicros;

    @Option(names = "--yield-micros", paramLabel = "US", description = "How long it yields after that.")
    private String yieldMicros;

    @Option(
            names = "--park-micros",
            paramLabel = "US",
            description =
                    "The longest it sleeps after that: so late may a mapped doorbell be seen. What is given is kept to;"
                            + " the default, 2000, may become three times as long where sleeps cost much.")
    private String parkMicros;

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            description = "How much to log: ${COMPLETION-CANDIDATES} (default INFO; DEBUG with --verbose).")
    private LogLevel logLevel;

    @Override
    public Integer call() throws IOException {
        requireOneSource();
        try {
            ServeSettings settings = config == null ? arguments() : file();
            HostChecks.require(settings);
            return serve(settings);
        } catch (ConfigException e) {
            return refuse(e);
        }
    }

    private int serve(ServeSettings settings) throws IOException {
        LogLevel level = logLevel != null ? logLevel : sluice.isVerbose() ? LogLevel.DEBUG : LogLevel.INFO;
        LogSetup.set(level.name(), sluice.isVerbose());
        PrintWriter out = spec.commandLine().getOut();
        boolean finished = Service.ofThisProcess(() -> Runtime.getRuntime().halt(ExitCode.FAILED))
                .run(stop -> MediatorDaemon.start(settings, stop), () -> announce(settings, out));
        return finished ? ExitCode.OK : ExitCode.FAILED;
    }

    private static boolean announce(ServeSettings settings, PrintWriter out) {
        out.print(QemuArguments.of(settings));
        return !out.checkError();
    }

    private int refuse(ConfigException e) {
        PrintWriter err = spec.commandLine().getErr();
        ConfigReport.errors(e, err);
        if (config != null) {
            return ExitCode.FAILED;
        }
        err.println("Try '" + spec.qualifiedName() + " --help'.");
        return ExitCode.USAGE;
    }

    private void requireOneSource() {
        boolean byOptions = device != null || passThrough != null || namespace != null || !volumes.isEmpty();
        String message = "";
        if (config != null
                && (byOptions || !deviceOptions().isEmpty() || !pollerOptions().isEmpty())) {
            message = "--config has everything in it; only --destroy-data and --log-level go with it";
        } else if (config == null && (device == null || (passThrough == null && volumes.isEmpty()))) {
            message = "what to serve is missing: --config FILE, or DEVICE with --volume or --pass-through";
        } else if (passThrough != null && !volumes.isEmpty()) {
            message = "--pass-through leaves nothing of the device for --volume; choose one of them";
        } else if (namespace != null && passThrough == null) {
            message = "--namespace goes with --pass-through; --volume has a key of that name";
        }
        if (!message.isEmpty()) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }

    private ServeSettings file() throws ConfigException {
        ServeSettings settings = ServeReader.read(config);
        return destroyData ? settings.destroyingData() : settings;
    }

    private ServeSettings arguments() throws ConfigException {
        ServeArguments arguments = new ServeArguments();
        arguments.device("target", "DEVICE", device);
        deviceOptions().forEach((option, value) -> arguments.device(DEVICE_KEYS.get(option), option, value));
        if (destroyData) {
            arguments.device("destroy-data", "--destroy-data", "true");
        }
        pollerOptions().forEach((option, value) -> arguments.poller(option.substring(2), option, value));
        volumes.forEach(arguments::volume);
        if (passThrough != null) {
            arguments.passThrough(passThrough, Optional.ofNullable(namespace));
        }
        return arguments.settings(Path.of(""));
    }

    private Map<String, String> deviceOptions() {
        Map<String, String> given = new LinkedHashMap<>();
        given.put("--device-queues", deviceQueues);
        given.put("--device-queue-entries", deviceQueueEntries);
        given.put("--timeout-millis", timeoutMillis);
        given.put("--device-serial", deviceSerial);
        given.values().removeIf(value -> value == null);
        return given;
    }

    /** Each is called as its key in a file. */
    private Map<String, String> pollerOptions() {
        Map<String, String> given = new LinkedHashMap<>();
        given.put("--core", core);
        given.put("--spin-micros", spinMicros);
        given.put("--yield-micros", yieldMicros);
        given.put("--park-micros", parkMicros);
        given.values().removeIf(value -> value == null);
        return given;
    }
}
