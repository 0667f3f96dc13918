# shellcheck shell=bash
# A short verified run on the raw drive and in a file, for guests whose memory is what is special.
# /sluice/files/settings may set EXPECT_DMAR=1: the guest must have a working IOMMU.
source /sluice/files/settings
disk=/dev/nvme0n1
wait_for_nvme
if [ "${EXPECT_DMAR:-0}" = 1 ]; then
  [ -e "$(readlink -f /sys/block/nvme0n1/device/device)/iommu_group" ] || fail "the drive is behind no IOMMU"
  type=$(cat "$(readlink -f /sys/block/nvme0n1/device/device/iommu_group)/type")
  [ "$type" = DMA ] || fail "the drive's IOMMU domain is $type, not the strict DMA"
fi
fio --name=raw --filename=$disk --size=24M --rw=randwrite --bsrange=4k-1M --ioengine=libaio --direct=1 --iodepth=16 \
  --verify=crc32c --verify_fatal=1 --do_verify=1 --eta=never --output=/tmp/fio || fail "fio: $(cat /tmp/fio)"
mkfs.ext4 -q $disk
mkdir -p /mnt/disk
mount $disk /mnt/disk
cp /usr/bin/bash /mnt/disk/
sync
echo 3 >/proc/sys/vm/drop_caches
cmp /usr/bin/bash /mnt/disk/bash || fail "a copied file differs"
umount /mnt/disk
fsck.ext4 -fn $disk
fail_on_kernel_errors
say "GOOD"
