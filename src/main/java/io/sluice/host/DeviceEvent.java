package io.sluice.host;

import io.sluice.nvme.AsyncEvent;
import java.nio.ByteBuffer;

/**
 * Something that the controller tells of its own accord: NVMe 1.4, 5.2.
 *
 * @param dw0 type, information and log page, as {@link AsyncEvent} decodes them
 * @param known the event, or null for one that NVMe 1.4 does not name
 * @param log the beginning of the log page that it names, read so that the next event of its type can come; empty where the
 *     controller refused to give it
 */
public record DeviceEvent(int dw0, AsyncEvent known, ByteBuffer log) {}
