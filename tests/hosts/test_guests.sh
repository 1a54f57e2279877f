#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Rules for guests, where nobody can tell whose a connection is: the guest is
# a host behind the client, and its RAM a file of zeros.  (Of real ones, see
# tests/guests.)

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/guest.sh
. "$(dirname "$0")/guest.sh"

key="key_no=10, key=0x$secret, alg=hmac-sha256"

# client_for LINE...: the client, with two guests, of which one is not there
client_for()
{
	truncate -s 64M "$work/ram"
	tap_start client client client -c "$(key_file \
	    "GUEST:name=web, memory=$work/ram, dev=eth1" \
	    "GUEST:name=gone, memory=$work/nowhere, dev=eth7" "$@" \
	    "RULE:guest=gone, guest_user=0, dst_port=1, deny")"
}

# barred 4|6 PORT: the guest gets no answer there
barred()
{
	same 28 "$(status_of on guest curl -sS -m 1 "$(url "$1" server "$2")")" \
	    "port $2, IPv$1"
}

# counts WORD NUMBER: of the client's status
counts()
{
	wait_for "$patience" tap_counts client client "$1" "$2"
}

# What needs to know nobody: the whole of a guest.
whole()
{
	guest_lab 81 82
	client_for "RULE:guest=web, dst_port=80, $key" \
	    'RULE:guest=web, dst_host=10.77.0.0/24, dst_port=81, allow' \
	    'RULE:guest=web, dst_port="81-82", deny'
	page guest 4
	page guest 6
	tap_counts server server accepted 2
	page guest 4 81
	barred 6 81
	barred 4 82
	has "$(cat "$work/client.log")" \
	    ' tap client: denied guest=web rule=[0-9]+ src=10.79.0.2'
	# The host is no guest of its own.
	page client 4 82
	same 28 "$(status_of on client curl -sS -m 1 "$(url 4 server)")" own
}

# Who is not known has no key, and is barred, unless the rule says otherwise.
unknown()
{
	guest_lab 81 82
	client_for "RULE:guest=web, guest_user=33, dst_port=80, $key" \
	    'RULE:guest=web, guest_exe=/bin/a, dst_port=81, deny' \
	    'RULE:guest=web, guest_comm=a, dst_port=82, unknown=allow, deny'
	barred 4 80
	barred 6 81
	page guest 4 82
	page guest 6 82
	tap_counts server server accepted 0
	page client 4 81
	has "$(cat "$work/client.log")" 'denied guest=web .*reason='
	has "$(cat "$work/client.log")" 'guest gone: .*nobody of it is known'
	has "$(on client "$TAP" client --status --json)" '"no_reader":"gone"'
	# It has the RAM and a socket, whatever its parent has.
	same 2 "$(find "/proc/$(reader)/fd" -type l | wc -l)" descriptors
	# Whoever reads it ends, and comes again.
	kill -KILL "$(reader)"
	wait_log client 'guest web: its reader has ended'
	page guest 4 82
	barred 6 81
	# The guest was started anew, with another file of that name.
	wait_for "$patience" reads
	rm "$work/ram"
	truncate -s 64M "$work/ram"
	wait_log client 'guest web: its RAM is not that file any more'
	wait_for "$patience" reads
}

# The process that has the RAM, of the client's children
reader()
{
	local pid

	for pid in $(ps -o pid= --ppid "${pids[client]}"); do
		# shellcheck disable=SC2010 # of links
		! ls -l "/proc/$pid/fd" | grep -q "$work/ram" || echo "$pid"
	done
}

reads()
{
	[ -n "$(reader)" ]
}

# Rules that see none of a guest's packets are worth an alarm.
bridged()
{
	guest_lab
	on client sysctl -qw net.bridge.bridge-nf-call-iptables=0 \
	    net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || :
	client_for 'RULE:guest=web, dst_port=82, deny'
	ip -n "$net-client" link add br0 type bridge
	ip -n "$net-client" link set eth1 master br0
	wait_log client 'guest web: its rules do not hold: eth1 is a port'
	wait_for "$patience" alarms 'see no packets, of guests: web'
	ip -n "$net-client" link set eth1 nomaster
	wait_for "$patience" alarms_not 'of guests: web'
}

alarms()
{
	on client "$TAP" client --status --json | grep -q '"alarm":"[^"]*'"$1"
}

alarms_not()
{
	! alarms "$1"
}

# Without a daemon, nobody judges guests; others go their way.
killed()
{
	guest_lab 81 82
	client_for 'RULE:guest=web, dst_port=82, deny' \
	    "RULE:dst_port=81, $key"
	barred 4 82
	page guest 4 81
	end client KILL || :
	barred 4 82
	barred 6 82
	page guest 4 81
	page client 4 81
	page client 6 82
	wait_for "$patience" on client "$TAP" client --remove-rules
	page guest 4 82
}

# A configuration that is loaded anew has others of the guest's rules.
reloaded()
{
	local file

	guest_lab 81 82
	client_for 'RULE:guest=web, dst_port=82, deny'
	barred 4 82
	for file in "$work"/key.*; do
		sed -i 's/dst_port=82/dst_port=81/' "$file"
	done
	signal client HUP
	wait_log client 'reloaded: 2 rules'
	page guest 4 82
	barred 6 81
	# What is wrong with it changes nothing.
	for file in "$work"/key.*; do
		sed -i 's/name=web/name=other/' "$file"
	done
	signal client HUP
	wait_log client "no guest 'web'"
	barred 4 81
}

check whole whole
check unknown unknown
check bridged bridged
check killed killed
check reloaded reloaded
finish
