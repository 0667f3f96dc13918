# shellcheck shell=bash
# What scripts/demo runs in its last guest, which has the whole device: prints "SUM: sha256" of each slice of $GUEST_SLICE_MIB MiB,
# and with GUEST_REST=1 "REST: bytes" that are not zero behind them.
disk=/dev/nvme0n1
wait_for_nvme
say "Linux finds the whole device, $(($(blockdev --getsize64 $disk) >> 20)) MiB; reading both slices of it"
for slice in 0 1; do
  dd if=$disk bs=1M iflag=direct skip=$((slice * GUEST_SLICE_MIB)) count="$GUEST_SLICE_MIB" status=none | sha256sum >/tmp/sum
  read -r sum _ </tmp/sum
  echo "SUM: $sum"
done
if [ "$GUEST_REST" = 1 ]; then
  echo "REST: $(dd if=$disk bs=1M iflag=direct skip=$((2 * GUEST_SLICE_MIB)) status=none | tr -d '\0' | wc -c)"
fi
fail_on_kernel_errors
