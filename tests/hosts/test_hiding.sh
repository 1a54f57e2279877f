#!/bin/bash
# SPDX-License-Identifier: ISC
#
# No rule of somebody else's leads strangers to the hidden service, whatever
# they are shown; and none keeps a key holder out.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# hiding HIDE 4|6 FASTPATH: a server of port 80, and its key holder
hiding()
{
	local hide=$1 family=$2

	lab
	http_start server 80 81 8080
	if [ "$hide" = decoy ]; then
		hide=decoy:$(addr "$family" server):8080
		[ "$family" = 4 ] || hide=decoy:[$(addr 6 server)]:8080
	fi
	printf '%s\n' "fastpath=$3" "RULE:dst_port=80, hide=$hide" \
	    >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	[ "$3" = off ] || wait_for "$patience" fast_path_known server server
	tap_start client client client -c "$(client_rule dst_port=80)"
}

# stranger_out FAMILY [PORT]: in five tries, one after an ACK from its port
stranger_out()
{
	local got i port

	for i in 1 2 3 4 5; do
		port=$((40000 + RANDOM % 20000))
		[ $((i % 2)) = 0 ] || PYTHONPATH=$here on stranger "$python" -c '
import socket, sys
import packets
host, port = sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
out = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP
                    if family == socket.AF_INET6 else socket.IPPROTO_RAW)
packet = packets.build_tcp(sys.argv[1], host, port, int(sys.argv[4]), 7,
                           flags=packets.ACK)
if family == socket.AF_INET6:
    packet = packet[40:]
out.sendto(packet, (host, 0))
' "$(addr "$1" stranger)" "$(addr "$1" server)" "$port" "${2:-80}"
		got=$(on stranger curl -sS --max-time 0.5 --local-port "$port" \
		    "$(url "$1" server "${2:-80}")" 2>&1) || :
		lacks "$got" 'page of 80$'
	done
}

# rule FAMILY WORDS: of the administrator's
rule()
{
	local tool=iptables

	[ "$1" = 4 ] || tool=ip6tables
	# shellcheck disable=SC2086 # words
	on server $tool $2
}

# With rules put before those that look at marks, as soon as ours are back.
holder_in()
{
	(page client "$1")
}

# Rules come, one after the other, and stay; the holder gets in with each.
attacks()
{
	local family=$2 words

	hiding "$@"
	stranger_out "$family"
	page client "$family"
	for words in '-t mangle -I PREROUTING -j CONNMARK --restore-mark' \
	    '-t mangle -I PREROUTING -j MARK --set-mark 1' \
	    '-t mangle -A PREROUTING -j MARK --set-mark 1' \
	    '-t mangle -A PREROUTING -j CONNMARK --save-mark' \
	    '-I INPUT -j ACCEPT' \
	    '-t raw -A PREROUTING -p tcp --dport 80 -j CT --notrack' \
	    '-t nat -I PREROUTING -j ACCEPT' \
	    '-t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to 80'; do
		rule "$family" "$words"
		stranger_out "$family"
		stranger_out "$family" 2222
		case $1 in
		decoy) wait_for "$patience" holder_in "$family" ;;
		*) page client "$family" ;;
		esac
	done
	# What is flushed comes back, and is not missed meanwhile.
	for words in '-t nat -F' '-t raw -F' '-t mangle -F' '-F'; do
		rule "$family" "$words"
		stranger_out "$family"
	done
	wait_log server 'our firewall rules: restored'
	page client "$family"
	page stranger "$family" 81
}

# What the file protects is no decoy, by any of this host's addresses; nor is
# the loopback network, where the link's SYNs are not answered either.
decoys()
{
	local words

	lab
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	for words in "$(addr4 server):80" "[$(addr6 server)]:80" \
	    127.0.0.1:81 '[::1]:81'; do
		printf '%s\n' "RULE:dst_host=10.77.9.9, dst_port=80" \
		    "RULE:dst_port=82, hide=decoy:$words" >"$work/conf"
		same 2 "$(status_of on server "$TAP" server --check \
		    -c "$work/conf" -k "$(key_file)" -a "$work/ACL.conf")" \
		    "$words"
	done
}

# One on another host: what is missing is said, by --check and at the start.
far_decoy()
{
	local file

	lab
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	# Tells how many processes that which asked it has, itself one of them.
	mkdir "$work/tools"
	printf '%s\n' '#!/bin/sh' "pgrep -P \$PPID | wc -l >>$work/asked" \
	    'exit 1' >"$work/tools/ip6tables-legacy-save"
	chmod +x "$work/tools/ip6tables-legacy-save"
	printf '%s\n' fastpath=off "tools=$work/tools" \
	    "RULE:dst_port=80, hide=decoy:$(addr4 client):81" \
	    "RULE:dst_port=82, hide=decoy:[$(addr6 client)]:81" \
	    'RULE:dst_port=83, hide=decoy:192.0.2.1:81' \
	    "RULE:dst_port=84, hide=decoy:$(addr4 server):85" >"$work/conf"
	on server sysctl -qw net.ipv4.ip_forward=0 \
	    net.ipv6.conf.all.forwarding=0
	files=(-c "$work/conf" -k "$(key_file)" -a "$work/ACL.conf")
	on server "$TAP" server --check "${files[@]}" 2>"$work/said"
	tap_start server server server "${files[@]}"
	for file in said server.log; do
		has "$(cat "$work/$file")" \
		    "$(addr4 client) is of another host, .*: sysctl net.ipv4.ip_forward=1"
		has "$(cat "$work/$file")" \
		    "$(addr6 client) .* sysctl net.ipv6.conf.all.forwarding=1"
		has "$(cat "$work/$file")" \
		    'decoy:192.0.2.1: there is no route to it'
		lacks "$(cat "$work/$file")" "$(addr4 server)"
	done
	on server sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	sed -i /192.0.2.1/d "$work/conf"
	same '' "$(on server "$TAP" server --check "${files[@]}" 2>&1)"
	# Beside the strangers, whom it answers itself.
	ip -n "$net-server" route add default via "$(addr4 stranger)"
	ip -n "$net-server" route add default via "$(addr6 stranger)"
	: >"$work/asked"
	on server "$TAP" server --check "${files[@]}" 2>"$work/said"
	has "$(cat "$work/said")" \
	    "$(addr4 client) is where strangers come from, and nothing masq"
	has "$(cat "$work/said")" \
	    "$(addr6 client) is where strangers come from, and nothing masq"
	same 1 "$(cat "$work/asked")" 'asked once for all decoys'
	: >"$work/asked"
	signal server HUP
	wait_log server ': reloaded:'
	same 2 "$(cat "$work/asked")" 'asked once, beside a worker'
	on server iptables -t nat -A POSTROUTING -d "$(addr4 client)" \
	    -j MASQUERADE
	same '' "$(on server "$TAP" server --check "${files[@]}" 2>&1)"
}

for family in 4 6; do
	for hide in filtered closed decoy; do
		check "$hide-ipv$family" attacks $hide $family off
		check "$hide-ipv$family-fast" attacks $hide $family auto
	done
done
check decoys decoys
check far-decoy far_decoy
finish
