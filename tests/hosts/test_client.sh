#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Whose connections the client authenticates, and what it does with SYNs that
# are not like others.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# client_lab WORDS [SETTING...]: a client with a rule of these words, and its
# server
client_lab()
{
	lab
	http_start server 80 81
	tap_start server server server -p 80 -k "$(key_file)"
	tap_start client client client -c "$(key_file "${@:2}" \
	    "RULE:$1, key_no=10, key=0x$secret, alg=hmac-sha256")"
}

# no_page HOST COMMAND...: that gets no page, within two seconds
no_page()
{
	same 28 "$(status_of on "$1" "${@:2}" -m 2)" "$*"
}

as_user()
{
	echo setpriv "--reuid=$1" --regid=nogroup --clear-groups curl -sS
}

user()
{
	local family=$1 user=$2 other=$3 url

	client_lab "dst_port=80, user=$2"
	url=$(url "$family" server)
	# shellcheck disable=SC2046 # words of a command
	same 'page of 80' "$(on client $(as_user "$user") "$url")"
	# shellcheck disable=SC2046
	no_page client $(as_user "$other") "$url"
	no_page client curl -sS "$url"
	tap_counts client client authenticated 1
	# What no rule names goes its ordinary way, whoever sends it.
	# shellcheck disable=SC2046
	same 'page of 81' "$(on client $(as_user "$other") \
	    "$(url "$family" server 81)")"
	page client "$family" 81
}

# Two users with a key each.
users()
{
	local file user

	lab
	http_start server 80
	file=$(key_file "$(reference keys)")
	tap_start server server server -p 80 -k "$file"
	tap_start client client client -c "$(key_file \
	    "$(reference rule 12 'dst_port=80, user=nobody')" \
	    "$(reference rule 13 'dst_port=80, user=daemon')")"
	for user in nobody daemon; do
		# shellcheck disable=SC2046 # words of a command
		same 'page of 80' \
		    "$(on client $(as_user "$user") "$(url 4 server)")"
	done
	no_page client curl -sS "$(url 4 server)"
	has "$(grep -o 'accepted key=[0-9]*' "$work/server.log" | tr '\n' ' ')" \
	    '^accepted key=12 accepted key=13 $'
}

# has_run SECONDS
has_run()
{
	[ "$(tap_status client client uptime)" -ge "$1" ]
}

# A user who connects without a pause keeps the worker from nothing else: in
# the time in which one that is stuck is replaced, it is not, and it ends when
# it is told to.
busy()
{
	local n

	lab
	tap_start client client client -c "$(key_file \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")" \
	    "${@:2}"
	for n in 1 2 3; do
		start "connects$n" client setpriv --reuid=65534 --regid=65534 \
		    --clear-groups "$python" "$here/connects.py" \
		    "$(addr "$1" server)" 80
	done
	wait_for "$((2 * patience))" has_run 14
	same 0 "$(tap_status client client worker_restarts)" 'restarts'
	end client
	lacks "$(cat "$work/client.log")" 'worker: '
	refute gone connects1
}

# Nobody answers there: the client says what it knows of why.
unanswered()
{
	local why='not admitted there, not reached'

	lab
	tap_start client client client -c \
	    "$(client_rule 'dst_port=80, user=nobody')"
	# TIME_ERROR of adjtimex(2): nobody keeps the clock right.
	if [ "$("$python" -c 'import ctypes
print(ctypes.CDLL(None).adjtimex(bytes(512)))')" = 5 ]; then
		why="perhaps since this host's clock is not synchronised"
	fi
	# shellcheck disable=SC2046 # words of a command
	start known client $(as_user nobody) -m 60 http://10.77.0.250/
	# shellcheck disable=SC2046
	start other client $(as_user daemon) -m 60 http://10.77.0.250/
	wait_log client "unanswered reason=\"no answer: $why.* dst=10.77.0.250:80"
	wait_log client 'unanswered reason="no answer: sent as it was, as no rule '
	same 2 "$(grep -c unanswered "$work/client.log")"
}

# All source ports but two are taken; those that it has reserved go first.  The
# fast path has ports of its own, and takes them in turn.
no_ports()
{
	client_lab dst_port=80 fastpath=off
	on client sysctl -qw net.ipv4.ip_local_port_range='40000 40001'
	wait_for "$patience" no_port_is_left
	has "$(cat "$work/client.log")" \
	    'unauthenticated reason="no source port is free" src=10.77.0.2:50'
	refute tap_counts client client failed 0
}

no_port_is_left()
{
	on client curl -sS --max-time 1 --local-port 50000-50999 \
	    "$(url 4 server)" || :
	grep -q 'no source port is free' "$work/client.log"
}

# The first groups are lost whole: TCP's next SYN makes a group of its own.
retransmission()
{
	local family=$1 size=60 iptables=iptables

	if [ "$family" = 6 ]; then
		size=80 iptables=ip6tables
	fi
	lab
	http_start server 80
	# The whole group is to get as far as the rule that drops it.
	tap_start server server server \
	    -c "$(key_file fastpath=off RULE:dst_port=80)" \
	    -k "$(key_file "$(reference keys)")" \
	    -a "$(key_file 'port=80, key_no=12')"
	# What the fast path makes of it is in test_egress.sh.
	tap_start client client client -c "$(key_file fastpath=off \
	    mark=0x1000000 "$(reference rule 12 dst_port=80)")"
	log_syns client
	on server "$iptables" -t raw -I PREROUTING 1 -p tcp --syn \
	    -m quota --quota $((2 * 5 * size)) -j DROP
	capture frames client eth0 'tcp port 80'
	capture orig client nflog:7
	page client "$family"
	capture_end frames client
	capture_end orig client
	tap_counts client client authenticated 3
	tap_counts server server accepted 1
	reference frames 12 80 "$work/frames.pcap" "$work/orig.pcap"
}

fastopen()
{
	local family=$1

	client_lab dst_port=80
	# Data without a cookie, too, so that the first SYN has it.
	on client sysctl -qw net.ipv4.tcp_fastopen=5
	same 'page of 80' "$(on client "$python" "$here/syn.py" fastopen \
	    "$(addr "$family" server)" 80)"
	same '1 1' "$(tap_status client client authenticated data)"
	wait_log client 'unauthenticated reason="SYN carries data'
	same 1 "$(tap_status server server malformed)"
}

signed()
{
	local family=$1

	client_lab dst_port=80
	capture wire client eth0 'tcp port 80'
	refute on client "$python" "$here/syn.py" md5 \
	    "$(addr "$family" server)" 80
	wait_log client 'refused reason="SYN is signed'
	capture_end wire client
	same 0 "$(tap_status client client authenticated)"
	refute tap_counts client client signature 0
	# It is not sent as it is either: it could not get in.
	same '' "$(tcpdump -n -r "$work/wire.pcap" tcp 2>/dev/null)"
	page client "$family"
}

# The paper's 6.6: the client's key is for its own connections alone.
forwarded()
{
	local family=$1

	client_lab dst_port=80
	namespace inner
	ip -n "$net-client" link add eth1 type veth peer name eth0 \
	    netns "$net-inner"
	device_up client eth1 10.78.0.1/24 fd78::1/64
	device_up inner eth0 10.78.0.2/24 fd78::2/64
	connected client inner
	ip -n "$net-inner" route add default via 10.78.0.1
	ip -n "$net-inner" route add default via fd78::1
	ip -n "$net-server" route add 10.78.0.0/24 via "$(addr4 client)"
	ip -n "$net-server" route add fd78::/64 via "$(addr6 client)"
	on client sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	same 'page of 81' "$(on inner curl -sS -m 10 \
	    "$(url "$family" server 81)")"
	no_page inner curl -sS "$(url "$family" server)"
	tap_counts client client syns 0
	page client "$family"
	tap_counts client client authenticated 1
}

# A dead client leaves a host that works, without its key.
killed()
{
	local family=$1

	client_lab 'dst_port="80,7001"'
	talk old "$family" 7001
	talks old
	end client KILL || :
	talks old server
	page client "$family" 81
	no_page client curl -sS "$(url "$family" server)"
	tap_start client client client -c "$(client_rule 'dst_port="80,7001"')"
	page client "$family"
	talks old
}

# By which rule: the first one that fits in all its words.
rules_in_order()
{
	local keys=() key

	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file "$(reference keys)")"
	for key in 'src_host=10.99.0.0/16' 'dst_host=10.77.0.9' 'outdev=eth9' \
	    'user=nobody'; do
		keys+=("$(reference rule 11 "dst_port=80, $key")")
	done
	keys+=("$(reference rule 12 "dst_port=80, src_host=10.77.0.0/24, \
dst_host=10.77.0.1, outdev=eth0, user=0")")
	keys+=("$(reference rule 13 "dst_port=80")")
	tap_start client client client -c "$(key_file "${keys[@]}")"
	page client 4
	page client 6
	wait_log server 'accepted key=12 src=10.77.0.2:'
	wait_log server 'accepted key=13 src=\[fd77::2\]:'
}

for family in 4 6; do
	check "user-ipv$family" user $family nobody daemon
	check "retransmission-ipv$family" retransmission $family
	check "fastopen-ipv$family" fastopen $family
	check "signed-ipv$family" signed $family
	check "forwarded-ipv$family" forwarded $family
	check "killed-ipv$family" killed $family
done
check uid user 4 65534 1
check users users
check busy busy 4
check busy-pcap busy 6 --backend pcap
check unanswered unanswered
check no-ports no_ports
check rules rules_in_order
finish
