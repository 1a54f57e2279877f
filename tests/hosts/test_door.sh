#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The door at the socket: strangers find no listener, whatever becomes of the
# rules in front of it.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# served LINE...: a server with this configuration, a client, and a stranger
served()
{
	lab
	http_start server 80 81
	printf '%s\n' "$@" >"$work/TAPservd.conf"
	printf 'port=%s, key_no=10\n' 80 81 8080 >"$work/ACL.conf"
	keys=$(key_file)
	server_start
	tap_start client client client -c "$(client_rule 'dst_port="80,81"')"
	[ "$(said door)" = on ] || skip "$(said door_reason)"
}

server_start()
{
	tap_start server server server -c "$work/TAPservd.conf" -k "$keys" \
	    -a "$work/ACL.conf"
}

said()
{
	on server "$TAP" server --status --json |
		sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# refused HOST 4|6 [PORT]: it meets a port without a listener
refused()
{
	same 7 "$(status_of on "$1" curl -sS --max-time 5 \
	    "$(url "$2" server "${3:-80}")")" "curl from $1"
}

# No rule is put back.
stop_watching()
{
	kill -STOP "${pids[server]}"
}

flush()
{
	local family table

	for family in iptables ip6tables; do
		for table in raw mangle nat filter; do
			on server "$family" -t "$table" -F
		done
	done
}

is_restored()
{
	[ "$(tap_status server server rules_restored)" -gt 0 ]
}

flushed()
{
	served "$@" RULE:dst_port=80
	page client 4
	page client 6
	stop_watching
	flush
	refused stranger 4
	refused stranger 6
	# Ports of others are theirs.
	page stranger 4 81
	page stranger 6 81
	kill -CONT "${pids[server]}"
	wait_for $patience is_restored
	page client 4
}

for mode in off auto; do
	check "flushed-fastpath-$mode" flushed "fastpath=$mode"
done
finish
