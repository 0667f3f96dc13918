# shellcheck shell=bash
# What scripts/rig/as-host runs in its guest for `demo`: scripts/demo on a device that vfio-pci has. Its guests boot from this guest's
# own root image.

mkdir -p /opt
mv /sluice/files/sluice /opt/sluice
ln -s /jdk /opt/jdk
export SLUICE_CACHE=/var/cache/sluice SLUICE_JAVA_OPTS=-XX:TieredStopAtLevel=1 SLUICE_BUILD=never
/opt/sluice/scripts/sluice --version

rig=$SLUICE_CACHE/rig-$(cat /opt/sluice/scripts/rig/build /opt/sluice/scripts/rig/guest-init.sh | sha256sum | cut -c 1-12)
mkdir -p "$rig/root/usr/bin"
mv /sluice/files/rig/* "$rig/"
ln -s /qemu "$rig/qemu"
ln -s /usr/bin/busybox "$rig/root/usr/bin/busybox"
ln -s "/dev/$(basename "$(dirname "$(grep -lx rig-root /sys/block/vd*/serial)")")" "$rig/root.img"

wait_for_nvme
address=$(cat /sys/class/nvme/nvme0/address)
/opt/sluice/scripts/sluice bind "$address"
SLICE_MIB=16 TIMEOUT=3600 /opt/sluice/scripts/demo --device "$address" --destroy-data || fail "the demo"
/opt/sluice/scripts/sluice unbind "$address"
fail_on_kernel_errors
say "GOOD"
