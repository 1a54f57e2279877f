#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What is none of tap's business, on a host where tap protects another port:
# the throughput of a connection in packets of one MTU, without GRO and TSO,
# where each packet counts.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(plain tracked tap)
other_port=9090

for name in "${cases[@]}" fast; do
	trio "$name"
	answers "$name"
	start "$name-other" "$name-server" "$BENCH_BIN/load" serve $other_port
	wait_port "$name-server" $other_port
	for host in server client; do
		on "$name-$host" ethtool -K eth0 tso off gso off gro off \
		    >/dev/null 2>&1
	done
done
protect_tracked tracked
on tracked-server iptables -I INPUT 2 -p tcp --dport $other_port -j ACCEPT
protect_tap tap
! protect_fast fast || cases+=(fast)

in_rounds throughput stream
