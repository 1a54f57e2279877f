#!/bin/bash
# SPDX-License-Identifier: ISC
#
# hide=closed and hide=decoy: what a stranger gets, of every kind of packet,
# is what a port without a listener on the same host answers, from the same
# stack; or another service.  A key holder gets the service.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# hide_start SETTINGS-AND-RULES...
hide_start()
{
	printf '%s\n' "fastpath=${fastpath:-off}" "$@" >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	mounts=$with_bpffs
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	mounts=:
}

# closed TOOL 4|6 ARGUMENT...: see closed.py; port 80 is hidden, 85 closed
closed()
{
	on stranger "$python" "$here/closed.py" "$1" eth0 \
	    "$(addr "$2" stranger)" "$(addr "$2" server)" 80 85 "${@:3}"
}

closed_lab()
{
	lab
	http_start server 80 81
	hide_start hide=closed RULE:dst_port=80
	[ "${fastpath:-off}" = off ] ||
		wait_for "$patience" fast_path_known server server
	# What the kernel says by ICMP, it is to say always.
	on server sysctl -qw net.ipv4.icmp_ratelimit=0 \
	    net.ipv4.icmp_msgs_per_sec=100000 \
	    net.ipv6.icmp.ratelimit=0
}

battery()
{
	local fastpath=$2

	closed_lab
	closed probes "$1"
	# It is the service that is hidden, and nothing else.
	page stranger "$1" 81
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client "$1"
	lacks "$(cat "$work/server.log")" 'worker'
}

labels()
{
	local state

	lab
	http_start server 80
	# The kernel's settings, as they are when the server starts.
	for state in "$@"; do
		on server sysctl -qw "net.ipv6.$state"
	done
	hide_start hide=closed RULE:dst_port=80
	closed labels 6
}

# A stranger asks both ports in turns.  Through the queue an answer takes
# longer, which tap.conf(5) says; the program in the kernel lets him go on.
timing()
{
	local fastpath=auto

	! counting || skip 'a build that counts takes time for that'
	closed_lab
	has_fast_path || skip 'no fast path here'
	closed times "$1" "${PAIRS:-600}"
}

has_fast_path()
{
	! on server "$TAP" server --status --json |
		grep -q '"fastpath":"off"'
}

# order 4|6: resets come in the order of the SYNs, also with many at once
order()
{
	local fastpath=auto

	closed_lab
	has_fast_path || skip 'no fast path here'
	closed order "$1" 200
}

# No socket of the server takes part in what TCP does, nor has it any.
no_raw_socket()
{
	local before

	closed_lab
	before=$(mtu_of_client)
	same 1500 "$before" 'path MTU'
	# "Fragmentation needed" that quotes what no socket ever sent.
	on stranger "$python" "$here/closed.py" pmtu eth0 \
	    "$(addr4 stranger)" "$(addr4 server)" 80 85 600
	same 1500 "$(mtu_of_client)" 'path MTU'
	# Neither has it one, of that protocol, in any of its processes.
	same '' "$(on server ss -Hwanp | grep -E '(tcp|:6)[[:space:]]' || :)" \
	    'raw sockets of TCP'
	# shellcheck disable=SC2016 # awk's own
	same '' "$(on server awk 'NR > 1 && $2 ~ /:0006$/' /proc/net/raw \
	    /proc/net/raw6)" 'raw sockets of TCP'
}

# The path MTU from the server to the stranger, as its routes have it
mtu_of_client()
{
	on server ip -j route get "$(addr4 stranger)" |
		sed -n 's/.*"mtu":\([0-9]*\).*/\1/p' | grep . || echo 1500
}

# Without a door nobody is let go on: closed ports don't answer then.
no_door()
{
	local family=$1

	lab
	http_start server 80 81
	printf '%s\n' firewall=none hide=closed RULE:dst_port=80 \
	    >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	cp -p "$(key_file)" "$work/keys"
	# The administrator's own rules, as they are printed.
	on server "$TAP" server --print-rules -c "$work/TAPservd.conf" \
	    -k "$work/keys" -a "$work/ACL.conf" >"$work/rules"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$work/keys" -a "$work/ACL.conf"
	wait_log server 'hide=closed: there is no door to count on'
	has "$(on server "$TAP" server --status)" 'hide=closed +filtered'
	sed -n '/^# iptables/,/^# ip6/p' "$work/rules" | grep -v '^#' |
		on server iptables-restore --noflush
	sed -n '/^# ip6/,$p' "$work/rules" | grep -v '^#' |
		on server ip6tables-restore --noflush
	hidden "$family"
	page stranger "$family" 81
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client "$family"
}

# Strangers get a real service, key holders the real one; each rule its own.
decoy()
{
	local family=$1 decoy

	lab
	decoy=$(addr "$family" server)
	[ "$family" = 4 ] || decoy="[$decoy]"
	http_start server 80 81 82 83 8080 8081
	hide_start "hide=decoy:$decoy:8080" RULE:dst_port=80 \
	    "RULE:dst_port=81, hide=decoy:$decoy:8081" \
	    'RULE:dst_port=82, hide=filtered' 'RULE:dst_port=83, hide=closed'
	tap_start client client client -c "$(client_rule 'dst_port="80-83"')"
	decoy_page stranger "$family" 80 8080
	decoy_page stranger "$family" 81 8081
	hidden "$family" 82
	same 7 "$(status_of on stranger curl -sS --max-time 2 \
	    "$(url "$family" server 83)")" 'closed'
	for port in 80 81 82 83; do
		page client "$family" "$port"
	done
	# Many of both at once, none mistaken for the other.
	start strangers stranger sh -c "for i in \$(seq 40); do
		curl -sS --max-time $patience $(url "$family" server); echo; done"
	start clients client sh -c "for i in \$(seq 40); do
		curl -sS --max-time $patience $(url "$family" server); echo; done"
	await strangers 0
	await clients 0
	same 40 "$(grep -c '^page of 8080$' "$work/strangers.log")" strangers
	same 40 "$(grep -c '^page of 80$' "$work/clients.log")" clients
	# Not by way of the other version of IP.
	hidden $((10 - family))
	end server KILL || :
	hidden "$family"
	# The door is kept.
	same 7 "$(status_of on stranger curl -sS --max-time 2 \
	    "$(url "$family" server 83)")" 'closed'
}

# decoy_page HOST 4|6 PORT DECOY
decoy_page()
{
	same "page of $4" "$(on "$1" curl -sS --max-time "$patience" \
	    "$(url "$2" server "$3")")" "$1's page at $3"
}

for family in 4 6; do
	check "battery-ipv$family" battery $family off
	check "battery-ipv$family-fast" battery $family auto
	check "no-door-ipv$family" no_door $family
done
check no-raw-socket no_raw_socket
check labels labels auto_flowlabels=1
check labels-off labels auto_flowlabels=0
check labels-reflected labels flowlabel_reflect=2
check labels-reflected-only labels flowlabel_reflect=2 auto_flowlabels=0
check labels-marked labels flowlabel_state_ranges=1
check decoy-ipv4 decoy 4
check decoy-ipv6 decoy 6
for family in 4 6; do
	check_alone "timing-ipv$family" timing $family
	check_alone "order-ipv$family" order $family
done
finish
