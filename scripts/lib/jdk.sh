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
  done < <(jdk_candidates)
  [ -n "$best" ] && echo "$best"
}

# Prints the home of a JDK >= 22; gets one from Debian's packages if the machine has none.
find_jdk() {
  best_jdk || { locked jdk get_jdk >&2 && best_jdk; } \
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
