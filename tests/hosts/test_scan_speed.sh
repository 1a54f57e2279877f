#!/bin/bash
# SPDX-License-Identifier: ISC
#
# How long tap scan-check takes, beside nmap in the same run: over a clean
# path, with loss, with a host that limits its answers, and with hidden ports.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# timed COMMAND...: it took $ms
timed()
{
	local begin=${EPOCHREALTIME/[.,]/}

	"$@"
	ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
}

# faster FAMILY PORTS: than half as much again as nmap needs, and a moment;
# and with the same states
faster()
{
	local target ours flag=()

	target=$(addr "$1" server)
	[ "$1" = 4 ] || flag=(-6)
	timed on stranger "$TAP" scan-check "$target" -p "$2" --scan syn \
	    >"$work/out"
	ours=$ms
	timed on stranger nmap -sS -T4 -n -Pn --disable-arp-ping \
	    ${flag[@]+"${flag[@]}"} -p "$2" -oX "$work/nmap.xml" "$target" \
	    >"$work/nmap.log"
	echo "$ours ms, nmap $ms ms"
	[ "$ours" -le $((ms * 3 / 2 + 500)) ] || fail "$ours ms, nmap $ms ms"
	same "$(("${2#*-}" - "${2%-*}" + 1))" "$(wc -l <"$work/out")" 'ports'
	same "$(states <"$work/out")" "$(grep -oE \
	    '<(state|extraports) state="[^"]*' "$work/nmap.xml" |
	    sed 's/.*"//' | sort -u | xargs)" "nmap's states"
}

states()
{
	cut -f 5 | sort -u | xargs
}

# all STATE: every port is in it
all()
{
	same "$1" "$(states <"$work/out")" 'states'
}

clean()
{
	lab server stranger
	faster "$1" 1-3000
	all closed
}

loss()
{
	lab server stranger
	# Each fifth: at random, one port in hundreds of runs loses all tries.
	on server iptables -A INPUT -p tcp -m statistic --mode nth --every 5 --packet 0 \
	    -j DROP
	faster 4 1-300
	all closed
}

limited()
{
	lab server stranger
	on server iptables -A OUTPUT -p tcp --tcp-flags RST RST -m limit \
	    --limit 100/s --limit-burst 50 -j ACCEPT
	on server iptables -A OUTPUT -p tcp --tcp-flags RST RST -j DROP
	faster 4 1-300
	all closed
}

hidden()
{
	lab server stranger
	on server iptables -A INPUT -p tcp --dport 11:300 -j DROP
	faster 4 1-300
	all 'closed filtered'
}

# A bound is kept, and so is the pace of before.
bound()
{
	lab server stranger
	timed on stranger "$TAP" scan-check "$(addr4 server)" -p 1-200 \
	    --scan syn --rate 100 >"$work/out"
	[ "$ms" -ge 1900 ] || fail "200 probes at 100 a second in $ms ms"
	timed on stranger "$TAP" scan-check "$(addr4 server)" -p 1-200 \
	    --scan syn --polite >"$work/out"
	[ "$ms" -ge 900 ] || fail "200 probes at 200 a second in $ms ms"
	all closed
}

check clean-ipv4 clean 4
check clean-ipv6 clean 6
settle
check loss loss
check limited limited
check hidden hidden
check bound bound
finish
