package io.sluice.host;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciDevice;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.nvme.Vs;
import io.sluice.pci.CapabilityId;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * A register file with an admin queue behind it, written without any of the controller's code, that misbehaves as a test
 * asks it to. Doorbells are not mapped, so it works within the driver's own doorbell writes.
 */
class FakeNvme implements PciDevice {
    static final String NAME = "fake nvme";

    private static final int BAR_BYTES = 0x4000;
    private static final int PAGE = 4096;
    /** Log page of the vendor: each dword is its own offset. */
    static final int VENDOR_LOG = 0xc0;
    /** Where the MSI-X capability lies. */
    static final int MSIX = 0x40;

    /** What a test changes. */
    long cap = Cap.withCss(
            Cap.withTimeoutMillis(Cap.withContiguousQueuesRequired(Cap.withMaxQueueEntries(0, 256), true), 1_000),
            Cap.CSS_NVM);

    int classCode = PciHeader.CLASS_NVM_EXPRESS;
    long barBytes = BAR_BYTES;
    boolean readyNeverComes;
    boolean readyNeverGoes;
    boolean fatalOnEnable;
    boolean gone;
    boolean shutdownNeverEnds;
    boolean unreachable;
    boolean canReset = true;
    boolean decodingOff;
    Runnable afterConfigWrite = () -> {};
    /** Takes commands with this opcode and never completes them; -1 for none. */
    int swallowOpcode = -1;

    /** Serves so many of what {@link #swallowOpcode} names before it swallows one. */
    int swallowAfter;

    /** Active namespaces: 1 and so on. */
    int namespaces = 1;

    int namespaceLimit = 1;
    /** A namespace that it refuses to identify; 0 for none. */
    int refusedNsid;
    /** A namespace that it says nothing of: all zeroes; 0 for none. */
    int emptyNsid;
    /** CNS of an Identify that it refuses; -1 for none. */
    int refusedCns = -1;
    /** FLBAS. */
    int formatInUse;
    /** LBADS of the first LBA format. */
    int lbads = 9;
    /** Whether it lists namespaces for as long as it is asked. */
    boolean endlessNamespaces;

    /** MDTS as in Identify Controller: 2^5 pages are 128 KiB. */
    int mdts = 5;

    int grantedQueues = 2;
    int metadataBytes;
    long namespaceBlocks = 1000;

    /** Of one letter, as its model. */
    char serial = 'S';

    int optionalEvents;
    int errorLogEntries = 64;
    int lastLogBytes;
    /** The last Asynchronous Event Configuration; -1 for none. */
    int eventConfiguration = -1;

    int optionalAdminCommands;
    /** ONCS. */
    int optionalCommands;

    boolean volatileWriteCache;
    int version = Vs.NVME_1_4;
    DriverOnFake.Limits nvmLimits = new DriverOnFake.Limits();
    int sglSupport;
    int protectionType;
    int wrongCidOpcode = -1;
    int failOpcode = -1;
    int failStatus;

    private byte[] securityData = {};
    int cc;
    int statusReads;
    int csts;
    int aqa;
    long asq;
    long acq;
    int sqHead;
    int cqTail;
    int phase = Rings.FIRST_PHASE;
    final List<String> log = new ArrayList<>();
    final List<Integer> queues = new ArrayList<>();
    final TreeMap<Long, Mapping> maps = new TreeMap<>();
    final ByteBuffer config = ByteBuffer.allocate(256)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putShort(PciHeader.VENDOR_ID, (short) 0x1234)
            .putShort(PciHeader.STATUS, (short) PciHeader.STATUS_CAPABILITY_LIST)
            .put(PciHeader.CAPABILITIES_POINTER, (byte) MSIX)
            .put(MSIX, (byte) CapabilityId.MSIX)
            .putShort(MSIX + MsixCapability.CONTROL, (short) 1); // two vectors

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int readConfig(int offset, int bytes) throws IOException {
        checkReachable();
        if (gone) {
            return bytes == 4 ? -1 : 0xffff;
        }
        config.putInt(PciHeader.REVISION, classCode << 8);
        return switch (bytes) {
            case 1 -> Byte.toUnsignedInt(config.get(offset));
            case 2 -> Short.toUnsignedInt(config.getShort(offset));
            default -> config.getInt(offset);
        };
    }

    @Override
    public void writeConfig(int offset, int bytes, int value) throws IOException {
        checkReachable();
        if (bytes != 2) {
            throw new AssertionError("only 16-bit registers are written");
        }
        if (!gone) {
            config.putShort(offset, (short) value);
        }
        afterConfigWrite.run();
    }

    private void checkReachable() throws IOException {
        if (unreachable) {
            throw new IOException("the server of " + NAME + " is gone");
        }
    }

    @Override
    public Bar openBar(int index) {
        return new FakeBar() {
            @Override
            public long bytes() {
                return barBytes;
            }

            @Override
            public int readInt(long offset) {
                requireDecoding();
                return gone ? -1 : readRegister((int) offset);
            }

            @Override
            public long readLong(long offset) {
                return gone ? -1L : cap;
            }

            @Override
            public void writeInt(long offset, int value) {
                requireDecoding();
                writeRegister((int) offset, value);
            }

            @Override
            public void writeLong(long offset, long value) {
                if (offset == Registers.ASQ.offset()) {
                    asq = value;
                } else if (offset == Registers.ACQ.offset()) {
                    acq = value;
                }
            }
        };
    }

    private void requireDecoding() {
        if (decodingOff) {
            throw new InternalError("a fault occurred in an unsafe memory access operation");
        }
    }

    private int lookAtStatus() {
        statusReads++;
        return csts;
    }

    private int readRegister(int offset) {
        return switch (Registers.at(offset)) {
            case VS -> version;
            case CC -> cc;
            case CSTS -> lookAtStatus();
            default -> 0;
        };
    }

    void writeRegister(int offset, int value) {
        if (offset == Doorbells.sqTailDoorbell(0)) {
            work(value);
        } else if (offset == Registers.AQA.offset()) {
            aqa = value;
        } else if (offset == Registers.CC.offset()) {
            configure(value);
        }
    }

    void configure(int value) {
        boolean was = Cc.enabled(cc);
        cc = value;
        if (!was && Cc.enabled(value)) {
            log.add("enable");
            sqHead = 0;
            cqTail = 0;
            phase = Rings.FIRST_PHASE;
            csts = Csts.withFatal(Csts.withReady(0, !readyNeverComes && !fatalOnEnable), fatalOnEnable);
        } else if (was && !Cc.enabled(value)) {
            log.add("disable");
            csts = Csts.withReady(0, readyNeverGoes);
        } else if (Cc.shn(value) == Cc.SHN_NORMAL) {
            log.add("shutdown");
            csts = Csts.withShst(csts, shutdownNeverEnds ? Csts.SHST_OCCURRING : Csts.SHST_COMPLETE);
        }
    }

    private void work(int tail) {
        while (sqHead != tail) {
            long sqe = at(asq + (long) sqHead * Sqe.BYTES);
            sqHead = Rings.next(sqHead, Aqa.sqEntries(aqa));
            execute(sqe);
        }
    }

    void execute(long sqe) {
        int opcode = Sqe.opcode(sqe);
        log.add(AdminOpcode.name(opcode));
        if (opcode == swallowOpcode && swallowAfter-- <= 0) {
            return;
        }
        int cid = opcode == wrongCidOpcode ? Sqe.cid(sqe) + 7 : Sqe.cid(sqe);
        int status = opcode == failOpcode ? failStatus : isRefused(sqe) ? Status.INVALID_FIELD.dnr() : Status.OK;
        int dw0 = 0;
        if (status == Status.OK) {
            dw0 = succeed(opcode, sqe);
        }
        completeAdmin(cid, status, dw0);
    }

    private boolean isRefused(long sqe) {
        if (Sqe.opcode(sqe) != AdminOpcode.IDENTIFY) {
            return false;
        }
        int cns = AdminSqe.cns(sqe);
        return cns == refusedCns || (cns == Cns.NAMESPACE && Sqe.nsid(sqe) == refusedNsid);
    }

    void completeAdmin(int cid, int status, int dw0) {
        Cqe.publish(at(acq + (long) cqTail * Cqe.BYTES), dw0, sqHead, 0, cid, status, phase);
        cqTail = Rings.next(cqTail, Aqa.cqEntries(aqa));
        phase = Rings.phaseAt(cqTail, phase);
    }

    private int succeed(int opcode, long sqe) {
        switch (opcode) {
            case AdminOpcode.IDENTIFY -> identify(sqe);
            case AdminOpcode.GET_LOG_PAGE -> logPage(sqe);
            case AdminOpcode.FORMAT_NVM -> {
                return Sqe.nsid(sqe) + Sqe.cdw10(sqe) + Sqe.cdw15(sqe);
            }
            case AdminOpcode.SECURITY_SEND -> {
                securityData = dataOut(sqe, Sqe.cdw11(sqe));
                return Byte.toUnsignedInt(securityData[3]);
            }
            case AdminOpcode.SECURITY_RECEIVE -> dataIn(sqe, securityData);
            case AdminOpcode.SET_FEATURES -> {
                if (AdminSqe.featureId(sqe) == Feature.ASYNC_EVENT_CONFIGURATION) {
                    eventConfiguration = Sqe.cdw11(sqe);
                    return 0;
                }
                return FeatureValue.numberOfQueues(grantedQueues, grantedQueues);
            }
            case AdminOpcode.CREATE_IO_CQ, AdminOpcode.CREATE_IO_SQ -> queues.add(AdminSqe.qid(sqe));
            case AdminOpcode.DELETE_IO_CQ, AdminOpcode.DELETE_IO_SQ ->
                queues.remove(Integer.valueOf(AdminSqe.qid(sqe)));
            default -> {}
        }
        return 0;
    }

    private void identify(long sqe) {
        ByteBuffer page = ByteBuffer.allocate(Cns.DATA_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        switch (AdminSqe.cns(sqe)) {
            case Cns.CONTROLLER -> controllerPage(page);
            case Cns.ACTIVE_NAMESPACES -> listNamespaces(page, Sqe.nsid(sqe));
            case Cns.NAMESPACE -> namespacePage(page, Sqe.nsid(sqe));
            case Cns.NVM_CONTROLLER ->
                page.put(1, (byte) nvmLimits.wzsl)
                        .put(3, (byte) nvmLimits.dmrl)
                        .putInt(4, nvmLimits.dmrsl)
                        .putLong(8, nvmLimits.dmsl);
            default -> {}
        }
        dataIn(sqe, page.array());
    }

    private void listNamespaces(ByteBuffer page, int above) {
        int last = endlessNamespaces ? Integer.MAX_VALUE : namespaces;
        for (int nsid = above + 1; nsid <= last && page.hasRemaining(); nsid++) {
            page.putInt(nsid);
        }
    }

    /** Offsets as in NVMe 1.4, figures 193 and 194. */
    private void logPage(long sqe) {
        int bytes = (int) AdminSqe.logBytes(sqe);
        lastLogBytes = bytes;
        ByteBuffer page = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        switch (AdminSqe.logPageId(sqe)) {
            case LogPage.SMART -> page.put(0, (byte) 4).putShort(1, (short) 310).putLong(32, 77);
            case LogPage.ERROR_INFORMATION ->
                page.putLong(0, 9)
                        .putShort(8, (short) 1)
                        .putShort(10, (short) 5)
                        .putLong(16, 1234);
            case VENDOR_LOG -> fillWithIndexes(page);
            default -> {}
        }
        dataIn(sqe, page.array());
    }

    private static void fillWithIndexes(ByteBuffer page) {
        for (int i = 0; i < page.capacity(); i += Integer.BYTES) {
            page.putInt(i, i);
        }
    }

    /** The pieces of memory that PRP1 and PRP2 name (NVMe 1.4, 4.3), each with its length in bytes, in order. */
    private List<long[]> pieces(long sqe, int bytes) {
        List<long[]> pieces = new ArrayList<>();
        long prp1 = Sqe.prp1(sqe);
        int first = (int) Math.min(bytes, PAGE - prp1 % PAGE);
        pieces.add(new long[] {prp1, first});
        int left = bytes - first;
        boolean list = left > PAGE;
        for (int i = 0; left > 0; i++) {
            long page = list ? Memory.getLong(at(Sqe.prp2(sqe)) + (long) i * Long.BYTES) : Sqe.prp2(sqe);
            if (page % PAGE != 0) {
                throw new AssertionError("PRP 0x" + Long.toHexString(page) + " has an offset");
            }
            pieces.add(new long[] {page, Math.min(left, PAGE)});
            left -= PAGE;
        }
        return pieces;
    }

    /** Writes what a command reads. */
    private void dataIn(long sqe, byte[] data) {
        int done = 0;
        for (long[] piece : pieces(sqe, data.length)) {
            Memory.copyIn(data, done, at(piece[0]), (int) piece[1]);
            done += (int) piece[1];
        }
    }

    /** Reads what a command writes. */
    private byte[] dataOut(long sqe, int bytes) {
        byte[] data = new byte[bytes];
        int done = 0;
        for (long[] piece : pieces(sqe, bytes)) {
            Memory.copyOut(at(piece[0]), data, done, (int) piece[1]);
            done += (int) piece[1];
        }
        return data;
    }

    /** Offsets as in NVMe 1.4, figure 247. */
    private void controllerPage(ByteBuffer page) {
        page.putShort(256, (short) optionalAdminCommands);
        page.putInt(536, sglSupport);
        page.putShort(0, (short) 0x1234);
        for (int i = 4; i < 72; i++) {
            page.put(i, (byte) ' ');
        }
        page.put(4, (byte) serial).put(24, (byte) 'M').put(64, (byte) 'F');
        page.put(77, (byte) mdts);
        page.putInt(80, Vs.NVME_1_4);
        page.putInt(516, namespaceLimit); // NN
        page.putShort(520, (short) optionalCommands);
        page.put(525, (byte) (volatileWriteCache ? 1 : 0));
        page.putInt(92, optionalEvents);
        page.put(262, (byte) (errorLogEntries - 1));
        page.putShort(526, (short) 15).putShort(528, (short) 1); // AWUN, AWUPF
    }

    /** Offsets as in NVMe 1.4, figure 245. */
    private void namespacePage(ByteBuffer page, int nsid) {
        if (nsid == emptyNsid) {
            return;
        }
        page.putLong(0, namespaceBlocks).putLong(8, namespaceBlocks).putLong(16, 500);
        page.put(24, (byte) 0x12); // NSFEAT: own atomicity, optimal I/O
        page.put(33, (byte) 9); // DLFEAT
        page.putShort(34, (short) 7).putShort(36, (short) 3).putShort(46, (short) 256); // NAWUN, NAWUPF, NOIOB
        page.putShort(64, (short) 1).putShort(66, (short) 2).putShort(68, (short) 3); // NPWG, NPWA, NPDG
        page.putShort(70, (short) 4).putShort(72, (short) 5); // NPDA, NOWS
        page.putShort(74, (short) 300).putInt(76, 5000).put(80, (byte) 127); // MSSRL, MCL, MSRC
        page.put(26, (byte) formatInUse);
        page.put(29, (byte) protectionType);
        page.putInt(128, (lbads << 16) + metadataBytes); // LBAF0
    }

    /** The address of what the driver has mapped for the device. */
    long at(long iova) {
        return memoryAt(iova).address() + (iova - maps.floorKey(iova));
    }

    Mapping memoryAt(long iova) {
        Map.Entry<Long, Mapping> map = maps.floorEntry(iova);
        if (map == null || iova - map.getKey() >= map.getValue().length()) {
            throw new AssertionError("DMA to 0x" + Long.toHexString(iova) + ", which is not mapped");
        }
        return map.getValue();
    }

    @Override
    public int interruptCount(InterruptKind kind) {
        return kind == InterruptKind.MSIX ? 2 : 0;
    }

    @Override
    public void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets) {
        log.add("interrupts " + targets.size());
    }

    @Override
    public void disableInterrupts(InterruptKind kind) {
        log.add("interrupts off");
    }

    @Override
    public void unmaskInterrupts(InterruptKind kind, int start, int count) {}

    @Override
    public void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        checkReachable();
        log.add("map");
        maps.put(iova, Mapping.shared(memory, offset, bytes, Mapping.PROT_READ | Mapping.PROT_WRITE));
    }

    @Override
    public void unmapDma(long iova, long bytes) throws IOException {
        checkReachable();
        log.add("unmap");
        Mapping mapping = maps.remove(iova);
        if (mapping == null || mapping.length() != bytes) {
            throw new IOException("not mapped like this");
        }
        mapping.close();
    }

    @Override
    public void adoptDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        checkReachable();
        log.add("adopt");
        Mapping mapping = maps.get(iova);
        if (mapping == null || mapping.length() != bytes) {
            throw new IOException("not mapped like this");
        }
    }

    @Override
    public void dropDma(long iova, long bytes) throws IOException {
        checkReachable();
        log.add("drop");
        NavigableMap<Long, Mapping> within = maps.subMap(iova, true, iova + bytes, false);
        within.values().forEach(Mapping::close);
        within.clear();
    }

    @Override
    public boolean canReset() {
        return canReset;
    }

    @Override
    public void reset() {
        if (!canReset) {
            throw new AssertionError("it has no reset");
        }
        cc = 0;
        csts = 0;
    }

    @Override
    public void close() {
        maps.values().forEach(Mapping::close);
        maps.clear();
    }
}
