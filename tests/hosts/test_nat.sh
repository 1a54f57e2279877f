#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Through a router that rewrites addresses and source ports, and through a
# path that loses packets, all get in as they do without.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# A router on the bridge, and a client behind it, 10.78.0.2 and fd78::2.
nat_lab()
{
	local iptables

	lab server router stranger
	namespace client
	ip -n "$net-router" link add eth1 type veth peer name eth0 \
	    netns "$net-client"
	device_up router eth1 10.78.0.1/24 fd78::1/64
	device_up client eth0 10.78.0.2/24 fd78::2/64
	connected router client
	ip -n "$net-client" route add default via 10.78.0.1
	ip -n "$net-client" route add default via fd78::1
	on router sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	for iptables in iptables ip6tables; do
		on router "$iptables" -t nat -A POSTROUTING -o eth0 -p tcp \
		    -j MASQUERADE "$@"
	done
	http_start server 80 81
	printf '%s\n' 'RULE:dst_port=80' 'RULE:dst_port=81, window=loose' \
	    >"$work/TAPservd.conf"
	echo 'port=80-81, key_no="10-14"' >"$work/acl"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file "$(reference keys)")" -a "$work/acl"
}

# nat KEY 4|6 [OPTION]: with an option of MASQUERADE
nat()
{
	local key=$1 family=$2 pages curls=() i

	shift 2
	nat_lab "$@"
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url "$family" server)")" 'hidden from behind the router'
	tap_start client client client \
	    -c "$(key_file "$(reference rule "$key" dst_port=80-81)")"
	capture inside router eth1 'tcp dst port 80'
	capture outside router eth0 'tcp dst port 80'
	page client "$family"
	capture_end outside router
	on client bash -c 'echo >/dev/udp/10.78.0.1/9'
	wait_for "$patience" packets ended "$work/inside.pcap"
	end inside INT
	packets rewritten "$work/inside.pcap" "$work/outside.pcap"

	# Twenty at once, from one address as the server sees it.
	for i in $(seq 20); do
		on client curl -sS --max-time "$patience" \
		    "$(url "$family" server)" >"$work/page$i" &
		curls+=($!)
	done
	wait "${curls[@]}"
	pages=$(cat "$work"/page*)
	same 20 "$(grep -o 'page of 80' <<<"$pages" | wc -l)" 'pages'
	tap_counts server server accepted 21
	hidden "$family"
	same 28 "$(status_of on router curl -sS --max-time 2 \
	    "$(url "$family" server)")" "the same address without the key"
}

# box: the router gives every SYN on its way out another window, of three
box()
{
	on router nft -f - <<-END
		table inet box {
			chain forward {
				type filter hook forward priority 0;
				iifname != eth0 tcp flags & (syn | ack) == syn \
					numgen inc mod 3 vmap { 0 : goto one,
					1 : goto two, 2 : goto three }
			}
			chain one { tcp window set 1024; }
			chain two { tcp window set 2048; }
			chain three { tcp window set 65535; }
		}
	END
}

# behind_router NAME NUMBER: one more host there, 10.NUMBER.0.2
behind_router()
{
	namespace "$1"
	ip -n "$net-router" link add "to-$1" type veth peer name eth0 \
	    netns "$net-$1"
	device_up router "to-$1" "10.$2.0.1/24" "fd$2::1/64"
	device_up "$1" eth0 "10.$2.0.2/24" "fd$2::2/64"
	connected router "$1"
	ip -n "$net-$1" route add default via "10.$2.0.1"
	ip -n "$net-$1" route add default via "fd$2::1"
}

# Through a box that changes the windows; several at once, of three hosts that
# the server sees at one address.
windows()
{
	local key=$1 family=$2 curls=() host i accepted syns authenticators

	nat_lab --random-fully
	behind_router client2 80
	behind_router client3 81
	box
	for host in client client2 client3; do
		tap_start "$host" "$host" client -c \
		    "$(key_file "$(reference rule "$key" dst_port=80-81)")"
	done
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url "$family" server 80)")" 'where the server wants the mark'
	same 0 "$(tap_status server server accepted)"
	wait_for "$patience" some_incomplete
	page client "$family" 81
	for i in $(seq 3); do
		for host in client client2 client3; do
			on "$host" curl -sS --max-time "$patience" \
			    "$(url "$family" server 81)" >"$work/page-$host-$i" &
			curls+=($!)
		done
	done
	wait "${curls[@]}"
	same 9 "$(cat "$work"/page-* | grep -o 'page of 81' | wc -l)" 'pages'
	read -r accepted syns authenticators \
	    <<<"$(tap_status server server accepted syns authenticators)"
	[ "$accepted" -ge 10 ]
	[ "$authenticators" -ge "$accepted" ]
	[ "$authenticators" -le $((64 * syns)) ]
}

some_incomplete()
{
	[ "$(tap_status server server incomplete)" -gt 0 ]
}

# The router's port 8080 leads to the server's 80: the client has to know, for
# the port in the authenticator is the server's.
forward()
{
	local family=$1 router=10.78.0.1 rule

	nat_lab
	if [ "$family" = 4 ]; then
		on router iptables -t nat -A PREROUTING -p tcp --dport 8080 \
		    -j DNAT --to-destination "$(addr4 server):80"
	else
		router='[fd78::1]'
		on router ip6tables -t nat -A PREROUTING -p tcp --dport 8080 \
		    -j DNAT --to-destination "[$(addr6 server)]:80"
	fi
	rule=$(reference rule 12 'dst_port=8080')
	tap_start client client client -c "$(key_file "$rule")"
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "http://$router:8080/")" 'signed for port 8080'
	end client
	tap_start client client client \
	    -c "$(key_file "$rule, service_port=80")"
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    "http://$router:8080/")"
}

# A fifth of all packets is lost, both ways.
loss()
{
	local key=$1 family=$2 i curls=() iptables host

	lab
	http_start server 80
	tap_start server server server -p 80 \
	    -k "$(key_file "$(reference keys)")"
	tap_start client client client \
	    -c "$(key_file "$(reference rule "$key" dst_port=80)")"
	# More tries, and each after a second: the machine's time is short.
	on client sysctl -qw net.ipv4.tcp_syn_retries=60 \
	    net.ipv4.tcp_syn_linear_timeouts=60
	for iptables in iptables ip6tables; do
		# First, before tap's own.  Where they come in: who sends a
		# packet is told when it is dropped where it goes out, and the
		# kernel gives up a connection whose SYN-ACK that happens to.
		for host in server client; do
			on "$host" "$iptables" -t raw -I PREROUTING 1 -p tcp \
			    -m statistic --mode random --probability 0.2 \
			    -j DROP
		done
	done
	for i in 1 2 3 4; do
		on client curl -sS --max-time 60 "$(url "$family" server)" \
		    >"$work/page$i" &
		curls+=($!)
	done
	wait "${curls[@]}"
	same 4 "$(cat "$work"/page* | grep -o 'page of 80' | wc -l)" 'pages'
	hidden "$family"
}

for family in 4 6; do
	check "masquerade-ipv$family" nat 12 $family --to-ports 20000-29999
	check "random-ipv$family" nat 12 $family --random-fully
	check "random-md5-ipv$family" nat 10 $family --random-fully
	check "windows-ipv$family" windows 12 $family
	check "windows-md5-ipv$family" windows 10 $family
	check "forward-ipv$family" forward $family
	check "loss-ipv$family" loss 12 $family
done
finish
