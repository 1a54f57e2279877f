#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A lab whose server stands behind a gateway, a router or a bridge, on which
# tap runs.  Sourced after lib.sh.

# Callers use what is set here, and lib.sh sets the rest.
# shellcheck disable=SC2034,SC2154,SC2317

# inside NUMBER HOST NAME: a cable from the gateway's device NAME to a host's
# eth0, of the networks 10.78.NUMBER.0/24 and fd78:NUMBER::/64
inside()
{
	[ -e "/run/netns/$net-$2" ] || namespace "$2"
	ip -n "$net-gateway" link add "$3" type veth peer name eth0 \
	    netns "$net-$2"
	device_up gateway "$3" "10.78.$1.254/24" "fd78:$1::fe/64"
	device_up "$2" eth0 "10.78.$1.1/24" "fd78:$1::1/64"
	ip -n "$net-$2" route add default via "10.78.$1.254"
	ip -n "$net-$2" route add default via "fd78:$1::fe"
}

lab_routed()
{
	lab gateway client stranger
	inside 1 server in1
	on gateway sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	for host in client stranger; do
		ip -n "$net-$host" route add 10.78.0.0/16 \
		    via "$(addr4 gateway)"
		ip -n "$net-$host" route add fd78::/16 via "$(addr6 gateway)"
	done
	connected gateway server
	# What lib.sh calls the server's address.
	addr4() { inside_addr 4 "$1"; }
	addr6() { inside_addr 6 "$1"; }
}

inside_addr()
{
	case $1$2 in
	4server) echo 10.78.1.1 ;;
	6server) echo fd78:1::1 ;;
	4*) echo "10.77.0.${number[$2]}" ;;
	6*) echo "fd77::${number[$2]}" ;;
	esac
}

# Gateway is a bridge with two ports and no address.
lab_bridged()
{
	lab server client stranger
	namespace gateway
	ip -n "$net-bridge" link set server-eth0 nomaster
	ip -n "$net-bridge" link set server-eth0 netns "$net-gateway" \
	    name inner
	ip -n "$net-bridge" link add gateway type veth peer name outer \
	    netns "$net-gateway"
	ip -n "$net-bridge" link set gateway addrgenmode none master br0 up
	ip -n "$net-gateway" link add br1 type bridge mcast_snooping 0
	for port in inner outer; do
		ip -n "$net-gateway" link set "$port" addrgenmode none \
		    master br1 up
	done
	ip -n "$net-gateway" link set br1 addrgenmode none up
	connected gateway server
}

bridge_filters()
{
	on gateway sysctl -qw net.bridge.bridge-nf-call-iptables="$1" \
	    net.bridge.bridge-nf-call-ip6tables="${2-$1}"
}

# guard_conf LINE...: of the gateway
guard_conf()
{
	printf '%s\n' "$@" >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	[ -e "$work/keys" ] || cp -p "$(key_file)" "$work/keys"
}

guard_start()
{
	guard_conf "$@"
	tap_start server gateway server -c "$work/TAPservd.conf" \
	    -k "$work/keys" -a "$work/ACL.conf"
}

client_start()
{
	tap_start client client client -c "$(client_rule "$1")"
}
