#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A client with more ways than one: the frames of a group take that of its SYN,
# and get through what lets it through.

# Cases are called by check.
# guest_lab takes words where a test has some.
# shellcheck disable=SC2119
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/guest.sh
. "$(dirname "$0")/guest.sh"

# Two devices of the client's, each with a router of its own: eth0 with the
# default route, and eth1 with that of table 100.
two_roads()
{
	local n

	lab server router
	namespace client
	for n in 1 2; do
		ip -n "$net-router" link add "eth$n" type veth \
		    peer name "eth$((n - 1))" netns "$net-client"
		device_up router "eth$n" "10.78.$n.1/24" "fd78:$n::1/64"
		device_up client "eth$((n - 1))" "10.78.$n.2/24" "fd78:$n::2/64"
	done
	connected router client
	on router sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	on client sysctl -qw net.ipv4.conf.all.rp_filter=0 \
	    net.ipv4.conf.eth1.rp_filter=0
	ip -n "$net-server" route add 10.78.0.0/16 via "$(addr4 router)"
	ip -n "$net-server" route add fd78::/16 via "$(addr6 router)"
	for n in -4 -6; do
		ip -n "$net-client" "$n" route add default via \
		    "$(gateway "$n" 1)"
		ip -n "$net-client" "$n" route add default via \
		    "$(gateway "$n" 2)" table 100
	done
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
}

gateway()
{
	[ "$1" = -4 ] && echo "10.78.$2.1" || echo "fd78:$2::1"
}

client_starts()
{
	tap_start client client client -c "$(key_file "fastpath=$1" \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")"
	if [ "$1" != off ]; then
		wait_for "$patience" fast_path_known client client
		on client "$TAP" client --status --json |
			grep -q '"fastpath":"generic"' ||
			skip 'no fast path here'
	fi
}

# comes 4|6 [MARK [USER]]: a connection is accepted by TCP's first try
comes()
{
	on client setpriv ${3:+"--reuid=$3" --clear-groups} "$python" -c '
import socket
import sys
to, mark = sys.argv[1], int(sys.argv[2], 0)
s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
if mark:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK,
                 mark.to_bytes(4, sys.byteorder))
s.settimeout(0.9)
s.connect((to, 80))
' "$(addr "$1" server)" "${2:-0}"
}

# met ADDRESS...: neighbours that nobody has spoken to yet have to be asked
# first, and a SYN does not wait for that
met()
{
	local addr

	for addr; do
		same 7 "$(status_of on client curl -sS -m "$patience" \
		    "http://$addr:9/")" "the discard service of $addr"
	done
}

# The router counts SYNs by each of its devices, from now on.
count_syns()
{
	local device iptables

	for device in eth1 eth2; do
		for iptables in iptables ip6tables; do
			on router "$iptables" -t raw -A PREROUTING \
			    -i "$device" -p tcp --syn --dport 80
		done
	done
}

counted()
{
	on router "$([ "$1" = 4 ] && echo iptables || echo ip6tables)" \
	    -t raw -vxnL PREROUTING | awk '/^ *[0-9]/ { n = n " " $1 }
		END { print substr(n, 2) }'
}

# by_rule FASTPATH MARK USER RULE...: what the rule is for goes by eth1
by_rule()
{
	local fastpath=$1 mark=$2 user=$3 family

	shift 3
	two_roads
	for family in -4 -6; do
		ip -n "$net-client" "$family" rule add "$@" lookup 100
	done
	client_starts "$fastpath"
	met 10.78.1.1 10.78.2.1 '[fd78:1::1]' '[fd78:2::1]'
	count_syns
	for family in 4 6; do
		comes "$family" "$mark" "$user"
		same '0 5' "$(counted "$family")" "SYNs by each road"
	done
	tap_counts server server accepted 2
}

# A mark that means nothing here, with every bit of tap's own in it.
foreign()
{
	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	client_starts "$1"
	met "$(addr4 server)"
	comes 4 0x6d6f6c65
	comes 4 0xffffffff
	tap_counts server server accepted 2
	tap_counts client client authenticated 2
}

# The very mark of tap's own is somebody else's: that is told, once.
same_mark()
{
	local i

	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	client_starts "$1"
	for i in 1 2; do
		start "taken-$i" client "$python" -c '
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x400000)
s.connect(("10.77.0.1", 80))
'
	done
	wait_for "$patience" tap_counts client client mark 2
	wait_log client "unauthenticated .*mark of tap's own.*dst=10.77.0.1:80"
	same 1 "$(grep -c "mark of tap's own" "$work/client.log")" 'lines'
	comes 4
	tap_counts client client mark 2
	tap_counts server server accepted 1
}

# What a filter lets pass of one user, and of nobody else.
by_owner()
{
	local iptables

	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	for iptables in iptables ip6tables; do
		on client "$iptables" -A OUTPUT -p tcp --dport 80 -m owner \
		    --uid-owner 65534 --gid-owner 65533 -j ACCEPT
		on client "$iptables" -A OUTPUT -p tcp --dport 80 -j DROP
	done
	client_starts off
	capture wire client eth0 'tcp dst port 80'
	for family in 4 6; do
		same 'page of 80' "$(on client setpriv --reuid=65534 \
		    --regid=65533 --clear-groups curl -sS -m "$patience" \
		    "$(url "$family" server)")"
	done
	tap_counts server server accepted 2
	# Of who may not, no frame gets out.
	for user in 65533 0; do
		same 28 "$(status_of on client setpriv "--reuid=$user" \
		    --regid=65533 --clear-groups curl -sS -m 1 \
		    "$(url 4 server)")"
	done
	capture_end wire client
	same 10 "$(tcpdump -n -r "$work/wire.pcap" \
	    '(tcp[13] & 0x17 == 2) or (ip6 and ip6[53] & 0x17 == 2)' \
	    2>/dev/null | wc -l)" 'SYNs on the wire'
}

# One device, and two routers that translate: of each group, all frames take
# the same, whichever their ports would choose.
two_gateways()
{
	local n

	lab server one two
	namespace lan
	ip -n "$net-lan" link add br0 type bridge mcast_snooping 0
	ip -n "$net-lan" link set br0 addrgenmode none up
	namespace client
	n=0
	for host in client one two; do
		n=$((n + 1))
		ip -n "$net-lan" link add "to-$host" type veth peer name lan0 \
		    netns "$net-$host"
		ip -n "$net-lan" link set "to-$host" addrgenmode none \
		    master br0 up
		device_up "$host" lan0 "10.78.1.$n/24" "fd78:1::$n/64"
		[ "$host" = client ] || {
			on "$host" sysctl -qw net.ipv4.ip_forward=1
			on "$host" iptables -t nat -A POSTROUTING -o eth0 \
			    -j MASQUERADE
		}
	done
	connected client one two
	on client sysctl -qw net.ipv4.fib_multipath_hash_policy=1
	ip -n "$net-client" route add default \
	    nexthop via 10.78.1.2 nexthop via 10.78.1.3
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	client_starts "$1"
	met 10.78.1.2 10.78.1.3
	for n in $(seq 12); do
		comes 4
	done
	tap_counts server server accepted 12
	has "$(grep -o 'src=10.77.0.[23]' "$work/server.log" | sort -u |
		tr '\n' ' ')" '^src=10.77.0.2 src=10.77.0.3 $'
}

# It is ordinary to who sees packets leave, too, and cannot tell by addresses.
guest_wire()
{
	guest_lab
	tap_start client client client --backend pcap \
	    -c "$(client_rule dst_port=80)"
	same 28 "$(status_of on guest curl -sS -m 1 "$(url 4 server)")" ipv4
	same 28 "$(status_of on guest curl -sS -m 1 "$(url 6 server)")" ipv6
	page client 4
	page client 6
	# Bound to its device, too.
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    --interface if!eth0 "$(url 4 server)")"
	tap_counts server server accepted 3
}

# It has the use of the key where a rule says so, and has not where none does.
guest()
{
	local device=$1

	guest_lab
	tap_start client client client -c "$(key_file \
	    "RULE:type=FORWARD, indev=$device, dst_port=80, key_no=10, \
key=0x$secret, alg=hmac-sha256")"
	wait_for "$patience" fast_path_known client client
	# Its own connections are another matter.
	same 28 "$(status_of on client curl -sS -m 1 "$(url 4 server)")" own
	if [ "$device" = eth1 ]; then
		page guest 4
		page guest 6
		tap_counts server server accepted 2
	else
		same 28 "$(status_of on guest curl -sS -m 1 \
		    "$(url 4 server)")" 'by another device'
	fi
	if [ "$device" = eth1 ]; then
		end client
	else
		end client KILL || :
		has "$(rules client)" tap-client-5060-forward
		wait_for "$patience" on client "$TAP" client --remove-rules
	fi
	same '' "$(rules client | grep tap-)" 'what is left'
}

for fastpath in off auto; do
	check "user-$fastpath" by_rule $fastpath 0 65534 uidrange 65534-65534
	check "mark-$fastpath" by_rule $fastpath 1 '' fwmark 0x1
	check "port-$fastpath" by_rule $fastpath 0 '' ipproto tcp dport 80
	check "foreign-mark-$fastpath" foreign $fastpath
	check "same-mark-$fastpath" same_mark $fastpath
done
# By the queue that is so up to Linux 6.15 alone: since then, the kernel chooses
# the next hop of a new connection at random, and does not tell.
check gateways two_gateways auto
check owner by_owner
check guest guest eth1
check guest-wire guest_wire
check guest-elsewhere guest eth2
finish
