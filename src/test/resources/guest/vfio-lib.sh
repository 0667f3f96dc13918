# shellcheck shell=bash
# For guests that give a controller to VFIO and take it back. Java is slow to start under emulation: what can be done by one JVM is.

# The PCI address of the controller with a serial number, and its disk with an NSID (which need not be what its name ends with).
controller_of() { basename "$(dirname "$(grep -lx "$1 *" /sys/class/nvme/*/serial)")"; }
pci_address_of() { cat "/sys/class/nvme/$(controller_of "$1")/address"; }
disk_of() {
  local file
  file=$(grep -lx "${2:-1}" "/sys/block/$(controller_of "$1")n"*/nsid)
  echo "/dev/$(basename "$(dirname "$file")")"
}

# give_to_vfio ADDRESS
give_to_vfio() {
  modprobe vfio-pci
  modprobe vfio_iommu_type1
  local device=/sys/bus/pci/devices/$1
  echo vfio-pci >"$device/driver_override"
  [ ! -e "$device/driver" ] || echo "$1" >"$device/driver/unbind"
  echo "$1" >/sys/bus/pci/drivers_probe
  [ "$(basename "$(readlink -f "$device/driver")")" = vfio-pci ] || fail "vfio-pci did not take $1"
}

# give_to_kernel ADDRESS; wait_for_nvme then waits for its disks
give_to_kernel() {
  local device=/sys/bus/pci/devices/$1
  echo >"$device/driver_override"
  echo "$1" >"$device/driver/unbind"
  echo "$1" >/sys/bus/pci/drivers_probe
}

# sluice_java CLASS [ARGUMENT...]
sluice_java() { (sluice_exec "$@"); }

# The same in the place of this shell: in the background, $! is then Java itself.
sluice_exec() {
  exec java --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
    -cp "/sluice/files/classes:/sluice/files/test-classes:/sluice/files/lib/*" "$@"
}

# Commands of sluice, each of which has to end with an exit code and to say something: expect CODE TEXT COMMAND... [-- CODE TEXT ...]
expect() { sluice_java io.sluice.cli.Steps "$@" || fail "sluice did not do what it should: $*"; }

# The contract suite of PciDevice over VFIO, on a controller that has the kernel's driver before and after: keep_contract ADDRESS
keep_contract() {
  give_to_vfio "$1"
  SLUICE_VFIO_DEVICE=$1 sluice_java io.sluice.qemu.InGuest io.sluice.host.VfioContractTest
  # The suite has the device write where nothing is mapped, or nothing to be written: the IOMMU must have stopped just that.
  dmesg | grep 'DMAR:.*fault addr' >/tmp/faults || fail "the IOMMU has stopped nothing"
  ! grep -v 'fault addr 0x100000000 ' /tmp/faults || fail "the device has reached for memory that is not mapped"
  dmesg --clear
  give_to_kernel "$1"
  say "the contract is kept"
}

# Shares a device that has been given to VFIO: two volumes, each written and read back by a client with four queues. Its data is
# then in /tmp/slice-a and /tmp/slice-b: share ADDRESS VOLUME-A VOLUME-B, where a volume is what follows name and socket in --volume
share() {
  local tries serve
  rm -f /tmp/slice-?
  sluice_exec io.sluice.cli.Sluice serve "$1" --destroy-data --volume "name=a,socket=/tmp/a.sock,$2" \
    --volume "name=b,socket=/tmp/b.sock,$3" >/tmp/serve 2>/tmp/serve-log &
  serve=$!
  for ((tries = 0; tries < 1200; tries++)); do
    [ "$(grep -c '^-device' /tmp/serve)" != 2 ] || break
    kill -0 $serve || fail "serve has ended: $(cat /tmp/serve /tmp/serve-log)"
    sleep 0.1
  done
  sluice_java io.sluice.host.DrivePattern 'write /tmp/a.sock 1 /tmp/slice-a queues=4' 'write /tmp/b.sock 1 /tmp/slice-b queues=4' \
    || fail "the clients have failed; serve says: $(cat /tmp/serve-log)"
  kill -TERM $serve
  wait $serve || fail "serve has ended with $?: $(cat /tmp/serve-log)"
  ! grep -E 'ERROR|WARN' /tmp/serve-log || fail "serve was not content"
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
