# shellcheck shell=bash
# A thorough use of the guest's NVMe drives, for scripts/rig/guest: raw and through a file system, verified, discarded; with REBOOT=1
# over a restart too. Everything on the drives is lost. Ends with a failure at the first fault, or if the kernel logged any.
#
#   GUEST_DRIVES=1       how many drives there must be       GUEST_BLOCK_SIZE=512  their logical block size
#   GUEST_SERIALS=       their serial numbers, sorted, separated by blanks (not checked if empty)
#   GUEST_QUEUES=        how many I/O queues Linux must get (default: one a CPU)
#   GUEST_SIZE=16M       how much each fio run writes
: "${GUEST_DRIVES:=1}" "${GUEST_BLOCK_SIZE:=512}" "${GUEST_SERIALS:=}" "${GUEST_QUEUES:=$(nproc)}" "${GUEST_SIZE:=16M}"

wait_for_nvme "$GUEST_DRIVES"
mapfile -t drives < <(find /dev -maxdepth 1 -name 'nvme*n*' | sort)

check_identity() {
  local serials drive block queues
  serials=$(cat /sys/class/nvme/nvme*/serial | sed 's/ *$//' | sort | xargs)
  [ -z "$GUEST_SERIALS" ] || [ "$serials" = "$GUEST_SERIALS" ] || fail "the serials are '$serials', not '$GUEST_SERIALS'"
  for drive in "${drives[@]}"; do
    block=$(blockdev --getss "$drive")
    [ "$block" = "$GUEST_BLOCK_SIZE" ] || fail "$drive has blocks of $block bytes, not $GUEST_BLOCK_SIZE"
    queues=$(find "/sys/block/${drive#/dev/}/mq" -mindepth 1 -maxdepth 1 | wc -l)
    [ "$queues" = "$GUEST_QUEUES" ] || fail "$drive has $queues I/O queues, not $GUEST_QUEUES"
    nvme smart-log "$drive" >/dev/null || fail "$drive has no SMART log"
  done
}

# Every depth, from every CPU at once, each job in its own part of the drive.
exercise_raw() {
  local drive depth
  for drive in "$@"; do
    for depth in 1 8 32; do
      verify_by_fio "$drive" --iodepth="$depth" --numjobs="$(nproc)" --size="$GUEST_SIZE" --offset_increment="$GUEST_SIZE"
      say "$drive: $(nproc) jobs, depth $depth: $VERIFIED MiB verified"
    done
  done
}

exercise_discard() {
  local drive=$1
  blkdiscard "$drive" || fail "blkdiscard $drive"
  blkdiscard --zeroout --length 4M "$drive" || fail "blkdiscard --zeroout $drive"
  cmp --bytes 4194304 "$drive" /dev/zero || fail "$drive does not read zeroes after --zeroout"
}

exercise_file_system() {
  local drive=$1 where=/mnt/${1##*/}
  mkdir -p "$where"
  mkfs.ext4 -q "$drive" && mount "$drive" "$where"
  verify_by_fio "$where/fio" --size="$GUEST_SIZE"
  say "$drive: file system, $VERIFIED MiB verified"
  head -c 4M /dev/urandom >"$where/keep"
  (cd "$where" && sha256sum keep >keep.sha256 && rm fio)
  fstrim "$where" || fail "fstrim $where"
  umount "$where"
  fsck.ext4 -fn "$drive" >/tmp/fsck 2>&1 || fail "fsck $drive: $(cat /tmp/fsck)"
}

check_file_system() {
  local drive=$1 where=/mnt/${1##*/}
  mkdir -p "$where"
  mount "$drive" "$where"
  (cd "$where" && sha256sum --quiet -c keep.sha256) || fail "$drive: the file written before the restart is damaged"
  umount "$where"
  fsck.ext4 -fn "$drive" >/tmp/fsck 2>&1 || fail "fsck $drive: $(cat /tmp/fsck)"
}

check_identity
if [ "$BOOT" = 1 ]; then
  exercise_raw "${drives[@]}"
  for drive in "${drives[@]}"; do
    exercise_discard "$drive"
    exercise_file_system "$drive"
  done
  fail_on_kernel_errors
  [ -z "$STATE_DISK" ] || guest_reboot
else
  for drive in "${drives[@]}"; do
    check_file_system "$drive"
  done
  exercise_raw "${drives[0]}"
  fail_on_kernel_errors
fi
say "All good on ${drives[*]}"
