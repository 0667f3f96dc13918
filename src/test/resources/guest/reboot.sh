# shellcheck shell=bash
# Writes, restarts the guest, and finds the same again; three boots on one connection.
disk=/dev/nvme0n1
wait_for_nvme
mkdir -p /mnt/disk
if [ "$BOOT" = 1 ]; then
  mkfs.ext4 -q $disk
  mount $disk /mnt/disk
  head -c 8M /dev/urandom >/mnt/disk/keep
  (cd /mnt/disk && sha256sum keep >keep.sha256)
else
  mount $disk /mnt/disk
  (cd /mnt/disk && sha256sum --quiet -c keep.sha256) || fail "the file is not what it was before the restart"
fi
if [ "$BOOT" = 3 ]; then
  umount /mnt/disk
  fail_on_kernel_errors
  say "GOOD"
else
  fail_on_kernel_errors
  # With I/O under way when the machine is reset: the next boot must find a working controller all the same.
  fio --name=load --filename=/mnt/disk/load --size=16M --rw=randwrite --bs=4k --ioengine=libaio --direct=1 --iodepth=32 \
    --time_based --runtime=30 --output=/tmp/fio &
  sleep 1
  guest_reboot
fi
