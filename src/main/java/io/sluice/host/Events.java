package io.sluice.host;

import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.LogPage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps Asynchronous Event Requests outstanding (NVMe 1.4, 5.2) and answers each event: the log page that it names is read,
 * which allows the next event of its type; then a listener is told.
 */
final class Events {
    /** More would only be of use where several types of events come in a burst. */
    private static final int MAX_REQUESTS = 4;

    /** Of a log page that an event names: all of most. */
    private static final int LOG_BYTES = 512;

    /** The Changed Namespace List is read whole: its beginning alone does not clear it. */
    private static final int NAMESPACE_LIST_BYTES = 4096;

    private static final Logger LOG = LoggerFactory.getLogger(Events.class);

    private final AdminQueue admin;
    private final int requests;
    private final Consumer<DeviceEvent> listener;

    /** @param limit AERL decoded */
    Events(AdminQueue admin, int limit, Consumer<DeviceEvent> listener) {
        this.admin = admin;
        this.requests = Math.min(limit, MAX_REQUESTS);
        this.listener = listener;
    }

    /** One step: a bounded number of events. */
    void serve() throws IOException {
        for (int i = 0; i < requests; i++) {
            Integer dw0 = admin.takeEvent();
            if (dw0 == null) {
                break;
            }
            tell(new DeviceEvent(dw0, AsyncEvent.of(dw0), log(AsyncEvent.logPage(dw0))));
        }
        admin.requestEvents(requests);
    }

    /** What a listener does wrong is no fault of the device. */
    private void tell(DeviceEvent event) {
        try {
            listener.accept(event);
        } catch (RuntimeException | AssertionError e) {
            LOG.error("a listener has failed on event 0x{}", Integer.toHexString(event.dw0()), e);
        }
    }

    private ByteBuffer log(int logPageId) throws IOException {
        int bytes = logPageId == LogPage.CHANGED_NAMESPACES ? NAMESPACE_LIST_BYTES : LOG_BYTES;
        try {
            return ByteBuffer.wrap(admin.logPage(logPageId, bytes)).order(ByteOrder.LITTLE_ENDIAN);
        } catch (CommandFailed refused) {
            return ByteBuffer.allocate(0);
        }
    }
}
