# shellcheck shell=bash
# For guests that give a controller to VFIO and take it back.

# The PCI address of the first controller.
nvme_address() { basename "$(readlink -f /sys/block/nvme0n1/device/device)"; }

# The PCI address, or the disk, of the controller with a serial number.
controller_of() { basename "$(dirname "$(grep -lx "$1 *" /sys/class/nvme/*/serial)")"; }
pci_address_of() { cat "/sys/class/nvme/$(controller_of "$1")/address"; }
disk_of() { echo "/dev/$(controller_of "$1")n1"; }

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

# give_to_kernel ADDRESS
give_to_kernel() {
  local device=/sys/bus/pci/devices/$1
  echo >"$device/driver_override"
  echo "$1" >"$device/driver/unbind"
  echo "$1" >/sys/bus/pci/drivers_probe
  wait_for_nvme
}

# sluice_java CLASS [ARGUMENT...]
sluice_java() { (sluice_exec "$@"); }

# The same in the place of this shell: in the background, $! is then Java itself.
sluice_exec() {
  exec java --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
    -cp "/sluice/files/classes:/sluice/files/test-classes:/sluice/files/lib/*" "$@"
}
