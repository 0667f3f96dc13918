# shellcheck shell=bash
# Debian packages, in two ways: installed on this machine (needs root), or only unpacked into a folder (needs
# nothing, and so gets packages of a newer release than the machine's). Sourced after common.sh.

# Prints the machine's own Debian mirror, the one of its package lists, whatever it is.
debian_mirror() {
  command -v apt-get >/dev/null || die "this needs apt-get, so a Debian machine."
  apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 2>/dev/null | awk '
    $2 == "Debian"                           { print $1; found = 1; exit }
    $1 ~ /debian/ && $1 !~ /security/ && !other { other = $1 }
    END { if (!found && other) print other }' | grep . \
    || die "no Debian mirror is in this machine's package sources (/etc/apt/sources.list)."
}

# The line of apt's output that says what went wrong.
apt_error() { grep -m 1 '^E:' "$1" || tail -n 1 "$1"; }

# Package lists of our own, apart from the machine's: private_apt FOLDER SUITE...
# Afterwards `unpack` takes packages from these suites. Nothing on the machine is changed.
private_apt() {
  local folder=$1 mirror suite keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  shift
  mirror=$(debian_mirror)
  [ -f "$keyring" ] || die "$keyring is missing: install the package debian-archive-keyring."
  mkdir -p "$folder"/state/lists/partial "$folder"/archives/partial
  : >"$folder/state/status"
  for suite in "$@"; do
    echo "deb [signed-by=$keyring] $mirror $suite main"
  done >"$folder/sources.list"
  # The machine's apt.conf.d stays in force: it holds the proxies and certificates.
  PRIVATE_APT=("$folder" -q -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State=$folder/state"
    -o "Dir::State::status=$folder/state/status" -o "Dir::Cache::archives=$folder/archives"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Install-Recommends=false
    -o APT::Sandbox::User= -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Keep-Downloaded-Packages=true)
  apt-get "${PRIVATE_APT[@]:1}" -o APT::Update::Error-Mode=any update >"$folder/log" 2>&1 \
    || die "cannot read the package lists of $mirror ($(apt_error "$folder/log")). Is the network there?"
}

# Unpacks packages and all that they depend on into a folder, running none of their scripts:
# unpack FOLDER [-t SUITE] PACKAGE...
unpack() {
  local into=$1 archives log deb
  archives=$(mktemp -d "${PRIVATE_APT[0]}/archives.XXXXXX")
  log=$archives/log
  shift
  mkdir -p "$into" "$archives/partial"
  apt-get "${PRIVATE_APT[@]:1}" -o "Dir::Cache::archives=$archives" -o Debug::NoLocking=true \
    -y --download-only install "$@" >"$log" 2>&1 \
    || die "cannot download $* ($(apt_error "$log")). Is the network there, and is the disk full?"
  for deb in "$archives"/*.deb; do
    dpkg-deb -x "$deb" "$into" || die "cannot unpack ${deb##*/} into $into. Is the disk full?"
  done
  rm -rf "$archives"
}

# Makes sure that a command is there, from a Debian package if we may: need_command COMMAND PACKAGE
need_command() {
  command -v "$1" >/dev/null && return
  install_packages "$2"
}

# Installs packages on this machine, or says how that is done: install_packages PACKAGE...
install_packages() {
  local log
  command -v apt-get >/dev/null || die "please install $*; without apt-get this script cannot."
  is_root || die "please install $* first: sudo apt-get install $*"
  say "Installing $* ..."
  log=$(mktemp)
  if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -mmin -1440 -print -quit 2>/dev/null)" ]; then
    apt-get -q update >"$log" 2>&1 || die "apt-get update failed ($(apt_error "$log")). Is the network there?"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >"$log" 2>&1 </dev/null \
    || die "apt-get could not install $* ($(apt_error "$log")). Its whole output is in $log"
  rm -f "$log"
}
