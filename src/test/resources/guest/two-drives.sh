# shellcheck shell=bash
# Two controllers in one guest, with blocks of 512 and of 4096 bytes, both loaded at once.
wait_for_nvme 2
nvme list
[ "$(cat /sys/block/nvme*n1/queue/logical_block_size | sort -n | tr '\n' ' ')" = "512 4096 " ] || fail "block sizes"
[ "$(cat /sys/class/nvme/nvme*/serial | tr -d ' ' | sort -u | wc -l)" = 2 ] || fail "the serial numbers are not two"
[ "$(cat /sys/class/nvme/nvme*/subsysnqn | sort -u | wc -l)" = 2 ] || fail "the NQNs are not two"
[ "$(cat /sys/block/nvme*n1/nguid 2>/dev/null | sort -u | wc -l)" = 2 ] || fail "the NGUIDs are not two"
for n in 0 1; do
  fio --name=both$n --filename=/dev/nvme${n}n1 --size=24M --rw=randwrite --bsrange=4k-512k --ioengine=libaio --direct=1 \
    --iodepth=16 --verify=crc32c --verify_fatal=1 --do_verify=1 --eta=never --output=/tmp/fio$n &
done
wait -n || fail "fio: $(cat /tmp/fio0 /tmp/fio1)"
wait -n || fail "fio: $(cat /tmp/fio0 /tmp/fio1)"
for n in 0 1; do
  mkfs.ext4 -q /dev/nvme${n}n1
  mkdir -p /mnt/$n
  mount /dev/nvme${n}n1 /mnt/$n
  cp /usr/bin/bash /mnt/$n/
  cmp /usr/bin/bash /mnt/$n/bash
  umount /mnt/$n
  fsck.ext4 -fn /dev/nvme${n}n1
done
fail_on_kernel_errors
say "GOOD"
