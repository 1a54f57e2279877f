#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Somebody who can send from a client's address fills every group that the
# client could have with frames of his own: the client gets in all the same,
# and at the first try.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

tries=20
# First tries that a machine with other work may miss: without what is tested
# here it is most of them.
late=2

mac_of()
{
	on "$1" cat /sys/class/net/eth0/address
}

# swept FAST-PATH 4|6 FLOOD [WORDS]: with these in its rule
swept()
{
	local authenticated

	lab
	http_start server 80
	# Frames stay for ten seconds, so that a slow sweep fills as much as a
	# fast one; and there is a flood all the time, or none.
	printf '%s\n' "fastpath=$1" "flood=$3" assembly=10000 groups=262144 \
	    "RULE:dst_port=80${4:-}" >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	tap_start client client client -c "$(client_rule dst_port=80)"
	PYTHONPATH=$here start sweep client "$python" "$here/sweep.py" eth0 \
	    "$(mac_of server)" "$(addr "$2" client)" "$(addr "$2" server)" 80 10
	wait_for $((4 * patience)) grep -q swept "$work/sweep.log"
	for _ in $(seq "$tries"); do
		page client "$2"
	done
	same "$tries" "$(tap_status server server accepted)"
	authenticated=$(tap_status client client authenticated)
	[ "$authenticated" -le $((tries + late)) ] ||
		fail "$tries connections took $authenticated groups"
	end sweep || :
	hidden "$2"
}

check off-ipv4 swept off 4 1000000
check off-ipv6 swept off 6 1000000
check auto-ipv4 swept auto 4 500
check auto-ipv6 swept auto 6 500
check auto-no-flood swept auto 4 1000000
# Windows tell nothing then; the client's time stamps do.
check loose swept off 4 1000000 ', window=loose'
check loose-flood swept off 6 500 ', window=loose'
finish
