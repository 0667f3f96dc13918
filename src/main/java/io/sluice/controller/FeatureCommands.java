package io.sluice.controller;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/** Get and Set Features: NVMe 1.4, 5.13 and 5.21. */
final class FeatureCommands {
    private static final int AT_NSID = 4;
    private static final int AT_FID = 40;
    private static final int AT_SELECT = 41;
    private static final int AT_SAVE = 43;
    private static final int SAVE_BIT = 7;
    private static final int WORKLOAD_HINT_BIT = 5;
    private static final int AT_VALUE = 44;
    private static final int NO_NAMESPACE = 0;
    /** NSQR and NCQR, as they are on the wire, may ask for no more than 65,535 queues: NVMe 1.4, 5.21.1.7. */
    private static final int ILLEGAL_QUEUES = 0xffff;
    /** The events that can be switched on: the SMART log's warnings, and notices as Identify Controller's OAES says. */
    private static final int OFFERED_EVENTS = Health.WARNINGS | Identification.OFFERED_NOTICES;

    private final ControllerConfig config;
    private final Features features;
    private final IoQueues queues;
    private final InterruptCoalescing coalescing;
    private final EventConditions events;
    private final GuestData data;
    private final boolean hasVolatileCache;

    FeatureCommands(
            ControllerConfig config,
            Features features,
            IoQueues queues,
            InterruptCoalescing coalescing,
            EventConditions events,
            GuestData data,
            boolean hasVolatileCache) {
        this.config = config;
        this.features = features;
        this.queues = queues;
        this.coalescing = coalescing;
        this.events = events;
        this.data = data;
        this.hasVolatileCache = hasVolatileCache;
    }

    private boolean isOffered(int feature) {
        return switch (feature) {
            case Feature.ARBITRATION,
                    Feature.POWER_MANAGEMENT,
                    Feature.TEMPERATURE_THRESHOLD,
                    Feature.ERROR_RECOVERY,
                    Feature.NUMBER_OF_QUEUES,
                    Feature.INTERRUPT_COALESCING,
                    Feature.INTERRUPT_VECTOR_CONFIGURATION,
                    Feature.WRITE_ATOMICITY,
                    Feature.ASYNC_EVENT_CONFIGURATION,
                    Feature.TIMESTAMP,
                    Feature.KEEP_ALIVE_TIMER,
                    Feature.HOST_IDENTIFIER -> true;
            case Feature.VOLATILE_WRITE_CACHE -> hasVolatileCache;
            default -> false;
        };
    }

    private static boolean isNamespaceSpecific(int feature) {
        return feature == Feature.ERROR_RECOVERY;
    }

    // ---- Get Features

    int get(AdminCommand command) {
        int feature = AdminSqe.featureId(command.sqe());
        if (!isOffered(feature)) {
            return command.refuse(Status.INVALID_FIELD, AT_FID, 0);
        }
        return switch (AdminSqe.featureSelect(command.sqe())) {
            case Feature.SELECT_CURRENT -> getValue(command, feature, true);
            // Nothing can be saved, so the saved value is the default one: NVMe 1.4, 5.13.
            case Feature.SELECT_DEFAULT, Feature.SELECT_SAVED -> getValue(command, feature, false);
            case Feature.SELECT_SUPPORTED_CAPABILITIES -> {
                command.setDw0(
                        isNamespaceSpecific(feature)
                                ? Feature.CAPABILITY_CHANGEABLE + Feature.CAPABILITY_NAMESPACE_SPECIFIC
                                : Feature.CAPABILITY_CHANGEABLE);
                yield Status.OK;
            }
            default -> command.refuse(Status.INVALID_FIELD, AT_SELECT, 0);
        };
    }

    private int getValue(AdminCommand command, int feature, boolean current) {
        return switch (feature) {
            case Feature.TEMPERATURE_THRESHOLD -> getTemperature(command, current);
            case Feature.ERROR_RECOVERY -> getErrorRecovery(command, current);
            case Feature.INTERRUPT_VECTOR_CONFIGURATION -> getVector(command, current);
            case Feature.TIMESTAMP -> getTimestamp(command, current);
            case Feature.HOST_IDENTIFIER -> getHostId(command, current);
            case Feature.KEEP_ALIVE_TIMER -> {
                command.setDw0(current ? (int) features.keepAlive().timeoutMillis() : 0);
                yield Status.OK;
            }
            case Feature.NUMBER_OF_QUEUES -> {
                int most = config.maxQueuePairs();
                command.setDw0(FeatureValue.numberOfQueues(
                        current ? features.submissionQueues() : most, current ? features.completionQueues() : most));
                yield Status.OK;
            }
            default -> {
                command.setDw0(current ? features.value(feature) : Features.defaultValue(feature));
                yield Status.OK;
            }
        };
    }

    private int getTemperature(AdminCommand command, boolean current) {
        int selector = Sqe.cdw11(command.sqe());
        int status = checkTemperature(command, selector, false);
        if (status != Status.OK) {
            return status;
        }
        boolean under = FeatureValue.thresholdType(selector) == FeatureValue.THRESHOLD_UNDER;
        int byDefault = under ? Health.DEFAULT_UNDER_TEMPERATURE : Health.DEFAULT_OVER_TEMPERATURE;
        command.setDw0(current ? features.temperature(under) : byDefault);
        return Status.OK;
    }

    private int getErrorRecovery(AdminCommand command, boolean current) {
        int index = features.namespaceIndex(Sqe.nsid(command.sqe()));
        if (index < 0) {
            return refuseNamespace(command);
        }
        command.setDw0(current ? features.errorRecovery(index) : 0);
        return Status.OK;
    }

    private int getVector(AdminCommand command, boolean current) {
        int vector = FeatureValue.interruptVector(Sqe.cdw11(command.sqe()));
        if (vector >= config.interruptVectors()) {
            return command.refuse(Status.INVALID_FIELD, AT_VALUE, 0);
        }
        command.setDw0(FeatureValue.vectorConfiguration(vector, current && features.isCoalescingDisabled(vector)));
        return Status.OK;
    }

    /** NVMe 1.4, 5.21.1.14. By default it counts from nothing. */
    private int getTimestamp(AdminCommand command, boolean current) {
        Memory.putLong(data.clearBuffer(), current ? features.ofData().timestamp() : 0);
        return data.send(command.sqe(), 0, FeatureValue.TIMESTAMP_BYTES);
    }

    /** NVMe 1.4, 5.21.1.26: 8 or 16 bytes, as EXHID says; one of 16 bytes does not fit into 8. */
    private int getHostId(AdminCommand command, boolean current) {
        DataFeatures values = features.ofData();
        boolean extended = FeatureValue.hostIdExtended(Sqe.cdw11(command.sqe()));
        if (current && !extended && values.hostIdHigh() != 0) {
            return command.refuse(Status.HOST_ID_INCONSISTENT_FORMAT, AT_VALUE, 0);
        }
        long target = data.clearBuffer();
        if (current) {
            Memory.putLong(target, values.hostIdLow());
            Memory.putLong(target + Long.BYTES, values.hostIdHigh());
        }
        return data.send(command.sqe(), 0, extended ? 2 * Long.BYTES : Long.BYTES);
    }

    // ---- Set Features

    int set(AdminCommand command) {
        int feature = AdminSqe.featureId(command.sqe());
        if (!isOffered(feature)) {
            return command.refuse(Status.INVALID_FIELD, AT_FID, 0);
        }
        if (AdminSqe.featureSave(command.sqe())) {
            return command.refuse(Status.FEATURE_NOT_SAVEABLE, AT_SAVE, SAVE_BIT);
        }
        int status = checkNamespace(command, feature);
        return status == Status.OK ? setValue(command, feature, Sqe.cdw11(command.sqe())) : status;
    }

    /** NVMe 1.4, 5.21: a namespace where the feature has none of its own is an error. */
    private int checkNamespace(AdminCommand command, int feature) {
        int nsid = Sqe.nsid(command.sqe());
        if (nsid == Sqe.NSID_ALL || (nsid == NO_NAMESPACE && !isNamespaceSpecific(feature))) {
            return Status.OK;
        }
        if (features.namespaceIndex(nsid) < 0) {
            return refuseNamespace(command);
        }
        return isNamespaceSpecific(feature)
                ? Status.OK
                : command.refuse(Status.FEATURE_NOT_NAMESPACE_SPECIFIC, AT_NSID, 0);
    }

    /** NVMe 1.4, 6.1.5: an identifier that a namespace could have, but none has, is a bad field. */
    private int refuseNamespace(AdminCommand command) {
        boolean possible = features.isPossibleNamespace(Sqe.nsid(command.sqe()));
        return command.refuse(possible ? Status.INVALID_FIELD : Status.INVALID_NAMESPACE_OR_FORMAT, AT_NSID, 0);
    }

    private int setValue(AdminCommand command, int feature, int value) {
        return switch (feature) {
            case Feature.POWER_MANAGEMENT -> setPowerState(command, value);
            case Feature.TEMPERATURE_THRESHOLD -> setTemperature(command, value);
            case Feature.ERROR_RECOVERY -> setErrorRecovery(command, value);
            case Feature.NUMBER_OF_QUEUES -> setQueues(command, value);
            case Feature.INTERRUPT_VECTOR_CONFIGURATION -> setVector(command, value);
            case Feature.TIMESTAMP -> setTimestamp(command);
            case Feature.HOST_IDENTIFIER -> setHostId(command, value);
            case Feature.VOLATILE_WRITE_CACHE -> setWriteCache(value);
            case Feature.INTERRUPT_COALESCING -> setCoalescing(value);
            case Feature.KEEP_ALIVE_TIMER -> setKeepAlive(command, value);
            case Feature.ASYNC_EVENT_CONFIGURATION -> {
                events.configure(withoutReserved(feature, value));
                yield Status.OK;
            }
            default -> {
                features.setValue(feature, withoutReserved(feature, value));
                yield Status.OK;
            }
        };
    }

    /** NVMe 1.4, 5.21.1.6. The cache is the device's, and shared: a guest that wants none gets each write through it. */
    private int setWriteCache(int value) {
        int kept = withoutReserved(Feature.VOLATILE_WRITE_CACHE, value);
        features.setValue(Feature.VOLATILE_WRITE_CACHE, kept);
        queues.setWriteCache(kept != 0);
        return Status.OK;
    }

    private int setPowerState(AdminCommand command, int value) {
        if (FeatureValue.powerState(value) != 0) {
            return command.refuse(Status.INVALID_FIELD, AT_VALUE, 0); // there is only state 0: NPSS is 0
        }
        if (FeatureValue.isReservedHint(FeatureValue.workloadHint(value))) {
            return command.refuse(Status.INVALID_FIELD, AT_VALUE, WORKLOAD_HINT_BIT);
        }
        features.setValue(Feature.POWER_MANAGEMENT, withoutReserved(Feature.POWER_MANAGEMENT, value));
        return Status.OK;
    }

    private int setTemperature(AdminCommand command, int value) {
        int status = checkTemperature(command, value, true);
        if (status != Status.OK) {
            return status;
        }
        events.setTemperature(
                FeatureValue.thresholdType(value) == FeatureValue.THRESHOLD_UNDER,
                FeatureValue.temperatureThreshold(value));
        return Status.OK;
    }

    private int checkTemperature(AdminCommand command, int value, boolean allSensors) {
        int sensor = FeatureValue.temperatureSensor(value);
        if (sensor != FeatureValue.TEMPERATURE_COMPOSITE && !(allSensors && sensor == FeatureValue.TEMPERATURE_ALL)) {
            return command.refuse(Status.INVALID_FIELD, AT_VALUE + 2, 0);
        }
        return FeatureValue.thresholdType(value) > FeatureValue.THRESHOLD_UNDER
                ? command.refuse(Status.INVALID_FIELD, AT_VALUE + 2, 4)
                : Status.OK;
    }

    private int setErrorRecovery(AdminCommand command, int value) {
        if (FeatureValue.deallocatedErrorEnabled(value)) {
            return command.refuse(Status.INVALID_FIELD, AT_VALUE + 2, 0); // Identify Namespace NSFEAT bit 2 is 0
        }
        int kept = withoutReserved(Feature.ERROR_RECOVERY, value);
        int nsid = Sqe.nsid(command.sqe());
        if (nsid == Sqe.NSID_ALL) {
            features.setErrorRecoveryOfAll(kept);
        } else {
            features.setErrorRecovery(features.namespaceIndex(nsid), kept);
        }
        return Status.OK;
    }

    private int setTimestamp(AdminCommand command) {
        int status = data.receive(command.sqe(), FeatureValue.TIMESTAMP_BYTES);
        if (status == Status.OK) {
            features.ofData().setTimestamp(FeatureValue.timestampMillis(data.received(0)));
        }
        return status;
    }

    private int setHostId(AdminCommand command, int value) {
        boolean extended = FeatureValue.hostIdExtended(value);
        int status = data.receive(command.sqe(), extended ? 2 * Long.BYTES : Long.BYTES);
        if (status == Status.OK) {
            features.ofData().setHostId(data.received(0), extended ? data.received(Long.BYTES) : 0);
        }
        return status;
    }

    /** NVMe 1.4, 5.21.1.7. */
    private int setQueues(AdminCommand command, int value) {
        if (!queues.isEmpty()) {
            return command.refuse(Status.COMMAND_SEQUENCE_ERROR, AT_FID, 0);
        }
        int submission0 = FeatureValue.submissionQueues0(value);
        int completion0 = FeatureValue.completionQueues0(value);
        if (submission0 == ILLEGAL_QUEUES || completion0 == ILLEGAL_QUEUES) {
            return command.refuse(Status.INVALID_FIELD, submission0 == ILLEGAL_QUEUES ? AT_VALUE : AT_VALUE + 2, 0);
        }
        features.grantQueues(submission0 + 1, completion0 + 1);
        command.setDw0(FeatureValue.numberOfQueues(features.submissionQueues(), features.completionQueues()));
        return Status.OK;
    }

    /** NVMe 1.4, 5.21.1.15. */
    private int setKeepAlive(AdminCommand command, int value) {
        long millis = FeatureValue.keepAliveMillis(value);
        if (!KeepAlive.isValid(millis)) {
            return command.refuse(Status.KEEP_ALIVE_TIMEOUT_INVALID, AT_VALUE, 0);
        }
        features.keepAlive().set(millis);
        return Status.OK;
    }

    /** The command Keep Alive: NVMe 1.4, 5.16. */
    int keepAlive() {
        features.keepAlive().restart();
        return Status.OK;
    }

    /** NVMe 1.4, 5.21.1.8. */
    private int setCoalescing(int value) {
        features.setValue(Feature.INTERRUPT_COALESCING, withoutReserved(Feature.INTERRUPT_COALESCING, value));
        coalescing.configured();
        return Status.OK;
    }

    /** NVMe 1.4, 5.21.1.9. */
    private int setVector(AdminCommand command, int value) {
        int vector = FeatureValue.interruptVector(value);
        if (vector >= config.interruptVectors()) {
            return command.refuse(Status.INVALID_FIELD, AT_VALUE, 0);
        }
        features.setCoalescingDisabled(vector, FeatureValue.coalescingDisabled(value));
        coalescing.configured();
        return Status.OK;
    }

    /** CDW11 as it is kept: without bits that are reserved or stand for what is not offered. */
    private static int withoutReserved(int feature, int value) {
        return switch (feature) {
            case Feature.ARBITRATION -> Bits.with(value, 7, 3, 0);
            case Feature.POWER_MANAGEMENT -> Bits.get(value, 7, 0);
            case Feature.ERROR_RECOVERY, Feature.INTERRUPT_COALESCING -> Bits.get(value, 15, 0);
            case Feature.ASYNC_EVENT_CONFIGURATION -> value & OFFERED_EVENTS;
            default -> Bits.get(value, 0, 0); // Volatile Write Cache, Write Atomicity Normal
        };
    }
}
