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

# A test program of Java's: sluice_java CLASS [ARGUMENT...]. All of them run in one JVM, which the first one starts.
sluice_java() {
  local code
  [ -n "${STATION:-}" ] || start_station
  printf '%s\n' $# "$@" >&"$STATION_IN"
  until read -r -t 5 code <&"$STATION_OUT"; do
    kill -0 "$STATION" || fail "the JVM of the test programs has ended"
  done
  return "$code"
}

start_station() {
  local pipes=/tmp/station-$$
  mkfifo "$pipes-in" "$pipes-out"
  # Both for reading and writing: so nobody waits for the other side to open it.
  exec {STATION_IN}<>"$pipes-in" {STATION_OUT}<>"$pipes-out"
  # Closed for itself, or it would never see the end of its commands.
  sluice_exec io.sluice.qemu.Station "$pipes-in" "$pipes-out" {STATION_IN}>&- {STATION_OUT}>&- &
  STATION=$!
}

# A JVM of its own, in the place of this shell: sluice_exec CLASS [ARGUMENT...]. In the background, $! is then Java itself.
sluice_exec() {
  local options=(--enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
  # Recorded with these options, by this class path. A JVM that did not take it would start, more slowly, so it has to tell.
  [ ! -f /sluice/files/program.aot ] || options+=(-XX:AOTCache=/sluice/files/program.aot -XX:AOTMode=on)
  exec java "${options[@]}" -cp "$(sed 's|^|/sluice/files/|' /sluice/files/jars | paste -sd :)" "$@"
}

# Commands of sluice, each of which has to end with an exit code and to say something: expect CODE TEXT COMMAND... [-- CODE TEXT ...]
expect() { sluice_java io.sluice.cli.Steps "$@" || fail "sluice did not do what it should: $*"; }

# The contract suite of PciDevice over VFIO, on a controller that has the kernel's driver before and after: keep_contract ADDRESS
keep_contract() {
  give_to_vfio "$1"
  # The JVM takes its environment from its start, so this has to be what it is started for.
  [ -z "${STATION:-}" ] || fail "the contract comes first"
  SLUICE_VFIO_DEVICE=$1 sluice_java io.sluice.qemu.InGuest io.sluice.host.VfioContractTest
  # The suite has the device write where nothing is mapped, or nothing to be written: the IOMMU must have stopped just that.
  dmesg | grep 'DMAR:.*fault addr' >/tmp/faults || fail "the IOMMU has stopped nothing"
  ! grep -v 'fault addr 0x100000000 ' /tmp/faults || fail "the device has reached for memory that is not mapped"
  dmesg --clear
  give_to_kernel "$1"
  say "the contract is kept"
}

# Shares a device that has been given to VFIO: two volumes, each written and read back by a client with four queues, whose data
# is then in /tmp/slice-a and /tmp/slice-b. Where there is a third, a QEMU in this guest boots from it; it has been given
# a boot sector. share ADDRESS VOLUME-A VOLUME-B [VOLUME-C], where a volume is what follows name and socket in --volume
share() {
  local tries serve volumes=() name=a drive=$1
  shift
  for volume in "$@"; do
    volumes+=(--volume "name=$name,socket=/tmp/$name.sock,$volume")
    name=$(tr a-c b-d <<<"$name")
  done
  rm -f /tmp/slice-?
  sluice_exec io.sluice.cli.Sluice serve "$drive" --destroy-data "${volumes[@]}" >/tmp/serve 2>/tmp/serve-log &
  serve=$!
  for ((tries = 0; tries < 120; tries++)); do # each of them takes CPU time from what it waits for
    [ "$(grep -c '^-device' /tmp/serve)" != $# ] || break
    kill -0 $serve || fail "serve has ended: $(cat /tmp/serve /tmp/serve-log)"
    sleep 1
  done
  sluice_java io.sluice.host.DrivePattern 'write /tmp/a.sock 1 /tmp/slice-a queues=4' 'write /tmp/b.sock 1 /tmp/slice-b queues=4' \
    || fail "the clients have failed; serve says: $(cat /tmp/serve-log)"
  [ $# -lt 3 ] || boot_from /tmp/c.sock
  kill -TERM $serve
  wait $serve || fail "serve has ended with $?: $(cat /tmp/serve-log)"
  ! grep -E 'ERROR|WARN' /tmp/serve-log || fail "serve was not content"
}

# Boots a machine in this one from what is served at a socket: boot_from SOCKET
boot_from() {
  SLUICE_RIG=/ TIMEOUT=400 MEM=64M bash /sluice/files/scripts/rig/boot-sector run \
    -device "{\"driver\":\"vfio-user-pci\",\"bootindex\":0,\"socket\":{\"type\":\"unix\",\"path\":\"$1\"}}" \
    || fail "nothing boots from $1; serve says: $(cat /tmp/serve-log)"
}

# What a boot sector needs, at a MiB of a disk that the kernel has: write_boot_sector DISK MIB
write_boot_sector() {
  bash /sluice/files/scripts/rig/boot-sector write /tmp/boot
  dd if=/tmp/boot of="$1" bs=512 seek=$(($2 * 2048)) conv=notrunc oflag=direct status=none
}

# Whether the boot sector has copied its block 1 to block 2, as the kernel reads it: expect_booted DISK MIB
expect_booted() {
  dd if="$1" of=/tmp/booted bs=512 count=3 skip=$(($2 * 2048)) iflag=direct status=none
  cmp -n 1024 /tmp/boot /tmp/booted || fail "the boot sector is not what it was"
  cmp -n 512 -i 512:1024 /tmp/boot /tmp/booted || fail "the kernel reads other data than the boot sector has written"
  say "the kernel reads what the boot sector has written"
}

# Waits until a process has the device, and some seconds more, so that I/O is under way.
await_load() {
  local tries
  for ((tries = 0; tries < 60; tries++)); do
    kill -0 "$1" || fail "the load has ended by itself: $(cat /tmp/bench)"
    if readlink "/proc/$1/fd/"* | grep -q vfio-device; then
      sleep 5
      return
    fi
    sleep 1
  done
  fail "the load does not begin"
}
