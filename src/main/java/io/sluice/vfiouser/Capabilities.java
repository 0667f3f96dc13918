package io.sluice.vfiouser;

import io.sluice.linux.PlainText;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What one side can do (vfio-user, "VFIO_USER_VERSION", "Capabilities"). Each is empty where its sender did not say; the
 * {@code …OrDefault} methods then answer as the specification does. Unknown ones, and those for migration, are ignored.
 *
 * @param maxMessageFds how many descriptors the sender can receive with one message
 * @param maxDataTransferBytes the largest count of a region or DMA access, in bytes
 * @param pageSizes page sizes of DMA maps, or'ed together, in bytes
 * @param maxDmaMaps how many DMA regions there can be at a time
 * @param writeMultiple whether REGION_WRITE_MULTI may be used
 */
public record Capabilities(
        OptionalLong maxMessageFds,
        OptionalLong maxDataTransferBytes,
        OptionalLong pageSizes,
        OptionalLong maxDmaMaps,
        Optional<Boolean> writeMultiple) {
    /** A sender that says nothing. */
    public static final Capabilities NONE = new Capabilities(
            OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty(), Optional.empty());

    public static final int DEFAULT_MAX_MESSAGE_FDS = 1;
    public static final int DEFAULT_MAX_DATA_TRANSFER_BYTES = 1 << 20;
    public static final int DEFAULT_PAGE_SIZES = 4096;
    public static final int DEFAULT_MAX_DMA_MAPS = 65535;

    private static final String CAPABILITIES = "capabilities";
    private static final String MAX_MSG_FDS = "max_msg_fds";
    private static final String MAX_DATA_XFER_SIZE = "max_data_xfer_size";
    private static final String PGSIZES = "pgsizes";
    private static final String MAX_DMA_MAPS = "max_dma_maps";
    private static final String WRITE_MULTIPLE = "write_multiple";

    public long maxMessageFdsOrDefault() {
        return maxMessageFds.orElse(DEFAULT_MAX_MESSAGE_FDS);
    }

    public long maxDataTransferBytesOrDefault() {
        return maxDataTransferBytes.orElse(DEFAULT_MAX_DATA_TRANSFER_BYTES);
    }

    public long pageSizesOrDefault() {
        return pageSizes.orElse(DEFAULT_PAGE_SIZES);
    }

    public long maxDmaMapsOrDefault() {
        return maxDmaMaps.orElse(DEFAULT_MAX_DMA_MAPS);
    }

    public boolean writeMultipleOrDefault() {
        return writeMultiple.orElse(false);
    }

    /**
     * Reads a VERSION's JSON.
     *
     * @param json may be empty
     * @throws VfioUserException EINVAL where it is not JSON, not an object, or a capability is of the wrong type
     */
    public static Capabilities parse(String json) throws VfioUserException {
        if (json.isBlank()) {
            return NONE;
        }
        JsonNode root;
        try {
            root = Json.MAPPER.readTree(json);
        } catch (JacksonException e) {
            throw Wire.invalid("VERSION's JSON cannot be parsed: " + PlainText.of(e.getOriginalMessage()));
        }
        if (!root.isObject()) {
            throw Wire.invalid("VERSION's JSON is not an object");
        }
        JsonNode capabilities = root.get(CAPABILITIES);
        if (capabilities == null) {
            return NONE;
        }
        if (!capabilities.isObject()) {
            throw Wire.invalid("VERSION's capabilities are not a JSON object");
        }
        return new Capabilities(
                number(capabilities, MAX_MSG_FDS),
                number(capabilities, MAX_DATA_XFER_SIZE),
                number(capabilities, PGSIZES),
                number(capabilities, MAX_DMA_MAPS),
                bool(capabilities, WRITE_MULTIPLE));
    }

    private static OptionalLong number(JsonNode capabilities, String key) throws VfioUserException {
        JsonNode value = capabilities.get(key);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
            throw Wire.invalid("VERSION's " + key + " is not a number of 0 to 2^63 - 1");
        }
        return OptionalLong.of(value.longValue());
    }

    private static Optional<Boolean> bool(JsonNode capabilities, String key) throws VfioUserException {
        JsonNode value = capabilities.get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isBoolean()) {
            throw Wire.invalid("VERSION's " + key + " is neither true nor false");
        }
        return Optional.of(value.booleanValue());
    }

    /** The JSON that says this, without blanks. */
    public String toJson() {
        ObjectNode root = Json.MAPPER.createObjectNode();
        ObjectNode capabilities = root.putObject(CAPABILITIES);
        maxMessageFds.ifPresent(value -> capabilities.put(MAX_MSG_FDS, value));
        maxDataTransferBytes.ifPresent(value -> capabilities.put(MAX_DATA_XFER_SIZE, value));
        pageSizes.ifPresent(value -> capabilities.put(PGSIZES, value));
        maxDmaMaps.ifPresent(value -> capabilities.put(MAX_DMA_MAPS, value));
        writeMultiple.ifPresent(value -> capabilities.put(WRITE_MULTIPLE, value));
        return root.toString();
    }

    /** Made when the first client comes, not when the program starts: it takes a tenth of a second. */
    private static final class Json {
        static final JsonMapper MAPPER = JsonMapper.builder().build();
    }
}
