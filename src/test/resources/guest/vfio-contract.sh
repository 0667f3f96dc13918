# shellcheck shell=bash
# The contract suite of PciDevice over VFIO, on QEMU's own NVMe.
source /sluice/files/test-classes/guest/vfio-lib.sh
wait_for_nvme
address=$(nvme_address)
give_to_vfio "$address"
SLUICE_VFIO_DEVICE=$address sluice_java io.sluice.qemu.InGuest io.sluice.host.VfioContractTest
# The suite has the device write where nothing is mapped, or nothing to be written: the IOMMU must have stopped just that.
dmesg | grep 'DMAR:.*fault addr' >/tmp/faults || fail "the IOMMU has stopped nothing"
! grep -v 'fault addr 0x100000000 ' /tmp/faults || fail "the device has reached for memory that is not mapped"
dmesg --clear
give_to_kernel "$address"
fail_on_kernel_errors
say "GOOD"
