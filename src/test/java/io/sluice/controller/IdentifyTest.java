package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.IdentifyNamespace;
import io.sluice.nvme.IndependentNamespace;
import io.sluice.nvme.NamespaceDescriptors;
import io.sluice.nvme.NamespaceList;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.nio.ByteBuffer;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Identify: NVMe 1.4, 5.15, and how its data reaches the guest. */
class IdentifyTest {
    private static final int NAMESPACE_TWO_IS_NOT_THERE = 2;

    private ControllerRig rig;
    private long data;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
        rig.enable(16);
        data = rig.guest.hva(ControllerRig.DATA);
        Memory.fill(data, 2 * ControllerRig.PAGE, (byte) 0xee);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void shouldIdentifyTheController() {
        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());

        assertEquals(0x1af4, IdentifyController.VID.getInt(data));
        assertEquals(0x1af4, IdentifyController.SSVID.getInt(data));
        assertEquals("SN0123", IdentifyController.SN.get(data));
        assertTrue(IdentifyController.MN.get(data).startsWith("Sluice NVMe"));
        assertEquals(0x0001_0400, IdentifyController.VER.getInt(data));
        assertEquals(IdentifyController.CNTRLTYPE_IO, IdentifyController.CNTRLTYPE.getInt(data));
        assertEquals(8, IdentifyController.MDTS.getInt(data), "1 MiB in pages of 4096 bytes");
        assertEquals(0x100, IdentifyController.OAES.getInt(data));
        assertEquals(0x100, IdentifyController.OACS.getInt(data));
        assertEquals(AsyncEvents.LIMIT - 1, IdentifyController.AERL.getInt(data));
        assertEquals(3, IdentifyController.ACL.getInt(data));
        assertEquals(0x03, IdentifyController.FRMW.getInt(data));
        assertEquals(0x06, IdentifyController.LPA.getInt(data));
        assertEquals(63, IdentifyController.ELPE.getInt(data));
        assertEquals(0, IdentifyController.NPSS.getInt(data));
        assertEquals(0x66, IdentifyController.SQES.getInt(data));
        assertEquals(0x44, IdentifyController.CQES.getInt(data));
        assertEquals(3, IdentifyController.NN.getInt(data));
        assertEquals(0x5c, IdentifyController.ONCS.getInt(data));
        assertEquals(0x06, IdentifyController.VWC.getInt(data));
        assertEquals(0, IdentifyController.SGLS.getInt(data));
        assertEquals("nqn.2026-01.io.sluice:SN0123", IdentifyController.SUBNQN.get(data));
        assertEquals((byte) 0xee, Memory.getByte(data + 4096), "4096 bytes and no more");
    }

    /** SGLS: bits 1:0, and bit buckets (16); no SGLs that are longer than the data (18). */
    @ParameterizedTest
    @CsvSource({"0,true,0", "1,true,0x10001", "4,true,0x10002", "1,false,1", "4,false,2"})
    void shouldOfferSglsAsThePathDoes(int alignmentBytes, boolean discards, String expected) {
        int sgls = Integer.decode(expected);
        rig.path.sglAlignmentBytes = alignmentBytes;
        rig.path.discards = discards;
        rig.identify(Cns.CONTROLLER, 0);

        assertEquals(sgls, IdentifyController.SGLS.getInt(data));
    }

    @Test
    void shouldHaveTheSameVendorInConfigurationSpace() throws Exception {
        rig.identify(Cns.CONTROLLER, 0);

        assertEquals(rig.readConfig(0, 2), IdentifyController.VID.getInt(data));
        assertEquals(rig.readConfig(0x2c, 2), IdentifyController.SSVID.getInt(data));
    }

    @Test
    void shouldIdentifyANamespace() {
        assertEquals(Status.OK, rig.identify(Cns.NAMESPACE, 1).status());

        assertEquals(ManualPath.BLOCKS, IdentifyNamespace.NSZE.get(data));
        assertEquals(ManualPath.BLOCKS, IdentifyNamespace.NCAP.get(data));
        assertEquals(ManualPath.BLOCKS, IdentifyNamespace.NUSE.get(data));
        assertEquals(512, IdentifyNamespace.currentLbaFormat(data).blockBytes());
        assertEquals(0, IdentifyNamespace.NSATTR.getInt(data));
        assertEquals(0x09, IdentifyNamespace.DLFEAT.getInt(data));
        ByteBuffer nguid = ByteBuffer.wrap(IdentifyNamespace.NGUID.get(data));
        assertEquals(ManualPath.NGUID_HIGH, nguid.getLong());
        assertEquals(ManualPath.NGUID_LOW, nguid.getLong());
        assertEquals(
                ManualPath.EUI64,
                ByteBuffer.wrap(IdentifyNamespace.EUI64.get(data)).getLong());
    }

    @Test
    void shouldShowAReadOnlyNamespaceOfLargeBlocks() {
        rig.identify(Cns.NAMESPACE, 3);

        assertEquals(4096, IdentifyNamespace.currentLbaFormat(data).blockBytes());
        assertEquals(1, IdentifyNamespace.NSATTR.getInt(data));
    }

    @Test
    void shouldIdentifyAnInactiveNamespaceAsZeroes() {
        assertEquals(
                Status.OK,
                rig.identify(Cns.NAMESPACE, NAMESPACE_TWO_IS_NOT_THERE).status());

        assertArrayEquals(new byte[4096], bytes(4096));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "0, 4",
        "0, 0xfffffffe",
        "0, 0xffffffff",
        "2, 0xfffffffe",
        "2, 0xffffffff",
        "3, 0",
        "3, 4",
        "3, 0xffffffff"
    })
    void shouldRefuseAnInvalidNamespace(int cns, String nsid) {
        int status = rig.identify(cns, Long.decode(nsid).intValue()).code();

        assertEquals(Status.INVALID_NAMESPACE_OR_FORMAT.dnr(), status);
        assertEquals((byte) 0xee, Memory.getByte(data));
    }

    @ParameterizedTest
    @CsvSource({"0,1,3,2", "1,3,0,1", "2,3,0,1", "3,0,0,0", "0xfffffffd,0,0,0"})
    void shouldListActiveNamespacesAboveAnIdentifier(String after, int first, int second, int count) {
        assertEquals(
                Status.OK,
                rig.identify(Cns.ACTIVE_NAMESPACES, Long.decode(after).intValue())
                        .status());

        assertEquals(count, NamespaceList.count(data));
        assertEquals(first, NamespaceList.nsid(data, 0));
        assertEquals(second, NamespaceList.nsid(data, 1));
    }

    @Test
    void shouldDescribeANamespacesIdentifiers() {
        assertEquals(Status.OK, rig.identify(Cns.NAMESPACE_DESCRIPTORS, 1).status());

        byte[] eui64 = NamespaceDescriptors.find(data, NamespaceDescriptors.TYPE_EUI64);
        byte[] nguid = NamespaceDescriptors.find(data, NamespaceDescriptors.TYPE_NGUID);
        assertEquals(ManualPath.EUI64, ByteBuffer.wrap(eui64).getLong());
        assertEquals(ManualPath.NGUID_HIGH, ByteBuffer.wrap(nguid).getLong());
        assertNull(NamespaceDescriptors.find(data, NamespaceDescriptors.TYPE_UUID));
    }

    @Test
    void shouldRefuseToDescribeAnInactiveNamespace() {
        int status = rig.identify(Cns.NAMESPACE_DESCRIPTORS, NAMESPACE_TWO_IS_NOT_THERE)
                .code();

        assertEquals(Status.INVALID_FIELD.dnr(), status);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x04, 0x09, 0x0a, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1d, 0x80, 0xff})
    void shouldRefuseWhatIsNotOffered(int cns) {
        assertEquals(Status.INVALID_FIELD.dnr(), rig.identify(cns, 1).code());
    }

    // ---- what newer hosts ask for: NVMe 2.0, 5.17.2

    private ControllerRig.Completion identifySet(int cns, int nsid, int csi) {
        return rig.admin(AdminOpcode.IDENTIFY, sqe -> {
            AdminSqe.setIdentify(sqe, cns, nsid);
            Sqe.setCdw11(sqe, csi << 24);
            Sqe.setPrp1(sqe, ControllerRig.DATA);
        });
    }

    private void assertZeroes(int from) {
        for (int at = from; at < 4096; at += 8) {
            assertEquals(0, Memory.getLong(data + at), "byte " + at);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Cns.NVM_NAMESPACE, Cns.NVM_CONTROLLER})
    void shouldHaveNothingToSayOfTheNvmCommandSetsOwn(int cns) {
        assertEquals(Status.OK, identifySet(cns, 1, 0).status());
        assertZeroes(0);
    }

    @ParameterizedTest
    @ValueSource(ints = {Cns.NVM_NAMESPACE, Cns.NVM_CONTROLLER, Cns.NVM_ACTIVE_NAMESPACES})
    void shouldRefuseOtherCommandSets(int cns) {
        for (int csi : new int[] {1, 2, 0x30, 0xff}) {
            assertEquals(Status.INVALID_FIELD.dnr(), identifySet(cns, 1, csi).code(), "CSI " + csi);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Cns.NVM_ACTIVE_NAMESPACES, Cns.ALLOCATED_NAMESPACES})
    void shouldListTheSameNamespacesWhicheverWayItIsAsked(int cns) {
        assertEquals(Status.OK, identifySet(cns, 0, 0).status());
        assertEquals(1, NamespaceList.nsid(data, 0));
        assertEquals(3, NamespaceList.nsid(data, 1));
        assertZeroes(8);
        assertEquals(Status.OK, identifySet(cns, 1, 0).status());
        assertEquals(3, NamespaceList.nsid(data, 0));
        assertZeroes(8);
        assertEquals(
                Status.INVALID_NAMESPACE_OR_FORMAT.dnr(),
                identifySet(cns, -1, 0).code());
        assertEquals(
                Status.INVALID_NAMESPACE_OR_FORMAT.dnr(),
                identifySet(cns, -2, 0).code());
    }

    @Test
    void shouldIdentifyAnAllocatedNamespaceAsAnActiveOne() {
        assertEquals(Status.OK, rig.identify(Cns.ALLOCATED_NAMESPACE, 1).status());
        assertEquals(ManualPath.BLOCKS, IdentifyNamespace.NSZE.get(data));
        assertEquals(
                Status.OK,
                rig.identify(Cns.ALLOCATED_NAMESPACE, NAMESPACE_TWO_IS_NOT_THERE)
                        .status());
        assertZeroes(0);
        assertEquals(
                Status.INVALID_NAMESPACE_OR_FORMAT.dnr(),
                rig.identify(Cns.ALLOCATED_NAMESPACE, -1).code());
    }

    @Test
    void shouldSayThatANamespaceIsReady() {
        assertEquals(Status.OK, rig.identify(Cns.INDEPENDENT_NAMESPACE, 1).status());
        assertEquals(IndependentNamespace.NSTAT_READY, IndependentNamespace.NSTAT.getInt(data));
        assertEquals(
                Status.OK,
                rig.identify(Cns.INDEPENDENT_NAMESPACE, NAMESPACE_TWO_IS_NOT_THERE)
                        .status());
        assertZeroes(0);
        for (int nsid : new int[] {0, 4, -1}) {
            assertEquals(
                    Status.INVALID_NAMESPACE_OR_FORMAT.dnr(),
                    rig.identify(Cns.INDEPENDENT_NAMESPACE, nsid).code());
        }
    }

    /** One combination: the NVM command set alone. */
    @Test
    void shouldOfferTheNvmCommandSetAndNoOther() {
        for (int cntid : new int[] {0, 0xffff}) {
            ControllerRig.Completion completion = rig.admin(AdminOpcode.IDENTIFY, sqe -> {
                AdminSqe.setIdentify(sqe, Cns.COMMAND_SETS, 0);
                Sqe.setCdw10(sqe, Sqe.cdw10(sqe) | cntid << 16);
                Sqe.setPrp1(sqe, ControllerRig.DATA);
            });
            assertEquals(Status.OK, completion.status());
            assertEquals(1, Memory.getLong(data));
            assertZeroes(8);
        }
        ControllerRig.Completion other = rig.admin(AdminOpcode.IDENTIFY, sqe -> {
            AdminSqe.setIdentify(sqe, Cns.COMMAND_SETS, 0);
            Sqe.setCdw10(sqe, Sqe.cdw10(sqe) | 1 << 16);
            Sqe.setPrp1(sqe, ControllerRig.DATA);
        });
        assertEquals(Status.INVALID_FIELD.dnr(), other.code());
    }

    // ---- the data pointer

    private int identifyTo(long prp1, long prp2) {
        return rig.admin(AdminOpcode.IDENTIFY, sqe -> {
                    AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
                    Sqe.setPrp1(sqe, prp1);
                    Sqe.setPrp2(sqe, prp2);
                })
                .code();
    }

    @Test
    void shouldSplitItsDataOverTwoPages() {
        long second = ControllerRig.DATA + 0x8000;
        assertEquals(Status.OK, identifyTo(ControllerRig.DATA + 0xf00, second));

        assertEquals(0x1af4, IdentifyController.VID.getInt(data + 0xf00));
        assertEquals("nqn.2026-01.io.sluice:SN0123", IdentifyController.SUBNQN.get(rig.guest.hva(second) - 0x100));
    }

    @Test
    void shouldRefuseMisalignedPrps() {
        assertEquals(Status.PRP_OFFSET_INVALID.dnr(), identifyTo(ControllerRig.DATA + 2, 0));
        assertEquals(
                Status.PRP_OFFSET_INVALID.dnr(), identifyTo(ControllerRig.DATA + 0x800, ControllerRig.DATA + 0x1004));
    }

    @Test
    void shouldWriteNothingWhenOnePageCannotBeReached() {
        assertEquals(Status.DATA_TRANSFER_ERROR.code(), identifyTo(ControllerRig.DATA + 0x800, 1L << 45));
        assertEquals(Status.DATA_TRANSFER_ERROR.code(), identifyTo(1L << 45, 0));
        assertEquals((byte) 0xee, Memory.getByte(data + 0x800));
    }

    @Test
    void shouldNotWriteToReadOnlyMemory() {
        rig.guest.mapPage(ControllerRig.DATA, ControllerRig.DATA, Translator.READ);

        assertEquals(Status.DATA_TRANSFER_ERROR.code(), identifyTo(ControllerRig.DATA, 0));
        assertEquals((byte) 0xee, Memory.getByte(data));
    }

    // ---- configuration

    @ParameterizedTest
    @ValueSource(strings = {"", "123456789012345678901", "caf\u00e9", "line\n"})
    void shouldRefuseASerialNumberThatDoesNotFit(String serial) {
        String message = assertThrows(IllegalArgumentException.class, () -> ControllerConfig.of("x", serial))
                .getMessage();

        assertTrue(message.toLowerCase(Locale.ROOT).contains("serial"), message);
    }

    @ParameterizedTest
    @CsvSource({"0,4096,4096", "65,4096,4096", "64,1,4096", "64,4097,4096", "64,64,2048", "64,64,12288"})
    void shouldRefuseLimitsThatItCannotKeep(int queuePairs, int entries, int transferBytes) {
        assertThrows(
                IllegalArgumentException.class,
                () -> new ControllerConfig(
                        "x",
                        "S",
                        "M",
                        "F",
                        "nqn.2026-01.io.sluice:x",
                        ControllerConfig.PciIdentity.DEFAULT,
                        queuePairs,
                        entries,
                        transferBytes,
                        false));
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        Memory.copyOut(data, bytes, 0, count);
        return bytes;
    }
}
