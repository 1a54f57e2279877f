#!/bin/bash
# SPDX-License-Identifier: ISC
#
# hide=closed and hide=decoy: what a stranger gets, of every kind of packet,
# is what a port without a listener on the same host answers; or another
# service.  A key holder gets the service.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# hide_start SETTINGS-AND-RULES...
hide_start()
{
	printf '%s\n' "$@" >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
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
	# What the kernel says by ICMP, it is to say always.
	on server sysctl -qw net.ipv4.icmp_ratelimit=0 \
	    net.ipv4.icmp_msgs_per_sec=100000 \
	    net.ipv6.icmp.ratelimit=0
}

battery()
{
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

check battery-ipv4 battery 4
check battery-ipv6 battery 6
check labels labels auto_flowlabels=1
check labels-off labels auto_flowlabels=0
check labels-reflected labels flowlabel_reflect=2
check labels-reflected-only labels flowlabel_reflect=2 auto_flowlabels=0
check labels-marked labels flowlabel_state_ranges=1
finish
