#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The time that a connection takes (papers: 000, 6.7), one at a time.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(plain queue tap ${BENCH_OTHER:+other})
# Each lot is short, so that what else the machine does meets all alike.
lots=10

for name in "${cases[@]}"; do
	trio "$name"
	answers "$name"
done
protect_queue queue accept one
client_queue queue
protect_tap tap
[ -z "${BENCH_OTHER:-}" ] || TAP=$BENCH_OTHER protect_tap other

for ((round = 1; round <= rounds * lots; round++)); do
	for name in $(turn "${cases[@]}"); do
		progress "$name"
		json=$(ask "$name" count=300)
		record "$name" p50 "$(number_of "$json" connect_p50)"
		record "$name" p99 "$(number_of "$json" connect_p99)"
		[ "$(number_of "$json" failed)" = 0 ] ||
			fail "connect: $name: $json"
	done
done
