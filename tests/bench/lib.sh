#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What the parts of the bench share: hosts joined by cables of their own,
# ways to protect a port, floods, and a place for figures.  A part is a
# script tests/bench/part_NAME.sh; tests/bench/run starts it.
#
# Every way to protect (or not to) is a trio of hosts of its own, so that
# they can be measured in turn, round after round:
#
#	trio plain		# plain-server, plain-client, plain-flooder
#	protect_plain plain
#	record plain rate 1234	# of this round
#
# shellcheck disable=SC2034 # callers use what is set here

here_bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/hosts/lib.sh
. "$here_bench/../hosts/lib.sh"
set -e

: "${BENCH_BIN:=$here_bench/../../.build/system/tests/bench}"
: "${BENCH_OUT:=$here_bench/../../.build/bench}"
rounds=${BENCH_ROUNDS:-5}
part=${title#part_}
port=8080
# No connection that counts takes longer (papers: 000, 5.2).
timeout=45
queue_base=5040
round=0

show_logs()
{
	local status=$? log

	[ "$status" = 0 ] || for log in "$work"/*.log; do
		[ -f "$log" ] || continue
		grep -v ': accepted ' "$log" | tail -n 60 >&2
	done
	return "$status"
}
trap 'show_logs || :; set +e; clean_up' EXIT

mkdir -p "$BENCH_OUT"
: >"$BENCH_OUT/$part.tsv"

# record CASE METRIC VALUE: a figure of this round
record()
{
	[ -n "$3" ] || fail "$part: $1 has no $2"
	printf '%s\t%s\t%s\t%s\n' "$round" "$1" "$2" "$3" \
	    >>"$BENCH_OUT/$part.tsv"
}

# note CASE TEXT: why it has no figures
note()
{
	printf '0\t%s\tnote\t%s\n' "$1" "$2" >>"$BENCH_OUT/$part.tsv"
}

# progress TEXT: on a terminal
progress()
{
	[ ! -t 2 ] || printf '\r\033[K%s: round %s of %s: %s' "$part" "$round" \
	    "$rounds" "$*" >&2
}

# number_of JSON NAME
number_of()
{
	sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" <<<"$1"
}

# divide A B, with three decimals
divide()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf("%.3f\n", b > 0 ? a / b : 0) }'
}

# times A B, as a whole number
times()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf("%.0f\n", a * b) }'
}

# at_least A B
at_least()
{
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'
}

# turn WORD...: them, begun with another one each round: who is first may
# find the machine otherwise than who is last
turn()
{
	local at i

	for ((i = 0; i < $#; i++)); do
		at=$(((round + i) % $# + 1))
		echo "${!at}"
	done
}

# in_rounds FUNCTION METRIC...: it measures "${these[@]}", once each round.  If
# a figure of these metrics spreads by more than a quarter, those cases, with
# what they are compared with, are measured as often again, and say so.
in_rounds()
{
	local again

	these=("${cases[@]}")
	for ((round = 1; round <= rounds; round++)); do
		"$1"
	done
	again=$(figures spread "$part" "${@:2}")
	[ -n "$again" ] || return 0
	mapfile -t these <<<"$again"
	for ((; round <= 2 * rounds; round++)); do
		"$1"
	done
}

# figures WORD...: of what was recorded; see table.py
figures()
{
	PATH=/usr/bin:$PATH PYTHONDONTWRITEBYTECODE=1 \
	    python3 "$here_bench/table.py" "$here_bench" "$BENCH_OUT" "$@"
}

# ---- hosts

net=tap$$-b$RANDOM
: >>"$work/namespaces"

# wire HOST DEVICE ADDRESS HOST DEVICE ADDRESS: a cable
wire()
{
	ip -n "$net-$1" link add "$2" type veth peer name "$5" \
	    netns "$net-$4"
	ip -n "$net-$1" addr add "$3/24" dev "$2"
	ip -n "$net-$4" addr add "$6/24" dev "$5"
	ip -n "$net-$1" link set "$2" up
	ip -n "$net-$4" link set "$5" up
}

# Frames made in the kernel are taken only where GRO is on.
flood_wire()
{
	wire "$1" flood0 10.77.2.1 "$2" eth0 10.77.2.2
	on "$1" ethtool -K flood0 gro on >/dev/null 2>&1
	# What is answered goes to nobody, and is not forwarded there.
	ip -n "$net-$1" route add 198.18.0.0/15 via 10.77.2.2
	on "$2" ip neigh replace 10.77.2.1 dev eth0 \
	    lladdr "$(mac_of "$1" flood0)"
	on "$1" ip neigh replace 10.77.2.2 dev flood0 \
	    lladdr "$(mac_of "$2" eth0)"
}

mac_of()
{
	on "$1" cat "/sys/class/net/$2/address"
}

tune()
{
	# Hundreds of connections come at once, and thousands a second.
	on "$1" sysctl -qw net.core.somaxconn=4096 \
	    net.ipv4.ip_local_port_range='10000 65000' \
	    net.ipv4.tcp_max_syn_backlog=4096
	on "$1" sysctl -qw net.ipv4.neigh.default.gc_thresh3=8192 \
	    2>/dev/null || :
}

# trio NAME: NAME-server at 10.77.1.1 and 10.77.2.1, NAME-client,
# NAME-flooder
trio()
{
	namespace "$1-server"
	namespace "$1-client"
	namespace "$1-flooder"
	wire "$1-server" eth0 10.77.1.1 "$1-client" eth0 10.77.1.2
	flood_wire "$1-server" "$1-flooder"
	tune "$1-server"
	tune "$1-client"
	tune "$1-flooder"
	server_of[$1]=10.77.1.1
	strangers_way[$1]=10.77.2.1
	gate_of[$1]=$1-server
}

# behind NAME: the same with a router, NAME-gate, before NAME-server
behind()
{
	local host

	for host in server client flooder gate; do
		namespace "$1-$host"
		tune "$1-$host"
	done
	wire "$1-gate" eth0 10.77.1.1 "$1-client" eth0 10.77.1.2
	wire "$1-gate" eth1 10.77.3.1 "$1-server" eth0 10.77.3.2
	flood_wire "$1-gate" "$1-flooder"
	on "$1-gate" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$net-$1-server" route add default via 10.77.3.1
	ip -n "$net-$1-client" route add default via 10.77.1.1
	server_of[$1]=10.77.3.2
	strangers_way[$1]=10.77.3.2
	gate_of[$1]=$1-gate
}

declare -A server_of=() strangers_way=() gate_of=()

# answers NAME: the service itself
answers()
{
	start "$1-load" "$1-server" "$BENCH_BIN/load" serve $port
	wait_port "$1-server" $port
}

# ---- ways to protect

# Without anything: no SYN cookies.
protect_plain()
{
	on "$1-server" sysctl -qw net.ipv4.tcp_syncookies=0
}

protect_cookies()
{
	on "$1-server" sysctl -qw net.ipv4.tcp_syncookies=1
}

# Five SYNs for one, and nothing else.  False where the kernel has no TCX.
protect_bound()
{
	start "$1-send" "$1-client" "$BENCH_BIN/bound" eth0 send
	start "$1-drop" "$1-server" "$BENCH_BIN/bound" eth0 drop
	(wait_log "$1-send" ready && wait_log "$1-drop" ready) 2>/dev/null &&
		return
	note "$1" 'no TCX in this kernel (Linux 6.6)'
	return 1
}

# What connection tracking costs, as many a firewall has it.
protect_tracked()
{
	on "$1-server" iptables -A INPUT -m conntrack \
	    --ctstate ESTABLISHED,RELATED -j ACCEPT
	on "$1-server" iptables -A INPUT -p tcp --dport $port -j ACCEPT
	on "$1-server" iptables -A INPUT -p tcp -j DROP
}

# protect_tap NAME [RULES [KEYS]]: by key 10; these files, or what is usual.
# With the kernel path, if it is called fast or fast-*.
protect_tap()
{
	local conf=$work/$1.conf keys=${3:-} key fastpath=off

	case $1 in fast | fast-*) fastpath=auto ;; esac
	key="key_no=10, key=0x$secret, alg=hmac-sha256"
	[ -n "$keys" ] || keys=$(key_file)
	{
		echo "fastpath=$fastpath"
		cat "${2:-/dev/fd/3}"
	} >"$conf" 3<<<"RULE:dst_port=$port"
	echo "port=$port, key_no=\"0-65535\"" >"$work/ACL.conf"
	tap_start "$1-tap" "${gate_of[$1]}" server -c "$conf" -k "$keys" \
	    -a "$work/ACL.conf"
	tap_start "$1-client-tap" "$1-client" client \
	    -c "$(key_file "fastpath=$fastpath" "RULE:dst_port=$port, $key")"
	wait_for "$patience" fast_path_known "${gate_of[$1]}" server
	wait_for "$patience" fast_path_known "$1-client" client
}

# protect_fast NAME [RULES [KEYS]]: the same; false where there is no kernel
# path, which then is not to be measured
protect_fast()
{
	protect_tap "$@"
	fast_path_is_there "$1"
}

fast_path_is_there()
{
	on "$1-server" "$TAP" server --status --json |
		grep -q '"fastpath":"off"' || return 0
	note "$1" 'no kernel path here: tap server --status says why'
	return 1
}

# protect_queue NAME drop|accept [one]: the bare NFQUEUE loop, where tap
# server has its own
protect_queue()
{
	on "$1-server" iptables -t raw -A PREROUTING -p tcp --dport $port \
	    --syn -j NFQUEUE --queue-num $queue_base
	start "$1-queue" "$1-server" "$BENCH_BIN/queue" $queue_base "${@:2}"
	wait_log "$1-queue" ready
}

# And the same where tap client has its own.
client_queue()
{
	on "$1-client" iptables -t raw -A OUTPUT -p tcp --dport $port --syn \
	    -j NFQUEUE --queue-num $queue_base
	start "$1-client-queue" "$1-client" "$BENCH_BIN/queue" $queue_base \
	    accept one
	wait_log "$1-client-queue" ready
}

protect_drop()
{
	on "$1-server" iptables -t raw -A PREROUTING -p tcp --dport $port \
	    --syn -i flood0 -j DROP
}

protect_xdp()
{
	start "$1-xdp" "$1-server" "$BENCH_BIN/drop" flood0
	wait_log "$1-xdp" ready
}

# As iptables-extensions(8) has it.  False where the kernel has none.
protect_synproxy()
{
	on "$1-server" sysctl -qw net.ipv4.tcp_syncookies=1
	on "$1-server" iptables -t raw -A PREROUTING -p tcp --dport $port \
	    --syn -j CT --notrack &&
		on "$1-server" iptables -A INPUT -p tcp --dport $port \
		    -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY \
		    --sack-perm --timestamp --wscale 7 --mss 1460 &&
		on "$1-server" iptables -A INPUT -m conntrack \
		    --ctstate INVALID -j DROP &&
		on "$1-server" sysctl -qw \
		    net.netfilter.nf_conntrack_tcp_loose=0
}

# ---- measuring

# ask NAME [WORD=VALUE...]: connections of the client; JSON
ask()
{
	on "$1-client" "$BENCH_BIN/load" ask "${server_of[$1]}" $port \
	    timeout=$timeout "${@:2}"
}

# fetches NAME: the papers' hundred, at once; JSON
fetches()
{
	ask "$1" parallel=100 count=100
}

# stream NAME SECONDS [PORT]: one connection; JSON
stream()
{
	on "$1-client" "$BENCH_BIN/load" stream "${server_of[$1]}" \
	    "${3:-$port}" seconds="$2"
}

# Queues and tables have filled by then.
flood_lead=2

one_at_a_time()
{
	local name json

	for name in $(turn "${these[@]}"); do
		progress "$name, one at a time"
		json=$(ask "$name" seconds=1)
		record "$name" one "$(number_of "$json" rate)"
		record "$name" p50 "$(number_of "$json" connect_p50)"
	done
}

at_once()
{
	local name

	for name in $(turn "${these[@]}"); do
		progress "$name, 64 at once"
		record "$name" many "$(number_of \
		    "$(ask "$name" seconds=1 parallel=64)" rate)"
	done
}

# Most of what differs here is chance: in short turns.
streams_of_a_round=3

throughput()
{
	local name of=$round last

	last=$((streams_of_a_round * (of + 1)))
	for ((round = last - streams_of_a_round; round < last; round++)); do
		for name in $(turn "${these[@]}"); do
			progress "$name, throughput"
			record "$name" stream \
			    "$(number_of "$(stream "$name" 1)" rate)"
		done
	done
	round=$of
}

# flood NAME SECONDS [WORD=VALUE...]: until flood_end, or so long
flood()
{
	local gate=${gate_of[$1]}

	start "$1-flood" "$1-flooder" "$BENCH_BIN/flood" eth0 \
	    "$(mac_of "$gate" flood0)" "${strangers_way[$1]}" $port \
	    seconds="$2" "${@:3}"
	wait_for "$patience" floods "$1" "$(arrived "$1")"
	flood_arrived=$(arrived "$1")
	flood_began=$(date +%s%N)
	sleep "$flood_lead"
}

# under NAME RATE LABEL [kind=group]: a hundred fetches under a flood of so
# many SYNs, or groups, a second (0: as fast as it goes).  Sets percent, and
# took: as many as arrived a second.
under()
{
	local json frames=1

	progress "$1: $2 a second"
	[ "${4:-}" != kind=group ] || frames=$group_frames
	flood "$1" 60 rate=$((frames * $2)) "${@:4}"
	json=$(fetches "$1")
	flood_end "$1"
	percent=$(success "$json")
	took=$(divide "$flood_took" $frames)
	record "$1" "success_$3" "$percent"
	record "$1" "rate_$3" "$took"
	record "$1" "time_$3" "$(number_of "$json" whole_p50)"
}

# SYNs, as shares of what a bare DROP rule takes, and forged groups a second
syn_shares=(0.05 0.2 0.35 0.5 0.7 1)
group_rates=(14000 40000 100000 150000 200000 250000)
group_frames=5 # of one by the key of the bench

# under_syns NAME TAKES: at rising rates; the highest with 99 of 100
under_syns()
{
	local share rate best=0

	for share in "${syn_shares[@]}"; do
		rate=$(times "$2" "$share")
		[ "$share" != 1 ] || rate=0
		under "$1" "$rate" "$share"
		! at_least "$percent" 99 || best=$took
		at_least "$percent" 50 || break
	done
	record "$1" best "$best"
}

# under_groups NAME: marks, time and key number are right, in order, each
# group from a source of its own; the authenticators are wrong
under_groups()
{
	local rate best=0

	for rate in "${group_rates[@]}"; do
		under "$1" "$rate" "groups_$rate" kind=group
		! at_least "$percent" 99 || best=$took
		at_least "$percent" 50 || break
	done
	record "$1" groups "$best"
	[ "$(tap_forged "$1")" -gt 0 ] ||
		fail 'no authenticator was wrong: this was no flood of groups'
}

# tap_forged NAME: groups whose authenticator was wrong, so far
tap_forged()
{
	echo $(($(tap_status "${gate_of[$1]}" server mac) +
		$(tap_status "${gate_of[$1]}" server ingress_mac)))
}

# full NAME SECONDS: what arrives of a flood as fast as it goes; sets took
full()
{
	progress "$1 at full speed"
	flood "$1" 60
	sleep "$2" # the length of the measurement
	flood_end "$1"
	took=$flood_took
	record "$1" takes "$took"
	record "$1" sent "$flood_sent"
}

# beside NAME RATE SECONDS: the key holder's requests a second, while strangers
# try to connect so many times a second, and ask where they can; each gives up
# after a second
beside()
{
	local json

	progress "$1: $2 attempts a second"
	if [ "$2" -gt 0 ]; then
		start "$1-strangers" "$1-flooder" "$BENCH_BIN/load" ask \
		    "${strangers_way[$1]}" $port rate="$2" parallel="$2" \
		    seconds=$(($3 + 2))
		sleep 1 # until they are at it
	fi
	record "$1" "holder_$2" \
	    "$(number_of "$(ask "$1" parallel=8 seconds="$3")" rate)"
	if [ "$2" -gt 0 ]; then
		await "$1-strangers" 0
		json=$(cat "$work/$1-strangers.log")
		record "$1" "offered_$2" "$(divide \
		    "$(number_of "$json" begun)" $(($3 + 2)))"
		record "$1" "strangers_$2" "$(divide \
		    "$(number_of "$json" 'done')" $(($3 + 2)))"
	fi
}

# holder_under NAME RATE METRIC: the key holder's requests a second, 64 at once,
# under a flood of so many SYNs a second (0: as fast as it goes)
holder_under()
{
	progress "$1: key holder under ${2/#0/all} SYNs a second"
	flood "$1" 60 rate="$2"
	record "$1" "$3" \
	    "$(number_of "$(ask "$1" parallel=64 seconds=2)" rate)"
	flood_end "$1"
	record "$1" "of_$3" "$flood_took"
}

# floods NAME ARRIVED: more than that
floods()
{
	[ "$(arrived "$1")" -gt "$2" ]
}

# arrived NAME: frames that came to where the flood goes
arrived()
{
	on "${gate_of[$1]}" cat /sys/class/net/flood0/statistics/rx_packets
}

# flood_end NAME: frames a second that were sent, and that arrived
flood_end()
{
	local ended seconds

	flood_arrived=$(($(arrived "$1") - flood_arrived))
	ended=$(date +%s%N)
	seconds=$(divide $((ended - flood_began)) 1000000000)
	end "$1-flood" TERM || fail "$1-flood: $(cat "$work/$1-flood.log")"
	flood_sent=$(number_of "$(cat "$work/$1-flood.log")" rate)
	flood_took=$(divide "$flood_arrived" "$seconds")
}

# success JSON: the share of connections that were made, in percent
success()
{
	local done_ failed

	done_=$(number_of "$1" 'done')
	failed=$(number_of "$1" failed)
	divide $((100 * done_)) $((done_ + failed))
}

# processes NAME: of a started program, with its children: tap's workers
processes()
{
	ps -o pid= --pid "${pids[$1]}" --ppid "${pids[$1]}" | xargs
}

# resident NAME: KiB of a started program, what is shared counted once, with
# the maps that the kernel keeps for it, which it may see, too
resident()
{
	local pid

	for pid in $(processes "$1"); do
		cat "/proc/$pid/smaps" "/proc/$pid"/fdinfo/*
	done | awk '/^[0-9a-f]+-[0-9a-f]+ / { map = /bpf-map/ }
		/^Pss:/ && !map { kib += $2 }
		/^memlock:/ { size = $2 }
		/^map_id:/ && !seen[$2]++ { kib += size / 1024 }
		END { printf("%d\n", kib) }'
}
