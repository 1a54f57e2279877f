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
shares=(0.05 0.2 0.35 0.5 0.7 1)
droppers=(drop xdp queue)
cases=(tap cookies synproxy)

for name in "${droppers[@]}" "${cases[@]}" plain; do
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

# XDP_DROP counts what it drops: the device does not.
xdp_at_full_speed()
{
	local json

	json=$(on xdp-flooder "$BENCH_BIN/flood" eth0 \
	    "$(mac_of xdp-server flood0)" 10.77.2.1 $port seconds=$seconds)
	end xdp-xdp TERM
	took=$(divide "$(number_of "$(grep packets "$work/xdp-xdp.log")" \
	    packets)" "$(number_of "$json" seconds)")
	flood_sent=$(number_of "$json" rate)
	protect_xdp xdp
}

# at_full_speed NAME: sets took, frames a second
at_full_speed()
{
	progress "$1 at full speed"
	if [ "$1" = xdp ]; then
		xdp_at_full_speed
	else
		flood "$1" 60
		sleep $seconds # the length of the measurement
		flood_end "$1"
		took=$flood_took
	fi
	record "$1" takes "$took"
	record "$1" sent "$flood_sent"
}

# handled: SYNs that tap server has judged so far
handled()
{
	tap_status tap-server server syns
}

# under NAME RATE LABEL: a hundred fetches under a flood of this rate
under()
{
	local json

	progress "$1 at $2 SYN/s"
	flood "$1" 60 rate="$2"
	json=$(fetches "$1")
	flood_end "$1"
	percent=$(success "$json")
	record "$1" "success_$3" "$percent"
	record "$1" "rate_$3" "$flood_took"
	record "$1" "time_$3" "$(number_of "$json" whole_p50)"
}

for ((round = 1; round <= rounds; round++)); do
	at_full_speed xdp
	at_full_speed drop
	drop_took=$took
	at_full_speed queue
	before=$(handled)
	at_full_speed tap
	record tap handled "$(divide $(($(handled) - before)) \
	    $((seconds + flood_lead)))"

	for name in $(turn "${cases[@]}"); do
		best=0
		for share in "${shares[@]}"; do
			rate=$(times "$drop_took" "$share")
			[ "$share" != 1 ] || rate=0
			under "$name" "$rate" "$share"
			! at_least "$percent" 99 || best=$flood_took
			at_least "$percent" 50 || break
		done
		record "$name" best "$best"
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
record tap resident "$(resident tap-tap)"
