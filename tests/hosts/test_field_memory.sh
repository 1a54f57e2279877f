#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The memory of replays: through kills at any instant, damage, full disks and
# files that are not its own.  The cases are in memory.py.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

remembers()
{
	local tool=$1 family=$2 host

	shift 2
	lab
	for host in client stranger; do
		# Its kernel knows nothing of these connections.
		for iptables in iptables ip6tables; do
			on "$host" "$iptables" -A OUTPUT -p tcp --tcp-flags RST \
			    RST -m mark ! --mark 0x77 -j DROP
		done
	done
	http_start server 80
	# After a kill of a server with a fast path all of before is refused,
	# whatever the file has.
	[ "$tool" = ahead ] || echo fastpath=off >"$work/TAPservd.conf"
	# All that a test takes is to be within the tolerance.
	echo 'RULE:dst_port=80, tolerance=600' >>"$work/TAPservd.conf"
	echo 'port=80, key_no=0-65535' >"$work/ACL.conf"
	key_file "$(reference keys)" >/dev/null
	mv "$work"/key.* "$work/keys"
	"$python" "$here/memory.py" "$tool" "$net" "$family" "$TAP" "$work" "$@"
}

check kills remembers kills 4 50
check ahead-ipv4 remembers ahead 4
check ahead-ipv6 remembers ahead 6
check damages remembers damages 6
for what in size foreign link directory shared pipe full-disk used; do
	check "$what" remembers other 4 "$what"
done
check workers-none remembers succeed 4 none
check workers-file remembers succeed 6 /var/lib/replays
finish
