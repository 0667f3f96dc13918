# shellcheck shell=bash
# What scripts/rig/as-host runs in its guest for `service`, where systemd is the first process.

mkdir -p /opt /etc/sluice
mv /sluice/files/sluice /opt/sluice
ln -s /jdk /opt/jdk
SLUICE_CACHE=/var/cache/sluice SLUICE_BUILD=never /opt/sluice/scripts/sluice --version >/tmp/version 2>&1 || fail "$(cat /tmp/version)"
# A service's processes get no SIGPIPE, so a pipe that nobody reads to its end would be told of.
! grep -v -e '^sluice ' -e '^JDK ' /tmp/version || fail "the start says more than it should"
cp /opt/sluice/scripts/sluice.service /opt/sluice/scripts/sluice-bind@.service /etc/systemd/system/
# A JVM takes half a minute to start here, and longer for code that is compiled well.
mkdir -p /etc/systemd/system/sluice.service.d
printf '[Service]\nTimeoutStartSec=300\nEnvironment=SLUICE_JAVA_OPTS=-XX:TieredStopAtLevel=1\n' \
  >/etc/systemd/system/sluice.service.d/emulation.conf
export SLUICE_JAVA_OPTS=-XX:TieredStopAtLevel=1
cat >/etc/sluice/serve.yaml <<'EOF'
device:
  target: ADDRESS
  serial: AS-HOST
  destroy-data: true
volumes:
  - name: a
    start: 0
    size: 16M
    socket: /run/sluice/a.sock
    mode: 0660
EOF

property() { systemctl show sluice --value -p "$1"; }
# Fails unless a property of the unit's is as it should be: expect_property NAME VALUE
expect_property() {
  local value
  value=$(property "$1")
  [ "$value" = "$2" ] || fail "the unit's $1 is '$value', not '$2': $(systemctl status sluice --no-pager -l -n 50 || true)"
}

# Waits for a condition, a command: eventually SECONDS COMMAND...
eventually() {
  local tries
  for ((tries = 0; tries < $1 * 2; tries++)); do
    ! "${@:2}" || return 0
    sleep 0.5
  done
  fail "after $1 s not so: ${*:2}; $(systemctl status sluice --no-pager -l -n 50 || true)"
}

start_service() {
  systemctl start sluice || fail "the unit does not start: $(journalctl -b --no-pager | tail -n 60)"
  # No waiting here: that systemctl returned has to mean that guests can connect.
  [ -S /run/sluice/a.sock ] || fail "systemctl has returned, and the socket is not there"
  [ "$(stat -c %a /run/sluice/a.sock)" = 660 ] || fail "the socket has other rights: $(stat /run/sluice/a.sock)"
  expect_property ActiveState active
}

# What the daemon does for the first time takes it longer than bench waits for an answer.
write_and_verify() {
  local try
  for ((try = 0; try < 5; try++)); do
    ! /opt/sluice/scripts/sluice bench /run/sluice/a.sock --op randrw --time 2 --warm-up 0 --depth 8 --verify || return 0
  done
  fail "a client cannot use the drive: $(journalctl -u sluice --no-pager | tail -n 30)"
}

wait_for_nvme
address=$(cat "/sys/class/nvme/nvme0/address")
sed -i "s/ADDRESS/$address/" /etc/sluice/serve.yaml
systemd-analyze verify /etc/systemd/system/sluice.service "/etc/systemd/system/sluice-bind@.service" || fail "systemd does not like the units"
systemctl enable "sluice-bind@$address" sluice

say "start: the drive is bound first, and systemctl returns when the socket is there"
start_service
[ "$(basename "$(readlink -f "/sys/bus/pci/devices/$address/driver")")" = vfio-pci ] || fail "the drive was not bound"
systemctl is-active "sluice-bind@$address" || fail "the binding is not active"
write_and_verify
systemctl status sluice --no-pager | tee /tmp/status
grep -E 'Status: ".+"' /tmp/status || fail "systemctl status shows no STATUS"

say "stop: in order, with exit status 0"
systemctl stop sluice
expect_property ActiveState inactive
expect_property Result success
expect_property ExecMainCode 1
expect_property ExecMainStatus 0
[ ! -e /run/sluice ] || fail "the sockets' folder is still there"
# Journald writes what it has been handed a moment later.
journalctl --sync
journalctl -u sluice --no-pager -o cat >/tmp/journal
! grep -E ' (WARN|ERROR) ' /tmp/journal || fail "serve was not content"

say "watchdog: fed as long as it runs; stopped, it is killed and started again"
printf '[Service]\nWatchdogSec=10\nTimeoutAbortSec=5\nRestart=on-watchdog\n' >/etc/systemd/system/sluice.service.d/watchdog.conf
systemctl daemon-reload
start_service
first=$(property MainPID)
sleep 25
expect_property MainPID "$first"
expect_property NRestarts 0
kill -STOP "$first"
restarted() { [ "$(property NRestarts)" = 1 ] && [ "$(property ActiveState)" = active ]; }
eventually 120 restarted
[ "$(property MainPID)" != "$first" ] || fail "it is the same process as before"
write_and_verify
systemctl stop sluice
expect_property Result success
expect_property ExecMainStatus 0

say "a configuration that is wrong: the unit fails, and the journal says why"
sed -i 's/size: 16M/size: 16X/' /etc/sluice/serve.yaml
! systemctl start sluice || fail "it starts with a wrong configuration"
expect_property ActiveState failed
expect_property Result exit-code
expect_property ExecMainStatus 1
journalctl --sync
journalctl -u sluice --no-pager -o cat | grep -F '"16X" is not a size' || fail "the journal does not say why: $(journalctl -u sluice --no-pager | tail)"
systemd-analyze security sluice --no-pager | tail -n 1
say "GOOD"
