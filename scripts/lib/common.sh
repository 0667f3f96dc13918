# shellcheck shell=bash
# Sourced by every script: where things are, and how the scripts talk to whoever runs them.
set -euo pipefail

# shellcheck disable=SC2034  # used by those who source this
PROJECT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)

# The folder for what is slow to make: the VM rig, an unpacked JDK, the choice of a JDK, the start-up archive.
CACHE=${SLUICE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/sluice}

# Everything said goes to standard error; standard output is left for results.
say() { printf '==> %s\n' "$*" >&2; }
warn() { printf '==> Warning: %s\n' "$*" >&2; }

# Ends the script with one plain sentence: what failed, and what to do next.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Ends the script where it may neither install nor build, as under a service manager (SLUICE_BUILD=never), and tells how to do
# that once: refuse_if_prepared_only WHAT_IS_MISSING
refuse_if_prepared_only() {
  [ "${SLUICE_BUILD:-}" != never ] \
    || die "$1, and a service neither installs nor builds. Prepare it once, as root:" \
      "SLUICE_CACHE=$CACHE $PROJECT/scripts/sluice --version"
}

is_root() { [ "${EUID:-$(id -u)}" -eq 0 ]; }

make_cache() {
  mkdir -p "$CACHE" 2>/dev/null \
    || die "cannot create the cache folder $CACHE. Set SLUICE_CACHE to a folder that you may write to."
}

# Runs a command while no other process runs one under the same name: locked NAME COMMAND [ARG...]
locked() {
  local name=$1
  shift
  make_cache
  {
    flock -n 9 || { say "Waiting for another process that holds $CACHE/$name.lock ..."; flock 9; }
    "$@" 9>&-
  } 9>"$CACHE/$name.lock"
}
