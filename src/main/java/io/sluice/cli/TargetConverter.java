package io.sluice.cli;

import io.sluice.daemon.DeviceTarget;
import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.Medium;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads what to drive: the path of a socket, a PCI address, or a model in this process.
 *
 * <pre>
 *   model:STORAGE[,KEY=VALUE]...     STORAGE: noop, memory, file=PATH     KEY: size, block-size, via
 * </pre>
 */
final class TargetConverter implements ITypeConverter<DeviceTarget> {
    /** For the help of the commands that take a target. */
    static final String DESCRIPTION =
            "What to drive: the vfio-user socket that a device is served on; the PCI address of a"
                    + " device of this host that is bound to vfio-pci; or a software model in this process, as"
                    + " model:noop or model:memory[,size=SIZE][,block-size=512|4096][,via=mediator] (1G and 512 if not given; via=mediator drives it as the only guest"
                    + " of a mediator); model:file=PATH likewise, made if it is not there and size= is given. A socket named"
                    + " like one of those is ./model:noop.";

    private static final String MODEL = "model:";
    private static final String FILE = "file=";
    private static final String VIA_MEDIATOR = "via=mediator";
    private static final String SERIAL = "IN-PROCESS";
    private static final long DEFAULT_BYTES = 1L << 30;
    private static final int DEFAULT_BLOCK_BYTES = 512;

    @Override
    public DeviceTarget convert(String text) {
        if (!text.startsWith(MODEL)) {
            return DeviceTarget.parse(text);
        }
        DeviceTarget.Model model = model(text);
        boolean mediated = Arrays.asList(text.split(",", -1)).contains(VIA_MEDIATOR);
        return mediated ? new DeviceTarget.Mediated(model) : model;
    }

    private static DeviceTarget.Model model(String text) {
        List<String> words = Arrays.asList(text.substring(MODEL.length()).split(",", -1));
        OptionalLong bytes = OptionalLong.empty();
        OptionalInt blockBytes = OptionalInt.empty();
        for (String word : words.subList(1, words.size())) {
            String value = word.substring(word.indexOf('=') + 1);
            if (word.equals(VIA_MEDIATOR)) {
                continue;
            }
            switch (word.substring(0, word.length() - value.length())) {
                case "size=" -> bytes = OptionalLong.of(ByteSize.parse(value));
                case "block-size=" ->
                    blockBytes = OptionalInt.of((int) Math.min(ByteSize.parse(value), Integer.MAX_VALUE));
                default ->
                    throw new TypeConversionException(
                            "\"" + word + "\" in \"" + text + "\" is neither size=SIZE nor block-size=512|4096");
            }
        }
        try {
            Medium medium = medium(text, words.getFirst(), bytes, blockBytes);
            return new DeviceTarget.Model(text, new DriveOptions(medium, SERIAL, DriveOptions.MAX_QUEUE_PAIRS));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("\"" + text + "\": " + e.getMessage());
        }
    }

    private static Medium medium(String text, String storage, OptionalLong size, OptionalInt blockSize) {
        if (storage.startsWith(FILE)) {
            return new Medium.File(Path.of(storage.substring(FILE.length())), size, blockSize, false);
        }
        long bytes = size.orElse(DEFAULT_BYTES);
        int blockBytes = blockSize.orElse(DEFAULT_BLOCK_BYTES);
        return switch (storage) {
            case "noop" -> new Medium.Nothing(bytes, blockBytes);
            case "memory" -> new Medium.Memory(bytes, blockBytes);
            default ->
                throw new TypeConversionException(
                        "\"" + text + "\" is not a model; write model:noop, model:memory or model:file=PATH");
        };
    }
}
