package io.sluice.controller;

import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Feature;

/**
 * What the features make of events: NVMe 1.4, 5.21.1.4 and 5.21.1.11. Belongs to the controller's agent.
 *
 * <p>A condition that lasts is told of when it begins, and when a host that has not wanted to know of it begins to.
 */
final class EventConditions {
    private final Features features;
    private final AsyncEvents events;
    private final Health health;
    private final ChangedNamespaces changedNamespaces;

    EventConditions(Features features, AsyncEvents events, Health health, ChangedNamespaces changedNamespaces) {
        this.features = features;
        this.events = events;
        this.health = health;
        this.changedNamespaces = changedNamespaces;
    }

    /** Asynchronous Event Configuration is set: what is not wanted any more is not told of, what is true already is. */
    void configure(int value) {
        int before = features.value(Feature.ASYNC_EVENT_CONFIGURATION);
        features.setValue(Feature.ASYNC_EVENT_CONFIGURATION, value);
        events.withdrawUnless(features::isEventEnabled);
        raiseIfNew(AsyncEvent.TEMPERATURE_THRESHOLD, before, health.isTemperatureCritical());
        raiseIfNew(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED, before, !changedNamespaces.isEmpty());
    }

    private void raiseIfNew(AsyncEvent event, int configuredBefore, boolean condition) {
        if (condition && !event.isEnabledBy(configuredBefore)) {
            raiseIfEnabled(event);
        }
    }

    /** A threshold of the temperature is set. */
    void setTemperature(boolean under, int kelvins) {
        boolean was = health.isTemperatureCritical();
        features.setTemperature(under, kelvins);
        if (!was && health.isTemperatureCritical()) {
            raiseIfEnabled(AsyncEvent.TEMPERATURE_THRESHOLD);
        }
    }

    private void raiseIfEnabled(AsyncEvent event) {
        if (features.isEventEnabled(event)) {
            events.raise(event);
        }
    }
}
