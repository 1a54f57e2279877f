#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A flood of SYNs (papers: 000, 5.2): random sources, ports, sequence
# numbers and windows.  What each way drops at full speed; then a hundred
# fetches at once at rising rates, as shares of what a bare DROP rule took
# in the same round; then the key holder's rate under the full flood.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=3
cases=(tap cookies synproxy)

for name in xdp queue drop "${cases[@]}" plain fast; do
	trio "$name"
	answers "$name"
done
protect_plain plain
protect_cookies cookies
protect_drop drop
protect_queue queue drop
protect_xdp xdp
protect_synproxy synproxy 2>/dev/null || {
	note synproxy 'this kernel has no SYNPROXY'
	cases=(tap cookies)
}
protect_tap tap
! protect_fast fast || cases+=(fast)

# handled NAME: SYNs that tap server has judged so far, or the kernel for it
handled()
{
	local seen=syns

	[ "$1" = tap ] || seen=ingress_syns
	tap_status "$1-server" server $seen
}

tap_at_full_speed()
{
	local before

	before=$(handled "$1")
	full "$1" $seconds
	record "$1" handled "$(divide $(($(handled "$1") - before)) \
	    $((seconds + flood_lead)))"
}

for ((round = 1; round <= rounds; round++)); do
	for name in xdp queue drop; do
		full "$name" $seconds
	done
	drop_took=$took
	for name in $(turn "${cases[@]}"); do
		case $name in tap | fast) tap_at_full_speed "$name" ;; esac
		under_syns "$name" "$drop_took"
	done
	# Each takes all of its 45 seconds: once is enough.
	if [ "$round" = 1 ]; then
		under plain 10000 papers
		under tap 46000 papers
	fi
	for name in $(turn "${cases[@]}"); do
		progress "$name: key holder at full speed"
		flood "$name" 60
		record "$name" holder "$(number_of "$(ask "$name" \
		    parallel=64 seconds=5)" rate)"
		flood_end "$name"
	done
done
round=1
for name in "${cases[@]}"; do
	case $name in
	tap | fast) record "$name" resident "$(resident "$name-tap")" ;;
	esac
done
