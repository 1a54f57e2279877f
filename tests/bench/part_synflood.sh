#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A flood of SYNs (papers: 000, 5.2): random sources, ports, sequence
# numbers and windows.  What each way drops at full speed; then a hundred
# fetches at once at rising rates, as shares of what a bare DROP rule took
# in the same round; then the key holder's rate under equal floods.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=2
cases=(tap cookies synproxy)
# SYNs a second; 0: as fast as the generator goes
equal_rates=(100000 300000 0)

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

rising()
{
	local name drop_took

	for name in xdp queue drop; do
		full "$name" $seconds
	done
	drop_took=$took
	for name in $(turn "${these[@]}"); do
		case $name in
		tap | fast) tap_at_full_speed "$name" ;;
		# Half of them take all of their 45 seconds.
		*) [ $(((round - 1) % rounds)) -lt 2 ] || continue ;;
		esac
		under_syns "$name" "$drop_took"
	done
}

equal()
{
	local rate name

	for rate in "${equal_rates[@]}"; do
		for name in $(turn "${these[@]}"); do
			holder_under "$name" "$rate" "holder_$rate"
		done
	done
}

in_rounds rising best
round=1
under plain 10000 papers
under tap 46000 papers
in_rounds equal "${equal_rates[@]/#/holder_}"
round=1
for name in "${cases[@]}"; do
	case $name in
	tap | fast) record "$name" resident "$(resident "$name-tap")" ;;
	esac
done
