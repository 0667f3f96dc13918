# shellcheck shell=bash
# What nvme-cli can ask of a drive, one after the other, and what must come of it. GuestTest has the list of what must be CHECKED.
disk=/dev/nvme0n1
drive=/dev/nvme0
sysfs=/sys/class/nvme/nvme0
wait_for_nvme
block=$(blockdev --getss $disk)
eight=$((8 * block))

checked() { say "CHECKED $1"; }

# Runs nvme-cli, and keeps in $SAID what it says, which must match a regular expression: expect REGEX ARGUMENT...
expect() {
  local wanted=$1
  shift
  SAID=$(nvme "$@" 2>&1) || fail "nvme $*: $SAID"
  grep -qiE "$wanted" <<<"$SAID" || fail "nvme $* does not say '$wanted': $SAID"
}

# The same for what must be refused.
refused() {
  local wanted=$1
  shift
  ! SAID=$(nvme "$@" 2>&1) || fail "nvme $* was not refused: $SAID"
  grep -qiE "$wanted" <<<"$SAID" || fail "nvme $* does not say '$wanted': $SAID"
}

# What $SAID has after a name, without blanks around it: value NAME
value() {
  awk -F ':' -v name="$1" '{ key = $1; gsub(/[ \t]+$/, "", key) } key == name { sub(/^[^:]*:[ \t]*/, ""); sub(/[ \t]+$/, ""); print }' <<<"$SAID"
}

# is WHAT FOUND WANTED
is() { [ "$2" = "$3" ] || fail "$1 is '$2', not '$3': $SAID"; }

trimmed() { sed 's/ *$//' "$1"; }

# ---- Identify

expect '^NVME Identify Controller' id-ctrl $drive
is sn "$(value sn)" "$GUEST_SERIAL"
is sn "$(value sn)" "$(trimmed $sysfs/serial)"
is mn "$(value mn)" "$(trimmed $sysfs/model)"
is fr "$(value fr)" "$(trimmed $sysfs/firmware_rev)"
is ver "$(value ver)" 0x10400
is subnqn "$(value subnqn)" "$(cat $sysfs/subsysnqn)"
is oacs "$(value oacs)" 0x100
is oncs "$(value oncs)" 0x1df
is fuses "$(value fuses)" 0x1
is vwc "$(value vwc)" 0x7
firmware=$(value fr)
checked id-ctrl

expect '^NVME Identify Namespace 1' id-ns $disk
is "the size" $(($(value nsze) * block)) "$(blockdev --getsize64 $disk)"
is ncap "$(value ncap)" "$(value nsze)"
[[ $SAID =~ lbads:([0-9]+).*in\ use ]] || fail "no format is in use: $SAID"
is "the block size" $((1 << BASH_REMATCH[1])) "$block"
nguid=$(value nguid)
is nguid "$nguid" "$(tr -d - </sys/block/nvme0n1/nguid)"
[[ $nguid =~ [1-9a-f] ]] || fail "the namespace has no identifier: $SAID"
refused 'Invalid Namespace or Format' id-ns $drive --namespace-id=0x10000
checked id-ns

for all in "" --all; do
  # shellcheck disable=SC2086  # no argument at all where there is none
  expect 'Namespace List' list-ns $drive $all
  is "the list" "$(grep -c ':0x' <<<"$SAID") $(grep -o ':0x.*' <<<"$SAID")" "1 :0x1"
done
checked list-ns

expect 'Descriptors NS 1' ns-descs $disk
is nguid "$(value nguid)" "$nguid"
checked ns-descs

# ---- Reads, writes, and what else there is for blocks

# write_blocks START FILE, read_blocks START FILE: eight of them
write_blocks() { expect success write $disk --start-block="$1" --block-count=7 --data-size=$eight --data="$2"; }
read_blocks() { expect success read $disk --start-block="$1" --block-count=7 --data-size=$eight --data="$2"; }
# holds START FILE: the eight blocks from there are as in the file, and /dev/zero is one of zeroes
holds() {
  read_blocks "$1" /tmp/found
  cmp -n $eight "$2" /tmp/found || fail "the blocks from $1 on are not as in $2"
}
dd if=/dev/urandom of=/tmp/data bs=$eight count=1 status=none
head -c $eight /dev/zero | tr '\0' '\377' >/tmp/ones

write_blocks 16 /tmp/data
holds 16 /tmp/data
expect 'compare.*success' compare $disk --start-block=16 --block-count=7 --data-size=$eight --data=/tmp/data
cp /tmp/data /tmp/other
printf '%b' "\\x$(printf '%02x' $(($(od -An -tu1 -j $((eight - 5)) -N 1 /tmp/data) ^ 1)))" \
  | dd of=/tmp/other bs=1 seek=$((eight - 5)) conv=notrunc status=none
refused 'Compare Failure' compare $disk --start-block=16 --block-count=7 --data-size=$eight --data=/tmp/other
checked compare

write_blocks 200 /tmp/ones
expect success write-zeroes $disk --start-block=201 --block-count=5
{
  head -c "$block" /tmp/ones
  head -c $((6 * block)) /dev/zero
  head -c "$block" /tmp/ones
} >/tmp/expected
holds 200 /tmp/expected
refused 'LBA Out of Range' write-zeroes $disk --start-block="$(blockdev --getsz $disk)" --block-count=7 --namespace-id=1
checked write-zeroes

write_blocks 300 /tmp/ones
write_blocks 308 /tmp/ones
write_blocks 316 /tmp/ones
expect 'success' dsm $disk --ad --slbs=300,316 --blocks=8,8
holds 300 /dev/zero
holds 308 /tmp/ones
holds 316 /dev/zero
refused 'LBA Out of Range' dsm $disk --ad --slbs=300,99999999999 --blocks=8,8
checked dsm

expect success verify $disk --start-block=16 --block-count=7
refused 'LBA Out of Range' verify $disk --start-block=99999999999 --block-count=7
checked verify

expect success copy $disk --sdlba=100 --slbs=20,16 --blocks=3,3
cat <(tail -c $((4 * block)) /tmp/data) <(head -c $((4 * block)) /tmp/data) >/tmp/expected
holds 100 /tmp/expected
holds 16 /tmp/data
refused 'LBA Out of Range' copy $disk --sdlba=100 --slbs=99999999999 --blocks=3
checked copy

# The kernel must have seen nothing wrong so far; what it says now of the block that cannot be read must be about that, and all of it.
fail_on_kernel_errors
dmesg --clear
expect success write-uncor $disk --start-block=18 --block-count=0
refused 'Unrecovered Read Error' read $disk --start-block=16 --block-count=7 --data-size=$eight --data=/tmp/found
refused 'Unrecovered Read Error' verify $disk --start-block=16 --block-count=7
expect success read $disk --start-block=19 --block-count=7 --data-size=$eight --data=/tmp/found
! dd if=$disk of=/tmp/found bs="$block" skip=18 count=1 iflag=direct status=none 2>/tmp/dd || fail "Linux has read an uncorrectable block"
dmesg >/tmp/dmesg
grep -q 'I/O Cmd(0x2) @ LBA 18, 1 blocks, I/O Error (sct 0x2 / sc 0x81)' /tmp/dmesg || fail "no unrecovered read: $(cat /tmp/dmesg)"
grep -q "critical medium error, dev nvme0n1, sector $((18 * block / 512)) op 0x0:(READ)" /tmp/dmesg || fail "no medium error: $(cat /tmp/dmesg)"
is "the number of lines in the kernel's log" "$(wc -l </tmp/dmesg)" 2
dmesg --clear
write_blocks 16 /tmp/data
expect success verify $disk --start-block=16 --block-count=7
holds 16 /tmp/data
checked write-uncor

# ---- Logs

expect 'Smart Log' smart-log $drive
is critical_warning "$(value critical_warning)" 0
[[ $(value temperature) =~ ^[1-9][0-9]*\ .C ]] || fail "no temperature: $SAID"
writes=$(value host_write_commands)
media=$(value media_errors)
[ "$media" -ge 3 ] || fail "3 reads of an uncorrectable block, and $media media errors: $SAID"
write_blocks 16 /tmp/data
write_blocks 16 /tmp/data
expect 'Smart Log' smart-log $drive
is host_write_commands "$(value host_write_commands)" $((writes + 2))
errors=$(value num_err_log_entries)
checked smart-log

beyond=$((99999999999))
refused 'LBA Out of Range' read $disk --start-block=$beyond --block-count=7 --data-size=$eight --data=/tmp/found
expect 'entries:2' error-log $drive --log-entries=2
is error_count "$(value error_count | head -n 1)" $((errors + 1))
is "the error before" "$(value error_count | tail -n 1)" "$errors"
[[ $(value status_field | head -n 1) == *"LBA Out of Range"* ]] || fail "not the last error: $SAID"
is lba "$(value lba | head -n 1)" "$(printf '0x%x' $beyond)"
is nsid "$(value nsid | head -n 1)" 0x1
checked error-log

expect '^afi *: *0x1$' fw-log $drive
[[ $SAID == *"frs1"*"($firmware"* ]] || fail "the first slot is not of $firmware: $SAID"
is "the number of slots" "$(grep -c '^frs' <<<"$SAID")" 1
checked fw-log

# Without --csi it would map the registers, which no driver's owner may in this kernel.
expect 'NVM Command Set' effects-log $drive --csi=0
is "the commands" "$(grep -oE '^(ACS|IOCS)[0-9]+ ' <<<"$SAID" | tr -d '\n')" \
  "ACS0 ACS1 ACS2 ACS4 ACS5 ACS6 ACS8 ACS9 ACS10 ACS12 ACS24 ACS124 IOCS0 IOCS1 IOCS2 IOCS4 IOCS5 IOCS8 IOCS9 IOCS12 IOCS25 "
is "the commands that change blocks" "$(grep '00000003$' <<<"$SAID" | grep -oE '^[A-Z]+[0-9]+ ' | tr -d '\n')" "IOCS1 IOCS4 IOCS8 IOCS9 IOCS25 "
checked effects-log

expect 'no ns changed' changed-ns-list-log $drive
checked changed-ns-list-log

# Pieces of pages, by their offset and length in bytes: each must be as in the whole page, with zeroes behind its end.
# piece PAGE PAGE-BYTES OFFSET LENGTH
piece() {
  nvme get-log $drive --log-id="$1" --log-len="$4" --lpo="$3" --xfer-len=16384 --raw-binary >/tmp/piece || fail "$4 bytes from $3 on of page $1"
  is "the length of a piece" "$(stat -c %s /tmp/piece)" "$4"
  cmp -i "$3:0" -n "$4" "/tmp/page-$1" /tmp/piece || fail "$4 bytes from $3 on of page $1 are others"
}
for page in "1 4096" "2 512" "3 512" "4 4096" "5 4096"; do
  read -r id bytes <<<"$page"
  nvme get-log $drive --log-id="$id" --log-len="$bytes" --raw-binary >"/tmp/page-$id" || fail "page $id"
  [ "$id" = 4 ] || ! cmp -s -n "$bytes" "/tmp/page-$id" /dev/zero || fail "page $id is empty"
  head -c 16K /dev/zero >>"/tmp/page-$id"
  for where in "0 4" "4 20" "12 $((bytes - 12))" "$((bytes - 4)) 4" "$((bytes - 100)) 516" "$bytes 8" "0 $((bytes + 4100))" "4 8204"; do
    read -r offset length <<<"$where"
    piece "$id" "$bytes" "$offset" "$length"
  done
  refused 'Invalid Field' get-log $drive --log-id="$id" --log-len=8 --lpo=2
  refused 'Invalid Field' get-log $drive --log-id="$id" --log-len=8 --lpo=$((bytes + 4))
  refused 'Invalid Field' get-log $drive --log-id="$id" --log-len=8 --lpo=0x100000000
done
refused 'Invalid Log Page' get-log $drive --log-id=0x77 --log-len=8
checked get-log

# ---- Features

# What a feature's value is: feature SELECT ID [ARGUMENT...]; current, default, saved and supported capabilities are 0 to 3
feature() {
  local select=$1 id=$2
  shift 2
  expect "^get-feature:$id" get-feature $drive --feature-id="$id" --sel="$select" "$@"
  [[ $SAID =~ value:(0x)?([0-9a-f]+) ]] || fail "no value of feature $id: $SAID"
  VALUE=$((16#${BASH_REMATCH[2]}))
}

# The bytes of a feature that has some, as nvme-cli prints them.
bytes_of() { sed -nE 's/^[0-9a-f]{4}: ([0-9a-f ]+) ".*/\1/p' <<<"$SAID" | tr -d ' \n'; }

# Current, default, saved, and supported value: feature_is ID CURRENT DEFAULT SUPPORTED [ARGUMENT...]
feature_is() {
  local id=$1 current=$2 initial=$3 supported=$4
  shift 4
  feature 0 "$id" "$@"
  [ "$current" = any ] || is "the current value of feature $id" "$VALUE" $((current))
  feature 1 "$id" "$@"
  is "the default of feature $id" "$VALUE" $((initial))
  feature 2 "$id" "$@"
  is "the saved value of feature $id" "$VALUE" $((initial))
  feature 3 "$id" "$@"
  is "what feature $id supports" "$VALUE" "$supported"
}

queues=$(($(cat $sysfs/queue_count) - 2)) # less the admin queue, and counted from 0
queues=$((queues << 16 | queues))
most=$((GUEST_QUEUES - 1 << 16 | GUEST_QUEUES - 1))
feature_is 0x01 5 5 4
feature_is 0x02 0 0 4
feature_is 0x04 353 353 4
feature_is 0x05 0 0 6 --namespace-id=1
feature_is 0x06 1 1 4
feature_is 0x07 $queues $most 4
feature_is 0x08 0 0 4
feature_is 0x09 0 0 4
feature_is 0x0a 0 0 4
feature_is 0x0b 0x100 0 4 # Linux has asked for the event of changed namespaces
feature_is 0x0e any 0 4
feature_is 0x0f 0 0 4
feature_is 0x81 any 0 4
for select in 1 2; do
  for id in 0x0e 0x81; do
    feature $select $id
    is "the bytes of feature $id" "$(bytes_of)" 0000000000000000
  done
done
feature 0 0x0e
first=$(bytes_of)
feature 0 0x0e
[ "$(bytes_of)" != "$first" ] || fail "the time stands still: $SAID"
offered=()
for id in {0..31} {128..132}; do
  ! nvme get-feature $drive --feature-id="$id" --sel=3 --namespace-id=1 >/dev/null 2>&1 || offered+=("$id")
done
is "the features on offer" "${offered[*]}" "1 2 4 5 6 7 8 9 10 11 14 15 129"
refused 'Invalid Field' get-feature $drive --feature-id=0x03
checked get-feature

# Sets a feature and finds it set, with the default as it was: set_feature ID VALUE DEFAULT [ARGUMENT...]
set_feature() {
  local id=$1 wanted=$2 initial=$3
  shift 3
  expect "^set-feature:$id" set-feature $drive --feature-id="$id" --value="$wanted" "$@"
  feature 0 "$id" "$@"
  is "the value of feature $id" "$VALUE" $((wanted))
  feature 1 "$id" "$@"
  is "the default of feature $id" "$VALUE" $((initial))
}
set_feature 0x01 3 5
set_feature 0x02 0 0
set_feature 0x04 340 353
set_feature 0x05 0x1234 0 --namespace-id=1
set_feature 0x06 0 1
write_blocks 16 /tmp/data
holds 16 /tmp/data
set_feature 0x06 1 1
set_feature 0x08 0x0203 0
set_feature 0x08 0 0
set_feature 0x0a 1 0
set_feature 0x0b 0x103 0
expect 'set-feature:0x0e' set-feature $drive --feature-id=0x0e --value=1000000
feature 0 0x0e
bytes=$(bytes_of)
millis=$((16#${bytes:10:2}${bytes:8:2}${bytes:6:2}${bytes:4:2}${bytes:2:2}${bytes:0:2}))
((millis >= 1000000 && millis < 1600000)) || fail "the time is $millis: $SAID"
head -c 16 /dev/urandom >/tmp/host
expect 'set-feature:0x81' set-feature $drive --feature-id=0x81 --value=1 --data-len=16 --data=/tmp/host
nvme get-feature $drive --feature-id=0x81 --cdw11=1 --data-len=16 --raw-binary 2>&1 | cmp - /tmp/host || fail "another host identifier"
refused 'Not Saveable' set-feature $drive --feature-id=0x01 --value=3 --save
refused 'Invalid Field' set-feature $drive --feature-id=0x02 --value=1
# Newer kernels keep the number of queues to themselves: then the drive is not asked, and only the conformance suite shows its answer.
refused 'Command Sequence Error|Permission denied' set-feature $drive --feature-id=0x07 --value=0
! grep -q 'Permission denied' <<<"$SAID" || echo "==> Linux does not pass Set Features, Number of Queues on"
checked set-feature

# ---- A reset: everything that was set is as it was, all data is there, and Linux goes on.

expect '' reset $drive
for ((tries = 0; tries < 300; tries++)); do
  [ "$(cat $sysfs/state)" != live ] || break
  sleep 0.1
done
is "the state" "$(cat $sysfs/state)" live
dmesg >/tmp/dmesg
grep -q 'nvme nvme0: resetting controller' /tmp/dmesg || fail "it was not reset: $(cat /tmp/dmesg)"
is "the kernel's own lines" "$(grep -cvE 'nvme nvme0: (resetting controller|[0-9/]+ default/read/poll queues)' /tmp/dmesg || true)" 0
dmesg --clear
feature 0 0x01
is "the value of feature 0x01" "$VALUE" 5
feature 0 0x04
is "the value of feature 0x04" "$VALUE" 353
feature 0 0x05 --namespace-id=1
is "the value of feature 0x05" "$VALUE" 0
feature 0 0x0a
is "the value of feature 0x0a" "$VALUE" 0
feature 0 0x0b
is "the value of feature 0x0b" "$VALUE" $((0x100))
holds 16 /tmp/data
verify_by_fio $disk --size=8M
checked reset

fail_on_kernel_errors
say "GOOD"
