package io.sluice.vfiouser;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.Consumer;

/** Bytes as people write them: {@code "0700 0200"}; blanks are ignored. */
public final class Hex {
    private Hex() {}

    public static ByteBuffer bytes(String hex) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(hex.replaceAll("\\s", "")));
    }

    public static String of(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** What an encoder writes. */
    public static String encoded(int capacity, Consumer<ByteBuffer> encoder) {
        ByteBuffer out = ByteBuffer.allocate(capacity);
        encoder.accept(out);
        return of(out.flip());
    }

    /** Without the blanks, to compare with. */
    public static String plain(String hex) {
        return hex.replaceAll("\\s", "");
    }
}
