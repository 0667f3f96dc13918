# shellcheck shell=bash
# Runs Maven on the JDK that we found, and builds the jar. Sourced after common.sh, debian.sh and jdk.sh.

# Runs Maven in the project: maven ARGUMENT...
maven() {
  local home
  home=$(find_jdk)
  need_command mvn maven
  (
    cd "$PROJECT" || exit
    export JAVA_HOME=$home
    # Maven's own libraries still use sun.misc.Unsafe, and JDK 24 and later warn about it.
    [ "$(jdk_version "$home")" -lt 23 ] || export MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow ${MAVEN_OPTS:-}"
    exec mvn -B "$@" </dev/null
  )
}

# Whether the jar is missing, or older than what it is made of.
jar_is_stale() {
  [ ! -f "$PROJECT/target/sluice.jar" ] \
    || [ -n "$(find "$PROJECT/pom.xml" "$PROJECT/src/main" -newer "$PROJECT/target/sluice.jar" -print -quit)" ]
}

build_jar() {
  local log=$PROJECT/target/build.log
  jar_is_stale || return 0 # another process was quicker
  say "Building target/sluice.jar ..."
  mkdir -p "$PROJECT/target" 2>/dev/null || true
  [ -w "$PROJECT/target" ] \
    || die "target/sluice.jar is missing or older than the sources, and $PROJECT/target cannot be written to: build it as" \
      "a user who may, by scripts/sluice --version."
  rm -f "$log" # whoever made it
  maven -ntp package -Dstyle.color=never -Dmaven.test.skip=true >"$log" 2>&1 || {
    grep -m 20 -E "ERROR|WARNING.*[.]java" "$log" >&2 || tail -n 20 "$log" >&2
    die "the build failed (above is the start of it; Maven's whole output is in $log)."
  }
  # Maven leaves an unchanged jar alone: without this it would look stale for ever.
  touch "$PROJECT/target/sluice.jar"
}
