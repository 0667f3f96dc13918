package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Get and Set Features: NVMe 1.4, 5.13 and 5.21. */
class FeatureTest {
    private ControllerRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
        rig.enable(16);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private int current(int feature) {
        return get(feature, Feature.SELECT_CURRENT, 0);
    }

    private int get(int feature, int select, int cdw11) {
        ControllerRig.Completion completion = rig.getFeature(feature, select, cdw11);
        assertEquals(Status.OK, completion.status());
        return completion.dw0();
    }

    private int set(int feature, int nsid, int value, boolean save) {
        return rig.admin(AdminOpcode.SET_FEATURES, sqe -> AdminSqe.setSetFeatures(sqe, nsid, feature, value, save))
                .code();
    }

    @ParameterizedTest
    @CsvSource({
        // feature, what is set, what is kept
        "0x01, 0xffffffff, 0xffffff07",
        "0x02, 0x000000e0, 0x000000e0",
        "0x08, 0xffff1234, 0x00001234",
        "0x0a, 0x00000001, 0x00000001",
        "0x0a, 0xfffffffe, 0x00000000",
        "0x0b, 0xffffffff, 0x0000011f"
    })
    void shouldKeepWhatIsSetWithoutReservedBits(String feature, String value, String kept) {
        int fid = Integer.decode(feature);
        int byDefault = get(fid, Feature.SELECT_DEFAULT, 0);
        assertEquals(Status.OK, set(fid, 0, Long.decode(value).intValue(), false));

        assertEquals(Long.decode(kept).intValue(), current(fid));
        assertEquals(byDefault, get(fid, Feature.SELECT_DEFAULT, 0));
        assertEquals(byDefault, get(fid, Feature.SELECT_SAVED, 0), "nothing is saved");
    }

    @ParameterizedTest
    @ValueSource(ints = {0x01, 0x02, 0x04, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0e, 0x0f, 0x81})
    void shouldSayThatAFeatureCanBeChangedButNotSaved(int feature) {
        assertEquals(Feature.CAPABILITY_CHANGEABLE, get(feature, Feature.SELECT_SUPPORTED_CAPABILITIES, 0));
        assertEquals(Status.FEATURE_NOT_SAVEABLE.dnr(), set(feature, 0, 0, true));
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x03, 0x06, 0x0c, 0x0d, 0x10, 0x16, 0x80, 0x82, 0xff})
    void shouldRefuseAFeatureThatIsNotOffered(int feature) {
        assertEquals(Status.INVALID_FIELD.dnr(), set(feature, 0, 0, false));
        assertEquals(Status.INVALID_FIELD.dnr(), rig.getFeature(feature, 0, 0).code());
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5, 6, 7})
    void shouldRefuseAReservedSelect(int select) {
        assertEquals(
                Status.INVALID_FIELD.dnr(),
                rig.getFeature(Feature.ARBITRATION, select, 0).code());
    }

    @Test
    void shouldRefuseANamespaceWhereTheFeatureHasNone() {
        assertEquals(Status.FEATURE_NOT_NAMESPACE_SPECIFIC.dnr(), set(Feature.WRITE_ATOMICITY, 1, 1, false));
        assertEquals(Status.INVALID_FIELD.dnr(), set(Feature.WRITE_ATOMICITY, 2, 1, false));
        assertEquals(Status.INVALID_NAMESPACE_OR_FORMAT.dnr(), set(Feature.WRITE_ATOMICITY, 4, 1, false));
        assertEquals(Status.OK, set(Feature.WRITE_ATOMICITY, Sqe.NSID_ALL, 1, false));
        assertEquals(1, current(Feature.WRITE_ATOMICITY));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 31})
    void shouldRefuseAPowerStateThatIsNotThere(int state) {
        assertEquals(Status.INVALID_FIELD.dnr(), set(Feature.POWER_MANAGEMENT, 0, state, false));
    }

    /** NVMe 1.4, 1.8: a reserved coded value in a defined field is an error; figure 274 has the workload hints. */
    @ParameterizedTest
    @CsvSource({"0,true", "1,true", "2,true", "3,false", "4,false", "5,false", "6,true", "7,true"})
    void shouldRefuseAReservedWorkloadHint(int hint, boolean allowed) {
        assertEquals(
                allowed ? Status.OK : Status.INVALID_FIELD.dnr(), set(Feature.POWER_MANAGEMENT, 0, hint << 5, false));
        assertEquals(allowed ? hint << 5 : 0, current(Feature.POWER_MANAGEMENT));
    }

    // ---- Temperature Threshold, 5.21.1.4

    @Test
    void shouldKeepBothTemperatureThresholds() {
        int under = 1 << 20;
        assertEquals(353, get(Feature.TEMPERATURE_THRESHOLD, Feature.SELECT_CURRENT, 0));
        assertEquals(0, get(Feature.TEMPERATURE_THRESHOLD, Feature.SELECT_CURRENT, under));
        set(Feature.TEMPERATURE_THRESHOLD, 0, 350, false);
        set(Feature.TEMPERATURE_THRESHOLD, 0, under + 280, false);

        assertEquals(350, get(Feature.TEMPERATURE_THRESHOLD, Feature.SELECT_CURRENT, 0));
        assertEquals(280, get(Feature.TEMPERATURE_THRESHOLD, Feature.SELECT_CURRENT, under));
        assertEquals(353, get(Feature.TEMPERATURE_THRESHOLD, Feature.SELECT_DEFAULT, 0));
        assertEquals(0, get(Feature.TEMPERATURE_THRESHOLD, Feature.SELECT_DEFAULT, under));
    }

    @ParameterizedTest
    @CsvSource({"0x010000,false", "0x080000,false", "0x0f0000,true", "0x200000,false", "0x300000,false"})
    void shouldRefuseATemperatureSensorOrTypeThatIsNotThere(String selector, boolean settable) {
        int cdw11 = Integer.decode(selector);

        assertEquals(
                settable ? Status.OK : Status.INVALID_FIELD.dnr(),
                set(Feature.TEMPERATURE_THRESHOLD, 0, cdw11 + 350, false));
        assertEquals(
                Status.INVALID_FIELD.dnr(),
                rig.getFeature(Feature.TEMPERATURE_THRESHOLD, 0, cdw11).code());
    }

    // ---- Error Recovery, 5.21.1.5

    @Test
    void shouldKeepErrorRecoveryByNamespace() {
        assertEquals(Status.OK, set(Feature.ERROR_RECOVERY, 1, 10, false));
        assertEquals(Status.OK, set(Feature.ERROR_RECOVERY, 3, 30, false));
        assertEquals(10, errorRecovery(1));
        assertEquals(30, errorRecovery(3));
        assertEquals(Status.OK, set(Feature.ERROR_RECOVERY, Sqe.NSID_ALL, 7, false));
        assertEquals(7, errorRecovery(1));
        assertEquals(7, errorRecovery(3));
    }

    private int errorRecovery(int nsid) {
        return rig.admin(AdminOpcode.GET_FEATURES, sqe -> AdminSqe.setGetFeatures(sqe, nsid, Feature.ERROR_RECOVERY, 0))
                .dw0();
    }

    /** NVMe 1.4, 6.1.5: 2 is one that a namespace could have. */
    @ParameterizedTest
    @CsvSource({"0,INVALID_NAMESPACE_OR_FORMAT", "2,INVALID_FIELD", "4,INVALID_NAMESPACE_OR_FORMAT"})
    void shouldRefuseErrorRecoveryOfANamespaceThatIsNotThere(int nsid, Status expected) {
        assertEquals(expected.dnr(), set(Feature.ERROR_RECOVERY, nsid, 1, false));
        int status = rig.admin(
                        AdminOpcode.GET_FEATURES, sqe -> AdminSqe.setGetFeatures(sqe, nsid, Feature.ERROR_RECOVERY, 0))
                .code();
        assertEquals(expected.dnr(), status);
    }

    @Test
    void shouldRefuseErrorsForDeallocatedBlocksWhereTheNamespaceHasNone() {
        assertEquals(Status.INVALID_FIELD.dnr(), set(Feature.ERROR_RECOVERY, 1, 1 << 16, false));
    }

    @Test
    void shouldSayThatErrorRecoveryIsNamespaceSpecific() {
        assertEquals(
                Feature.CAPABILITY_CHANGEABLE + Feature.CAPABILITY_NAMESPACE_SPECIFIC,
                get(Feature.ERROR_RECOVERY, Feature.SELECT_SUPPORTED_CAPABILITIES, 0));
    }

    // ---- Volatile Write Cache, 5.21.1.6

    @Test
    void shouldSwitchTheWriteCacheWhereThereIsOne() throws Exception {
        try (ControllerRig cached = new ControllerRig(ControllerConfig.of("cached", "SN1"), true)) {
            cached.enable(16);
            assertEquals(
                    1, cached.getFeature(Feature.VOLATILE_WRITE_CACHE, 0, 0).dw0());
            cached.setFeature(Feature.VOLATILE_WRITE_CACHE, 0);

            assertEquals(
                    0, cached.getFeature(Feature.VOLATILE_WRITE_CACHE, 0, 0).dw0());
            assertEquals(
                    1,
                    cached.getFeature(Feature.VOLATILE_WRITE_CACHE, Feature.SELECT_DEFAULT, 0)
                            .dw0());
        }
    }

    // ---- Number of Queues, 5.21.1.7

    @ParameterizedTest
    @CsvSource({"1,1,1,1", "4,8,4,8", "64,64,64,64", "65535,65535,64,64", "2,65535,2,64"})
    void shouldGrantQueuesUpToItsOwnNumber(int sqs, int cqs, int grantedSqs, int grantedCqs) {
        ControllerRig.Completion completion =
                rig.setFeature(Feature.NUMBER_OF_QUEUES, FeatureValue.numberOfQueues(sqs, cqs));

        int granted = FeatureValue.numberOfQueues(grantedSqs, grantedCqs);
        assertEquals(granted, completion.dw0());
        assertEquals(granted, current(Feature.NUMBER_OF_QUEUES));
        assertEquals(FeatureValue.numberOfQueues(64, 64), get(Feature.NUMBER_OF_QUEUES, Feature.SELECT_DEFAULT, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {0x0000_ffff, 0xffff_0000, 0xffff_ffff})
    void shouldRefuseMoreQueuesThanThereCanBe(int value) {
        assertEquals(Status.INVALID_FIELD.dnr(), set(Feature.NUMBER_OF_QUEUES, 0, value, false));
    }

    @Test
    void shouldRefuseTheNumberOfQueuesOnceThereIsAQueue() {
        rig.createCq(1, 16, -1);
        assertEquals(Status.COMMAND_SEQUENCE_ERROR.dnr(), set(Feature.NUMBER_OF_QUEUES, 0, 0x0003_0003, false));
        rig.delete(AdminOpcode.DELETE_IO_CQ, 1);

        assertEquals(Status.OK, set(Feature.NUMBER_OF_QUEUES, 0, 0x0003_0003, false));
    }

    // ---- Interrupt Vector Configuration, 5.21.1.9

    @Test
    void shouldKeepTheConfigurationOfEachVector() {
        set(Feature.INTERRUPT_VECTOR_CONFIGURATION, 0, FeatureValue.vectorConfiguration(64, true), false);

        assertEquals(0x0001_0040, get(Feature.INTERRUPT_VECTOR_CONFIGURATION, Feature.SELECT_CURRENT, 64));
        assertEquals(0x0000_0040, get(Feature.INTERRUPT_VECTOR_CONFIGURATION, Feature.SELECT_DEFAULT, 64));
        assertEquals(0x0000_0005, get(Feature.INTERRUPT_VECTOR_CONFIGURATION, Feature.SELECT_CURRENT, 5));
    }

    @ParameterizedTest
    @ValueSource(ints = {65, 0xffff})
    void shouldRefuseTheConfigurationOfAVectorThatIsNotThere(int vector) {
        assertEquals(Status.INVALID_FIELD.dnr(), set(Feature.INTERRUPT_VECTOR_CONFIGURATION, 0, vector, false));
        assertEquals(
                Status.INVALID_FIELD.dnr(),
                rig.getFeature(Feature.INTERRUPT_VECTOR_CONFIGURATION, 0, vector)
                        .code());
    }

    // ---- those that are data: Timestamp, 5.21.1.14, and Host Identifier, 5.21.1.26

    private int getData(int feature, int select, int cdw11) {
        Memory.fill(rig.guest.hva(ControllerRig.DATA), 4096, (byte) 0xee);
        return rig.admin(AdminOpcode.GET_FEATURES, sqe -> {
                    AdminSqe.setGetFeatures(sqe, 0, feature, select);
                    Sqe.setCdw11(sqe, cdw11);
                    Sqe.setPrp1(sqe, ControllerRig.DATA);
                })
                .code();
    }

    private int setData(int feature, int cdw11, long... words) {
        for (int i = 0; i < words.length; i++) {
            Memory.putLong(rig.guest.hva(ControllerRig.DATA) + 8L * i, words[i]);
        }
        return rig.admin(AdminOpcode.SET_FEATURES, sqe -> {
                    AdminSqe.setSetFeatures(sqe, 0, feature, cdw11, false);
                    Sqe.setPrp1(sqe, ControllerRig.DATA);
                })
                .code();
    }

    private long word(int index) {
        return Memory.getLong(rig.guest.hva(ControllerRig.DATA) + 8L * index);
    }

    @Test
    void shouldCountTheTimestampOnFromWhatTheHostHasSet() {
        assertEquals(Status.OK, setData(Feature.TIMESTAMP, 0, 0xffff_0199_1234_5678L));
        rig.nanos += 2_500_000_000L;

        assertEquals(Status.OK, getData(Feature.TIMESTAMP, Feature.SELECT_CURRENT, 0));

        assertEquals(0x0199_1234_5678L + 2500, FeatureValue.timestampMillis(word(0)));
        assertEquals(1, FeatureValue.timestampOrigin(word(0)));
        assertFalse(FeatureValue.timestampStopped(word(0)));
        assertEquals(0xeeee_eeee_eeee_eeeeL, word(1), "8 bytes and no more");
        assertEquals(Status.OK, getData(Feature.TIMESTAMP, Feature.SELECT_DEFAULT, 0));
        assertEquals(0, word(0));
    }

    @Test
    void shouldWrapTheTimestampAt48Bits() {
        assertEquals(Status.OK, setData(Feature.TIMESTAMP, 0, 0xffff_ffff_ffffL));
        rig.nanos += 3_000_000L;
        assertEquals(Status.OK, getData(Feature.TIMESTAMP, Feature.SELECT_CURRENT, 0));
        assertEquals(2, FeatureValue.timestampMillis(word(0)));
        assertEquals(1, FeatureValue.timestampOrigin(word(0)));
    }

    @Test
    void shouldCountTheTimestampFromAReset() throws Exception {
        assertEquals(Status.OK, setData(Feature.TIMESTAMP, 0, 1L << 40));
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.nanos += 7_000_000L;
        rig.enable(16);
        rig.nanos += 1_000_000L;

        assertEquals(Status.OK, getData(Feature.TIMESTAMP, Feature.SELECT_CURRENT, 0));

        assertEquals(0, FeatureValue.timestampOrigin(word(0)));
        assertEquals(8, FeatureValue.timestampMillis(word(0)));
    }

    @Test
    void shouldKeepAHostIdentifierOfEitherSize() throws Exception {
        assertEquals(Status.OK, getData(Feature.HOST_IDENTIFIER, Feature.SELECT_CURRENT, 0));
        assertEquals(0, word(0), "none until one is set");
        assertEquals(Status.OK, setData(Feature.HOST_IDENTIFIER, 0, 0x1122_3344_5566_7788L, -1));
        assertEquals(Status.OK, getData(Feature.HOST_IDENTIFIER, Feature.SELECT_CURRENT, 0));
        assertEquals(0x1122_3344_5566_7788L, word(0));
        assertEquals(0xeeee_eeee_eeee_eeeeL, word(1), "8 bytes and no more");
        assertEquals(Status.OK, getData(Feature.HOST_IDENTIFIER, Feature.SELECT_CURRENT, 1));
        assertEquals(0, word(1));

        assertEquals(Status.OK, setData(Feature.HOST_IDENTIFIER, 1, 5, 6));
        assertEquals(Status.OK, getData(Feature.HOST_IDENTIFIER, Feature.SELECT_CURRENT, 1));
        assertEquals(5, word(0));
        assertEquals(6, word(1));
        assertEquals(
                Status.HOST_ID_INCONSISTENT_FORMAT.dnr(), getData(Feature.HOST_IDENTIFIER, Feature.SELECT_CURRENT, 0));

        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.enable(16);
        assertEquals(Status.OK, getData(Feature.HOST_IDENTIFIER, Feature.SELECT_CURRENT, 1));
        assertEquals(0, word(0));
        assertEquals(0, word(1));
    }

    @Test
    void shouldChangeNothingWhenTheDataCannotBeReached() {
        assertEquals(Status.OK, setData(Feature.HOST_IDENTIFIER, 0, 9));
        for (int feature : new int[] {Feature.TIMESTAMP, Feature.HOST_IDENTIFIER}) {
            int status = rig.admin(AdminOpcode.SET_FEATURES, sqe -> {
                        AdminSqe.setSetFeatures(sqe, 0, feature, 0, false);
                        Sqe.setPrp1(sqe, 0x4000_0000_0000L);
                    })
                    .code();
            assertTrue(Status.DATA_TRANSFER_ERROR.is(status), Status.describe(status));
        }
        assertEquals(Status.OK, getData(Feature.HOST_IDENTIFIER, Feature.SELECT_CURRENT, 0));
        assertEquals(9, word(0));
        assertEquals(Status.OK, getData(Feature.TIMESTAMP, Feature.SELECT_CURRENT, 0));
        assertEquals(0, FeatureValue.timestampOrigin(word(0)));
    }
}
