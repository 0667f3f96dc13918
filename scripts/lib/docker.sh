# shellcheck shell=bash
# A Docker engine for one run, of Debian's package, which reaches no network and is gone at its end. Sourced after common.sh, debian.sh.

DOCKER_PID=

# Starts one in a folder, or finds one that runs: start_docker FOLDER. Sets DOCKER_SOCKET. Fails where that cannot be done, and sets
# NO_DOCKER to the reason.
# shellcheck disable=SC2034  # for the caller
start_docker() {
  local folder=$1 tries
  NO_DOCKER=
  DOCKER_SOCKET=/var/run/docker.sock
  ! answers_as_docker || return 0
  is_root || { NO_DOCKER="a Docker engine is started by root only, and none runs"; return 1; }
  # The client is in a package of its own in newer releases, and in the same one in older ones.
  if ! (need_command dockerd docker.io && need_command docker docker-cli); then
    NO_DOCKER="docker.io cannot be installed (the reason is above)"
    return 1
  fi
  mkdir -p "$folder"
  DOCKER_SOCKET=$folder/docker.sock
  # Without rules and bridges, which not every kernel lets it make; the containers need no network.
  dockerd --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs --data-root "$folder/data" \
    --exec-root "$folder/exec" --pidfile "$folder/pid" --host "unix://$DOCKER_SOCKET" >"$folder/log" 2>&1 </dev/null &
  DOCKER_PID=$!
  for ((tries = 0; tries < 300; tries++)); do
    ! answers_as_docker || return 0
    kill -0 "$DOCKER_PID" 2>/dev/null || break
    sleep 0.1
  done
  NO_DOCKER="dockerd does not start here: $(tail -n 1 "$folder/log")"
  stop_docker
  return 1
}

answers_as_docker() {
  [ -S "$DOCKER_SOCKET" ] && timeout 10 docker --host "unix://$DOCKER_SOCKET" version >/dev/null 2>&1
}

# Ends the engine that start_docker has started, and what it runs.
stop_docker() {
  local tries
  [ -n "$DOCKER_PID" ] || return 0
  kill "$DOCKER_PID" 2>/dev/null || true
  for ((tries = 0; tries < 200; tries++)); do
    kill -0 "$DOCKER_PID" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$DOCKER_PID" 2>/dev/null || true
  wait "$DOCKER_PID" 2>/dev/null || true
  DOCKER_PID=
}
