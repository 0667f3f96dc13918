package io.sluice.hostpci;

import io.sluice.linux.PlainText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Reads sysfs and procfs. Devices come and go while one reads, so what is not there, or not to be read, is simply absent.
 */
final class Sysfs {
    private static final int HEX = 16;

    private Sysfs() {}

    /** A file's text without its line end, made plain. */
    static Optional<String> text(Path file) {
        try {
            // A device may have put any bytes into its model number; malformed ones are replaced, not refused.
            return Optional.of(PlainText.of(new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** A file's lines as they are; none if it cannot be read. */
    static List<String> lines(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** The names in a folder, sorted; none if it is not there. */
    static List<String> names(Path folder) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        names.sort(null);
        return names;
    }

    /** The last name of what a link leads to. */
    static Optional<String> target(Path link) {
        try {
            Path name = Files.readSymbolicLink(link).getFileName();
            return Optional.ofNullable(name).map(Path::toString);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Where a path with links in it leads to; the path itself if that is nowhere. */
    static Path realPath(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }

    /** A number as sysfs writes them: decimal, or hexadecimal after 0x. */
    static OptionalLong number(Path file) {
        return text(file).map(Sysfs::parse).orElse(OptionalLong.empty());
    }

    private static OptionalLong parse(String text) {
        try {
            return OptionalLong.of(
                    text.startsWith("0x") ? Long.parseLong(text.substring(2), HEX) : Long.parseLong(text));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    /** A function's class code, 24 bits. */
    static OptionalLong pciClass(Path device) {
        return number(device.resolve("class"));
    }

    static Optional<String> driver(Path device) {
        return target(device.resolve("driver"));
    }

    static OptionalInt iommuGroup(Path device) {
        return target(device.resolve("iommu_group"))
                .map(Sysfs::parse)
                .filter(OptionalLong::isPresent)
                .map(number -> OptionalInt.of((int) number.getAsLong()))
                .orElse(OptionalInt.empty());
    }
}
