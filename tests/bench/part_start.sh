#!/bin/bash
# SPDX-License-Identifier: ISC
#
# From the start of tap server until it says that it is ready.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(tap)
starts=3 # of a round

for name in tap fast; do
	trio "$name"
	protect_tap "$name"
done
! fast_path_is_there fast || cases+=(fast)
for name in tap fast; do
	end "$name-tap"
	mkfifo "$work/$name-timed.log"
done

# timed NAME: microseconds until it is ready, as took
timed()
{
	local began line fd

	# Its log; open at both ends, so that nobody waits for the other.
	exec {fd}<>"$work/$1-timed.log"
	began=${EPOCHREALTIME/[.,]/}
	tap_run "$1-timed" "$1-server" server -c "$work/$1.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	while read -r -t "$patience" line <&"$fd"; do
		case $line in *': ready:'*) break ;; esac
	done
	took=$((${EPOCHREALTIME/[.,]/} - began))
	case $line in *': ready:'*) ;; *) fail "start: $1: $line" ;; esac
	end "$1-timed"
	exec {fd}>&-
}

start_times()
{
	local name of=$round

	for ((round = starts * of; round < starts * (of + 1); round++)); do
		for name in $(turn "${these[@]}"); do
			progress "$name"
			timed "$name"
			record "$name" ready "$(divide "$took" 1000)"
		done
	done
	round=$of
}

in_rounds start_times ready
