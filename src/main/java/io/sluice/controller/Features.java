package io.sluice.controller;

import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Feature;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * The values of features: NVMe 1.4, 5.21.1. Plain numbers, set back to their defaults by each reset; none is saved. Belongs
 * to the controller's agent.
 *
 * <p>{@link FeatureCommands} checks what a guest wants to set; here are the values and what they mean to others.
 */
final class Features {
    private final ControllerConfig config;
    private final int maxNsid;
    private int[] nsids;

    /** CDW11 of the features that are one number, by feature identifier. */
    private final int[] values = new int[Feature.ASYNC_EVENT_CONFIGURATION + 1];

    /** Error Recovery, by the namespaces' order. */
    private int[] errorRecovery;

    /** Interrupt Vector Configuration's Coalescing Disable, by vector. */
    private final boolean[] coalescingDisabled;

    private final DataFeatures ofData;
    private final KeepAlive keepAlive;
    private int overTemperature;
    private int underTemperature;
    private int submissionQueues;
    private int completionQueues;

    /**
     * As after a reset.
     *
     * @param maxNsid the largest identifier that a namespace can have
     * @param nsids those that are there
     * @param clock in nanoseconds
     */
    Features(ControllerConfig config, int maxNsid, int[] nsids, LongSupplier clock) {
        this.config = config;
        this.maxNsid = maxNsid;
        this.nsids = nsids.clone();
        this.ofData = new DataFeatures(clock);
        this.keepAlive = new KeepAlive(clock);
        this.errorRecovery = new int[nsids.length];
        this.coalescingDisabled = new boolean[config.interruptVectors()];
        reset();
    }

    /** Every reset of the controller: NVMe 1.4, 5.21.1. */
    void reset() {
        for (int feature = 0; feature < values.length; feature++) {
            values[feature] = defaultValue(feature);
        }
        Arrays.fill(errorRecovery, 0);
        Arrays.fill(coalescingDisabled, false);
        overTemperature = Health.DEFAULT_OVER_TEMPERATURE;
        underTemperature = Health.DEFAULT_UNDER_TEMPERATURE;
        submissionQueues = config.maxQueuePairs();
        completionQueues = config.maxQueuePairs();
        ofData.reset();
        keepAlive.reset();
    }

    void save(SnapshotWriter out) {
        out.put(values);
        out.put(nsids);
        out.put(errorRecovery);
        out.put(coalescingDisabled);
        out.put(overTemperature);
        out.put(underTemperature);
        out.put(submissionQueues);
        out.put(completionQueues);
        ofData.save(out);
        keepAlive.save(out);
    }

    /** Namespaces may have come and gone since. */
    void resume(SnapshotReader in) {
        int[] present = nsids;
        in.get(values);
        nsids = in.getInts();
        errorRecovery = in.getInts();
        in.get(coalescingDisabled);
        overTemperature = in.getInt();
        underTemperature = in.getInt();
        submissionQueues = in.getInt();
        completionQueues = in.getInt();
        ofData.resume(in);
        keepAlive.resume(in);
        setNamespaces(present);
    }

    /** The timer that a host sets for itself. */
    KeepAlive keepAlive() {
        return keepAlive;
    }

    /** Those that are more than a number. */
    DataFeatures ofData() {
        return ofData;
    }

    /** The default of a feature that is one number. */
    static int defaultValue(int feature) {
        return switch (feature) {
            case Feature.ARBITRATION -> Identification.ARBITRATION_BURST_SHIFT;
            case Feature.VOLATILE_WRITE_CACHE -> 1; // one that there is, is on
            default -> 0;
        };
    }

    /** The value of a feature that is one number. */
    int value(int feature) {
        return values[feature];
    }

    void setValue(int feature, int value) {
        values[feature] = value;
    }

    /** Whether the host wants to be told of an event. */
    boolean isEventEnabled(AsyncEvent event) {
        return event.isEnabledBy(values[Feature.ASYNC_EVENT_CONFIGURATION]);
    }

    /** Other namespaces are there now; those that were there before keep their values. */
    void setNamespaces(int[] newNsids) {
        int[] kept = new int[newNsids.length];
        for (int i = 0; i < newNsids.length; i++) {
            int before = namespaceIndex(newNsids[i]);
            kept[i] = before >= 0 ? errorRecovery[before] : 0;
        }
        nsids = newNsids.clone();
        errorRecovery = kept;
    }

    /** Whether a namespace can have an identifier: 1 to Identify Controller's NN. */
    boolean isPossibleNamespace(int nsid) {
        return nsid >= 1 && nsid <= maxNsid;
    }

    /** Where a namespace is in the order of namespaces, or -1. */
    int namespaceIndex(int nsid) {
        return Arrays.binarySearch(nsids, nsid);
    }

    int errorRecovery(int namespaceIndex) {
        return errorRecovery[namespaceIndex];
    }

    void setErrorRecovery(int namespaceIndex, int value) {
        errorRecovery[namespaceIndex] = value;
    }

    void setErrorRecoveryOfAll(int value) {
        Arrays.fill(errorRecovery, value);
    }

    boolean isCoalescingDisabled(int vector) {
        return coalescingDisabled[vector];
    }

    void setCoalescingDisabled(int vector, boolean disabled) {
        coalescingDisabled[vector] = disabled;
    }

    /** The threshold of the composite temperature, in kelvins. */
    int temperature(boolean under) {
        return under ? underTemperature : overTemperature;
    }

    void setTemperature(boolean under, int kelvins) {
        if (under) {
            underTemperature = kelvins;
        } else {
            overTemperature = kelvins;
        }
    }

    /** The largest identifier of a submission queue: how many have been granted. */
    int submissionQueues() {
        return submissionQueues;
    }

    /** The largest identifier of a completion queue: how many have been granted. */
    int completionQueues() {
        return completionQueues;
    }

    /** Grants as many queues as there are, of those asked for. */
    void grantQueues(int submission, int completion) {
        submissionQueues = Math.min(submission, config.maxQueuePairs());
        completionQueues = Math.min(completion, config.maxQueuePairs());
    }
}
