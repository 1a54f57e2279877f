#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The same before another host, type=ROUTER: transactions, throughput, and
# the floods, against a router that only forwards.  The kernel path leaves
# packets for other hosts to the queue.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=2
cases=(plain tap)
attempts=(0 5000) # a second
# No target hangs on it, and it takes long.
[ "$rounds" -le 3 ] || rounds=3

for name in "${cases[@]}" drop; do
	behind "$name"
	answers "$name"
done
on drop-gate iptables -t raw -A PREROUTING -p tcp --dport $port --syn \
    -i flood0 -j DROP
echo "RULE:dst_port=$port, type=ROUTER" >"$work/router.conf"
protect_tap tap "$work/router.conf"

gateway_floods()
{
	local rate name

	full drop $seconds
	under_syns tap "$took"
	for rate in "${attempts[@]}"; do
		for name in $(turn "${these[@]}"); do
			beside "$name" "$rate" $seconds
		done
	done
	under_groups tap
}

in_rounds one_at_a_time one
in_rounds at_once many
in_rounds throughput stream
in_rounds gateway_floods
