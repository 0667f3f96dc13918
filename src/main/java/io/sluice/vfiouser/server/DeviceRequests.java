package io.sluice.vfiouser.server;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciFunction;
import io.sluice.device.Region;
import io.sluice.linux.Fd;
import io.sluice.vfiouser.DeviceInfo;
import io.sluice.vfiouser.IrqInfo;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.RegionInfo;
import io.sluice.vfiouser.RegionIoFds;
import io.sluice.vfiouser.VfioUserException;
import java.util.List;

/** What the device is, and DEVICE_RESET. */
final class DeviceRequests {
    private final PciFunction function;

    DeviceRequests(PciFunction function) {
        this.function = function;
    }

    Reply info(Message message) throws VfioUserException {
        Refuse.fds(message);
        DeviceInfo.decode(message.body());
        DeviceInfo info =
                new DeviceInfo(DeviceInfo.BYTES, DeviceInfo.RESET | DeviceInfo.PCI, Region.COUNT, InterruptKind.COUNT);
        return Reply.of(DeviceInfo.BYTES, info::encode);
    }

    /**
     * Describes a region. A client that has no room for the capability gets a reply of the fixed part, whose argsz says how
     * much it needs, and asks again. That first reply claims neither capabilities nor that the region can be mapped: with
     * those flags it would have to name an offset for the one, which it has not, and bring a descriptor for the other, which
     * a client that asks again would have twice.
     */
    Reply regionInfo(Message message) throws VfioUserException {
        Refuse.fds(message);
        RegionInfo request = RegionInfo.decodeRequest(message.body());
        Region region = region(request.index());
        int access = access(region);
        if (region.mappable().isEmpty() || access == 0) {
            RegionInfo info =
                    new RegionInfo(RegionInfo.FIXED_BYTES, access, request.index(), region.bytes(), 0, List.of());
            return Reply.of(info.bytes(), info::encode);
        }
        int fullBytes = RegionInfo.bytesWith(1);
        if (request.argsz() < fullBytes) {
            RegionInfo info = new RegionInfo(fullBytes, access, request.index(), region.bytes(), 0, List.of());
            return Reply.of(info.bytes(), info::encode);
        }
        return mappableInfo(region, access, fullBytes);
    }

    /** One area and one descriptor: right both for clients that take a descriptor per area and per region. */
    private static Reply mappableInfo(Region region, int access, int bytes) {
        Region.Mappable part = region.mappable().orElseThrow();
        RegionInfo info = new RegionInfo(
                bytes,
                access | RegionInfo.MMAP | RegionInfo.CAPS,
                region.index(),
                region.bytes(),
                0,
                List.of(new RegionInfo.Area(part.offset(), part.bytes())));
        List<Fd> fds = List.of(part.memory());
        return new Reply(bytes, info::encode, fds);
    }

    private static int access(Region region) {
        if (region.bytes() == 0) {
            return 0;
        }
        return region.index() == Region.ROM ? RegionInfo.READ : RegionInfo.READ | RegionInfo.WRITE;
    }

    /** There are no such descriptors. */
    Reply regionIoFds(Message message) throws VfioUserException {
        Refuse.fds(message);
        RegionIoFds request = RegionIoFds.decode(message.body());
        region(request.index());
        if (request.flags() != 0 || request.count() != 0) {
            throw Refuse.invalid("DEVICE_GET_REGION_IO_FDS has flags " + request.flags() + " and count "
                    + request.count() + "; both must be 0");
        }
        RegionIoFds none = new RegionIoFds(RegionIoFds.BYTES, 0, request.index(), 0);
        return Reply.of(RegionIoFds.BYTES, none::encode);
    }

    private Region region(int index) throws VfioUserException {
        if (index < 0 || index >= Region.COUNT) {
            throw Refuse.invalid(
                    "there is no region " + Integer.toUnsignedString(index) + ", only 0 to " + (Region.COUNT - 1));
        }
        return function.region(index);
    }

    Reply irqInfo(Message message) throws VfioUserException {
        Refuse.fds(message);
        IrqInfo request = IrqInfo.decode(message.body());
        InterruptKind kind = InterruptKind.ofIndex(request.index());
        if (kind == null) {
            throw Refuse.invalid("there is no interrupt index " + Integer.toUnsignedString(request.index())
                    + ", only 0 to " + (InterruptKind.COUNT - 1));
        }
        int count = function.interruptCount(kind);
        IrqInfo info = new IrqInfo(IrqInfo.BYTES, count == 0 ? 0 : flags(kind), request.index(), count);
        return Reply.of(IrqInfo.BYTES, info::encode);
    }

    private static int flags(InterruptKind kind) {
        return switch (kind) {
            case INTX -> IrqInfo.EVENTFD | IrqInfo.MASKABLE | IrqInfo.AUTOMASKED;
            case MSI, MSIX -> IrqInfo.EVENTFD | IrqInfo.MASKABLE;
            case ERR, REQ -> IrqInfo.EVENTFD;
        };
    }

    Reply reset(Message message) throws VfioUserException {
        Refuse.fds(message);
        Refuse.body(message);
        function.reset();
        return Reply.DONE;
    }
}
