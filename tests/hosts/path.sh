#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A path to probe: near - router - far, or with several routers. Sourced after
# lib.sh by tests/hosts/test_path_*.sh.

# Callers use what is set here, and lib.sh has set what is used.
# shellcheck disable=SC2034,SC2154

port=8270

# wire A DEVICE B DEVICE NUMBER: a cable between two hosts; A is .1 of network
# 10.NUMBER.0.0/24 and fdNUMBER::/64, B is .2
wire()
{
	ip -n "$net-$1" link add "$2" type veth peer name "$4" netns "$net-$3"
	device_up "$1" "$2" "10.$5.0.1/24" "fd$5::1/64"
	device_up "$3" "$4" "10.$5.0.2/24" "fd$5::2/64"
}

forwards()
{
	on "$1" sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
}

# routes HOST VIA-NUMBER HOST-NUMBER [NETWORK-NUMBER]
route()
{
	local to4=default to6=default

	[ $# -eq 3 ] || { to4=10.$4.0.0/24; to6=fd$4::/64; }
	ip -n "$net-$1" route add "$to4" via "10.$2.0.$3"
	ip -n "$net-$1" route add "$to6" via "fd$2::$3"
}

# path_lab [ROUTERS]: near, router1 .. routerN, far; N is 1 unless given.
# The router next to near is router1; near is 10.10.0.1, far is in the last
# network.
path_lab()
{
	local routers=${1:-1} i last names=()

	net=tap$$-$BASHPID-$RANDOM
	: >>"$work/namespaces"
	for ((i = 1; i <= routers; i++)); do
		names+=("router$i")
	done
	for i in near far "${names[@]}"; do
		namespace "$i"
	done
	wire near eth0 router1 in 10
	for ((i = 1; i < routers; i++)); do
		wire "router$i" out "router$((i + 1))" in $((10 + i))
	done
	last=$((10 + routers))
	wire "router$routers" out far eth0 $last
	far4=10.$last.0.2
	far6=fd$last::2
	connected near far "${names[@]}"
	route near 10 2
	route far $last 1
	for ((i = 1; i <= routers; i++)); do
		forwards "router$i"
		# Both ways, to the networks that are not its own.
		[ $i -eq "$routers" ] || route "router$i" $((10 + i)) 2
		[ $i -eq 1 ] || route "router$i" $((9 + i)) 1 10
	done
}

# far ADDRESS-FAMILY: its address
far()
{
	local name=far$1

	echo "${!name}"
}

# listen [OPTION...]: the far side
listen()
{
	tap_run listen far probe-path --listen "$@"
	wait_log listen ': ready:'
}

# probe 4|6 [OPTION...]: its JSON is probe.json, its status $status
probe()
{
	local family=$1

	shift
	status=0
	on near "$TAP" probe-path "$(far "$family")" --json "$@" \
	    >"$work/probe.json" || status=$?
}

# says EXPRESSION...: see path_result.py
says()
{
	"$python" "$here/path_result.py" "$work/probe.json" "$@"
}

# middlebox ROUTER EDIT...: what the router forwards, changed
middlebox()
{
	local router=$1 iptables

	shift
	start middlebox "$router" "$python" "$here/middlebox.py" 5 "$@"
	wait_log middlebox '^ready'
	for iptables in iptables ip6tables; do
		on "$router" "$iptables" -t mangle -A FORWARD -p tcp \
		    -j NFQUEUE --queue-num 5
	done
}

# mangle ARGUMENT...: a rule of router1 for both versions of IP, in FORWARD
mangle()
{
	on router1 iptables -t mangle -A FORWARD -p tcp "$@"
	on router1 ip6tables -t mangle -A FORWARD -p tcp "$@"
}

# both NAME FUNCTION [ARGUMENT...]: a case for each version of IP
both()
{
	local family

	for family in 4 6; do
		check "$1-ipv$family" "$2" $family "${@:3}"
	done
}
