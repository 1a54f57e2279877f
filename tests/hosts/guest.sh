# shellcheck shell=bash
# SPDX-License-Identifier: ISC
#
# A host with a guest behind it.  Sourced after lib.sh.

# lib.sh sets these.
# shellcheck disable=SC2154

# guest_lab [PORT...]: one behind the client, whose address is translated; the
# server has these ports, too, which are open
guest_lab()
{
	local family

	lab
	http_start server 80 "$@"
	tap_start server server server -p 80 -k "$(key_file)"
	namespace guest
	ip -n "$net-client" link add eth1 type veth peer name eth0 \
	    netns "$net-guest"
	device_up client eth1 10.79.0.1/24 fd79::1/64
	device_up guest eth0 10.79.0.2/24 fd79::2/64
	connected guest
	on client sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	ip -n "$net-guest" -4 route add default via 10.79.0.1
	ip -n "$net-guest" -6 route add default via fd79::1
	for family in iptables ip6tables; do
		on client "$family" -t nat -A POSTROUTING -o eth0 -j MASQUERADE
	done
}
