# shellcheck shell=bash
# What Sluice's driver writes is what the kernel's driver reads, and the other way round; on controllers with various traits, some
# with small pages, some with hugepages.
source /sluice/files/vfio-lib.sh
controllers=(PLAIN BIG SMALL WIDE MANY MODEL)
# What has data to compare: SERIAL NSID
drives=('PLAIN 1' 'BIG 1' 'SMALL 1' 'WIDE 1' 'MANY 1' 'MANY 2' 'MODEL 1')
declare -A address traits=(
  [PLAIN]='doorbell-buffer'
  [BIG]=''
  [SMALL]='queues=2 interrupts'
  [WIDE]='queues=64'
  [MANY]=''
  [MODEL]=''
)

# patterns ACTION MORE-TRAITS DRIVE...: what DRIVE should hold, or should be compared with, is /tmp/ACTION-SERIAL-NSID
patterns() {
  local action=$1 more=$2 drive serial nsid jobs=()
  shift 2
  for drive in "$@"; do
    read -r serial nsid <<<"$drive"
    # shellcheck disable=SC2086  # traits are words
    jobs+=("$(echo "$action ${address[$serial]} $nsid /tmp/$action-$serial-$nsid" ${traits[$serial]} $more)")
  done
  sluice_java io.sluice.host.DrivePattern "${jobs[@]}"
}

all_to() {
  local serial
  for serial in "${controllers[@]}"; do
    "$1" "${address[$serial]}"
  done
}

# expect_on_disk DRIVE...: the kernel reads what the last `patterns write` has written
expect_on_disk() {
  local drive serial nsid
  for drive in "$@"; do
    read -r serial nsid <<<"$drive"
    cmp "/tmp/write-$serial-$nsid" "$(disk_of "$serial" "$nsid")" || fail "the kernel reads other data than Sluice has written to $drive"
  done
}

wait_for_nvme 8
for serial in "${controllers[@]}"; do
  address[$serial]=$(pci_address_of "$serial")
done

keep_contract "${address[PLAIN]}"
wait_for_nvme 8

say "Sluice writes, in small pages: this host has set no hugepages aside"
all_to give_to_vfio
patterns write small-pages "${drives[@]}"

say "a namespace with metadata is refused, and listed with the others"
expect 0 "512+8 (in use)" identify "${address[MANY]}" \
  -- 1 "namespace 3 is formatted with 8 bytes of metadata" bench "${address[MANY]}" --op randread --nsid 3
for listed in 'namespace 1 ' 'namespace 2 ' 'namespace 3 ' '24,576 of 512 bytes' '2,048 of 4096 bytes'; do
  grep -F "$listed" /tmp/said || fail "sluice identify does not list '$listed': $(cat /tmp/said)"
done

all_to give_to_kernel
wait_for_nvme 8
expect_on_disk "${drives[@]}"
say "the kernel reads what Sluice has written"

for drive in "${drives[@]}"; do
  read -r serial nsid <<<"$drive"
  head -c "$(blockdev --getsize64 "$(disk_of "$serial" "$nsid")")" /dev/urandom >"/tmp/compare-$serial-$nsid"
  dd if="/tmp/compare-$serial-$nsid" of="$(disk_of "$serial" "$nsid")" bs=1M oflag=direct status=none
done
all_to give_to_vfio
echo 32 >/proc/sys/vm/nr_hugepages
patterns compare hugepages "${drives[@]}"
say "Sluice reads what the kernel has written, in hugepages"
patterns write hugepages 'BIG 1' 'MANY 2' 'MODEL 1'
all_to give_to_kernel
wait_for_nvme 8
expect_on_disk 'BIG 1' 'MANY 2' 'MODEL 1'
say "the kernel reads what Sluice has written in hugepages"

say "two guests' volumes on a device with 2 queue pairs and transfers of 8 KiB, then on two namespaces with other blocks each"
write_boot_sector "$(disk_of MANY 1)" 9
give_to_vfio "${address[SMALL]}"
share "${address[SMALL]}" size=3M size=5M
cat /tmp/slice-a /tmp/slice-b >/tmp/write-SMALL-1
give_to_vfio "${address[MANY]}"
share "${address[MANY]}" namespace=1,start=4M,size=4M namespace=2,start=1M,size=6M namespace=1,start=9M,size=1M
give_to_kernel "${address[SMALL]}"
give_to_kernel "${address[MANY]}"
wait_for_nvme 8
expect_on_disk 'SMALL 1'
cmp -n $((4 << 20)) /tmp/slice-a "$(disk_of MANY 1)" 0 $((4 << 20)) || fail "the kernel reads other data in a slice of MANY 1"
cmp -n $((6 << 20)) /tmp/slice-b "$(disk_of MANY 2)" 0 $((1 << 20)) || fail "the kernel reads other data in a slice of MANY 2"
expect_booted "$(disk_of MANY 1)" 9
say "the kernel reads what two guests have written"
fail_on_kernel_errors
say "GOOD"
