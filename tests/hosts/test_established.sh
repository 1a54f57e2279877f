#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Established connections that connection tracking does not know: their packets
# come in whatever else comes, and to whatever their sockets are bound.  Those
# through a gateway are in test_established_router.sh.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# hosts: a server of port 7001 and its key holder
hosts()
{
	lab
	keys=$(key_file)
	tap_start server server server -p 7001 -k "$keys"
	tap_start client client client -c "$(client_rule dst_port=7001)"
}

# echoes 4|6 [DEVICE [ADDRESS]]: a server that sends back what it gets, bound to
# a device or an address
echoes()
{
	start echo server "$python" -c '
import socket
import sys
family = socket.AF_INET if sys.argv[1] == "4" else socket.AF_INET6
listener = socket.socket(family)
if sys.argv[2]:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                        sys.argv[2].encode())
listener.bind((sys.argv[3], 7001))
listener.listen()
peer = listener.accept()[0]
while data := peer.recv(65536):
    peer.sendall(data)
' "$1" "${2:-}" "${3:-}"
	wait_port server 7001
}

# opens ADDRESS, answered: a session with that server, and whether it still is
opens()
{
	mkfifo "$work/session.fifo"
	# shellcheck disable=SC2016 # for the inner shell
	start session client sh -c 'exec "$@" <>"$0"' "$work/session.fifo" \
	    nc.openbsd "$1" 7001
	answered
}

answered()
{
	spoken=$((${spoken:-0} + 1))
	echo "line $spoken" >"$work/session.fifo"
	wait_log session "^line $spoken\$"
}

# Tracking forgets a connection whose socket is bound to a device, by name or
# by its address; with and without the kernel's own search before routing.
bound()
{
	local family=$1 address=$2 device=$3 demux

	hosts
	echoes "$family" "$device"
	opens "$address"
	for demux in 0 1; do
		on server sysctl -qw net.ipv4.ip_early_demux="$demux"
		on server conntrack -F
		answered
	done
}

# untracked: the server's connections to that port are not
untracked()
{
	local iptables

	for iptables in iptables ip6tables; do
		on server "$iptables" -t raw -I PREROUTING -p tcp --dport 7001 \
		    -j NOTRACK
		on server "$iptables" -t raw -I OUTPUT -p tcp --sport 7001 \
		    -j NOTRACK
	done
}

# acks COUNT 4|6 [HOST]: so many ACKs of the stranger's to that port, as fast as
# it can; in the name of another host.  A program and its arguments, for on.
acks()
{
	ack_program=(env "PYTHONPATH=$here" "$python" -c '
import socket
import sys
import packets
v6 = ":" in sys.argv[2]
out = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,
                    socket.SOCK_RAW, socket.IPPROTO_RAW)
made = [packets.build_tcp(sys.argv[1], sys.argv[2], 20000 + i, 7001, i * 7,
                          flags=0x10, ack=i + 1) for i in range(10000)]
for i in range(int(sys.argv[3])):
    out.sendto(made[i % 10000], (sys.argv[2], 0))
' "$(addr "$2" "${3:-stranger}")" "$(addr "$2" server)" "$1")
}

# send_acks: as acks, now
send_acks()
{
	acks "$@"
	on stranger "${ack_program[@]}"
}

# answers 4|6: how many packets the server has sent to those ports
answers()
{
	local iptables=iptables

	[ "$1" = 4 ] || iptables=ip6tables
	on server "$iptables-save" -c -t raw |
		sed -n 's/^\[\([0-9]*\):.*-A OUTPUT .*--dport 20000.*/\1/p'
}

# What is not tracked comes in by its socket: no packet of a transfer goes by the
# queue.  Those of strangers find no listener, be it bound to its address.
not_tracked()
{
	local family=$1 iptables before

	hosts
	untracked
	for iptables in iptables ip6tables; do
		on server "$iptables" -t raw -A OUTPUT -p tcp \
		    --dport 20000:29999 -j ACCEPT
	done
	echoes "$family" '' "$(addr "$family" server)"
	opens "$(addr "$family" server)"
	before=$(tap_status server server untracked_passed)
	seq 400000 >"$work/sent"
	send_acks 2000 "$family"
	cat "$work/session.log" "$work/sent" >"$work/expected"
	cat "$work/sent" >"$work/session.fifo" &
	send_acks 8000 "$family"
	wait_for "$patience" cmp "$work/expected" "$work/session.log"
	wait $!
	same "$before" "$(tap_status server server untracked_passed)"
	refute tap_counts server server untracked_dropped 0
	same 0 "$(answers "$family")" 'answers to a stranger'
}

# Strangers are led to a decoy, a connection that tracking forgot is not.
before_decoy()
{
	local family=$1 address loose

	lab
	address=$(addr "$family" server)
	[ "$family" = 4 ] || address="[$address]"
	printf '%s\n' "RULE:dst_port=7001, dst_host=${address//[][]/}, \
	    hide=decoy:$address:80" >"$work/TAPservd.conf"
	echo 'port=7001, key_no=10' >"$work/ACL.conf"
	http_start server 80
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	tap_start client client client -c "$(client_rule dst_port=7001)"
	echoes "$family"
	opens "$(addr "$family" server)"
	same 'page of 80' "$(on stranger curl -sS --max-time "$patience" \
	    "$(url "$family" server 7001)")"
	for loose in 1 0; do
		on server sysctl -qw \
		    net.netfilter.nf_conntrack_tcp_loose="$loose"
		on server conntrack -F
		answered
	done
}

# director 4|6: nobody has a socket for a connection that was accepted, as where
# a load balancer in the kernel takes its packets; they come to the stack all
# the same, which knows none here.
director()
{
	local family=$1

	hosts
	start echo server "$python" -c '
import signal
import socket
import sys
def leave(number, frame):
    peer.setsockopt(socket.IPPROTO_TCP, 19, 1)  # TCP_REPAIR: without a word
    peer.close()
    print("closed", flush=True)
    signal.pause()
listener = socket.socket(socket.AF_INET if sys.argv[1] == "4"
                         else socket.AF_INET6)
listener.bind(("", 7001))
listener.listen()
peer = listener.accept()[0]
signal.signal(signal.SIGUSR1, leave)
while line := peer.recv(65536):
    peer.sendall(line)
' "$family"
	wait_port server 7001
	opens "$(addr "$family" server)"
	on server sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	wait_for "$patience" nothing_on_the_way
	signal echo USR1
	wait_log echo closed
	on server conntrack -F
	echo 'line 2' 1<>"$work/session.fifo"
	wait_for "$patience" gone session
}

nothing_on_the_way()
{
	local connection

	connection=$(on server ss -Htni state established 'sport = :7001')
	[ -n "$connection" ] && [[ $connection != *unacked* ]]
}

# A listener that TPROXY hands to strangers' packets lets none of them in.
handed_over()
{
	local family=$1 iptables=iptables on_ip=127.0.0.1

	[ "$family" = 4 ] || iptables=ip6tables on_ip=::1
	hosts
	on server "$iptables" -t mangle -A PREROUTING -p tcp --dport 7001 \
	    -j TPROXY --on-port 9000 --on-ip "$on_ip"
	on server "$iptables" -t raw -A OUTPUT -p tcp --dport 20000:29999 \
	    -j ACCEPT
	start proxy server "$python" -c '
import signal
import socket
import sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.socket(family)
if family == socket.AF_INET:
    listener.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
else:
    listener.setsockopt(socket.IPPROTO_IPV6, 75, 1)  # IPV6_TRANSPARENT
listener.bind((sys.argv[1], 9000))
listener.listen()
signal.pause()
' "$on_ip"
	wait_port server 9000
	send_acks 100 "$family"
	wait_for "$patience" tap_counts server server untracked_dropped 100
	same 0 "$(answers "$family")" 'answers to a stranger'
	# They did come with its socket.
	has "$(on server "$iptables-save" -c)" '^\[100:.*--transparent'
}

# A kernel or a tool that knows no sockets: the daemon is asked, and it is said.
without_sockets()
{
	local tool

	tool=$(realpath "$(PATH=$PATH:/usr/sbin command -v iptables-restore)")
	cp "$tool" "$work/tool"
	cat >"$work/older" <<-END
		#!/bin/sh
		name=\${0##*/}
		case \$name in *-restore) ;; *) exec "$work/tool" "\$name" "\$@" ;; esac
		rules=\$(cat)
		case \$rules in
		*'-m cgroup'*) echo "Couldn't load match" >&2; exit 2 ;;
		esac
		printf '%s\\n' "\$rules" | "$work/tool" "\$name" "\$@"
	END
	chmod +x "$work/older"
	mounts="mount --bind $work/older $tool"
	hosts
	wait_log server 'cannot match sockets'
	untracked
	echoes 4
	opens 10.77.0.1
	refute tap_counts server server untracked_passed 0
	same '' "$(on server iptables-save | grep cgroup)"
	# Told once.
	signal server HUP
	wait_log server ': reloaded:'
	answered
	same 1 "$(grep -c 'cannot match sockets' "$work/server.log")"
}

# Tracking forgets a connection and takes up none in midstream: a transfer keeps
# its speed, for none of it goes by the queue.
strict()
{
	local family=$1 before

	hosts
	echoes "$family"
	opens "$(addr "$family" server)"
	on server sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	on server conntrack -F
	before=$(tap_status server server untracked_passed)
	seq 400000 >"$work/sent"
	cat "$work/session.log" "$work/sent" >"$work/expected"
	cat "$work/sent" >"$work/session.fifo"
	wait_for "$patience" cmp "$work/expected" "$work/session.log"
	same "$before" "$(tap_status server server untracked_passed)"
	tap_counts server server untracked_dropped 0
}

# flooded 4|6 FASTPATH: the last ACK of a handshake has no socket yet; it is
# known among any number of strangers', who may use the client's address.
flooded()
{
	local family=$1 i

	lab
	printf '%s\n' "fastpath=$2" 'RULE:dst_port=7001' >"$work/TAPservd.conf"
	echo 'port=7001, key_no=10' >"$work/ACL.conf"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	tap_start client client client -c "$(client_rule dst_port=7001)"
	untracked
	start welcome server "$python" -c '
import socket
import sys
listener = socket.socket(socket.AF_INET if sys.argv[1] == "4"
                         else socket.AF_INET6)
listener.bind(("", 7001))
listener.listen()
while True:
    peer = listener.accept()[0]
    peer.sendall(b"welcome")
    peer.close()
' "$family"
	wait_port server 7001
	acks 1000000000 "$family" client
	start flood stranger "${ack_program[@]}"
	wait_for "$patience" flood_comes
	for i in 1 2 3 4 5; do
		same welcome "$(on client timeout 3 nc.openbsd -d \
		    "$(addr "$family" server)" 7001)" "try $i"
	done
	refute gone flood
	tap_counts server server accepted 5
}

# What is dropped is counted, be it more than 1000 in a second or not.
flood_comes()
{
	[ "$(tap_status server server untracked_dropped)" -gt 2000 ]
}

# All that strangers send is counted.
counted()
{
	hosts
	send_acks 10000 4
	send_acks 10000 6
	wait_for "$patience" tap_counts server server untracked_dropped 20000
}

check flooded-ipv4 flooded 4 off
check flooded-ipv6 flooded 6 off
settle # it takes all that a processor can
check flooded-fast-ipv4 flooded 4 auto
check flooded-fast-ipv6 flooded 6 auto
settle
check counted counted
check strict-ipv4 strict 4
check strict-ipv6 strict 6
check before-decoy-ipv4 before_decoy 4
check before-decoy-ipv6 before_decoy 6
check director-ipv4 director 4
check director-ipv6 director 6
check handed-over-ipv4 handed_over 4
check handed-over-ipv6 handed_over 6
check without-sockets without_sockets
check untracked-ipv4 not_tracked 4
check untracked-ipv6 not_tracked 6
check link-local bound 6 fe80::1%eth0 ''
check bound4 bound 4 10.77.0.1 eth0
check bound6 bound 6 fd77::1 eth0
finish
