# shellcheck shell=bash
# A drive in a file: what a guest leaves there, and what the next one finds after a restart of the drive.
# /sluice/files/settings sets STAGE: leave or find. The first 128 MiB are a file system, the next 64 MiB are raw.
source /sluice/files/settings
disk=/dev/nvme0n1
raw=$((128 << 20))
wait_for_nvme

nvme_commands() {
  local block said
  block=$(blockdev --getss $disk)
  dd if=/dev/urandom of=/tmp/data bs="$block" count=8 status=none
  nvme write $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/data
  nvme flush $disk --namespace-id=1
  nvme compare $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/data
  cp /tmp/data /tmp/other
  printf 'other' | dd of=/tmp/other bs=1 seek=$((8 * block - 5)) conv=notrunc status=none
  said=$(nvme compare $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/other 2>&1) \
    && fail "it compares what differs"
  [[ $said == *"Compare Failure"* ]] || fail "compare of what differs: $said"
  nvme verify $disk --start-block=0 --block-count=40000
  nvme copy $disk --sdlba=100 --slbs=20,16 --blocks=3,3
  nvme read $disk --start-block=100 --block-count=7 --data-size=$((8 * block)) --data=/tmp/copied
  cat <(tail -c $((4 * block)) /tmp/data) <(head -c $((4 * block)) /tmp/data) | cmp - /tmp/copied \
    || fail "what was copied is something else"
}

leave() {
  nvme_commands
  verify_by_fio $disk --offset=$raw --fsync=64
  say "$VERIFIED MiB verified"
  mkfs.ext4 -q $disk 128M
  mount $disk /mnt/disk
  cp -a /usr/bin /mnt/disk/programs
  (cd /mnt/disk && find programs -type f -exec sha256sum {} + >sums)
  umount /mnt/disk
}

find_again() {
  fsck.ext4 -fn $disk || fail "fsck found faults"
  mount $disk /mnt/disk
  (cd /mnt/disk && sha256sum --quiet -c sums) || fail "a file is not what it was"
  rm -r /mnt/disk/programs
  sync # what the journal still has is not trimmed
  fstrim -v /mnt/disk
  umount /mnt/disk
  blkdiscard --offset=$raw --length=$((64 << 20)) $disk
  cmp -n $((64 << 20)) --ignore-initial=$raw:0 $disk /dev/zero || fail "a discarded block is not zero"
}

mkdir -p /mnt/disk
case $STAGE in
  leave) leave ;;
  find) find_again ;;
esac
fail_on_kernel_errors
say "GOOD"
