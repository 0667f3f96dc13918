# shellcheck shell=bash
# What goes wrong with a device of the host: it holds data, it is asked back while I/O runs, its driver is killed, memory may not be
# locked, its group is not whole. The drive is nvme0; nvme1 and nvme2 are two functions of one slot.
source /sluice/files/test-classes/guest/vfio-lib.sh
sluice() { sluice_java io.sluice.cli.Sluice "$@"; }

# expect CODE TEXT COMMAND...: it ends with that exit code, and says that
expect() {
  local code=$1 text=$2 got=0
  shift 2
  "$@" >/tmp/said 2>&1 || got=$?
  [ "$got" = "$code" ] || fail "exit code $got, not $code, of: $* ($(cat /tmp/said))"
  grep -qF -- "$text" /tmp/said || fail "'$text' was not said by: $* ($(cat /tmp/said))"
  say "as it should be: $(grep -F -m 1 -- "$text" /tmp/said)"
}

# Waits until a process has the device, and some seconds more, so that I/O is under way.
await_load() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    kill -0 "$1" || fail "the load has ended by itself: $(cat /tmp/bench)"
    if readlink "/proc/$1/fd/"* | grep -q vfio-device; then
      sleep 5
      return
    fi
    sleep 0.1
  done
  fail "the load does not begin"
}

wait_for_nvme 3
drive=$(pci_address_of TROUBLE)
one=$(pci_address_of ONE)
two=$(pci_address_of TWO)

expect 0 "$drive" sluice list
mkfs.ext4 -q "$(disk_of TROUBLE)"
mkdir -p /mnt/disk
mount "$(disk_of TROUBLE)" /mnt/disk
expect 1 "/mnt/disk" sluice bind "$drive"
umount /mnt/disk
expect 1 "sluice bind $drive" sluice identify "$drive"
expect 1 "$two" sluice bind "$one"
expect 0 "vfio-pci" sluice bind "$drive"
expect 0 "QEMU NVMe Ctrl" sluice identify "$drive"

expect 1 "--destroy-data" sluice bench "$drive" --op randwrite --time 1 --warm-up 0
expect 0 "" sluice bench "$drive" --op randwrite --time 2 --warm-up 0 --depth 8 --verify --destroy-data

# A process may lock no memory: neither by its limit nor by its right to ignore it.
unprivileged() { (
  ulimit -l 64
  exec setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock -- bash -c 'source /sluice/files/test-classes/guest/vfio-lib.sh
    sluice_java io.sluice.cli.Sluice "$@"' sluice "$@"
); }
expect 1 "LimitMEMLOCK=infinity" unprivileged identify "$drive"

# Killed with I/O in flight, and started again.
sluice_exec io.sluice.cli.Sluice bench "$drive" --op randwrite --time 60 --depth 16 --destroy-data >/tmp/bench 2>&1 &
await_load $!
kill -9 $!
wait $! || true
expect 0 "" sluice bench "$drive" --op randrw --time 2 --warm-up 0 --depth 8 --verify --destroy-data

# Asked back while I/O runs.
sluice_exec io.sluice.cli.Sluice bench "$drive" --op randread --time 60 --depth 16 >/tmp/bench 2>&1 &
bench=$!
await_load $bench
before=$(cut -d ' ' -f 1 /proc/uptime)
echo "$drive" >/sys/bus/pci/devices/$drive/driver/unbind
after=$(cut -d ' ' -f 1 /proc/uptime)
say "the host had it back after $(awk "BEGIN { print $after - $before }") s"
awk "BEGIN { exit !($after - $before < 5) }" || fail "letting go took longer than 5 s"
code=0
wait $bench || code=$?
[ $code = 1 ] || fail "exit code $code, not 1, of the load: $(cat /tmp/bench)"
grep -q "asked for $drive back" /tmp/bench || fail "the load did not say why it ended: $(cat /tmp/bench)"
echo vfio-pci >/sys/bus/pci/devices/$drive/driver_override
echo "$drive" >/sys/bus/pci/drivers_probe
expect 0 "nvme" sluice unbind "$drive"
wait_for_nvme 3
fail_on_kernel_errors
say "GOOD"
