#!/bin/sh
# The guest's first process, in the initramfs (busybox). Lays a tmpfs over the read-only root image, hands in the files that
# scripts/rig/guest packed into the initramfs, and runs the script; scripts/rig/guest reads what is printed at the end.
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
for module in virtio_blk overlay; do
  [ ! -f /modules/$module.ko ] || $B insmod /modules/$module.ko
done

# The rig's disks are known by serial; those under test may come in any order. Prints nothing if there is none.
disk() {
  for d in /sys/block/vd*; do
    [ "$($B cat "$d/serial" 2>/dev/null)" = "$1" ] && echo "/dev/${d##*/}" && return
  done
}

give_up() {
  echo "guest: $1"
  echo "SLUICE-GUEST-EXIT=125"
  $B poweroff -f
}

tries=0
until [ -n "$(disk rig-root)" ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || give_up "the rig's root disk did not appear"
  $B sleep 0.1
done
$B mount -t ext4 -o ro "$(disk rig-root)" /lower || give_up "the rig's root disk cannot be mounted"
$B mount -t tmpfs tmpfs /upper
$B mkdir /upper/files /upper/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /root || give_up "no overlay"
[ -z "$(disk rig-jdk)" ] || $B mount -t ext4 -o ro "$(disk rig-jdk)" /root/jdk
[ -z "$(disk rig-qemu)" ] || $B mount -t ext4 -o ro "$(disk rig-qemu)" /root/qemu
$B cp -a /sluice /root/

# The state disk (only with REBOOT=1) remembers over a reboot how often the guest has booted, and whether it meant to.
BOOT=1
state=$(disk rig-state)
if [ -n "$state" ]; then
  read -r before meant <"$state" || before=0
  BOOT=$((${before:-0} + 1))
  [ "$BOOT" = 1 ] || [ "$meant" = reboot ] || give_up "the guest restarted by itself after boot $before"
  [ "$BOOT" -le 9 ] || give_up "the guest has booted 9 times"
  echo "$BOOT running" | $B dd of="$state" bs=512 conv=sync,notrunc 2>/dev/null
fi

$B mount -t proc proc /root/proc
$B mount -t sysfs sys /root/sys
$B mount -t devtmpfs dev /root/dev
exec $B switch_root /root /usr/bin/env -i PATH=/jdk/bin:/usr/sbin:/usr/bin HOME=/root TERM=dumb LANG=C.UTF-8 \
  BOOT=$BOOT STATE_DISK="$state" /usr/bin/bash /sluice/run.sh
