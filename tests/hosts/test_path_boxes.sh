#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap probe-path through middleboxes: each is found, and named for what it is.

# Cases are called by check; arguments may be left out.
# shellcheck disable=SC2317,SC2119,SC2120
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/path.sh
. "$(dirname "$0")/path.sh"

# The way is clear, whatever else is.
passes()
{
	same 0 "$status" 'exit status'
	says 'verdict == "passes"' 'path["complete"]' \
	    'all(g["whole"] == g["sent"] for g in group.values())' "$@"
}

fails()
{
	same 1 "$status" 'exit status'
	says 'verdict == "fails"' 'path["helps"]' "$@"
}

plain()
{
	path_lab
	listen
	probe "$1"
	passes 'only()' 'not path["nat"]' 'path["hops"] == 1' \
	    'path["notes"] == []' 'abs(path["skew"]) < 1' \
	    'all(g["in_order"] == g["sent"] for g in group.values())'
}

# forwarded 4|6: the router's port 2222 is the far side's
forwarded()
{
	local router=10.10.0.2 to=10.11.0.2:$port iptables=iptables

	[ "$1" = 4 ] || {
		router=fd10::2 to="[fd11::2]:$port" iptables=ip6tables
	}
	path_lab
	on router1 "$iptables" -t nat -A PREROUTING -p tcp -d "$router" \
	    --dport 2222 -j DNAT --to-destination "$to"
	listen
	status=0
	on near "$TAP" probe-path "$router" -p 2222 --json \
	    >"$work/probe.json" || status=$?
	passes "path[\"service_port\"] == $port" \
	    'any("service_port=" in n and "port 2222 " in n for n in path["notes"])'
}

masquerade()
{
	path_lab
	on router1 iptables -t nat -A POSTROUTING -o out -p tcp -j MASQUERADE \
	    --random-fully
	on router1 ip6tables -t nat -A POSTROUTING -o out -p tcp \
	    -j MASQUERADE --random-fully
	listen
	probe "$1"
	passes 'only("rewritten", "source-port")' 'path["nat"]' \
	    'len(path["sources"]) == 1'
}

# A pool of four addresses, from which each connection gets another.
pool()
{
	local family=$1 iptables=iptables prefix=10.11.0. n addr

	path_lab
	[ "$family" = 4 ] || { iptables=ip6tables; prefix=fd11::; }
	for n in 3 2 1; do
		addr=$prefix$((20 + n))
		case $family in
		4) ip -n "$net-router1" addr add "$addr" dev out ;;
		6) ip -n "$net-router1" addr add "$addr" dev out nodad ;;
		esac
		on router1 "$iptables" -t nat -A POSTROUTING -o out -p tcp \
		    -m statistic --mode nth --every $((n + 1)) --packet 0 \
		    -j SNAT --to-source "$addr"
	done
	on router1 "$iptables" -t nat -A POSTROUTING -o out -p tcp \
	    -j SNAT --to-source "${prefix}1"
	listen
	probe "$family"
	fails 'path["reason"] == "sources"' 'len(path["sources"]) == 4' \
	    '"several addresses" in path["text"]'
}

offset_is_right()
{
	local offset

	offset=$(sed -n 's/.*"offset":"\(0x[0-9a-f]*\)".*/\1/p' \
	    "$work/probe.json")
	grep -q "^offset $offset\$" "$work/middlebox.log" ||
		fail "the middlebox has no offset $offset"
}

isn()
{
	path_lab
	middlebox router1 isn
	listen
	probe "$1"
	fails 'path["reason"] == "sequence"' \
	    'path["text"].startswith("does not pass: the path translates" +
		" sequence numbers (seen at the far side: offset 0x")' \
	    'path["connection_translated"]' 'only("rewritten", "sequence")'
	offset_is_right
}

# Behind it, ports and addresses change, too.
isn_and_nat()
{
	path_lab 2
	middlebox router1 isn
	on router2 iptables -t nat -A POSTROUTING -o out -p tcp -j MASQUERADE \
	    --random-fully
	on router2 ip6tables -t nat -A POSTROUTING -o out -p tcp \
	    -j MASQUERADE --random-fully
	listen
	probe "$1"
	fails 'path["reason"] == "sequence"' 'path["nat"]' \
	    'only("rewritten", "sequence", "source-port")'
	offset_is_right
}

# boxed 4|6 EDIT EXPRESSION...: no harm to TAP
boxed()
{
	local family=$1 edit=$2

	shift 2
	path_lab
	middlebox router1 "$edit"
	listen
	probe "$family"
	passes "$@"
}

window()
{
	path_lab
	middlebox router1 "$2"
	listen
	probe "$1"
	same 0 "$status" 'exit status'
	says 'verdict == "passes-loose"' 'path["reason"] == "window"' \
	    'path["text"] == "passes with window=loose"' \
	    'only("rewritten", "window")' '"window=loose" in path["helps"]'
}

mss()
{
	path_lab
	mangle --syn -j TCPMSS --set-mss 1200
	listen
	probe "$1"
	passes 'only("rewritten", "mss")' 'field["mss"]["seen"] == "1200"' \
	    'field["mss"]["sent"] in ("1460", "1440")'
}

dscp()
{
	path_lab
	mangle -j DSCP --set-dscp 0
	listen
	probe "$1"
	passes 'only("rewritten", "dscp")' 'field["dscp"]["usable"] == 0'
}

ecn()
{
	path_lab
	on router1 iptables -t mangle -A FORWARD -p tcp --syn -m ecn \
	    --ecn-tcp-cwr -j DROP
	on router1 ip6tables -t mangle -A FORWARD -p tcp --syn -m ecn \
	    --ecn-tcp-cwr -j DROP
	listen
	probe "$1"
	passes 'only("lost", "ecn-tcp")' 'field["ecn-tcp"]["arrived"] == 0'
}

# The kernel's own, of some options.
optstrip()
{
	path_lab
	mangle --syn -j TCPOPTSTRIP --strip-options timestamp,30,253
	listen
	probe "$1"
	passes 'only("rewritten", "timestamp", "mptcp", "option-253")' \
	    'field["mptcp"]["seen"] is None'
}

# The kernel's SYNPROXY, between conntrack and the far side.
synproxy()
{
	local iptables=iptables

	[ "$1" = 4 ] || iptables=ip6tables
	path_lab
	on router1 sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	on router1 "$iptables" -t raw -A PREROUTING -i in -p tcp --syn -j CT \
	    --notrack
	on router1 "$iptables" -A FORWARD -i in -p tcp -m conntrack \
	    --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp \
	    --wscale 7 --mss 1440
	on router1 "$iptables" -A FORWARD -m conntrack --ctstate INVALID -j DROP
	listen
	probe "$1"
	fails 'path["reason"] == "syn-proxy"' 'path["answered_elsewhere"] > 0'
}

tproxy()
{
	local iptables=iptables any=0.0.0.0/0 bind='0.0.0.0'

	[ "$1" = 4 ] || { iptables=ip6tables any=::/0 bind='::'; }
	path_lab
	cat >"$work/haproxy.cfg" <<-END
		defaults
			mode tcp
			timeout connect 5s
			timeout client 60s
			timeout server 60s
		listen proxy
			bind $bind:9999 transparent
			server far $(far "$1"):$port
	END
	start haproxy router1 haproxy -db -f "$work/haproxy.cfg"
	wait_port router1 9999
	on router1 ip "-$1" rule add fwmark 1 lookup 100
	on router1 ip "-$1" route add local "$any" dev lo table 100
	on router1 "$iptables" -t mangle -A PREROUTING -i in -p tcp \
	    --dport "$port" -j TPROXY --on-port 9999 --tproxy-mark 1
	listen
	probe "$1"
	fails 'path["reason"] == "proxy"' 'path["answered_elsewhere"] > 0' \
	    '"proxy" in path["text"]'
}

loss()
{
	path_lab
	middlebox router1 lose
	listen
	probe "$1" --count 8
	same 0 "$status" 'exit status'
	says 'verdict == "passes"' 'path["arrived"] < path["sent"]' \
	    'path["translated"] == 0' 'path["answered_elsewhere"] == 0' \
	    'any("did not arrive" in n for n in path["notes"])' \
	    'not any(f["state"] == "rewritten" for f in field.values())'
}

# Resets from the way, for one SYN of three.
resets()
{
	local iptables=iptables

	[ "$1" = 4 ] || iptables=ip6tables
	path_lab
	on router1 "$iptables" -A FORWARD -i in -p tcp --syn -m statistic \
	    --mode nth --every 3 --packet 2 -j REJECT --reject-with tcp-reset
	listen
	probe "$1"
	fails 'path["resets"] > 0' 'path["reason"] in ("resets", "frames")'
}

# Only one SYN a while from one host: groups can't pass.
limit()
{
	local iptables=iptables

	[ "$1" = 4 ] || iptables=ip6tables
	path_lab
	on router1 "$iptables" -A FORWARD -i in -p tcp --syn -m limit \
	    --limit 50/second --limit-burst 3 -j ACCEPT
	on router1 "$iptables" -A FORWARD -i in -p tcp --syn -j DROP
	listen
	probe "$1"
	fails 'path["reason"] == "frames"' \
	    'all(g["whole"] == 0 for g in group.values())'
}

both forwarded forwarded
both plain plain
both masquerade masquerade
both pool pool
both isn isn
both isn-and-nat isn_and_nat
both window-clamped window clamp-window
both window-random window random-window
both options-stripped boxed strip-options \
    'only("rewritten", "window-scale", "sack", "timestamp", "option-253",
	"mptcp", "fast-open")'
both options-some optstrip
both data-stripped boxed strip-data 'only("rewritten", "data", "fast-open")' \
    'field["data"]["seen"] is None'
both data-dropped boxed drop-data 'only("lost", "data", "fast-open")'
both mss mss
both dscp dscp
both ecn ecn
both synproxy synproxy
both tproxy tproxy
both loss loss
both reorder boxed reorder 'only()' \
    'any("another order" in n for n in path["notes"])'
both duplicate boxed twice 'only()' 'path["duplicates"] > 0'
both resets resets
both limit limit
finish
