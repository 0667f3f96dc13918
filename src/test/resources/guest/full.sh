# shellcheck shell=bash
# Everything that a Linux guest does with a drive: probe, mkfs, mount, verified fio, fsck, discard, trim. (What nvme-cli asks: nvme.sh.)
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

fail_on_kernel_errors
say "GOOD"
