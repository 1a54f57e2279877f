#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A client written from the protocol alone against tap's server: what has to
# be accepted is, and what must not be is silent on the wire and counted for
# the right reason.  The cases are in reference_cases.py.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# reference_cases TOOL ARGUMENT...: see reference_cases.py
reference_cases()
{
	"$python" "$here/reference_cases.py" "$@"
}

server_conf()
{
	local file=$work/TAPservd.conf

	# On a busy machine a second between two frames is nothing.  Each frame
	# that comes is counted here: the fast path does not tell of them all.
	printf '%s\n' "fastpath=${fastpath:-off}" "log=${log:-text}" assembly=4000 'RULE:dst_port=80' 'RULE:dst_port=81, window=loose' \
	    'RULE:dst_port=82, tolerance=6' >"$file"
	printf '%s\n' 'port=80, key_no="10-16"' 'port=81, key_no="10-20"' \
	    'port=82, key_no="10-20"' \
	    >"$work/ACL.conf"
	key_file "$(reference keys)" >"$work/keys"
}

# prepare [OPTION...]: of the server
prepare()
{
	lab server client stranger
	for host in client stranger; do
		# Its kernel knows nothing of these connections.
		for iptables in iptables ip6tables; do
			on "$host" "$iptables" -A OUTPUT -p tcp --tcp-flags RST \
			    RST -m mark ! --mark 0x77 -j DROP
		done
	done
	http_start server 80 81 82
	server_conf
	server_start "$@"
}

server_start()
{
	tap_run server server server -c "$work/TAPservd.conf" \
	    -k "$(cat "$work/keys")" -a "$work/ACL.conf" "$@"
	wait_log server '[ "]ready: '
}

# fail2ban 4|6 text|json: its filter among the examples, and every kind of line.
fail2ban()
{
	local log=$2

	command -v fail2ban-regex >/dev/null || skip 'no fail2ban'
	prepare -v
	reference_cases case reasons "$net" "$1" "$TAP"
	reference_cases case replay "$net" "$1" "$TAP"
	status_of on stranger curl -sS --max-time 1 "$(url "$1" server)"
	wait_log server 'incomplete'
	"$python" "$here/filter.py" \
	    "$here/../../man/examples/fail2ban-filter.conf" \
	    "$work/server.log"
}

against()
{
	prepare
	reference_cases case "$1" "$net" "$2" "$TAP"
}

# By the kernel's program, where there is one.
in_kernel()
{
	fastpath=auto
	prepare
	wait_for "$patience" fast_path_known server server
	reference_cases case "$1" "$net" "$2" "$TAP"
}

# restart 4|6 SIGNAL ERRAND [COMMAND...]: what a server knows of groups from
# before its end
restart()
{
	local family=$1 signal=$2 errand=$3

	shift 3
	prepare
	reference_cases case remember "$net" "$family" "$TAP" >"$work/groups"
	end server "$signal" || [ "$signal" = KILL ]
	(cd "$work/server-lib" && "$@")
	server_start
	reference_cases case "$errand" "$net" "$family" "$TAP" <"$work/groups"
}

damage()
{
	printf x | dd of=tap/replay-5040 bs=1 seek=3 conv=notrunc status=none
}

check vectors reference vectors "$here/../vectors/frames.json"
for name in $(reference_cases names); do
	for family in 4 6; do
		check "$name-ipv$family" against "$name" $family
	done
done
for name in page replay stolen altered; do
	for family in 4 6; do
		check "$name-kernel-ipv$family" in_kernel "$name" $family
	done
done
check fail2ban-ipv4-text fail2ban 4 text
check fail2ban-ipv6-json fail2ban 6 json
check restart restart 4 TERM remembered true
check restart-kill restart 6 KILL remembered true
check restart-lost restart 4 KILL forgotten rm tap/replay-5040
check restart-damaged restart 6 TERM forgotten damage
finish
