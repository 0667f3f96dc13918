# shellcheck shell=bash
# 2 MiB hugepages for one run, given back at its end. Sourced after common.sh.

HUGEPAGES_ADDED=0

# Sees to it that so many more hugepages are free: reserve_hugepages COUNT. Fails, saying why, if that cannot be done.
# It adds to the pool even if some are free, for another run may be about to use those.
reserve_hugepages() {
  local pool=/sys/kernel/mm/hugepages/hugepages-2048kB before available_kib
  available_kib=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  # Never more than half of what the machine can spare: the kernel would give it, and starve everybody else.
  if [ -w "$pool/nr_hugepages" ] && [ $(($1 * 4096)) -le "$available_kib" ]; then
    before=$(<"$pool/nr_hugepages")
    locked hugepages change_hugepages "$1"
    HUGEPAGES_ADDED=$(($(<"$pool/nr_hugepages") - before))
  fi
  [ "$(cat "$pool/free_hugepages" 2>/dev/null || echo 0)" -ge "$1" ] && return
  release_hugepages
  warn "$1 free hugepages of 2 MiB are needed and cannot be had. As root: sysctl vm.nr_hugepages=$1"
  return 1
}

release_hugepages() {
  [ "$HUGEPAGES_ADDED" -le 0 ] || locked hugepages change_hugepages "-$HUGEPAGES_ADDED"
  HUGEPAGES_ADDED=0
}

change_hugepages() {
  local pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
  echo $(($(<"$pool") + $1)) >"$pool"
}
