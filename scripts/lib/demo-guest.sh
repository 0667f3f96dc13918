# shellcheck shell=bash
# What scripts/demo runs in each of its two guests, by scripts/rig/guest. The host's script reads the lines
# "RESULT: what | how" and "SUM: sha256". $GUEST_FIO_MIB MiB are written and compared.

result() { printf 'RESULT: %s | %s\n' "$1" "$2"; }

disk=/dev/nvme0n1
wait_for_nvme
bytes=$(blockdev --getsize64 $disk)
blocks=$((bytes / $(blockdev --getss $disk)))
model=$(</sys/class/nvme/nvme0/model)
serial=$(</sys/class/nvme/nvme0/serial)
say "Linux's own driver has found ${model%%  *} ${serial%% *}, $((bytes >> 20)) MiB"
result "finds a drive" "${model%%  *}, serial number ${serial%% *}, $((bytes >> 20)) MiB"

say "ext4 on it, and fio: random writes of 4 KiB to 1 MiB, each read back and compared"
mkfs.ext4 -q $disk
mkdir -p /mnt/disk
mount $disk /mnt/disk
verify_by_fio /mnt/disk/fio --size="${GUEST_FIO_MIB}M"
umount /mnt/disk
fsck.ext4 -fn $disk >/tmp/fsck 2>&1 || fail "fsck found faults: $(cat /tmp/fsck)"
result "ext4, fio verified" "${VERIFIED%.*} MiB written and read back, no difference; fsck clean"

say "fio: random reads of 4 KiB, 16 at a time"
fio --name=reads --filename=$disk --rw=randread --bs=4k --ioengine=libaio --direct=1 --iodepth=16 --time_based --runtime=2 \
  --eta=never --output-format=terse --terse-version=3 >/tmp/fio 2>&1 || fail "fio: $(cat /tmp/fio)"
# Of fio's terse fields, 8 is how many reads it did in a second.
result "4 KiB reads" "$(awk -F ';' '/^3;/ { print $8 }' /tmp/fio) in a second, as fast as the emulated processor goes"

# Linux's block layer would refuse it by itself; a command of nvme-cli's goes to the drive as it is.
say "Commands to blocks behind the drive's end, where others' data is"
truncate -s 4K /tmp/block
for op in read write; do
  for start in "$blocks" $((blocks * 2 - 1)); do
    said=$(nvme $op $disk --namespace-id=1 --start-block="$start" --block-count=0 --data-size=4096 --data=/tmp/block 2>&1) \
      && fail "a $op of block $start of $blocks was done"
    [[ $said == *"LBA Out of Range"* ]] || fail "a $op of block $start of $blocks: $said"
  done
done
result "reaches over its end" "reads and writes refused: LBA Out of Range"

say "Filling all of it with random data"
mkfifo /tmp/copy
sha256sum </tmp/copy >/tmp/sum &
head -c "$bytes" /dev/urandom | tee /tmp/copy | dd of=$disk bs=1M iflag=fullblock oflag=direct status=none
wait $!
read -r sum _ </tmp/sum
fail_on_kernel_errors
result "fills all of it" "$((bytes >> 20)) MiB of random data, SHA-256 ${sum:0:16}..."
result "ends" "no errors in its kernel's log"
echo "SUM: $sum"
