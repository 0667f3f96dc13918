# shellcheck shell=bash
# Finds a JDK >= 22, or gets one. Sourced after common.sh and debian.sh.

JDK_OLDEST=22
JDK_BEST=25 # the newest with long-term support, and the one Sluice is measured on

# The major version of the JDK in a folder, or 0 if no JDK (with a compiler) is there. Reads one file, starts nothing.
jdk_version() {
  local line version=0
  if [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ]; then
    while IFS= read -r line; do
      case $line in JAVA_VERSION=*) version=${line#*=\"} && version=${version%%[!0-9]*} ;; esac
    done <"$1/release"
  fi
  echo "${version:-0}"
}

# Every folder that may hold a JDK, one a line, the likely ones first.
jdk_candidates() {
  local java
  echo "${JAVA_HOME:-}"
  printf '%s\n' "$CACHE"/jdk-*/home /usr/lib/jvm/* /opt/*jdk* "${HOME:-/root}"/.sdkman/candidates/java/*
  for java in $(update-alternatives --list java 2>/dev/null) $(type -ap java); do
    java=$(realpath "$java")
    echo "${java%/bin/java}"
  done
}

# Prints the best JDK of this machine: JAVA_HOME if it will do, else version 25, else the newest. Fails if there is none.
best_jdk() {
  local home version best='' best_version=0
  if [ -n "${JAVA_HOME:-}" ] && [ "$(jdk_version "$JAVA_HOME")" -ge $JDK_OLDEST ]; then
    echo "$JAVA_HOME"
    return
  fi
  while IFS= read -r home; do
    version=$(jdk_version "$home")
    [ "$version" -ge $JDK_OLDEST ] || continue
    if [ "$version" -eq $JDK_BEST ]; then
      echo "$home"
      return
    fi
    [ "$version" -le "$best_version" ] || { best=$home best_version=$version; }
  done < <(jdk_candidates 2>/dev/null) # a service gets no SIGPIPE: what is not read any more would be an error
  [ -n "$best" ] && echo "$best"
}

# Prints the home of a JDK >= 22; gets one from Debian's packages if the machine has none.
find_jdk() {
  best_jdk && return
  refuse_if_prepared_only "no JDK $JDK_OLDEST or newer is on this machine, nor in $CACHE"
  { locked jdk get_jdk >&2 && best_jdk; } \
    || die "no JDK $JDK_OLDEST or newer. Install one (any maker's) and set JAVA_HOME to its folder."
}

# By installing it if the machine's own package sources have one and we are root, else by unpacking Debian's into the cache.
get_jdk() {
  local package
  best_jdk >/dev/null && return # another process was quicker
  package=$(apt-cache search --names-only '^openjdk-[0-9]+-jdk-headless$' 2>/dev/null \
    | awk -F- -v oldest=$JDK_OLDEST -v best=$JDK_BEST '
      $2 >= oldest && (!chosen || $2 == best) && chosen != best { chosen = $2 }
      END { if (chosen) print "openjdk-" chosen "-jdk-headless" }')
  if [ -n "$package" ] && is_root; then
    say "No JDK $JDK_OLDEST or newer is on this machine."
    install_packages "$package" ca-certificates-java
  else
    unpack_jdk
  fi
}

# Unpacks Debian's JDK into the cache. It runs by the loader and libraries of its own release, since the machine's may be older.
unpack_jdk() {
  local release=trixie work home link target
  say "Unpacking Debian's JDK $JDK_BEST into $CACHE (once, 150 MB of packages) ..."
  work=$(mktemp -d "$CACHE/new-jdk.XXXXXX")
  private_apt "$work/apt" "$release"
  unpack "$work" "openjdk-$JDK_BEST-jdk-headless"
  rm -rf "$work/apt"
  home=$work/usr/lib/jvm/java-$JDK_BEST-openjdk-amd64
  # Links into /etc are meant for an installed package: put what they mean in their place.
  find "$home" -type l -lname '/*' | while IFS= read -r link; do
    target=$work$(readlink "$link")
    rm "$link"
    [ ! -e "$target" ] || cp -rL "$target" "$link"
  done
  find "$home/bin" "$home/lib/jspawnhelper" -type f -perm /1 | while IFS= read -r link; do
    own_loader "$link"
  done
  cp "$(trusted_certificates "$work")" "$work/certificates.pem"
  "$home/bin/java" "$PROJECT/scripts/lib/TrustStore.java" "$work/certificates.pem" "$home/lib/security/cacerts" \
    || die "the JDK that was unpacked into $work does not run on this machine."
  ln -s "usr/lib/jvm/${home##*/}" "$work/home"
  chmod 755 "$work"
  mv -T "$work" "$CACHE/jdk-$JDK_BEST"
}

# Puts a script in a program's place that runs it by the loader beside it, if there is one: own_loader PROGRAM
own_loader() {
  mv "$1" "$1.elf"
  cat >"$1" <<'EOF'
#!/bin/sh
# Runs the program beside this file by the loader and libraries that were unpacked with it.
self=$(readlink -f "$0")
root=${self%/usr/lib/jvm/*}
loader=$root/usr/lib64/ld-linux-x86-64.so.2
[ "$root" != "$self" ] && [ -x "$loader" ] || exec "$self.elf" "$@"
exec "$loader" --library-path "$root/usr/lib/x86_64-linux-gnu" "$self.elf" "$@"
EOF
  chmod 755 "$1"
}

# The file of certificates that this machine trusts, else of those that Debian's package does: trusted_certificates UNPACKED
trusted_certificates() {
  if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
    echo /etc/ssl/certs/ca-certificates.crt
  else
    cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1/mozilla.pem"
    echo "$1/mozilla.pem"
  fi
}
