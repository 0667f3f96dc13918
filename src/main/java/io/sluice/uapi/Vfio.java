package io.sluice.uapi;

/**
 * The kernel's vfio interface (linux/vfio.h), as far as a PCI device, a group and a type 1 container need it.
 *
 * <p>Names are the kernel's without {@code VFIO_}: {@code VFIO_IOMMU_MAP_DMA} is {@link #IOMMU_MAP_DMA}, and {@code struct
 * vfio_iommu_type1_dma_map} is {@link IommuType1DmaMap}, whose constants are the offsets of its fields in bytes, and BYTES,
 * its size. native-headers/vfio.h lists them all, and a test compares both with the system's header.
 *
 * <pre>
 *   /dev/vfio/vfio   container ── IOMMU_MAP_DMA: which IOVAs reach which memory
 *        ▲ GROUP_SET_CONTAINER
 *   /dev/vfio/12     group ────── GROUP_GET_DEVICE_FD
 *        ▼
 *   0000:01:00.0     device ───── regions (read, write, mmap at an offset), interrupts (eventfds)
 * </pre>
 */
public final class Vfio {
    // The API's version and the IOMMU models

    /** The version that GET_API_VERSION must return. */
    public static final int API_VERSION = 0;

    /** The x86 IOMMU model, for CHECK_EXTENSION and SET_IOMMU. */
    public static final int TYPE1_IOMMU = 1;

    /** The same, with unmaps that must match earlier maps: the one to use. */
    public static final int TYPE1V2_IOMMU = 3;

    /** CHECK_EXTENSION: unmapping everything at once is there. */
    public static final int UNMAP_ALL = 9;

    /** CHECK_EXTENSION: mappings outlive an exec, their addresses renewed. */
    public static final int UPDATE_VADDR = 10;

    // Requests on a container

    /** On a container; no argument. */
    public static final int GET_API_VERSION = 0x3b64;

    /** On a container; the argument is a number such as TYPE1V2_IOMMU. */
    public static final int CHECK_EXTENSION = 0x3b65;

    /** On a container with at least one group; the argument is an IOMMU model. */
    public static final int SET_IOMMU = 0x3b66;

    /** On a container; the argument is an IommuType1Info. */
    public static final int IOMMU_GET_INFO = 0x3b70;

    /** On a container; the argument is an IommuType1DmaMap. */
    public static final int IOMMU_MAP_DMA = 0x3b71;

    /** On a container; the argument is an IommuType1DmaUnmap. */
    public static final int IOMMU_UNMAP_DMA = 0x3b72;

    // Requests on a group

    /** The argument is a GroupStatus. */
    public static final int GROUP_GET_STATUS = 0x3b67;

    /** The argument is the address of the container's descriptor, an int. */
    public static final int GROUP_SET_CONTAINER = 0x3b68;

    /** No argument. */
    public static final int GROUP_UNSET_CONTAINER = 0x3b69;

    /** The argument is the device's name, such as 0000:01:00.0; returns a descriptor. */
    public static final int GROUP_GET_DEVICE_FD = 0x3b6a;

    // Requests on a device

    /** The argument is a DeviceInfo. */
    public static final int DEVICE_GET_INFO = 0x3b6b;

    /** The argument is a RegionInfo, its index set. */
    public static final int DEVICE_GET_REGION_INFO = 0x3b6c;

    /** The argument is an IrqInfo, its index set. */
    public static final int DEVICE_GET_IRQ_INFO = 0x3b6d;

    /** The argument is an IrqSet with its data. */
    public static final int DEVICE_SET_IRQS = 0x3b6e;

    /** No argument. */
    public static final int DEVICE_RESET = 0x3b6f;

    // struct vfio_group_status, flags

    /** All devices of the group are bound to vfio, or to nothing. */
    public static final int GROUP_FLAGS_VIABLE = 0x1;

    /** The group is in a container. */
    public static final int GROUP_FLAGS_CONTAINER_SET = 0x2;

    // struct vfio_device_info, flags

    /** DEVICE_RESET works. */
    public static final int DEVICE_FLAGS_RESET = 0x1;

    /** It is a PCI device. */
    public static final int DEVICE_FLAGS_PCI = 0x2;

    /** Capabilities follow, from cap_offset. */
    public static final int DEVICE_FLAGS_CAPS = 0x80;

    // struct vfio_region_info, flags and capabilities

    /** The region can be read. */
    public static final int REGION_INFO_FLAG_READ = 0x1;

    /** The region can be written. */
    public static final int REGION_INFO_FLAG_WRITE = 0x2;

    /** The region can be mapped, where a sparse mmap capability says so. */
    public static final int REGION_INFO_FLAG_MMAP = 0x4;

    /** Capabilities follow, from cap_offset. */
    public static final int REGION_INFO_FLAG_CAPS = 0x8;

    /** Capability: only these areas can be mapped. */
    public static final int REGION_INFO_CAP_SPARSE_MMAP = 1;

    /** Capability: what a device-specific region is. */
    public static final int REGION_INFO_CAP_TYPE = 2;

    /** Capability: the page of the MSI-X table can be mapped too. */
    public static final int REGION_INFO_CAP_MSIX_MAPPABLE = 3;

    // struct vfio_irq_info, flags

    /** Can signal eventfds. */
    public static final int IRQ_INFO_EVENTFD = 0x1;

    /** Can be masked and unmasked. */
    public static final int IRQ_INFO_MASKABLE = 0x2;

    /** Masks itself when it fires. */
    public static final int IRQ_INFO_AUTOMASKED = 0x4;

    /** The number of vectors is fixed by the first SET_IRQS until all are disabled. */
    public static final int IRQ_INFO_NORESIZE = 0x8;

    // struct vfio_irq_set, flags

    /** No data. */
    public static final int IRQ_SET_DATA_NONE = 0x1;

    /** The data is one byte a vector, 0 or 1. */
    public static final int IRQ_SET_DATA_BOOL = 0x2;

    /** The data is one descriptor (s32) a vector, -1 for none. */
    public static final int IRQ_SET_DATA_EVENTFD = 0x4;

    /** Mask. */
    public static final int IRQ_SET_ACTION_MASK = 0x8;

    /** Unmask. */
    public static final int IRQ_SET_ACTION_UNMASK = 0x10;

    /** With eventfds: signal these from now on. Else: fire now. */
    public static final int IRQ_SET_ACTION_TRIGGER = 0x20;

    /** Exactly one of these is set. */
    public static final int IRQ_SET_DATA_TYPE_MASK = 0x7;

    /** Exactly one of these is set. */
    public static final int IRQ_SET_ACTION_TYPE_MASK = 0x38;

    // vfio-pci: region indexes

    /** BAR 0. */
    public static final int PCI_BAR0_REGION_INDEX = 0;

    /** BAR 1. */
    public static final int PCI_BAR1_REGION_INDEX = 1;

    /** BAR 2. */
    public static final int PCI_BAR2_REGION_INDEX = 2;

    /** BAR 3. */
    public static final int PCI_BAR3_REGION_INDEX = 3;

    /** BAR 4. */
    public static final int PCI_BAR4_REGION_INDEX = 4;

    /** BAR 5. */
    public static final int PCI_BAR5_REGION_INDEX = 5;

    /** The expansion ROM. */
    public static final int PCI_ROM_REGION_INDEX = 6;

    /** Configuration space. */
    public static final int PCI_CONFIG_REGION_INDEX = 7;

    /** The legacy VGA ranges. */
    public static final int PCI_VGA_REGION_INDEX = 8;

    /** The number of fixed regions. */
    public static final int PCI_NUM_REGIONS = 9;

    // vfio-pci: interrupt indexes

    /** INTx. */
    public static final int PCI_INTX_IRQ_INDEX = 0;

    /** MSI. */
    public static final int PCI_MSI_IRQ_INDEX = 1;

    /** MSI-X. */
    public static final int PCI_MSIX_IRQ_INDEX = 2;

    /** An uncorrectable error (AER). */
    public static final int PCI_ERR_IRQ_INDEX = 3;

    /** The host would like to have the device back. */
    public static final int PCI_REQ_IRQ_INDEX = 4;

    /** The number of fixed interrupts. */
    public static final int PCI_NUM_IRQS = 5;

    // struct vfio_iommu_type1_info, flags and capabilities

    /** iova_pgsizes is valid. */
    public static final int IOMMU_INFO_PGSIZES = 0x1;

    /** Capabilities follow, from cap_offset. */
    public static final int IOMMU_INFO_CAPS = 0x2;

    /** Capability: the IOVAs that can be mapped. */
    public static final int IOMMU_TYPE1_INFO_CAP_IOVA_RANGE = 1;

    /** Capability: how many more mappings there can be. */
    public static final int IOMMU_TYPE1_INFO_DMA_AVAIL = 3;

    // struct vfio_iommu_type1_dma_map and _unmap, flags

    /** The device may read. */
    public static final int DMA_MAP_FLAG_READ = 0x1;

    /** The device may write. */
    public static final int DMA_MAP_FLAG_WRITE = 0x2;

    /** Gives a mapping that kept its IOVA its new address. */
    public static final int DMA_MAP_FLAG_VADDR = 0x4;

    /** Everything; iova and size are 0. */
    public static final int DMA_UNMAP_FLAG_ALL = 0x2;

    /** Takes the address away and keeps the IOVA mapped. */
    public static final int DMA_UNMAP_FLAG_VADDR = 0x4;

    private Vfio() {}

    /** struct vfio_info_cap_header. What every capability begins with; next is its successor's offset in the whole struct, or 0. */
    public static final class InfoCapHeader {
        public static final int ID = 0;
        public static final int VERSION = 2;
        public static final int NEXT = 4;
        public static final int BYTES = 8;

        private InfoCapHeader() {}
    }

    /** struct vfio_group_status. */
    public static final class GroupStatus {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int BYTES = 8;

        private GroupStatus() {}
    }

    /** struct vfio_device_info. Newer kernels have padding after it. */
    public static final class DeviceInfo {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int NUM_REGIONS = 8;
        public static final int NUM_IRQS = 12;
        public static final int CAP_OFFSET = 16;
        public static final int BYTES = 20;

        private DeviceInfo() {}
    }

    /** struct vfio_region_info. */
    public static final class RegionInfo {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int INDEX = 8;
        public static final int CAP_OFFSET = 12;
        public static final int SIZE = 16;
        public static final int OFFSET = 24;
        public static final int BYTES = 32;

        private RegionInfo() {}
    }

    /** struct vfio_region_sparse_mmap_area. Offset from the start of the region. */
    public static final class RegionSparseMmapArea {
        public static final int OFFSET = 0;
        public static final int SIZE = 8;
        public static final int BYTES = 16;

        private RegionSparseMmapArea() {}
    }

    /** struct vfio_region_info_cap_sparse_mmap. Areas of RegionSparseMmapArea follow. */
    public static final class RegionInfoCapSparseMmap {
        public static final int HEADER = 0;
        public static final int NR_AREAS = 8;
        public static final int RESERVED = 12;
        public static final int AREAS = 16;
        public static final int BYTES = 16;

        private RegionInfoCapSparseMmap() {}
    }

    /** struct vfio_region_info_cap_type. */
    public static final class RegionInfoCapType {
        public static final int HEADER = 0;
        public static final int TYPE = 8;
        public static final int SUBTYPE = 12;
        public static final int BYTES = 16;

        private RegionInfoCapType() {}
    }

    /** struct vfio_irq_info. */
    public static final class IrqInfo {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int INDEX = 8;
        public static final int COUNT = 12;
        public static final int BYTES = 16;

        private IrqInfo() {}
    }

    /** struct vfio_irq_set. One datum a vector follows, by the flags. */
    public static final class IrqSet {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int INDEX = 8;
        public static final int START = 12;
        public static final int COUNT = 16;
        public static final int DATA = 20;
        public static final int BYTES = 20;

        private IrqSet() {}
    }

    /** struct vfio_iommu_type1_info. */
    public static final class IommuType1Info {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int IOVA_PGSIZES = 8;
        public static final int CAP_OFFSET = 16;
        public static final int BYTES = 24;

        private IommuType1Info() {}
    }

    /** struct vfio_iova_range. Both ends are part of it. */
    public static final class IovaRange {
        public static final int START = 0;
        public static final int END = 8;
        public static final int BYTES = 16;

        private IovaRange() {}
    }

    /** struct vfio_iommu_type1_info_cap_iova_range. Ranges of IovaRange follow. */
    public static final class IommuType1InfoCapIovaRange {
        public static final int HEADER = 0;
        public static final int NR_IOVAS = 8;
        public static final int RESERVED = 12;
        public static final int IOVA_RANGES = 16;
        public static final int BYTES = 16;

        private IommuType1InfoCapIovaRange() {}
    }

    /** struct vfio_iommu_type1_info_dma_avail. */
    public static final class IommuType1InfoDmaAvail {
        public static final int HEADER = 0;
        public static final int AVAIL = 8;
        public static final int BYTES = 12;

        private IommuType1InfoDmaAvail() {}
    }

    /** struct vfio_iommu_type1_dma_map. */
    public static final class IommuType1DmaMap {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int VADDR = 8;
        public static final int IOVA = 16;
        public static final int SIZE = 24;
        public static final int BYTES = 32;

        private IommuType1DmaMap() {}
    }

    /** struct vfio_iommu_type1_dma_unmap. The size that was unmapped comes back in it. */
    public static final class IommuType1DmaUnmap {
        public static final int ARGSZ = 0;
        public static final int FLAGS = 4;
        public static final int IOVA = 8;
        public static final int SIZE = 16;
        public static final int BYTES = 24;

        private IommuType1DmaUnmap() {}
    }
}
