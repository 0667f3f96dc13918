package io.sluice.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Gets a configuration's text from its file, and nothing that is too large, or no text. */
final class ConfigFile {
    /** Room for {@link ServeSettings#MAX_VOLUMES} volumes, each with all its keys and a good comment. */
    static final int MAX_BYTES = 256 << 10;

    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private final Position whole;
    private final Problems problems = new Problems();

    private ConfigFile(String name) {
        whole = Position.of(name);
    }

    /**
     * Reads a file.
     *
     * @param name what its user calls it
     */
    static String text(Path path, String name) throws ConfigException {
        ConfigFile file = new ConfigFile(name);
        String text = file.decode(file.bytes(path));
        file.problems.throwIfAny();
        return text;
    }

    private byte[] bytes(Path path) {
        if (Files.isDirectory(path)) {
            problems.add(whole, "", "it is a folder; name the file in it");
        } else if (!Files.exists(path)) {
            problems.add(whole, "", "there is no such file, or no way to it");
        } else if (!Files.isRegularFile(path)) {
            problems.add(whole, "", "it is not a regular file: a pipe or a device may never end");
        } else {
            return regular(path);
        }
        return new byte[0];
    }

    private byte[] regular(Path path) {
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length <= MAX_BYTES) {
                return bytes;
            }
            problems.add(
                    whole,
                    "",
                    "it has more than " + ByteCount.exact(MAX_BYTES) + " bytes; no configuration needs that");
        } catch (AccessDeniedException e) {
            problems.add(whole, "", "it may not be read by this user");
        } catch (IOException e) {
            problems.add(whole, "", "it cannot be read: " + e.getMessage());
        }
        return new byte[0];
    }

    private String decode(byte[] bytes) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length + 1);
        CoderResult result = decoder.decode(in, out, true);
        String text = out.flip().toString();
        if (result.isError()) {
            int last = text.lastIndexOf('\n');
            int line = (int) text.chars().filter(c -> c == '\n').count() + 1;
            int column = text.codePointCount(last + 1, text.length()) + 1;
            problems.add(
                    new Position(whole.source(), line, column),
                    "",
                    String.format("byte 0x%02x is not UTF-8; save the file as UTF-8", in.get(in.position())));
        }
        return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
    }
}
