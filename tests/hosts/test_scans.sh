#!/bin/bash
# SPDX-License-Identifier: ISC
#
# No scan tells a hidden port from one that a packet filter drops: not one
# packet comes back, and what a stranger's tcpdump sees of port 22, which tap
# hides, is packet by packet what it sees of port 2222, behind a plain DROP.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# An answer would come within a millisecond.
nmap_options=(-n -Pn --max-retries 1 --initial-rtt-timeout 300ms
	--max-rtt-timeout 300ms)

# Until the server has dealt with all it got: what it holds, it lets go late.
drained()
{
	wait_for "$patience" tap_counts server server held 0
}

states()
{
	grep -E '^(22|2222)/tcp' "$work/nmap" | tr -s ' '
}

# scan HOST 4|6 NMAP-OPTION...
scan()
{
	local host=$1 family=$2 options=("${nmap_options[@]}") target
	local hidden dropped

	shift 2
	[ "$family" = 4 ] || options+=(-6)
	target=$(addr "$family" server)
	capture scan "$host" eth0 "host $target"
	on "$host" nmap "${options[@]}" "$@" -p 22,2222 "$target" >"$work/nmap"
	drained
	capture_end scan "$host"
	cat "$work/nmap"
	packets silent "$work/scan.pcap" "$target" 22
	packets alike "$work/scan.pcap" 22 2222
	hidden=$(states | sed -n 's,^22/tcp \([^ ]*\).*,\1,p')
	dropped=$(states | sed -n 's,^2222/tcp \([^ ]*\).*,\1,p')
	same "$dropped" "$hidden" 'what nmap says'
	has "$hidden" filtered
}

# What nmap can't make: python sends it to both ports.
craft()
{
	local host=$1 family=$2 target

	target=$(addr "$family" server)
	capture scan "$host" eth0 "host $target"
	on "$host" "$python" "$here/odd.py" "$(addr "$family" "$host")" \
	    "$target" 22 2222
	drained
	capture_end scan "$host"
	packets silent "$work/scan.pcap" "$target" 22
	packets alike "$work/scan.pcap" 22 2222
}

# scans NAME OPTION...: a case for each version of IP, each with a host of its
# own, so that captures don't mix
scans()
{
	local name=$1 family

	shift
	for family in 4 6; do
		# nmap can't do these over IPv6; odd.py does.
		case $name$family in
		fragment6 | badsum6) continue ;;
		esac
		host "$name$family"
		connected "$name$family"
		check "$name-ipv$family" scan "$name$family" $family "$@"
	done
}

lab server
ssh_start server
http_start server 2222
for iptables in iptables ip6tables; do
	on server "$iptables" -A INPUT -p tcp --dport 2222 -j DROP
done
tap_start server server server -p 22 -k "$(key_file)"

scans syn -sS
scans connect -sT
scans fin -sF
scans null -sN
scans xmas -sX
scans ack -sA
scans window -sW
scans maimon -sM
scans ecn -sS --scanflags SYNECECWR
scans synfin -sS --scanflags SYNFIN
scans synrst -sS --scanflags SYNRST
scans synack -sS --scanflags SYNACK
scans synpsh -sS --scanflags SYNPSHURG
scans rst -sF --scanflags RST
scans data -sS --data-length 40
scans badsum -sS --badsum
scans fragment -sS -f
for family in 4 6; do
	host "odd$family"
	connected "odd$family"
	check "odd-ipv$family" craft "odd$family" $family
done
finish
