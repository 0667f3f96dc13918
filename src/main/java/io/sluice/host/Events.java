package io.sluice.host;

import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.SmartLog;
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

    /** The SMART log's critical warnings that every controller knows. */
    private static final int WARNINGS = SmartLog.WARNING_SPARE
            | SmartLog.WARNING_TEMPERATURE
            | SmartLog.WARNING_RELIABILITY
            | SmartLog.WARNING_READ_ONLY
            | SmartLog.WARNING_BACKUP;

    /** Notices whose log pages are read here; another would block its type. */
    private static final int NOTICES = FeatureValue.EVENT_NAMESPACE_ATTRIBUTES | FeatureValue.EVENT_FIRMWARE_ACTIVATION;

    private static final Logger LOG = LoggerFactory.getLogger(Events.class);

    private final AdminQueue admin;
    private final int requests;
    private final int optionalEvents;
    private final Consumer<DeviceEvent> listener;
    private int configuredRestart = -1;
    private boolean namespacesChanged;

    Events(AdminQueue admin, ControllerInfo controller, Consumer<DeviceEvent> listener) {
        this.admin = admin;
        this.requests = Math.min(controller.asyncEventLimit(), MAX_REQUESTS);
        this.optionalEvents = controller.optionalEvents();
        this.listener = listener;
    }

    /** One step: a bounded number of events. */
    void serve() throws IOException {
        configure();
        if (admin.takeUnread()) {
            readAll();
        }
        for (int i = 0; i < requests; i++) {
            Integer dw0 = admin.takeEvent();
            if (dw0 == null) {
                break;
            }
            DeviceEvent event = new DeviceEvent(dw0, AsyncEvent.of(dw0), log(AsyncEvent.logPage(dw0)));
            if (event.known() == AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED) {
                namespacesChanged = true;
            }
            tell(event);
        }
        admin.requestEvents(requests);
    }

    /** All logs that an event may have named which another process has taken with it. */
    private void readAll() throws IOException {
        for (int page :
                new int[] {LogPage.ERROR_INFORMATION, LogPage.SMART, LogPage.FIRMWARE_SLOT, LogPage.CHANGED_NAMESPACES
                }) {
            log(page);
        }
        namespacesChanged = true;
    }

    /** Whether the namespaces are to be looked at, asked once for all events that said so. */
    boolean takeNamespacesChanged() {
        boolean changed = namespacesChanged;
        namespacesChanged = false;
        return changed;
    }

    /** Which events it sends (feature 0Bh) is forgotten by a reset, and what it sends unasked is the controller's choice. */
    private void configure() throws IOException {
        if (configuredRestart == admin.restarts()) {
            return;
        }
        try {
            admin.setFeature(
                    Feature.ASYNC_EVENT_CONFIGURATION,
                    WARNINGS | (optionalEvents & NOTICES),
                    "Set Features Asynchronous Event Configuration");
        } catch (CommandFailed refused) {
            LOG.warn("it sends the events that it likes: {}", refused.getMessage());
        }
        configuredRestart = admin.restarts();
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
