#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The same before another host, type=ROUTER: transactions, throughput, and
# the floods, against a router that only forwards.  The kernel path leaves
# packets for other hosts to the queue.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=3
cases=(plain tap)
strangers=(0 256)

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
	full drop $seconds
	under_syns tap "$took"
	for count in "${strangers[@]}"; do
		for name in $(turn "${cases[@]}"); do
			beside "$name" "$count" $seconds
		done
	done
	under_groups tap
done
