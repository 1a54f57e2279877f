#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The time that a connection takes (papers: 000, 6.7), one at a time.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(plain tracked queue tap ${BENCH_OTHER:+other})
# Each lot is short, so that what else the machine does meets all alike.
lots=10

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

# knockd and fwknopd, where they are installed: each knock opens the port for
# five seconds.  What counts is the time from the knock to the connection.
knockers=()
knocks=(7001 7002 7003)
shared_key='a key for the bench, no secret'

# closed_by NAME PROGRAM...: hosts whose port its rules will open, or false
closed_by()
{
	local program

	for program in "${@:2}"; do
		command -v "$program" >/dev/null || {
			note "$1" "$program is not installed"
			return 1
		}
	done
	trio "$1"
	answers "$1"
	on "$1-server" iptables -A INPUT -p tcp --dport $port -m conntrack \
	    ! --ctstate ESTABLISHED -j DROP
	knockers+=("$1")
}

knockd_starts()
{
	closed_by knockd knockd knock || return 0
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

fwknopd_starts()
{
	closed_by fwknopd fwknopd fwknop || return 0
	cat >"$work/fwknopd.conf" <<-END
		PCAP_INTF		eth0;
		FWKNOP_RUN_DIR		$work/fwknopd;
		FWKNOP_PID_FILE		$work/fwknopd/pid;
	END
	cat >"$work/access.conf" <<-END
		SOURCE			ANY
		KEY			$shared_key
		FW_ACCESS_TIMEOUT	5
	END
	chmod 600 "$work/fwknopd.conf" "$work/access.conf"
	mkdir -p "$work/fwknopd"
	start fwknopd fwknopd-server fwknopd --foreground \
	    --config-file "$work/fwknopd.conf" \
	    --access-file "$work/access.conf" \
	    --digest-file "$work/fwknopd/digests"
	wait_log fwknopd 'Starting fwknopd main event loop'
	# It stands in a file: a terminal would be asked for it.
	printf '%s:%s\n' 10.77.1.1 "$shared_key" >"$work/fwknop.key"
	chmod 600 "$work/fwknop.key"
}

shut()
{
	! on "$1-server" iptables-save -t filter | grep -q -e '-j ACCEPT'
}

knock_by()
{
	if [ "$1" = knockd ]; then
		on knockd-client knock -d 1 10.77.1.1 "${knocks[@]}"
	else
		on fwknopd-client fwknop --no-rc-file --no-home-dir \
		    --no-save-args -E "$work/fwknop.args" \
		    -A tcp/$port -a 10.77.1.2 -D 10.77.1.1 \
		    --get-key "$work/fwknop.key" >/dev/null
	fi
}

knock_and_connect()
{
	local json began took

	wait_for "$patience" shut "$1"
	progress "$1"
	began=$(date +%s%N)
	knock_by "$1"
	took=$(($(date +%s%N) - began))
	json=$(ask "$1" count=1)
	[ "$(number_of "$json" failed)" = 0 ] || fail "$1: $json"
	record "$1" p50 "$(awk -v knock=$took \
	    -v connect="$(number_of "$json" connect_p50)" \
	    'BEGIN { printf("%.1f\n", knock / 1000 + connect) }')"
}

knockd_starts
fwknopd_starts

connect_times()
{
	local name json of=$round

	for ((round = lots * of; round < lots * (of + 1); round++)); do
		for name in $(turn "${these[@]}"); do
			progress "$name"
			json=$(ask "$name" count=300)
			record "$name" p50 "$(number_of "$json" connect_p50)"
			record "$name" p99 "$(number_of "$json" connect_p99)"
			[ "$(number_of "$json" failed)" = 0 ] ||
				fail "connect: $name: $json"
		done
	done
	round=$of
}

in_rounds connect_times p50
for ((round = 1; round <= rounds; round++)); do
	for name in "${knockers[@]}"; do
		knock_and_connect "$name"
	done
done
