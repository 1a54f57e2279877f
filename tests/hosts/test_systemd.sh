#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The server as a service of a real systemd: the first process of a container,
# with nothing but our unit in it, on the network of the host "server".

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

systemd=/lib/systemd/systemd

# units ARGUMENT...: those of the container, ours with these options
units()
{
	local target

	mkdir -p "$work/units"
	for target in default basic sysinit shutdown network-pre; do
		printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' \
		    "$target" >"$work/units/$target.target"
	done
	"$TAP" server --print-unit "$@" >"$work/units/tap-server.service"
	# There is no journal.
	sed -i "/^ExecStart=/aStandardError=append:$work/server.log" \
	    "$work/units/tap-server.service"
}

# boot: until it takes commands; its folders in /sys/fs/cgroup are gone with
# the case
boot()
{
	group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	group=$group/tap-$$-$BASHPID
	mkdir "$group" 2>/dev/null || skip 'no control group can be made'
	trap 'shut_down' EXIT
	mkdir -p "$work/var"
	# It goes into the group from here: ip netns has another /sys.
	# shellcheck disable=SC2016 # for the inner shells
	start systemd server sh -c 'until [ -e "$0/moved" ]; do sleep 0.03; done
		exec "$@"' "$work" \
	    unshare --cgroup --mount --uts --ipc --pid --fork --kill-child \
	    --mount-proc sh -c '
		mount --make-rprivate / && mount -t tmpfs none /run &&
		mount --bind "$1" /var/lib && mkdir -p /run/systemd/system &&
		mount -t cgroup2 none /sys/fs/cgroup &&
		{ mount -t bpf none /sys/fs/bpf || :; } &&
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=lxc \
		    SYSTEMD_UNIT_PATH="$2" SYSTEMD_LOG_TARGET=console \
		    "$3" --system' sh "$work/var" "$work/units" "$systemd"
	echo "${pids[systemd]}" >"$group/cgroup.procs"
	echo >"$work/moved"
	wait_for "$patience" booted
}

booted()
{
	init=$(pgrep -P "${pids[systemd]}") &&
		ctl is-system-running | grep -Eq 'running|degraded'
}

# inside COMMAND...: in the container
inside()
{
	nsenter -t "$init" -a "$@"
}

ctl()
{
	inside systemctl "$@"
}

# property NAME: of the unit
property()
{
	ctl show -P "$1" tap-server
}

shut_down()
{
	set +e
	kill -KILL "${pids[systemd]}"
	wait "${pids[systemd]}"
	kill_children "$BASHPID"
	# What dies leaves it in its own time.
	wait_for "$patience" group_gone
} 2>/dev/null

group_gone()
{
	[ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} +
}

# service [RULE]...: it runs in there, for a holder of its key
service()
{
	[ -x "$systemd" ] || skip 'no systemd here'
	lab
	http_start server 80 82
	printf '%s\n' 'RULE:dst_port="80,7001"' "$@" >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	# In a name that systemd would make something else of.
	keys="$work/a \"key\" of %n's, \$PATH"
	cp -p "$(key_file)" "$keys"
	units -c "$work/TAPservd.conf" -k "$keys" -a "$work/ACL.conf"
	boot
	tap_start client client client -c \
	    "$(client_rule 'dst_port="80,82,7001"')"
	ctl start tap-server
}

# watch_port: the stranger tries to connect, a hundred times a second, until
# $work/enough is there; then says how often, and how often it got an answer
watch_port()
{
	start watch stranger "$python" -c '
import os
import select
import socket
import sys
import time

tries = []
while not os.path.exists(sys.argv[2]):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex((sys.argv[1], 80))
    tries.append(s)
    time.sleep(0.01)
poll = select.poll()
for s in tries:
    poll.register(s, select.POLLOUT)
print("tries", len(tries), "answers", len(poll.poll(0)), flush=True)' \
	    "$(addr4 server)" "$work/enough"
}

# Nothing is visible but after a stop.
restarts()
{
	local pid i

	service
	pid=$(property MainPID)
	talk old 4 7001
	page client 4
	hidden 6
	watch_port
	for i in 1 2 3; do
		ctl restart tap-server
		same active "$(property ActiveState)" "restart $i"
		refute [ "$pid" = "$(property MainPID)" ]
		pid=$(property MainPID)
		page client 4
		talks old
	done
	inside kill -KILL "$pid"
	wait_for "$patience" another_runs "$pid"
	page client 4
	echo >"$work/enough"
	await watch 0
	has "$(cat "$work/watch.log")" '^tries [1-9][0-9]+ answers 0$'
	ctl stop tap-server
	same success "$(property Result)"
	page stranger 4
	page stranger 6
	talks old
}

# The same of a port that strangers are let go on to: the door is kept.
closed()
{
	local family pid

	service 'RULE:dst_port=82, hide=closed'
	has "$(inside "$TAP" server --status)" \
	    'door pinned +/sys/fs/bpf/tap-server-'
	for family in 4 6; do
		start "tries$family" stranger "$python" "$here/gets_in.py" \
		    "$(addr "$family" server)" 82 6 'page of 82'
	done
	ctl restart tap-server
	page client 4 82
	pid=$(property MainPID)
	inside kill -KILL "$pid"
	wait_for "$patience" another_runs "$pid"
	page client 6 82
	ctl restart tap-server
	for family in 4 6; do
		await "tries$family" 0
		has "$(cat "$work/tries$family.log")" '^0 of [0-9]{2,}$' \
		    "strangers, IPv$family"
		same 7 "$(status_of on stranger curl -sS --max-time 5 \
		    "$(url "$family" server 82)")" 'closed'
	done
	ctl stop tap-server
	page stranger 4 82
}

# another_runs PID
another_runs()
{
	[ "$(property ActiveState)" = active ] &&
		[ "$(property MainPID)" != "$1" ]
}

# A reload that fails is one that systemctl calls failed.
reloads()
{
	service
	echo 'RULE:dst_port="80,81,7001"' >"$work/TAPservd.conf"
	ctl reload tap-server
	hidden 4 81
	echo 'RULE:dst_port=70000' >"$work/TAPservd.conf"
	refute ctl reload tap-server
	has "$(cat "$work/server.log")" '70000 out of range.*; still with the old'
	same active "$(property ActiveState)"
	page client 4
	hidden 6
}

# A mistake in a file shows nothing, neither at a restart nor at the next boot,
# which finds nothing of the server that ran.
mistaken()
{
	service
	wait_for "$patience" test -e "$work/var/tap/fallback/kept/server.key"
	same 700 "$(stat -c %a "$work/var/tap/fallback")"
	echo nonsense >>"$work/TAPservd.conf"
	watch_port
	ctl restart tap-server
	page client 4
	echo >"$work/enough"
	await watch 0
	has "$(cat "$work/watch.log")" '^tries [1-9][0-9]+ answers 0$'
	ctl stop tap-server
	page stranger 4
	ctl start tap-server
	has "$(cat "$work/server.log")" \
	    'TAPservd.conf:2: .*; using the last configuration that worked'
	hidden 6
	page client 6
}

# Whom nobody confirmed stays away, and all is visible.
unconfirmed()
{
	local unit=$work/units/tap-server.service

	units
	refute "$TAP" server --print-unit --confirm 9 >"$work/refused" 2>&1
	has "$(cat "$work/refused")" '--confirm does not go with --print-unit'
	service
	sed -i '/^ExecStart=/s/$/ --confirm 5/' "$unit"
	ctl daemon-reload
	ctl restart tap-server
	hidden 4
	wait_for "$patience" has_failed
	same 1 "$(property ExecMainStatus)"
	page stranger 4
	same 0 "$(property NRestarts)"
	same failed "$(property ActiveState)"
}

has_failed()
{
	[ "$(property ActiveState)" = failed ]
}

check restarts restarts
check closed closed
check reloads reloads
check mistaken mistaken
check unconfirmed unconfirmed
finish
