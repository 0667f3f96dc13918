# shellcheck shell=bash
# Becomes systemd, of which the guest's script is a service then (scripts/rig/guest with INIT=systemd). None of the packages' own
# scripts has run, so what they would have made is made here: users and groups, and an identity of this machine.
systemd-sysusers >/dev/null 2>&1
systemd-machine-id-setup >/dev/null 2>&1
mkdir -p /run/systemd/system /var/log/journal
cp /sluice/guest-script.service /run/systemd/system/
exec /usr/lib/systemd/systemd
