/*
 * What io.sluice.uapi.Vfio mirrors of the kernel's vfio interface, in terms of the system's own header. A test compiles a
 * program that prints these and compares both ways.
 *
 * Written against linux-libc-dev 6.1 (Debian 12). Newer kernels only add: where a struct has grown, SIZE is up to the last
 * field that Sluice knows.
 */
#ifndef SLUICE_VFIO_H
#define SLUICE_VFIO_H

#include <linux/vfio.h>

/* CONSTANT(name), FIELD(struct, field), SIZE(struct, bytes). */
#define SLUICE_VFIO(CONSTANT, FIELD, SIZE) \
    /* The API's version and the IOMMU models. */ \
    CONSTANT(VFIO_API_VERSION) \
    CONSTANT(VFIO_TYPE1_IOMMU) \
    CONSTANT(VFIO_TYPE1v2_IOMMU) \
    CONSTANT(VFIO_UNMAP_ALL) \
    CONSTANT(VFIO_UPDATE_VADDR) \
    /* Requests on a container. */ \
    CONSTANT(VFIO_GET_API_VERSION) \
    CONSTANT(VFIO_CHECK_EXTENSION) \
    CONSTANT(VFIO_SET_IOMMU) \
    CONSTANT(VFIO_IOMMU_GET_INFO) \
    CONSTANT(VFIO_IOMMU_MAP_DMA) \
    CONSTANT(VFIO_IOMMU_UNMAP_DMA) \
    /* Requests on a group. */ \
    CONSTANT(VFIO_GROUP_GET_STATUS) \
    CONSTANT(VFIO_GROUP_SET_CONTAINER) \
    CONSTANT(VFIO_GROUP_UNSET_CONTAINER) \
    CONSTANT(VFIO_GROUP_GET_DEVICE_FD) \
    /* Requests on a device. */ \
    CONSTANT(VFIO_DEVICE_GET_INFO) \
    CONSTANT(VFIO_DEVICE_GET_REGION_INFO) \
    CONSTANT(VFIO_DEVICE_GET_IRQ_INFO) \
    CONSTANT(VFIO_DEVICE_SET_IRQS) \
    CONSTANT(VFIO_DEVICE_RESET) \
    /* struct vfio_group_status, flags. */ \
    CONSTANT(VFIO_GROUP_FLAGS_VIABLE) \
    CONSTANT(VFIO_GROUP_FLAGS_CONTAINER_SET) \
    /* struct vfio_device_info, flags. */ \
    CONSTANT(VFIO_DEVICE_FLAGS_RESET) \
    CONSTANT(VFIO_DEVICE_FLAGS_PCI) \
    CONSTANT(VFIO_DEVICE_FLAGS_CAPS) \
    /* struct vfio_region_info, flags and capabilities. */ \
    CONSTANT(VFIO_REGION_INFO_FLAG_READ) \
    CONSTANT(VFIO_REGION_INFO_FLAG_WRITE) \
    CONSTANT(VFIO_REGION_INFO_FLAG_MMAP) \
    CONSTANT(VFIO_REGION_INFO_FLAG_CAPS) \
    CONSTANT(VFIO_REGION_INFO_CAP_SPARSE_MMAP) \
    CONSTANT(VFIO_REGION_INFO_CAP_TYPE) \
    CONSTANT(VFIO_REGION_INFO_CAP_MSIX_MAPPABLE) \
    /* struct vfio_irq_info, flags. */ \
    CONSTANT(VFIO_IRQ_INFO_EVENTFD) \
    CONSTANT(VFIO_IRQ_INFO_MASKABLE) \
    CONSTANT(VFIO_IRQ_INFO_AUTOMASKED) \
    CONSTANT(VFIO_IRQ_INFO_NORESIZE) \
    /* struct vfio_irq_set, flags. */ \
    CONSTANT(VFIO_IRQ_SET_DATA_NONE) \
    CONSTANT(VFIO_IRQ_SET_DATA_BOOL) \
    CONSTANT(VFIO_IRQ_SET_DATA_EVENTFD) \
    CONSTANT(VFIO_IRQ_SET_ACTION_MASK) \
    CONSTANT(VFIO_IRQ_SET_ACTION_UNMASK) \
    CONSTANT(VFIO_IRQ_SET_ACTION_TRIGGER) \
    CONSTANT(VFIO_IRQ_SET_DATA_TYPE_MASK) \
    CONSTANT(VFIO_IRQ_SET_ACTION_TYPE_MASK) \
    /* vfio-pci: region indexes. */ \
    CONSTANT(VFIO_PCI_BAR0_REGION_INDEX) \
    CONSTANT(VFIO_PCI_BAR1_REGION_INDEX) \
    CONSTANT(VFIO_PCI_BAR2_REGION_INDEX) \
    CONSTANT(VFIO_PCI_BAR3_REGION_INDEX) \
    CONSTANT(VFIO_PCI_BAR4_REGION_INDEX) \
    CONSTANT(VFIO_PCI_BAR5_REGION_INDEX) \
    CONSTANT(VFIO_PCI_ROM_REGION_INDEX) \
    CONSTANT(VFIO_PCI_CONFIG_REGION_INDEX) \
    CONSTANT(VFIO_PCI_VGA_REGION_INDEX) \
    CONSTANT(VFIO_PCI_NUM_REGIONS) \
    /* vfio-pci: interrupt indexes. */ \
    CONSTANT(VFIO_PCI_INTX_IRQ_INDEX) \
    CONSTANT(VFIO_PCI_MSI_IRQ_INDEX) \
    CONSTANT(VFIO_PCI_MSIX_IRQ_INDEX) \
    CONSTANT(VFIO_PCI_ERR_IRQ_INDEX) \
    CONSTANT(VFIO_PCI_REQ_IRQ_INDEX) \
    CONSTANT(VFIO_PCI_NUM_IRQS) \
    /* struct vfio_iommu_type1_info, flags and capabilities. */ \
    CONSTANT(VFIO_IOMMU_INFO_PGSIZES) \
    CONSTANT(VFIO_IOMMU_INFO_CAPS) \
    CONSTANT(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) \
    CONSTANT(VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) \
    /* struct vfio_iommu_type1_dma_map and _unmap, flags. */ \
    CONSTANT(VFIO_DMA_MAP_FLAG_READ) \
    CONSTANT(VFIO_DMA_MAP_FLAG_WRITE) \
    CONSTANT(VFIO_DMA_MAP_FLAG_VADDR) \
    CONSTANT(VFIO_DMA_UNMAP_FLAG_ALL) \
    CONSTANT(VFIO_DMA_UNMAP_FLAG_VADDR) \
    /* struct vfio_info_cap_header. */ \
    FIELD(vfio_info_cap_header, id) \
    FIELD(vfio_info_cap_header, version) \
    FIELD(vfio_info_cap_header, next) \
    SIZE(vfio_info_cap_header, sizeof(struct vfio_info_cap_header)) \
    /* struct vfio_group_status. */ \
    FIELD(vfio_group_status, argsz) \
    FIELD(vfio_group_status, flags) \
    SIZE(vfio_group_status, sizeof(struct vfio_group_status)) \
    /* struct vfio_device_info. */ \
    FIELD(vfio_device_info, argsz) \
    FIELD(vfio_device_info, flags) \
    FIELD(vfio_device_info, num_regions) \
    FIELD(vfio_device_info, num_irqs) \
    FIELD(vfio_device_info, cap_offset) \
    SIZE(vfio_device_info, offsetof(struct vfio_device_info, cap_offset) + sizeof(((struct vfio_device_info *) 0)->cap_offset)) \
    /* struct vfio_region_info. */ \
    FIELD(vfio_region_info, argsz) \
    FIELD(vfio_region_info, flags) \
    FIELD(vfio_region_info, index) \
    FIELD(vfio_region_info, cap_offset) \
    FIELD(vfio_region_info, size) \
    FIELD(vfio_region_info, offset) \
    SIZE(vfio_region_info, sizeof(struct vfio_region_info)) \
    /* struct vfio_region_sparse_mmap_area. */ \
    FIELD(vfio_region_sparse_mmap_area, offset) \
    FIELD(vfio_region_sparse_mmap_area, size) \
    SIZE(vfio_region_sparse_mmap_area, sizeof(struct vfio_region_sparse_mmap_area)) \
    /* struct vfio_region_info_cap_sparse_mmap. */ \
    FIELD(vfio_region_info_cap_sparse_mmap, header) \
    FIELD(vfio_region_info_cap_sparse_mmap, nr_areas) \
    FIELD(vfio_region_info_cap_sparse_mmap, reserved) \
    FIELD(vfio_region_info_cap_sparse_mmap, areas) \
    SIZE(vfio_region_info_cap_sparse_mmap, sizeof(struct vfio_region_info_cap_sparse_mmap)) \
    /* struct vfio_region_info_cap_type. */ \
    FIELD(vfio_region_info_cap_type, header) \
    FIELD(vfio_region_info_cap_type, type) \
    FIELD(vfio_region_info_cap_type, subtype) \
    SIZE(vfio_region_info_cap_type, sizeof(struct vfio_region_info_cap_type)) \
    /* struct vfio_irq_info. */ \
    FIELD(vfio_irq_info, argsz) \
    FIELD(vfio_irq_info, flags) \
    FIELD(vfio_irq_info, index) \
    FIELD(vfio_irq_info, count) \
    SIZE(vfio_irq_info, sizeof(struct vfio_irq_info)) \
    /* struct vfio_irq_set. */ \
    FIELD(vfio_irq_set, argsz) \
    FIELD(vfio_irq_set, flags) \
    FIELD(vfio_irq_set, index) \
    FIELD(vfio_irq_set, start) \
    FIELD(vfio_irq_set, count) \
    FIELD(vfio_irq_set, data) \
    SIZE(vfio_irq_set, sizeof(struct vfio_irq_set)) \
    /* struct vfio_iommu_type1_info. */ \
    FIELD(vfio_iommu_type1_info, argsz) \
    FIELD(vfio_iommu_type1_info, flags) \
    FIELD(vfio_iommu_type1_info, iova_pgsizes) \
    FIELD(vfio_iommu_type1_info, cap_offset) \
    SIZE(vfio_iommu_type1_info, sizeof(struct vfio_iommu_type1_info)) \
    /* struct vfio_iova_range. */ \
    FIELD(vfio_iova_range, start) \
    FIELD(vfio_iova_range, end) \
    SIZE(vfio_iova_range, sizeof(struct vfio_iova_range)) \
    /* struct vfio_iommu_type1_info_cap_iova_range. */ \
    FIELD(vfio_iommu_type1_info_cap_iova_range, header) \
    FIELD(vfio_iommu_type1_info_cap_iova_range, nr_iovas) \
    FIELD(vfio_iommu_type1_info_cap_iova_range, reserved) \
    FIELD(vfio_iommu_type1_info_cap_iova_range, iova_ranges) \
    SIZE(vfio_iommu_type1_info_cap_iova_range, sizeof(struct vfio_iommu_type1_info_cap_iova_range)) \
    /* struct vfio_iommu_type1_info_dma_avail. */ \
    FIELD(vfio_iommu_type1_info_dma_avail, header) \
    FIELD(vfio_iommu_type1_info_dma_avail, avail) \
    SIZE(vfio_iommu_type1_info_dma_avail, sizeof(struct vfio_iommu_type1_info_dma_avail)) \
    /* struct vfio_iommu_type1_dma_map. */ \
    FIELD(vfio_iommu_type1_dma_map, argsz) \
    FIELD(vfio_iommu_type1_dma_map, flags) \
    FIELD(vfio_iommu_type1_dma_map, vaddr) \
    FIELD(vfio_iommu_type1_dma_map, iova) \
    FIELD(vfio_iommu_type1_dma_map, size) \
    SIZE(vfio_iommu_type1_dma_map, sizeof(struct vfio_iommu_type1_dma_map)) \
    /* struct vfio_iommu_type1_dma_unmap. */ \
    FIELD(vfio_iommu_type1_dma_unmap, argsz) \
    FIELD(vfio_iommu_type1_dma_unmap, flags) \
    FIELD(vfio_iommu_type1_dma_unmap, iova) \
    FIELD(vfio_iommu_type1_dma_unmap, size) \
    SIZE(vfio_iommu_type1_dma_unmap, sizeof(struct vfio_iommu_type1_dma_unmap))

#endif
