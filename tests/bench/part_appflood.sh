#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Strangers that connect and ask in earnest (papers: 000, 5.3), with a web
# server behind: the requests a second that the key holder gets answered.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=3
strangers=(0 16 64 256 1024)
cases=(plain tap)

for name in "${cases[@]}"; do
	trio "$name"
	mkdir -p "$work/$name"
	work=$work/$name http_start "$name-server" $port
done
protect_tap tap

for ((round = 1; round <= rounds; round++)); do
	for count in "${strangers[@]}"; do
		for name in $(turn "${cases[@]}"); do
			progress "$name: $count strangers"
			if [ "$count" -gt 0 ]; then
				start "$name-strangers" "$name-flooder" \
				    "$BENCH_BIN/load" ask 10.77.2.1 $port \
				    parallel="$count" seconds=$((seconds + 2))
				sleep 1 # until they are at it
			fi
			record "$name" "holder_$count" "$(number_of "$(ask \
			    "$name" parallel=8 seconds=$seconds)" rate)"
			if [ "$count" -gt 0 ]; then
				await "$name-strangers" 0
				record "$name" "strangers_$count" \
				    "$(number_of "$(cat \
				    "$work/$name-strangers.log")" 'done')"
			fi
		done
	done
done
