# shellcheck shell=bash
# Helpers for scripts that run in a guest; scripts/rig/guest has sourced this before the script starts, with set -euo pipefail.
# A script also finds: $BOOT (1, 2, ... with REBOOT=1), /sluice/files (the folder FILES), /jdk (with JDK=1), /qemu (with NESTED=1).

say() { printf '==> %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# Waits until the guest has so many NVMe namespaces (default 1) as block devices: wait_for_nvme [COUNT]
wait_for_nvme() {
  local wanted=${1:-1} tries found
  for ((tries = 0; tries < 300; tries++)); do
    found=$(find /sys/block -name 'nvme*n*' | wc -l)
    [ "$found" -lt "$wanted" ] || return 0
    sleep 0.1
  done
  dmesg | grep -i nvme || true
  fail "after 30 s there are $found NVMe namespaces, not $wanted"
}

# Leaves out the kernel's messages that are no fault of the device under test: its own arguments, which it repeats; and a quirk that
# Linux has for QEMU's nvme device by its PCI ID (a device of another ID never causes that message).
known_noise() {
  grep -vE '[Cc]ommand line: |Ignoring bogus Namespace Identifiers' || [ $? -eq 1 ]
}

# Fails if the kernel logged an error, or at any level a line that says that an NVMe controller or its I/O went wrong.
fail_on_kernel_errors() {
  local nvme='nvme.*(timeout|abort|reset|unable|fail|invalid|bogus|broken|missing|down|error)'
  local disk='I/O error|critical (medium|target)|EXT4-fs (error|warning)|DMAR:.*fault'
  local kernel='BUG:|WARNING:|Call Trace|blocked for more than'
  local lines
  dmesg >/tmp/dmesg
  lines=$({
    dmesg --level emerg,alert,crit,err
    grep -iE "$nvme|$disk|$kernel" /tmp/dmesg || [ $? -eq 1 ]
  } | sort -u | known_noise)
  [ -z "$lines" ] || fail "the guest's kernel logged errors:
$lines"
}

# Random writes of 4 KiB to 1 MiB to a disk or file, each read back and compared by its checksum; sets $VERIFIED to how many MiB.
# verify_by_fio TARGET [FIO-OPTION...]; the options come last, so that they may change the defaults.
verify_by_fio() {
  local target=$1
  shift
  fio --name=verify --filename="$target" --size=64M --rw=randwrite --bsrange=4k-1M --ioengine=libaio --direct=1 --iodepth=16 \
    --verify=crc32c --verify_fatal=1 --do_verify=1 --group_reporting --eta=never \
    --output-format=terse --terse-version=3 "$@" >/tmp/fio 2>&1 || fail "fio on $target: $(grep -v '^3;' /tmp/fio)"
  # Of fio's terse fields, 5 is the error and 47 how many KiB were written.
  # shellcheck disable=SC2034  # for the caller
  VERIFIED=$(awk -F ';' '/^3;/ && $5 == 0 && $47 > 0 { print $47 / 1024 }' /tmp/fio | grep .) \
    || fail "fio on $target: $(grep -v '^3;' /tmp/fio)"
}

# Restarts the guest; the script runs again from its start with $BOOT one higher. Needs REBOOT=1.
guest_reboot() {
  [ -n "$STATE_DISK" ] || fail "guest_reboot needs REBOOT=1"
  echo "$BOOT reboot" | dd of="$STATE_DISK" bs=512 conv=sync,notrunc,fsync status=none
  sync
  busybox reboot -f
  sleep 60 # until the machine is reset
}
