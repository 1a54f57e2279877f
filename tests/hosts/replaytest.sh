#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What the tests of tap replay-test share: a server, the attack, and what it
# says.  Sourced; see lib.sh.

# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# A build that TAP_FAULT breaks on purpose; see faults.c.
: "${TAP_FAULTY:=$here/../../.build/static-faulty/tap}"

# faulty: or nothing can be tested here
faulty()
{
	[ -x "$TAP_FAULTY" ] || {
		check all skip "$TAP_FAULTY is not there: make faulty"
		finish
	}
	TAP_FAULTY=$(realpath "$TAP_FAULTY")
}

# serve HIDE KEY-WORDS [FAULT]: ports 80 and 81, from now on.  The client has
# two addresses.
serve()
{
	lab server client
	ip -n "$net-client" addr add 10.77.0.100/24 dev eth0
	ip -n "$net-client" addr add fd77::100/64 dev eth0 nodad
	http_start server 80 81
	printf '%s\n' "tolerance=${tolerance:-30}" "hide=$1" \
	    "fastpath=${fastpath:-off}" \
	    'RULE:dst_port=80-81' >"$work/TAPservd.conf"
	echo 'port=80-81, key_no=10' >"$work/ACL.conf"
	keys=$(key_file "key_no=10, key=0x$secret, $2")
	serve_on "${3:-}"
}

# serve_on [FAULT]: tap itself
serve_on()
{
	local TAP=$TAP

	[ -z "${1:-}" ] || TAP=$TAP_FAULTY
	TAP_FAULT=${1:-} tap_start tap server server \
	    -c "$work/TAPservd.conf" -k "$keys" -a "$work/ACL.conf"
}

# attack 4|6 OPTION...: into $work/out; its exit status in $status
attack()
{
	local host

	host=$(addr "$1" server)
	status=0
	on client "$TAP" replay-test "$host" -p 80 \
	    --i-am-responsible-for "$host" "${@:2}" >"$work/out" || status=$?
	cat "$work/out"
}

# verdicts refused|accepted|inconclusive: the attacks that had it
verdicts()
{
	sed -n "s/^{\"attack\":\"\([^\"]*\)\".*\"verdict\":\"$1\".*/\1/p" \
	    "$work/out" | paste -s -d ' '
}

# holes: their names, each once
holes()
{
	sed -n 's/.*"hole":"\([^"]*\)".*/\1/p' "$work/out" | sort -u |
		paste -s -d ' '
}
