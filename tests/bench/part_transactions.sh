#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Transactions (papers: 000, 5.1): one at a time, 64 at once, and the
# throughput of one long connection.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(plain tracked queue tap ${BENCH_OTHER:+other})

for name in "${cases[@]}" bound fast; do
	trio "$name"
	answers "$name"
done
protect_tracked tracked
protect_queue queue accept one
client_queue queue
! protect_bound bound || cases+=(bound)
protect_tap tap
! protect_fast fast || cases+=(fast)
[ -z "${BENCH_OTHER:-}" ] || TAP=$BENCH_OTHER protect_tap other

for name in "${cases[@]}"; do	# nobody is the first
	ask "$name" seconds=1 >/dev/null
done
in_rounds one_at_a_time one
in_rounds at_once many
in_rounds throughput stream
round=1
for name in "${cases[@]}"; do
	case $name in
	tap | fast)
		record "$name" resident "$(resident "$name-tap")"
		record "$name" client_resident "$(resident "$name-client-tap")"
		;;
	esac
done
