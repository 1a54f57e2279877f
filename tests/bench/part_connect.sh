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

# knockd, where it is installed: each knock opens the port for five seconds.
# What counts is the time from the knock to the connection.
knocks=(7001 7002 7003)
knockd_starts()
{
	command -v knockd knock >/dev/null || {
		note knockd 'not installed'
		return 0
	}
	trio knockd
	answers knockd
	on knockd-server iptables -A INPUT -p tcp --dport $port -m conntrack \
	    ! --ctstate ESTABLISHED -j DROP
	cat >"$work/knockd.conf" <<-END
		[options]
		logfile = $work/knockd-server.txt
		pidfile = $work/knockd.pid
		[open]
		sequence = $(tr ' ' , <<<"${knocks[*]}")
		seq_timeout = 5
		tcpflags = syn
		start_command = iptables -I INPUT -s %IP% -p tcp --dport $port -j ACCEPT
		cmd_timeout = 5
		stop_command = iptables -D INPUT -s %IP% -p tcp --dport $port -j ACCEPT
	END
	start knockd knockd-server knockd -i eth0 -c "$work/knockd.conf" -v
	wait_log knockd listening
}

shut()
{
	! on knockd-server iptables -S INPUT | grep -q -e '-j ACCEPT'
}

knock_and_connect()
{
	local json began took

	wait_for "$patience" shut
	progress knockd
	began=$(date +%s%N)
	on knockd-client knock -d 1 10.77.1.1 "${knocks[@]}"
	took=$(($(date +%s%N) - began))
	json=$(ask knockd count=1)
	[ "$(number_of "$json" failed)" = 0 ] || fail "knockd: $json"
	record knockd p50 "$(awk -v knock=$took \
	    -v connect="$(number_of "$json" connect_p50)" \
	    'BEGIN { printf("%.1f\n", knock / 1000 + connect) }')"
}

knockd_starts
for ((round = 1; round <= rounds * lots; round++)); do
	for name in $(turn "${cases[@]}"); do
		progress "$name"
		json=$(ask "$name" count=300)
		record "$name" p50 "$(number_of "$json" connect_p50)"
		record "$name" p99 "$(number_of "$json" connect_p99)"
		[ "$(number_of "$json" failed)" = 0 ] ||
			fail "connect: $name: $json"
	done
	[ -z "${pids[knockd]:-}" ] || [ "$round" -gt "$rounds" ] ||
		knock_and_connect
done
