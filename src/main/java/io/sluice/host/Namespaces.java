package io.sluice.host;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A controller's namespaces as they were found last, and who wants to hear of those that are not what they were. Changed by the
 * supervising thread, read by any.
 *
 * <pre>
 *   SETTLED ──(event, reset: asked again, and refused)──▶ UNSETTLED ──(asked again, and answered)──▶ SETTLED
 *                                                          │  ▲ refused: a namespace stays what it was
 *                                                          ├──┘
 *                                                          └──(refused for too long: it is unusable now)──▶ SETTLED
 * </pre>
 */
final class Namespaces {
    /** Between two times that the controller is asked, which costs two commands for each namespace. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final Logger log = LoggerFactory.getLogger(Namespaces.class);

    private final String device;
    private final DriverClock clock;
    private final long patienceNanos;
    private final List<NamespaceChange> untold = new ArrayList<>();
    private volatile List<NamespaceInfo> known = List.of();
    private volatile Consumer<NamespaceChange> listener;
    private boolean unsettled;
    private long nextAsk;
    private long deadline;

    /** @param patienceMillis for so long a controller that refuses to identify a namespace is asked again */
    Namespaces(String device, int patienceMillis, DriverClock clock) {
        this.device = device;
        this.clock = clock;
        this.patienceNanos = TimeUnit.MILLISECONDS.toNanos(patienceMillis);
    }

    List<NamespaceInfo> known() {
        return known;
    }

    void listen(Consumer<NamespaceChange> newListener) {
        listener = newListener;
    }

    boolean isListenedTo() {
        return listener != null;
    }

    /** At bring-up: there is nobody yet to tell of it. */
    void found(List<NamespaceInfo> active) {
        known = List.copyOf(active);
    }

    /** Whether the namespaces are what is known of them, as far as anybody can tell. */
    boolean isSettled() {
        return !unsettled;
    }

    boolean isToBeAskedAgain() {
        return unsettled && clock.nanoTime() - nextAsk >= 0;
    }

    /**
     * Looks at them again. What has changed is told by {@link #tellChanges}. That the controller refuses to answer is no failure:
     * another namespace may be all right, and this one may be later.
     *
     * @throws IOException if the controller does not answer at all, or lies
     */
    void identifyAgain(Identification identification) throws IOException {
        try {
            List<NamespaceInfo> active = identification.namespaces();
            settle(active, identification.refused(), doubt(active, identification.refused()));
        } catch (CommandFailed e) {
            List<NamespaceInfo> unknown = known.stream()
                    .map(each -> NamespaceInfo.unknown(each.nsid(), e))
                    .toList();
            settle(unknown, byNsid().keySet(), e.getMessage());
        }
    }

    /** Why it is not known what has become of a namespace; empty if it is, or if its owner has heard that it is unusable. */
    private String doubt(List<NamespaceInfo> active, Set<Integer> refused) {
        Map<Integer, NamespaceInfo> before = byNsid();
        return active.stream()
                .filter(each -> refused.contains(each.nsid()))
                .filter(each -> !before.containsKey(each.nsid())
                        || before.get(each.nsid()).oddity().isEmpty())
                .map(NamespaceInfo::oddity)
                .findFirst()
                .orElse("");
    }

    /**
     * @param refused which of the active ones were not identified
     * @param doubt why the controller is to be asked again, or empty
     */
    private void settle(List<NamespaceInfo> active, Set<Integer> refused, String doubt) {
        long now = clock.nanoTime();
        if (doubt.isEmpty()) {
            unsettled = false;
        } else if (unsettled) {
            unsettled = now - deadline < 0;
        } else {
            unsettled = true;
            deadline = now + patienceNanos;
            log.warn("the namespaces of {} are asked for again, as one may have changed: {}", device, doubt);
        }
        nextAsk = now + PAUSE_NANOS;
        identified(unsettled ? withKnown(active, refused) : active);
    }

    /** For now a namespace that is refused stays what it was, and one that is new stays out. */
    private List<NamespaceInfo> withKnown(List<NamespaceInfo> active, Set<Integer> refused) {
        Map<Integer, NamespaceInfo> before = byNsid();
        return active.stream()
                .map(each -> refused.contains(each.nsid()) ? before.get(each.nsid()) : each)
                .filter(each -> each != null)
                .toList();
    }

    private Map<Integer, NamespaceInfo> byNsid() {
        Map<Integer, NamespaceInfo> map = new TreeMap<>(Integer::compareUnsigned);
        known.forEach(namespace -> map.put(namespace.nsid(), namespace));
        return map;
    }

    private void identified(List<NamespaceInfo> active) {
        Map<Integer, NamespaceInfo> before = byNsid();
        for (NamespaceInfo now : active) {
            NamespaceInfo old = before.remove(now.nsid());
            if (old == null || !old.isSameDisk(now)) {
                untold.add(new NamespaceChange(old, now));
            }
        }
        before.values().forEach(gone -> untold.add(new NamespaceChange(gone, null)));
        known = List.copyOf(active);
    }

    /** What a listener does wrong is no fault of the device. */
    void tellChanges() {
        List<NamespaceChange> changes = List.copyOf(untold);
        untold.clear();
        for (NamespaceChange change : changes) {
            log.warn(
                    "namespace {} of {} is not what it was: {}",
                    Integer.toUnsignedString(change.nsid()),
                    device,
                    change.description());
            tell(change);
        }
    }

    private void tell(NamespaceChange change) {
        Consumer<NamespaceChange> told = listener;
        try {
            if (told != null) {
                told.accept(change);
            }
        } catch (RuntimeException | AssertionError e) {
            log.error("a listener has failed on a change of namespace {}", Integer.toUnsignedString(change.nsid()), e);
        }
    }
}
