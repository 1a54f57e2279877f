#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The client's program in the kernel, which makes groups where packets leave:
# that it makes what the queue would, takes what it can, leaves the rest to the
# queue, and that all is as before when it goes.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# As reference.py and log_syns have it.
mark=0x1000000

# served LINE...: a server, and a client with these lines, on its fast path
served()
{
	lab
	http_start server 80 81
	tap_start server server server -p 80 -k "$(key_file "$(reference keys)")"
	on_fast_path "$@"
}

on_fast_path()
{
	client_starts fastpath=auto "$@"
	wait_for "$patience" decided
	[ "$(said fastpath)" = generic ] || unbuilt
}

client_starts()
{
	tap_start client client client -c "$(key_file "mark=$mark" "$@")"
}

unbuilt()
{
	local why

	why=$(said fastpath_reason)
	end client
	skip "$why"
}

said()
{
	on client "$TAP" client --status --json |
		sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# It comes a moment after the client.
decided()
{
	[ "$(said fastpath_reason)" != 'not yet' ]
}

is_reason()
{
	[ "$(said fastpath_reason)" = "$1" ]
}

rule()
{
	reference rule "${2:-12}" "$1"
}

# How many SYNs of the client's came to its queue.
in_queue()
{
	# shellcheck disable=SC2016 # awk's
	on client awk '$1 == 5060 { print $8 }' \
	    /proc/net/netfilter/nfnetlink_queue
}

queued()
{
	same "$1" "$(in_queue)" 'SYNs in the queue'
}

# through SYNS QUEUED: so many were made into groups, and so many of these by
# the queue
through()
{
	same "$1 $(($1 - $2))" \
	    "$(tap_status client client authenticated fastpath_syns)"
	queued "$2"
}

# To the letter: see test_frames.sh.
frames()
{
	local key=$1 family=$2

	served "$(rule dst_port=80 "$key")"
	log_syns client
	capture frames client eth0 'tcp port 80'
	capture orig client nflog:7
	for _ in 1 2 3; do
		page client "$family"
	done
	capture_end frames client
	capture_end orig client
	through 3 0
	tap_counts server server accepted 3
	reference frames "$key" 80 "$work/frames.pcap" "$work/orig.pcap"
}

# A group that is lost whole: TCP's next SYN makes one of its own.
retransmission()
{
	lab
	http_start server 80
	# The whole group is to get as far as the rule that drops it.
	tap_start server server server \
	    -c "$(key_file fastpath=off RULE:dst_port=80)" \
	    -k "$(key_file "$(reference keys)")" \
	    -a "$(key_file 'port=80, key_no=12')"
	on_fast_path "$(rule dst_port=80)"
	log_syns client
	on server iptables -t raw -I PREROUTING 1 -p tcp --syn \
	    -m quota --quota $((2 * 5 * 60)) -j DROP
	capture frames client eth0 'tcp port 80'
	capture orig client nflog:7
	page client 4
	capture_end frames client
	capture_end orig client
	through 3 0
	reference frames 12 80 "$work/frames.pcap" "$work/orig.pcap"
	has "$(cat "$work/client.log")" 'unanswered reason="no answer: '
}

# nobodys 4|6: a page of port 80
nobodys()
{
	same 'page of 80' "$(on client setpriv --reuid=nobody --regid=nogroup \
	    --clear-groups curl -sS "$(url "$1" server)")"
}

# Each user has his key, and who has none goes on as he is.
by_user()
{
	served "$(rule 'dst_port=80, user=nobody')" \
	    "$(rule 'dst_port=80, user=root' 14)" \
	    "$(rule 'dst_port=81, user=nobody')"
	nobodys 4
	page client 6
	through 2 0
	wait_log server 'accepted key=12 '
	wait_log server 'accepted key=14 '
	page client 4 81
	same '2 3' "$(tap_status client client authenticated fastpath_syns)"
	queued 0
}

# A rule that names a program goes to the queue, and so do those that name a
# user, and who comes after: the program might be another user's.
by_queue()
{
	served "$(rule 'dst_port=80, user=nobody')" "$(rule dst_port=80)" \
	    "$(rule dst_port=81)" "$(rule 'dst_port=80, exe=/none')"
	page client 4
	through 1 1
	tap_counts server server accepted 1
	nobodys 6
	through 2 2
	tap_counts server server accepted 2
	page client 6 81
	through 3 2
}

# By the device that a rule names, on that alone.
outdev()
{
	served "$(rule 'dst_port=80, outdev=eth0')" \
	    "$(rule 'dst_port=81, outdev=eth9')"
	page client 4
	through 1 0
	page client 4 81
	through 1 0
}

# What the host translates goes out translated, under the rule for what the
# program has asked for.
translated()
{
	served "$(rule "dst_host=10.77.9.9, dst_port=8080, service_port=80")"
	ip -n "$net-client" route add 10.77.9.9 dev eth0
	on client iptables -t nat -A OUTPUT -p tcp -d 10.77.9.9 --dport 8080 \
	    -j DNAT --to-destination "$(addr4 server):80"
	on client ip addr add 10.77.0.77/24 dev eth0
	on client iptables -t nat -A POSTROUTING -p tcp --dport 80 \
	    -j SNAT --to-source 10.77.0.77
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    http://10.77.9.9:8080/)"
	through 1 0
	wait_log server 'accepted key=12 .*src=10.77.0.77:'
}

# What it forwards for others is not its own, and neither is what has the mark
# already.
others()
{
	served "$(rule dst_port=80)"
	on client sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0
	ip -n "$net-stranger" route add "$(addr4 server)" via "$(addr4 client)"
	hidden 4
	same 28 "$(status_of on client "$python" -c '
import socket
import sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, 36, int(sys.argv[2], 0))
s.settimeout(1.5)
try:
    s.connect((sys.argv[1], 80))
except TimeoutError:
    sys.exit(28)
' "$(addr4 server)" "$mark")"
	through 0 0
	page client 4
	through 1 0
}

# SYNs that are not like others, with data or a signature.
odd()
{
	served "$(rule dst_port=80)"
	on client sysctl -qw net.ipv4.tcp_fastopen=5
	same 'page of 80' "$(on client "$python" "$here/syn.py" fastopen \
	    "$(addr4 server)" 80)"
	wait_log client 'unauthenticated reason="SYN carries data'
	refute on client "$python" "$here/syn.py" md5 \
	    "$(addr4 server)" 80
	wait_log client 'refused reason="SYN is signed'
	queued 0
}

killed()
{
	served "$(rule dst_port=80)"
	page client 4
	end client KILL || :
	same 28 "$(status_of on client curl -sS --max-time 2 "$(url 4 server)")"
	page client 4 81
	client_starts fastpath=off "$(rule dst_port=80)"
	same fastpath=off "$(said fastpath_reason)"
	page client 4
	through 1 1
	end client
	lacks "$(rules client)" tap-client
}

# The worker alone: ports and all are there again.
worker_killed()
{
	served "$(rule dst_port=80)"
	page client 4
	kill -KILL "$(worker client)"
	wait_for "$patience" tap_counts client client worker_restarts 1
	page client 4
	page client 6
	through 3 0
	tap_counts server server accepted 3
}

reload()
{
	local file before

	served "$(rule dst_port=80)"
	page client 4
	file=$(tr '\0' '\n' <"/proc/${pids[client]}/cmdline" | tail -n 1)
	printf '%s\n' fastpath=auto "mark=$mark" "$(rule dst_port=80 14)" \
	    >"$file"
	signal client HUP
	wait_log client 'reloaded: '
	# By the queue, unless the fast path was ready sooner.
	page client 4
	wait_for "$patience" decided
	before=$(in_queue)
	[ "$before" -le 1 ] || fail "$before SYNs in the queue"
	page client 4
	through 3 "$before"
	wait_log server 'accepted key=14' 2
	same 2 "$(grep -c 'accepted key=14' "$work/server.log")"
	printf '%s\n' fastpath=auto "$(rule dst_port=81)" >"$file"
	signal client HUP
	wait_log client 'reloaded: ' 2
	same 28 "$(status_of on client curl -sS --max-time 2 "$(url 4 server)")"
	tap_counts client client authenticated 3
}

# Devices come, go, and stand on others; their rules with them.
devices()
{
	served "$(rule dst_port=80)"
	is_reason '1 device'
	cable client eth1 9
	wait_for "$patience" is_reason '2 devices'
	on client ip link set eth0 down
	page client 4
	on client ip link set eth0 up
	on client ip link del eth1
	wait_for "$patience" is_reason '1 device'
	wait_for "$patience" page client 4
	queued 0
	on client ip link add br0 type bridge
	wait_for "$patience" is_reason '2 devices'
	on client ip link set eth0 master br0
	on client ip addr flush dev eth0
	device_up client br0 "$(addr4 client)/24" "$(addr6 client)/64"
	wait_for "$patience" is_reason '1 device'
	wait_for "$patience" page client 4
	queued 0
	same 0 "$(tap_status client client failed)"
}

# Another program's rules stay, and so does its program for a device.
flushed()
{
	served "$(rule dst_port=80)"
	on client iptables -t raw -F
	wait_log client 'our firewall rules: restored'
	page client 4
	through 1 0
}

off()
{
	lab
	client_starts "fastpath=$1" "${@:3}" "$(rule dst_port=80)"
	wait_for "$patience" decided
	same off "$(said fastpath)"
	has "$(said fastpath_reason)" "$2"
}

few_ports()
{
	lab
	on client sysctl -qw net.ipv4.ip_local_port_range='40000 41999'
	client_starts fastpath=auto "$(rule dst_port=80)"
	same 'ip_local_port_range is too small' "$(said fastpath_reason)"
}

# unprivileged auto|generic LEVEL: without the privilege for it the queue serves,
# and one line says so: a warning only where it was asked for.
unprivileged()
{
	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file "$(reference keys)")"
	start client client capsh --drop=cap_bpf,cap_sys_admin -- -c \
	    'exec "$@"' "$TAP" "$TAP" client \
	    -c "$(key_file log=json "fastpath=$1" "$(rule dst_port=80)")"
	wait_log client ready:
	wait_for "$patience" decided
	has "$(said fastpath_reason)" 'not permitted|built without clang'
	same "\"level\":\"$2\"" "$(grep 'fast path: off' \
	    "$work/client.log" | grep -o '"level":"[a-z]*"')"
	lacks "$(said alarm)" 'fast path'
	page client 4
	tap_counts server server accepted 1
	end client
}

# Another client, for one command, has its own way: its frames pass.
beside()
{
	mark=0x400000
	served "$(rule dst_port=80)"
	page client 4
	same 'page of 80' "$(on client "$TAP" client \
	    --to "$(addr4 server):80" -k "$(key_file "$(reference keys)")" \
	    --key-no 14 -- curl -sS --max-time "$patience" "$(url 4 server)")"
	page client 4
	through 2 0
	wait_log server 'accepted key=' 3
	has "$(grep -o 'accepted key=[0-9]*' "$work/server.log" | tr '\n' ' ')" \
	    '^accepted key=12 accepted key=14 accepted key=12 $'
}

# Where the firewall can't have the rules for it, all is as before.
no_policy()
{
	local library

	library=$(find /usr/lib -name libxt_policy.so | head -n 1)
	[ -n "$library" ] || skip 'no libxt_policy.so'
	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file "$(reference keys)")"
	mounts="mount --bind /dev/null '$library'"
	client_starts fastpath=auto "$(rule dst_port=80)"
	wait_for "$patience" decided
	has "$(said fastpath_reason)" 'policy|built without clang'
	same off "$(said fastpath)"
	same 1 "$(grep -c 'fast path: off, .*\(policy\|clang\)' \
	    "$work/client.log")"
	for family in 4 6; do
		page client "$family"
	done
	through 2 2
	end client
	lacks "$(rules client)" tap-client
}

for key in 10 12 14; do
	for family in 4 6; do
		check "key$key-ipv$family" frames $key $family
	done
done
check retransmission retransmission
check by-user by_user
check by-queue by_queue
check outdev outdev
check translated translated
check others others
check odd odd
check killed killed
check worker-killed worker_killed
check reload reload
check devices devices
check flushed flushed
check native off native 'no driver'
check no-rules off auto 'firewall=none' firewall=none
check few-ports few_ports
check unprivileged unprivileged generic warning
check unprivileged-auto unprivileged auto info
check no-policy no_policy
check beside beside
finish
