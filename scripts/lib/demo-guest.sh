# shellcheck shell=bash
# What scripts/demo runs in the guest, by scripts/rig/guest with REBOOT=1. Each line "RESULT: what | how" goes into its table.

result() { printf 'RESULT: %s | %s\n' "$1" "$2"; }

disk=/dev/nvme0n1
wait_for_nvme
mkdir -p /mnt/disk

if [ "$BOOT" = 1 ]; then
  say "Linux $(uname -r) is up and found an NVMe drive by its own driver: nvme list"
  nvme list
  name=$(</sys/class/nvme/nvme0/model)
  result "The guest finds the drive" \
    "$disk, ${name%%  *}, $(($(blockdev --getsize64 $disk) >> 20)) MiB, $(blockdev --getss $disk)-byte blocks"

  say "Making an ext4 file system on it, and mounting it"
  mkfs.ext4 -q $disk
  mount $disk /mnt/disk
  result "mkfs.ext4 and mount" "good"

  say "fio: random writes of 4 KiB to 1 MiB, 16 at a time, each read back and compared by its checksum"
  verify_by_fio /mnt/disk/fio
  result "fio, verified" "$VERIFIED MiB written and read back, no difference"

  say "Writing a file and its checksum, then checking the file system"
  head -c 16M /dev/urandom >/mnt/disk/keep
  (cd /mnt/disk && sha256sum keep >keep.sha256)
  umount /mnt/disk
  fsck.ext4 -fn $disk >/tmp/fsck 2>&1 || fail "fsck found faults: $(cat /tmp/fsck)"
  result "fsck" "clean"
  fail_on_kernel_errors
  say "Restarting the guest"
  guest_reboot
fi

say "The guest is up again, and the drive is still there"
mount $disk /mnt/disk
(cd /mnt/disk && sha256sum --quiet -c keep.sha256)
result "The guest restarts" "the drive is back, the file's checksum is right"
trimmed=$(fstrim -v /mnt/disk)
trimmed=${trimmed#*: }
result "fstrim" "${trimmed% (*} given back"
umount /mnt/disk
fail_on_kernel_errors
result "The guest's kernel log" "no errors, in either boot"
say "Shutting the guest down"
