# shellcheck shell=bash
# Records what the JVM loads and compiles while Sluice serves a drive and a client uses it, so that later starts take half
# as long (JDK 25 and later: an "AOT cache"). Sourced after common.sh.

# Leaves a file that is empty if this did not work, so that it is not tried at every start:
# make_quick_start FILE JAVA OPTION... (the options, up to -jar JAR, as they will be used)
make_quick_start() {
  local file=$1 run
  shift
  [ ! "$file" -nt "$PROJECT/target/sluice.jar" ] || return 0 # another process was quicker
  say "Preparing quick starts ..."
  run=$(mktemp -d)
  if ! record_a_run "$file.new" "$run" "$@" >"$run/log" 2>&1 || [ ! -s "$file.new" ]; then
    warn "no quick starts: recording one failed ($(tail -n 1 "$run/log"))"
    : >"$file.new"
  fi
  mv "$file.new" "$file"
  rm -rf "$run"
}

# A drive is served, a client drives it for a second, and the drive is told to end, which is when the JVM writes the file.
record_a_run() {
  local file=$1 run=$2 java=$3 model tries
  shift 3
  "$java" -XX:AOTCacheOutput="$file" "$@" model --socket "$run/nvme.sock" --memory 16M &
  model=$!
  for ((tries = 0; tries < 300; tries++)); do
    [ ! -S "$run/nvme.sock" ] || break
    kill -0 $model 2>/dev/null || return 1
    sleep 0.1
  done
  "$java" "$@" bench "$run/nvme.sock" --op randrw --block-size 4K --depth 8 --queues 1 --time 1 || true
  kill $model
  wait $model || true
}
