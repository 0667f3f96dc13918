# shellcheck shell=bash
# Namespaces of a running drive, as LiveNamespacesTest changes them when this says so: the first becomes larger under a mounted file
# system and a load, a second one comes and goes, and a third one becomes smaller.
wait_for_nvme 2
disk=/dev/nvme0n1

# Waits until a drive has a size in MiB, 0 for one that is not there: await_size DRIVE MIB
await_size() {
  local tries found
  for ((tries = 0; tries < 600; tries++)); do
    found=$(($(cat "/sys/block/$1/size" 2>/dev/null || echo 0) >> 11))
    [ "$found" -ne "$2" ] || return 0
    sleep 0.1
  done
  fail "after 60 s $1 has $found MiB, not $2"
}

mkfs.ext4 -q $disk
mkdir -p /mnt/disk
mount $disk /mnt/disk
head -c 4M /dev/urandom >/mnt/disk/before
sha256sum /mnt/disk/before >/tmp/sum
verify_by_fio /mnt/disk/load --size=8M --time_based --runtime=5 &
load=$!
say "GROW"
await_size nvme0n1 96
wait $load
resize2fs $disk
[ "$(df --output=size -m /mnt/disk | tail -n 1)" -gt 60 ] || fail "the file system has not grown: $(df -m /mnt/disk)"
verify_by_fio /mnt/disk/more --size=64M
sha256sum --check --quiet /tmp/sum
umount /mnt/disk
fsck.ext4 -fn $disk || fail "fsck found faults"

say "ATTACH"
await_size nvme0n7 16
[ "$(nvme list-ns /dev/nvme0 | wc -l)" = 3 ] || fail "$(nvme list-ns /dev/nvme0)"
mkfs.ext4 -q /dev/nvme0n7
verify_by_fio /dev/nvme0n7 --size=16M

say "DETACH"
await_size nvme0n7 0
[ "$(nvme list-ns /dev/nvme0 | wc -l)" = 2 ] || fail "$(nvme list-ns /dev/nvme0)"
nvme read /dev/nvme0 --namespace-id=7 --block-count=0 --data-size=4096 --data=/tmp/block 2>/tmp/refusal && fail "a read of what is gone"

say "SHRINK"
await_size nvme0n2 8
verify_by_fio /dev/nvme0n2 --size=8M

fail_on_kernel_errors
say "GOOD"
