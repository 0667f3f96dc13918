# shellcheck shell=bash
# Namespaces of a running drive, as LiveNamespacesTest changes them when this says so: the first becomes larger under a mounted file
# system and a load, the seventh comes and goes, and the second becomes smaller.
wait_for_nvme 2

# The drive of a namespace, or nothing: Linux looks at several at a time, and numbers drives as they come. drive NSID
drive() {
  local nsid
  for nsid in /sys/block/nvme0n*/nsid; do
    [ "$(cat "$nsid" 2>/dev/null)" != "$1" ] || basename "$(dirname "$nsid")"
  done
}

# Waits until a namespace has a size in MiB, 0 for one that is not there: await_size NSID MIB
await_size() {
  local tries found
  for ((tries = 0; tries < 300; tries++)); do
    found=$(($(cat "/sys/block/$(drive "$1")/size" 2>/dev/null || echo 0) >> 11))
    [ "$found" -ne "$2" ] || return 0
    sleep 0.1
  done
  fail "namespace $1 has $found MiB, not $2"
}

await_namespaces() {
  [ "$(nvme list-ns /dev/nvme0 | grep -c ':0x')" = "$1" ] || fail "not $1 namespaces: $(nvme list-ns /dev/nvme0)"
}

first=/dev/$(drive 1)
mkfs.ext4 -q "$first"
mkdir -p /mnt/disk
mount "$first" /mnt/disk
head -c 4M /dev/urandom >/mnt/disk/before
sha256sum /mnt/disk/before >/tmp/sum
verify_by_fio /mnt/disk/load --size=8M --time_based --runtime=5 &
load=$!
say "GROW"
await_size 1 96
wait $load
resize2fs "$first"
[ "$(df --output=size -m /mnt/disk | tail -n 1)" -gt 60 ] || fail "the file system has not grown: $(df -m /mnt/disk)"
verify_by_fio /mnt/disk/more --size=64M
sha256sum --check --quiet /tmp/sum
umount /mnt/disk
fsck.ext4 -fn "$first" || fail "fsck found faults"

say "ATTACH"
await_size 7 16
await_namespaces 3
mkfs.ext4 -q "/dev/$(drive 7)"
verify_by_fio "/dev/$(drive 7)" --size=16M

say "DETACH"
await_size 7 0
await_namespaces 2
nvme read /dev/nvme0 --namespace-id=7 --block-count=0 --data-size=4096 --data=/tmp/block 2>/dev/null && fail "a read of what is gone"

say "SHRINK"
await_size 2 8
verify_by_fio "/dev/$(drive 2)" --size=8M

fail_on_kernel_errors
say "GOOD"
