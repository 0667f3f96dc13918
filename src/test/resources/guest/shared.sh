# shellcheck shell=bash
# One of several guests that share a device: its whole volume is written, checked, and named by its checksum.
# /sluice/files/settings sets WHAT:
#   fill     the run
#   load     writes until it is killed
#   reboot   begins with a load, restarts in the middle of it, then does the run
source /sluice/files/settings
disk=/dev/nvme0n1
wait_for_nvme

# Random writes without end, whose content nobody knows.
load() {
  fio --name=load --filename=$disk --rw=randwrite --bsrange=4k-256k --ioengine=libaio --direct=1 --iodepth=32 --time_based \
    --runtime=600 --eta=never --output=/dev/null
}

case $WHAT in
  load)
    say "LOADED"
    load
    fail "it was to be killed"
    ;;
  reboot)
    if [ "$BOOT" = 1 ]; then
      load &
      sleep 5
      guest_reboot
    fi
    ;;
esac

size=$(blockdev --getsize64 $disk)
verify_by_fio $disk --size="$size" --io_size=32M
head -c "$size" /dev/urandom | dd of=$disk bs=1M iflag=fullblock oflag=direct status=none
echo 3 >/proc/sys/vm/drop_caches
say "DIGEST $(sha256sum $disk | cut -d ' ' -f 1)"
fail_on_kernel_errors
say "GOOD"
