# shellcheck shell=bash
# Everything that a Linux guest does with a drive: probe, mkfs, mount, verified fio, fsck, discard, trim.
# /sluice/files/settings sets FIO_SIZE (of one job) and QUEUES.
source /sluice/files/settings

disk=/dev/nvme0n1
wait_for_nvme
nvme list
queues=$(find /sys/block/nvme0n1/mq -mindepth 1 -maxdepth 1 -type d | wc -l)
[ "$queues" = "$QUEUES" ] || fail "Linux made $queues I/O queues, not $QUEUES"
grep -q nvme0q /proc/interrupts || fail "the drive has no interrupts"

# Jobs of fio, each verified by checksums after it has written all.
verified() {
  local name=$1
  shift
  say "fio $name: $*"
  fio --name="$name" --size="$FIO_SIZE" --rw=randwrite --ioengine=libaio --direct=1 --verify=crc32c --verify_fatal=1 \
    --do_verify=1 --eta=never --output=/tmp/fio --output-format=terse --terse-version=3 "$@" || {
    cat /tmp/fio
    fail "fio $name"
  }
}

verified raw-small --filename=$disk --bs=4k --iodepth=1
verified raw-mixed --filename=$disk --bsrange=4k-1M --iodepth=32 --numjobs="$QUEUES" --offset_increment="$FIO_SIZE"

say "blkdiscard"
blkdiscard $disk
cmp -n $((8 << 20)) $disk /dev/zero || fail "a discarded block is not zero"

say "mkfs.ext4, mount, fio in a file"
mkfs.ext4 -q $disk
mkdir -p /mnt/disk
mount $disk /mnt/disk
verified file --filename=/mnt/disk/fio --bsrange=4k-256k --iodepth=16
cp -a /usr/bin /mnt/disk/copy
sync
echo 3 >/proc/sys/vm/drop_caches
diff -r --no-dereference /usr/bin /mnt/disk/copy || fail "a copied file differs"
rm -rf /mnt/disk/copy
fstrim -v /mnt/disk
umount /mnt/disk
fsck.ext4 -fn $disk || fail "fsck found faults"

say "nvme-cli: compare, verify, copy, write-uncor"
block=$(blockdev --getss $disk)
dd if=/dev/urandom of=/tmp/data bs="$block" count=8 status=none
nvme write $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/data
nvme compare $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/data
cp /tmp/data /tmp/other
printf 'other' | dd of=/tmp/other bs=1 seek=$((8 * block - 5)) conv=notrunc status=none
said=$(nvme compare $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/other 2>&1) && fail "it compares what differs"
[[ $said == *"Compare Failure"* ]] || fail "compare of what differs: $said"
nvme verify $disk --start-block=16 --block-count=7
nvme copy $disk --sdlba=100 --slbs=20,16 --blocks=3,3
nvme read $disk --start-block=100 --block-count=7 --data-size=$((8 * block)) --data=/tmp/copied
cat <(tail -c $((4 * block)) /tmp/data) <(head -c $((4 * block)) /tmp/data) | cmp - /tmp/copied || fail "what was copied is something else"
nvme write-uncor $disk --start-block=18 --block-count=0
for op in verify "read --data-size=$((8 * block)) --data=/tmp/copied"; do
  # shellcheck disable=SC2086  # options are separated by blanks
  said=$(nvme $op $disk --start-block=16 --block-count=7 2>&1) && fail "$op of an uncorrectable block"
  [[ $said == *"Unrecovered Read Error"* || $said == *"unrecovered"* ]] || fail "$op of an uncorrectable block: $said"
done
nvme write $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/data
nvme verify $disk --start-block=16 --block-count=7
nvme write-zeroes $disk --start-block=100 --block-count=7
nvme dsm $disk --ad --slbs=16 --blocks=8
nvme read $disk --start-block=16 --block-count=7 --data-size=$((8 * block)) --data=/tmp/copied
cmp -n $((8 * block)) /tmp/copied /dev/zero || fail "a deallocated block is not zero"

nvme id-ctrl /dev/nvme0 >/dev/null
nvme smart-log /dev/nvme0
nvme error-log /dev/nvme0 >/dev/null
fail_on_kernel_errors
say "GOOD"
