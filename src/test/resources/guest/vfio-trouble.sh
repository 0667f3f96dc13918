# shellcheck shell=bash
# What goes wrong with a device of the host: it holds data, its driver is killed, memory may not be locked, its group is not whole,
# it is unplugged while I/O runs. The drive TROUBLE is in a slot for hot-plugging; ONE and TWO are two functions of one slot.
source /sluice/files/vfio-lib.sh

wait_for_nvme 3
drive=$(pci_address_of TROUBLE)
one=$(pci_address_of ONE)
two=$(pci_address_of TWO)

keep_contract "$drive"
wait_for_nvme 3
mkfs.ext4 -q "$(disk_of TROUBLE)"
mkdir -p /mnt/disk
mount "$(disk_of TROUBLE)" /mnt/disk
expect 1 "/mnt/disk" bind "$drive"
umount /mnt/disk
expect 1 "sluice bind $drive" identify "$drive" \
  -- 1 "$two" bind "$one" \
  -- 0 "vfio-pci" bind "$drive" \
  -- 0 "QEMU NVMe Ctrl" identify "$drive" \
  -- 1 "--destroy-data" bench "$drive" --op randwrite --time 1 --warm-up 0 \
  -- 0 "" bench "$drive" --op randwrite --time 2 --warm-up 0 --depth 8 --verify --destroy-data

# A process may lock no memory: neither by its limit nor by its right to ignore it.
unprivileged() { (
  ulimit -l 64
  exec setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock -- bash -c 'source /sluice/lib.sh
    source /sluice/files/vfio-lib.sh
    "$@"' sluice "$@"
); }
unprivileged expect 1 "LimitMEMLOCK=infinity" identify "$drive"

# Killed with I/O in flight, and started again.
sluice_exec io.sluice.cli.Sluice bench "$drive" --op randwrite --time 60 --depth 16 --destroy-data >/tmp/bench 2>&1 &
await_load $!
kill -9 $!
wait $! || true
expect 0 "" bench "$drive" --op randrw --time 2 --warm-up 0 --depth 8 --verify --destroy-data \
  -- 0 "nvme" unbind "$drive"
wait_for_nvme 3

# When the kernel has logged that, in seconds.
kernel_time() {
  dmesg | grep -F -m 1 -- "$1" | sed -E 's/^\[ *([0-9.]+)\].*/\1/' || fail "the kernel has not logged '$1': $(dmesg | tail)" >&2
}

# Two guests share it, and a third boots from it.
write_boot_sector "$(disk_of TROUBLE)" 8
give_to_vfio "$drive"
share "$drive" size=4M size=4M size=1M
give_to_kernel "$drive"
wait_for_nvme 3
cat /tmp/slice-a /tmp/slice-b | cmp -n $((8 << 20)) - "$(disk_of TROUBLE)" || fail "the kernel reads other data than two guests have written"
expect_booted "$(disk_of TROUBLE)" 8
say "the kernel reads what two guests have written"

# Unplugged while I/O runs: the kernel asks for the device, and waits.
give_to_vfio "$drive"
sluice_exec io.sluice.cli.Sluice bench "$drive" --op randread --time 120 --depth 16 >/tmp/bench 2>&1 &
bench=$!
await_load $bench
say "UNPLUG"
for ((tries = 0; tries < 600; tries++)); do
  [ -e "/sys/bus/pci/devices/$drive" ] || break
  sleep 0.1
done
[ ! -e "/sys/bus/pci/devices/$drive" ] || fail "$drive is still there after 60 s: $(cat /tmp/bench)"
echo "$drive is gone" >/dev/kmsg # so that both times are of one clock
code=0
wait $bench || code=$?
[ $code = 1 ] || fail "exit code $code, not 1, of the load: $(cat /tmp/bench)"
grep "asked for $drive back" /tmp/bench || fail "the load did not say why it ended: $(cat /tmp/bench)"
asked=$(kernel_time "vfio-pci $drive: Relaying device request to user (#0)")
gone=$(kernel_time "$drive is gone")
say "it was gone $(awk "BEGIN { print $gone - $asked }") s after Sluice was asked"
awk "BEGIN { exit !($gone - $asked < 5) }" || fail "letting go took longer than 5 s"
expect 0 "$one" list
! grep -F "$drive" /tmp/said || fail "the list still has what was unplugged"
fail_on_kernel_errors
say "GOOD"
