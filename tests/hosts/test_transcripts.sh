#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The three transcripts of the paper (001, 4.2): what nmap says of port 22 in a
# half scan and in a connect scan, without tap, with its server, and with its
# client.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# scan HOST 4|6 OPTION...: what nmap says of the server's port 22
scan()
{
	local host=$1 family=$2 options=()

	shift 2
	[ "$family" = 4 ] || options=(-6)
	on "$host" nmap -n -Pn "${options[@]}" "$@" -p 22 \
	    "$(addr "$family" server)" | grep '^22/tcp' | tr -s ' '
}

transcript()
{
	local family=$1

	lab
	ssh_start server
	same '22/tcp open ssh' "$(scan stranger "$family" -sS)" 'no tap, -sS'
	same '22/tcp open ssh' "$(scan stranger "$family" -sT)" 'no tap, -sT'

	tap_start server server server -p 22 -k "$(key_file)"
	same '22/tcp filtered ssh' "$(scan stranger "$family" -sS)" 'tap, -sS'
	same '22/tcp filtered ssh' "$(scan stranger "$family" -sT)" 'tap, -sT'

	# Past the socket layer nmap goes by tap's rules only as plain IP.
	tap_start client client client -c "$(client_rule dst_port=22)"
	same '22/tcp open ssh' "$(scan client "$family" --send-ip -sS)" \
	    'client, -sS'
	same '22/tcp open ssh' "$(scan client "$family" -sT)" 'client, -sT'
	same '22/tcp filtered ssh' "$(scan stranger "$family" -sS)" \
	    'still for strangers'
}

check ipv4 transcript 4
check ipv6 transcript 6
finish
