package io.sluice.cli;

import io.sluice.daemon.Medium;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads what a namespace of a model is made of.
 *
 * <pre>
 *   memory=SIZE[,block-size=512|4096][,hugepages]
 *   file=PATH[,size=SIZE][,block-size=512|4096][,read-only]
 * </pre>
 */
final class MediumConverter implements ITypeConverter<Medium> {
    static final String DESCRIPTION = "memory=SIZE[,block-size=512|4096][,hugepages] or"
            + " file=PATH[,size=SIZE][,block-size=512|4096][,read-only], as the options of these names.";

    private static final String MEMORY = "memory=";
    private static final String FILE = "file=";

    @Override
    public Medium convert(String text) {
        List<String> words = List.of(text.split(",", -1));
        String first = words.getFirst();
        if (!first.startsWith(MEMORY) && !first.startsWith(FILE)) {
            throw new TypeConversionException(
                    "\"" + text + "\" begins with neither memory=SIZE nor file=PATH, which a namespace is made of");
        }
        Words read = new Words(text);
        words.subList(1, words.size()).forEach(read::add);
        try {
            return first.startsWith(MEMORY)
                    ? read.memory(first.substring(MEMORY.length()))
                    : read.file(first.substring(FILE.length()));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("\"" + text + "\": " + e.getMessage());
        }
    }

    /** What stands after the first comma. */
    private static final class Words {
        private final String text;
        private OptionalLong size = OptionalLong.empty();
        private OptionalInt blockSize = OptionalInt.empty();
        private boolean readOnly;
        private boolean hugePages;

        Words(String text) {
            this.text = text;
        }

        void add(String word) {
            String value = word.substring(word.indexOf('=') + 1);
            switch (word) {
                case "read-only" -> readOnly = true;
                case "hugepages" -> hugePages = true;
                default -> add(word, word.substring(0, word.length() - value.length()), value);
            }
        }

        private void add(String word, String key, String value) {
            switch (key) {
                case "size=" -> size = OptionalLong.of(ByteSize.parse(value));
                case "block-size=" ->
                    blockSize = OptionalInt.of((int) Math.min(ByteSize.parse(value), Integer.MAX_VALUE));
                default ->
                    throw new TypeConversionException("\"" + word + "\" in \"" + text
                            + "\" is none of size=SIZE, block-size=512|4096, read-only and hugepages");
            }
        }

        Medium memory(String bytes) {
            if (size.isPresent() || readOnly) {
                throw new IllegalArgumentException(
                        readOnly ? "read-only goes with file=PATH" : "memory=SIZE has a size already");
            }
            return new Medium.Memory(ByteSize.parse(bytes), blockSize.orElse(Medium.SMALL_BLOCK), hugePages);
        }

        Medium file(String path) {
            if (hugePages) {
                throw new IllegalArgumentException("hugepages goes with memory=SIZE");
            }
            return new Medium.File(Path.of(path), size, blockSize, readOnly);
        }
    }
}
