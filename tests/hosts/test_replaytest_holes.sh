#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap replay-test against servers that are broken on purpose, in one way
# each: it finds the hole, and names it.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/replaytest.sh
. "$(dirname "$0")/replaytest.sh"

# hole FAULT HOLE ATTACK OPTION...: with this fault, this attack and no other
# gets in
hole()
{
	local fault=$1 hole=$2 attack=$3

	shift 3
	serve filtered alg=hmac-sha256 "$fault"
	attack 4 -k "$keys" --json "$@"
	same 1 "$status"
	same "$attack" "$(verdicts accepted)" 'what got in'
	same "$hole" "$(holes)" 'the names of holes'
	# And a whole server refuses the same.
	end tap
	serve_on ''
	attack 4 -k "$keys" --json --attack "${attack// /,}" "$@"
	same 0 "$status"
	same "$attack" "$(verdicts refused)" 'what a whole server refuses'
}

# restarted FAULT STATUS HOLE REFUSED: again, and after a restart
restarted()
{
	serve filtered alg=hmac-sha256 "$1"
	mkfifo "$work/stopped" "$work/goes-on"
	start attack client "$TAP" replay-test "$(addr4 server)" -p 80 \
	    --i-am-responsible-for "$(addr4 server)" -k "$keys" --json \
	    --attack again,restart \
	    --hook "echo >$work/stopped && read -r _ <$work/goes-on"
	read -r _ <"$work/stopped"
	end tap
	serve_on "$1"
	echo >"$work/goes-on"
	await attack "$2"
	mv "$work/attack.log" "$work/out"
	same "$3" "$(holes)" 'the names of holes'
	same "$4" "$(verdicts refused)" 'what was refused'
}

# A build for use can't be broken so.
no_trace()
{
	local word

	for word in TAP_FAULT memory-of-ten 'built with faults'; do
		refute grep -aqF "$word" "$TAP"
		grep -aqF "$word" "$TAP_FAULTY"
	done
	TAP_FAULT=no-memory "$TAP" --version
	same 2 "$(TAP_FAULT=no-such-fault status_of "$TAP_FAULTY" --version)"
}

faulty
check no-trace no_trace
check no-memory hole no-memory no-memory \
    'again thousand other-ports other-address other-mark reversed race fragments options displaced'
check memory-of-ten hole memory-of-ten memory-too-small displaced
check memory-lost restarted memory-lost 1 memory-lost again
check memory-kept restarted '' 0 '' 'again restart'
check future-accepted hole future-accepted future-accepted future
check flags-ignored hole flags-ignored flags-ignored flags
check port-unchecked hole port-unchecked port-unchecked other-service \
    --other-port 81
check source-unchecked hole source-unchecked source-unchecked split
finish
