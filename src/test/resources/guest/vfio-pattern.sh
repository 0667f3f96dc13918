# shellcheck shell=bash
# What Sluice's driver writes is what the kernel's driver reads, and the other way round.
source /sluice/files/test-classes/guest/vfio-lib.sh
wait_for_nvme
address=$(nvme_address)
give_to_vfio "$address"
sluice_java io.sluice.host.DrivePattern write "$address" /tmp/written
give_to_kernel "$address"
cmp /tmp/written /dev/nvme0n1 || fail "the kernel reads other data than Sluice has written"
say "the kernel reads what Sluice has written"
head -c "$(blockdev --getsize64 /dev/nvme0n1)" /dev/urandom >/tmp/random
dd if=/tmp/random of=/dev/nvme0n1 bs=1M oflag=direct status=none
give_to_vfio "$address"
sluice_java io.sluice.host.DrivePattern compare "$address" /tmp/random
say "Sluice reads what the kernel has written"
give_to_kernel "$address"
fail_on_kernel_errors
say "GOOD"
