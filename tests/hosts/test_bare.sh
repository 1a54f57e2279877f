#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Devices whose packets have no link header, as those of tunnels: both programs
# in the kernel work there, beside those of Ethernet.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# tunnelled: a tunnel between client and server, which has its own addresses
tunnelled()
{
	lab
	http_start server 80
	tunnel_end server client
	tunnel_end client server
}

# tunnel_end HOST PEER
tunnel_end()
{
	start "tun-$1" "$1" "$python" "$here/tun.py" tun0 "$(addr4 "$1")" \
	    "$(addr4 "$2")"
	wait_log "tun-$1" ready
	device_up "$1" tun0 "10.78.0.${number[$1]}/24" "fd78::${number[$1]}/64"
}

# said HOST server|client NAME
said()
{
	on "$1" "$TAP" "$2" --status --json |
		sed -n "s/.*\"$3\":\"\([^\"]*\)\".*/\1/p"
}

is_said()
{
	[ "$(said "$1" "$2" "$3")" = "$4" ]
}

starts()
{
	local why

	tap_start server server server -c "$(key_file "$1" RULE:dst_port=80)" \
	    -k "$(key_file)" -a "$(key_file 'port=80, key_no=10')"
	tap_start client client client \
	    -c "$(key_file "$2" "RULE:dst_port=80, key_no=10, \
key=0x$secret, alg=hmac-sha256")"
	for why in server client; do
		wait_for "$patience" fast_path_known "$why" "$why"
	done
	[[ $1 = *off ]] || [ "$(said server server fastpath)" != off ] ||
		skip "$(said server server fastpath_reason)"
}

# fetch HOST 4|6: by the tunnel
fetch()
{
	local url="http://10.78.0.${number[server]}/"

	[ "$2" = 4 ] || url="http://[fd78::${number[server]}]/"
	on "$1" curl -sS --max-time "${3:-$patience}" "$url"
}

# One end by the program, the other by the queue, or both.
through()
{
	local family

	tunnelled
	starts "fastpath=$1" "fastpath=$2"
	[ "$1" = off ] || wait_for "$patience" accepts
	for family in 4 6; do
		same 'page of 80' "$(fetch client "$family")"
	done
	[ "$2" = off ] || {
		is_said client client fastpath_reason '2 devices'
		same "$(tap_status client client authenticated)" \
		    "$(tap_status client client fastpath_syns)"
	}
	# What has no key ends there as anywhere.
	end client
	same 28 "$(status_of fetch client "$3" 2)"
}

# For a moment after the program is there, groups are left to the server.
accepts()
{
	local before

	before=$(tap_status server server ingress_accepted)
	fetch client 4 && fetch client 6 &&
		[ "$(tap_status server server ingress_accepted)" -eq \
		    $((before + 2)) ]
}

# It comes and goes, and what the kernel lets in on Ethernet, it goes on to.
comes_and_goes()
{
	lab
	http_start server 80
	starts fastpath=auto fastpath=auto
	is_said server server fastpath_reason '1 device'
	tunnel_end server client
	tunnel_end client server
	wait_for "$patience" is_said server server fastpath_reason '2 devices'
	wait_for "$patience" is_said client client fastpath_reason '2 devices'
	wait_for "$patience" accepts
	page client 4
	end tun-server KILL || :
	wait_for "$patience" is_said server server fastpath_reason '1 device'
	page client 6
}

# A rule names it.
by_name()
{
	tunnelled
	tap_start server server server \
	    -c "$(key_file 'RULE:dst_port=80, indev=tun0')" \
	    -k "$(key_file)" -a "$(key_file 'port=80, key_no=10')"
	wait_for "$patience" fast_path_known server server
	[ "$(said server server fastpath)" != off ] ||
		skip "$(said server server fastpath_reason)"
	tap_start client client client \
	    -c "$(client_rule 'dst_port=80, outdev=tun0')"
	wait_for "$patience" accepts
	page stranger 4
	page client 6
	end client
	same 28 "$(status_of fetch client 4 2)"
}

# Under flood the program of XDP serves Ethernet, and no other.
flood()
{
	tunnelled
	starts fastpath=auto fastpath=auto
	wait_for "$patience" accepts
	end server
	tap_start server server server \
	    -c "$(key_file fastpath=auto flood=0 RULE:dst_port=80)" \
	    -k "$(key_file)" -a "$(key_file 'port=80, key_no=10')"
	wait_for "$patience" xdp_is_on
	wait_for "$patience" accepts
	page client 4
	end client
	same 28 "$(status_of fetch client 4 2)"
}

xdp_is_on()
{
	page client 4
	on server ip -d link show eth0 | grep -q prog/xdp
}

check both through auto auto 4
check server through auto off 6
check client through off auto 4
check comes-and-goes comes_and_goes
check by-name by_name
check flood flood
finish
