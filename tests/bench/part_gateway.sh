#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The same before another host, type=ROUTER: transactions, throughput, and
# a flood of SYNs, against a router that only forwards.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(plain tap)
shares=(0.05 0.2 0.35 0.5)

for name in "${cases[@]}" drop; do
	behind "$name"
	answers "$name"
done
on drop-gate iptables -t raw -A PREROUTING -p tcp --dport $port --syn \
    -i flood0 -j DROP
echo "RULE:dst_port=$port, type=ROUTER" >"$work/router.conf"
protect_tap tap "$work/router.conf"

for ((round = 1; round <= rounds; round++)); do
	transactions "${cases[@]}"
	progress 'drop at full speed'
	flood drop 60
	sleep 2 # the length of the measurement
	flood_end drop
	drop_took=$flood_took
	record drop takes "$drop_took"
	best=0
	for share in "${shares[@]}"; do
		progress "tap at $share of that"
		flood tap 60 rate="$(times "$drop_took" "$share")"
		json=$(fetches tap)
		flood_end tap
		percent=$(success "$json")
		record tap "success_$share" "$percent"
		! at_least "$percent" 99 || best=$flood_took
		at_least "$percent" 50 || break
	done
	record tap best "$best"
done
