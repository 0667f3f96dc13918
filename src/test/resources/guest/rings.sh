# shellcheck shell=bash
# A verified load, and how many commands Linux has sent to its drive in all.
disk=/dev/nvme0n1
wait_for_nvme
verify_by_fio $disk --size=32M --bsrange=4k-16k
fail_on_kernel_errors
# Of Documentation/block/stat.rst: reads, writes, discards and flushes that have ended.
read -r -a counts </sys/block/nvme0n1/stat
say "COMMANDS $((counts[0] + counts[4] + counts[11] + counts[15]))"
say "GOOD"
