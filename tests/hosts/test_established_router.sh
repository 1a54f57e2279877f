#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Connections through a gateway that connection tracking forgets, or never saw
# all of: what was accepted, or was there first, goes on for its life.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/gateway.sh
. "$here/gateway.sh"

# send_odd 4|6 SPORT PORT FLAGS SOURCE [all]: a packet to the server, of no
# use to it, in the name of that host; or without end, in those of all hosts
# beside it and from all ports, two of each.  A program and its arguments, for on.
send_odd()
{
	odd_program=(env "PYTHONPATH=$here" "$python" -c '
import random
import socket
import struct
import sys
import packets
v6 = ":" in sys.argv[2]
out = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,
                    socket.SOCK_RAW, socket.IPPROTO_RAW)
made = bytearray(packets.build_tcp(sys.argv[1], sys.argv[2], int(sys.argv[3]),
                                   int(sys.argv[4]), 7, flags=int(sys.argv[5]),
                                   ack=1))
out.sendto(made, (sys.argv[2], 0))
while sys.argv[6:] == ["all"]:
    struct.pack_into(">H", made, 22 if v6 else 14, random.getrandbits(16))
    struct.pack_into(">H", made, 40 if v6 else 20, random.getrandbits(16))
    for _ in range(2):
        out.sendto(made, (sys.argv[2], 0))
' "$(addr "$1" "$5")" "$(addr "$1" server)" "${@:2:3}" "${@:6}")
}

# odd HOST 4|6 SPORT PORT FLAGS [SOURCE]: one such packet of that host's
odd()
{
	send_odd "${@:2:4}" "${6:-$1}"
	on "$1" "${odd_program[@]}"
}

# odd_come 4|6 FLAGS: how many packets with just these have come to the server
odd_come()
{
	local iptables=iptables

	[ "$1" = 4 ] || iptables=ip6tables
	on server "$iptables-save" -c -t raw |
		sed -n "s/^\[\([0-9]*\):.*--tcp-flags .* $2 .*/\1/p"
}

# count_odd: from now on, those with PSH alone, the stranger's with ACK, and
# those with SYN, whatever else they have, of who uses a client's address
count_odd()
{
	local iptables

	for iptables in iptables ip6tables; do
		on server "$iptables" -t raw -A PREROUTING -p tcp \
		    --tcp-flags FIN,SYN,RST,ACK,PSH PSH -j ACCEPT
		on server "$iptables" -t raw -A PREROUTING -p tcp \
		    --sport 20000:20099 --tcp-flags FIN,SYN,RST,ACK,PSH ACK \
		    -j ACCEPT
		on server "$iptables" -t raw -A PREROUTING -p tcp \
		    --sport 20100 --tcp-flags SYN SYN -j ACCEPT
	done
}

# session_port 7001: the client's end
session_port()
{
	on client ss -Htn "dport = :$1" | awk '{ print $4 }' | sed 's/.*://'
}

# known 4|6 PORT: to the gateway, which tracking is no help for
known()
{
	local before

	before=$(odd_come "$1" PSH)
	odd client "$1" "$(session_port "$2")" "$2" 8
	wait_for "$patience" odd_came "$1" $((before + 1))
}

odd_came()
{
	[ "$(odd_come "$1" PSH)" = "$2" ]
}

forget()
{
	on gateway conntrack -F 2>/dev/null
}

# through router|bridge 4|6: with that, before a server
through()
{
	if [ "$1" = router ]; then
		lab_routed
	else
		lab_bridged
		bridge_filters 1
	fi
	count_odd
	talk before "$2" 7001
	talks before client
	# What tracking knows at the start is known from then on.
	track_all
	talks before client
	guard_start "RULE:dst_port=\"80,7000-7019\", type=${1^^}" "${@:3}"
	client_start 'dst_port="80,7000-7019"'
}

# A gateway tracks nothing before somebody's rules ask for it.
track_all()
{
	local iptables

	for iptables in iptables ip6tables; do
		on gateway "$iptables" -A FORWARD -m conntrack \
		    --ctstate ESTABLISHED
	done
}

# Whatever is forgotten, and by whom: only a connection that was accepted or
# there first is known.
remembered()
{
	local kind=$1 family=$2 loose

	through "$@"
	talk during "$family" 7002
	talks during
	for loose in 1 0; do
		on gateway sysctl -qw \
		    net.netfilter.nf_conntrack_tcp_loose="$loose"
		forget
		known "$family" 7001
		known "$family" 7002
		forget
		talks before client
		talks during client
		forget
		talks during server
	done
	signal server HUP
	wait_log server ': reloaded:'
	forget
	known "$family" 7002
	talks during
	# The worker, and the whole of it.
	kill -KILL "$(worker server)"
	wait_log server 'worker: ended by signal 9'
	known "$family" 7002
	end server KILL || :
	forget
	guard_start "RULE:dst_port=\"80,7000-7019\", type=${kind^^}"
	known "$family" 7001
	known "$family" 7002
	talks during
	# No stranger's, nor another of the client's.
	odd stranger "$family" "$(session_port 7002)" 7002 8
	odd client "$family" 20001 7002 8
	odd client "$family" "$(session_port 7002)" 7003 8
	wait_for "$patience" tap_counts gateway server untracked_dropped 3
}

# transfers NAME: much from the client to the server, and hardly a packet of it
# by the queue
transfers()
{
	local before after

	before=$(tap_status gateway server untracked_passed)
	[ -e "$work/sent" ] || seq 400000 >"$work/sent"
	cat "$work/$1-server.log" "$work/sent" >"$work/expected"
	cat "$work/sent" >"$work/$1-client.fifo"
	wait_for "$patience" cmp "$work/expected" "$work/$1-server.log"
	after=$(tap_status gateway server untracked_passed)
	[ $((after - before)) -le 50 ] ||
		fail "$((after - before)) packets by the queue"
}

# Tracking takes up nothing in midstream: one packet by the queue, and it knows.
strict()
{
	local family=$1

	through router "$family"
	talk during "$family" 7002
	on gateway sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	forget
	transfers during
	forget
	transfers before
	tap_counts gateway server untracked_dropped 0
}

# lab_roundabout: the server's answers to the client go by another router
lab_roundabout()
{
	lab_routed
	host back
	connected back
	ip -n "$net-back" link add in9 type veth peer name eth9 \
	    netns "$net-server"
	device_up back in9 10.78.9.254/24 fd78:9::fe/64
	device_up server eth9 10.78.9.1/24 fd78:9::1/64
	on back sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	for host in client server gateway back; do
		on "$host" sysctl -qw net.ipv4.conf.all.rp_filter=0
	done
	ip -n "$net-server" route add 10.77.0.2 via 10.78.9.254 src 10.78.1.1
	ip -n "$net-server" route add fd77::2 via fd78:9::fe src fd78:1::1
	connected server
}

# The gateway sees one way alone: of connections from before, and of those that
# were accepted, when it was started long ago, too.
roundabout()
{
	local family name flags

	lab_roundabout
	count_odd
	for family in 4 6; do
		talk "before$family" "$family" "700$family"
	done
	guard_start 'RULE:dst_port="80,7000-7019", type=ROUTER'
	client_start 'dst_port="80,7000-7019"'
	for family in 4 6; do
		talks "before$family"
		# Nobody's: the gateway does see that answer.
		odd stranger "$family" 20000 7009 16
		wait_for "$patience" strange_came "$family" 1
		# Nor does this: it looks as if it went on.
		odd stranger "$family" 20100 7009 16 client
		odd stranger "$family" 20100 7009 16 client
		talk "during$family" "$family" "701$family"
		talks "during$family"
	done
	tap_counts gateway server accepted 2
	wait_for 90 strangers_refused
	for family in 4 6; do
		for name in before during; do
			forget
			talks "$name$family" client
			transfers "$name$family"
		done
		odd stranger "$family" 20000 7009 16
		# Nobody gets in by what is taken for a connection.
		for flags in 2 3 6 7 10 18 19 34 42; do
			odd stranger "$family" 20100 7009 "$flags" client
		done
	done
	on gateway sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	# Of each connection tracking is told once in a second.
	wait_for "$patience" is_after "$(date +%s)"
	for family in 4 6; do
		for name in before during; do
			forget
			talks "$name$family" client
			transfers "$name$family"
		done
		same 1 "$(odd_come "$family" ACK)" "a stranger's, IPv$family"
		same 0 "$(odd_come "$family" SYN)" "SYNs, IPv$family"
	done
}

# is_after SECOND: of UTC
is_after()
{
	[ "$(date +%s)" -gt "$1" ]
}

strange_came()
{
	[ "$(odd_come "$1" ACK)" = "$2" ]
}

# strangers_refused: whether those that nobody has sent yet are
strangers_refused()
{
	local before

	before=$(tap_status gateway server untracked_dropped)
	odd stranger 4 $((RANDOM + 30000)) 7009 16
	wait_for 1 dropped_more "$before"
}

# dropped_more BEFORE
dropped_more()
{
	[ "$(tap_status gateway server untracked_dropped)" -gt "$1" ]
}

# flooded 4|6: a connection from before the start, of which nothing is known, is
# found among any number of strangers' packets, and these don't fill the tables.
flooded()
{
	local family=$1 began=$SECONDS

	lab_routed
	talk before "$family" 7001
	send_odd "$family" 20000 7001 16 stranger all
	start flood stranger "${odd_program[@]}"
	guard_start 'RULE:dst_port=7001, type=ROUTER'
	wait_for "$patience" passed_many
	talks before client
	talks before server
	refute gone flood
	[ "$(on gateway conntrack -C)" -le $((1000 * (SECONDS - began + 1))) ] ||
		fail "$(on gateway conntrack -C) connections are tracked"
}

passed_many()
{
	[ "$(tap_status gateway server untracked_passed)" -gt 2000 ]
}

# translated 4|6: a port of the gateway's own that is another host's in truth
translated()
{
	local family=$1 iptables=iptables to=10.78.1.1 own

	[ "$family" = 4 ] || iptables=ip6tables to='[fd78:1::1]'
	lab_routed
	own=$(addr "$family" gateway)
	on gateway "$iptables" -t nat -A PREROUTING -d "$own" -p tcp \
	    --dport 7001:7002 -j DNAT --to-destination "$to"
	server=$own
	# What lib.sh calls the server's address.
	addr4() { echo "$server"; }
	addr6() { echo "$server"; }
	track_all
	talk before "$family" 7001
	guard_start "RULE:dst_host=$own, dst_port=7001-7002"
	client_start dst_port=7001-7002
	talk during "$family" 7002
	# Whose answers would come by another address if they came first.
	forget
	talks before client
	talks during client
	tap_counts gateway server accepted 1
}

# before_decoy 4|6: strangers are led to a decoy, these connections are not
before_decoy()
{
	local family=$1 address=10.78.1.1 among=10.0.0.0/8 decoy loose

	[ "$family" = 4 ] || address=fd78:1::1 among=fd78::/16
	decoy=$address
	[ "$family" = 4 ] || decoy="[$address]"
	lab_routed
	http_start server 8080
	track_all
	talk before "$family" 7001
	guard_start "RULE:dst_port=7001-7002, dst_host=$among, type=ROUTER, \
	    hide=decoy:$decoy:8080"
	client_start dst_port=7001-7002
	talk during "$family" 7002
	same 'page of 8080' "$(on stranger curl -sS --max-time "$patience" \
	    "$(url "$family" server 7002)")"
	for loose in 1 0; do
		on gateway sysctl -qw \
		    net.netfilter.nf_conntrack_tcp_loose="$loose"
		forget
		talks before client
		talks during client
	done
}

check minute roundabout
for family in 4 6; do
	check "router-ipv$family" remembered router $family
	check "bridge-ipv$family" remembered bridge $family
	check "strict-ipv$family" strict $family
	check "translated-ipv$family" translated $family
	check "before-decoy-ipv$family" before_decoy $family
	check "flooded-ipv$family" flooded $family
done
finish
