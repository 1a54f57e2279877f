#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A host whose connections nobody else tracks goes on without (tracking=auto):
# who gets in, who meets silence, and what lives on without the daemon.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# A file system for the door, as long as this one is there, and with it.
keep_pins()
{
	start pins server sh -c \
	    'mount -t bpf bpf /sys/fs/bpf && echo mounted && exec sleep 9999'
	wait_log pins mounted
}

# serve [LINE...]: with these lines beside the rules
serve()
{
	printf '%s\n' "$@" RULE:dst_port=80-82 >"$work/TAPservd.conf"
	again
}

# again: a server starts, with the files and the pins that there are
again()
{
	mkdir -p "$work/server-lib"
	# shellcheck disable=SC2016 # for the inner shell
	start server server nsenter --mount="/proc/${pids[pins]}/ns/mnt" \
	    sh -c 'mount --bind "$0" /var/lib && exec "$@"' \
	    "$work/server-lib" "$TAP" server -c "$work/TAPservd.conf" \
	    -k "$keys" -a "$work/ACL.conf"
	wait_log server ': ready:'
}

# hosts: a server of ports 80 to 82, a key holder, and a stranger
hosts()
{
	prepare
	serve
	[ "$(said door)" = on ] || skip "$(said door_reason)"
}

prepare()
{
	lab
	http_start server 80 81 8080
	printf 'port=%s, key_no=10\n' 80-82 >"$work/ACL.conf"
	keys=$(key_file)
	keep_pins
	tap_start client client client -c "$(client_rule dst_port=80-82)"
}

said()
{
	on server "$TAP" server --status --json |
		sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

says()
{
	[ "$(said "$1")" = "$2" ]
}

# none_tracked: nothing was, and nothing asks it
none_tracked()
{
	same none "$(said tracking)" "$(said tracking_reason)"
	same 0 "$(on server conntrack -C)" 'connections tracked'
	lacks "$(rules server)" 'conntrack|ct (state|status|label|original)'
}

reload()
{
	on server "$TAP" server --reload
}

kill_both()
{
	local worker

	worker=$(worker server)
	kill -KILL "${pids[server]}" "$worker"
	wait "${pids[server]}" 2>/dev/null || :
	wait_for "$patience" not_there "$worker"
}

not_there()
{
	! kill -0 "$1"
}

# stray HOST 4|6 PORT KIND[-parts][:SOURCE-PORT]...: packets that begin no
# connection, of that host
stray()
{
	PYTHONPATH=$here on "$1" "$python" -c '
import socket
import struct
import sys
import packets
from packets import ACK, FIN, PSH, RST, SYN, URG
KINDS = {"ack": ACK, "fin": FIN, "rst": RST, "null": 0, "push": PSH | ACK,
         "xmas": FIN | PSH | URG, "synack": SYN | ACK, "finack": FIN | ACK,
         "syn": SYN}
src, dst, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
v6 = ":" in dst
out = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,
                    socket.SOCK_RAW, socket.IPPROTO_RAW)
def fragments(whole):
    """Its parts; the first has the header of TCP."""
    if v6:
        for at, more in ((0, 1), (24, 0)):
            part = whole[40 + at:40 + 24] if more else whole[40 + at:]
            yield (whole[:4] + struct.pack(">HBB", len(part) + 8, 44, 64) +
                   whole[8:40] +
                   struct.pack(">BBHI", 6, 0, at | more, 77) + part)
        return
    for at, more in ((0, 0x2000), (24, 0)):
        part = whole[20 + at:20 + 24] if more else whole[20 + at:]
        ip = whole[:2] + struct.pack(">HHH", 20 + len(part), 77,
                                     at >> 3 | more) + whole[8:10] + b"\0\0"
        ip += whole[12:20]
        ip = ip[:10] + struct.pack(">H", packets.checksum(ip)) + ip[12:]
        yield ip + part
for i, kind in enumerate(sys.argv[4:]):
    name, _, sport = kind.partition(":")
    name, _, parts = name.partition("-")
    flags = KINDS[name]
    packet = packets.build_tcp(src, dst, int(sport or 30000 + i), port,
                               1000 * i, 1 + i, flags, data=b"x" * 16 if parts else b"")
    for part in fragments(packet) if parts else [packet]:
        out.sendto(part, (dst, 0))
' "$(addr "$2" "$1")" "$(addr "$2" server)" "${@:3}"
}

all_strays=(ack fin rst null push xmas synack finack ack-parts syn-parts
	synack-parts)

# Nobody has tracked a packet of this host, and nobody does: not at the start,
# not by what comes in, from this host itself or from strangers, not after a
# reload, and not at the end.
none()
{
	local family

	hosts
	none_tracked
	for family in 4 6; do
		page client "$family"
		page client "$family" 81
		capture strays"$family" stranger eth0 \
		    "host $(addr "$family" server) and not udp"
		stray stranger "$family" 80 "${all_strays[@]}"
		capture_end strays"$family" stranger
		packets silent "$work/strays$family.pcap" \
		    "$(addr "$family" server)" 80
	done
	hidden 4
	none_tracked
	reload
	page client 4
	none_tracked
	end server
	page stranger 4
	same 0 "$(on server conntrack -C)" 'connections tracked'
}

# What goes within this host is in no way different: no packet of a connection
# asks the daemon, and none is lost without it.
within()
{
	local family before

	prepare
	for family in 4 6; do
		mkfifo "$work/carry$family.fifo"
		# shellcheck disable=SC2016 # for the inner shell
		start carry"$family" server sh -c 'exec "$@" <>"$0"' \
		    "$work/carry$family.fifo" "$python" -uc '
import socket
import sys
v6 = ":" in sys.argv[1]
listener = socket.create_server((sys.argv[1], 82), family=socket.AF_INET6
                                if v6 else socket.AF_INET)
one = socket.create_connection((sys.argv[1], 82))
other = listener.accept()[0]
print("begun")
for line in sys.stdin:
    for a, b in ((one, other), (other, one)) * 50:
        a.sendall(b"x" * 9000)
        got = 0
        while got < 9000:
            got += len(b.recv(9000))
    print("carried", line, end="")
' "$(addr "$family" server)"
		wait_log carry"$family" begun
	done
	serve loopback=hide
	none_tracked
	before=$(tap_status server server untracked_passed)
	carries
	same "$before" "$(tap_status server server untracked_passed)"
	shut_within
	none_tracked
	kill_both
	carries
	shut_within
}

shut_within()
{
	local family

	for family in 4 6; do
		same 28 "$(status_of on server curl -sS --max-time 0.5 \
		    "$(url "$family" server)")" "curl to itself"
	done
}

carries()
{
	local family

	carried=$((${carried:-0} + 1))
	for family in 4 6; do
		echo "$carried" 1<>"$work/carry$family.fifo"
	done
	for family in 4 6; do
		wait_log carry"$family" "^carried $carried\$"
	done
}

# Connections from before, and from now, live on while nobody is there, and
# strangers meet silence; so they do when another server comes.
dead()
{
	local family

	prepare
	talk old 4 82
	serve
	none_tracked
	talks old
	kill_both
	talks old server
	hidden 4
	for family in 4 6; do
		capture dead"$family" stranger eth0 \
		    "host $(addr "$family" server) and not udp"
		stray stranger "$family" 80 ack fin null synack finack
		capture_end dead"$family" stranger
		packets silent "$work/dead$family.pcap" \
		    "$(addr "$family" server)" 80
	done
	again
	talks old
	none_tracked
	page client 4
	page client 6
}

# The daemon dies.  What has just begun is made all the same: its last packet
# finds the socket of its request.  And what comes after the end finds the
# socket of the end, and is answered.
unfinished()
{
	local family

	hosts
	for family in 4 6; do
		# The server ends it first.
		on client "$python" -c '
import socket
import sys
out = socket.create_connection((sys.argv[1], 80))
print(out.getsockname()[1])
out.sendall(b"GET / HTTP/1.0\r\n\r\n")
while out.recv(4096):
    pass
' "$(addr "$family" server)" >"$work/ended$family"
		wait_for "$patience" on server sh -c \
		    "ss -Htn state time-wait dport = :$(cat "$work/ended$family") |
			grep -q ."
	done
	for family in 4 6; do
		on client "$(iptables_of "$family")" -t raw -A OUTPUT -p tcp \
		    --dport 80 --tcp-flags SYN,ACK,RST ACK -j DROP
		start half"$family" client curl -sS --max-time \
		    $((4 * patience)) "$(url "$family" server)"
	done
	# shellcheck disable=SC2016 # for the inner shell
	wait_for "$patience" on server sh -c \
	    '[ "$(ss -Htn state syn-recv sport = :80 | wc -l)" = 2 ]'
	kill_both
	for family in 4 6; do
		on client "$(iptables_of "$family")" -t raw -F OUTPUT
	done
	for family in 4 6; do
		wait_log half"$family" 'page of 80'
		capture late client eth0 "host $(addr "$family" server)"
		stray client "$family" 80 "ack:$(cat "$work/ended$family")"
		capture_end late client
		refute packets silent "$work/late.pcap" \
		    "$(addr "$family" server)" 80
	done
}

iptables_of()
{
	[ "$1" = 4 ] && echo iptables || echo ip6tables
}

# The administrator's own rules have the kernel track: then tap's ask it, too,
# and go without once they are gone and a reload looks.
others()
{
	hosts
	talk old 4 82
	none_tracked
	on server iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
	wait_for "$patience" says tracking on
	same 'others track connections' "$(said tracking_reason)"
	# It was told, ahead of the rules.
	has "$(on server conntrack -L -p tcp 2>&1)" 'ESTABLISHED.* dport=82 '
	talks old
	page client 4
	page client 6
	hidden 4
	on server iptables -F INPUT
	reload
	wait_for "$patience" says tracking none
	talks old
	page client 6
	hidden 6

	# They are there before the server.
	end server
	on server iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
	again
	same on "$(said tracking)"
	same 'others track connections' "$(said tracking_reason)"
	talks old

	# Nor do they go unseen where the host sends itself no datagram.
	end server
	on server iptables -A OUTPUT -o lo -p udp -j DROP
	again
	same on "$(said tracking)"
	talks old
}

# A connection that has ended, while its client goes on for some time as it
# does not hear of that, is none without a socket.
ended()
{
	hosts
	none_tracked
	on server iptables -A OUTPUT -p tcp --sport 82 --tcp-flags RST RST -j DROP
	start cut server "$python" -uc '
import signal
import socket
import struct
listener = socket.create_server(("", 82))
print("listens")
one = listener.accept()[0]
listener.close()
one.recv(1)
one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
one.close()
signal.pause()
'
	wait_log cut listens
	start session client "$python" -c '
import socket
import sys
import time
out = socket.create_connection((sys.argv[1], 82))
while True:
    out.sendall(b"x")
    time.sleep(0.2)
' "$(addr 4 server)"
	# Twice as long after one another: so these take some seconds.
	wait_for "$patience" passed 6
	none_tracked
}

passed()
{
	[ "$(tap_status server server untracked_passed)" -ge "$1" ]
}

# A connection to this host that has no socket in it goes on, as somebody else
# answers for the kernel: then it has to be tracked.
elsewhere()
{
	hosts
	none_tracked
	on server iptables -A OUTPUT -p tcp --sport 81 --tcp-flags RST RST -j DROP
	end nginx
	start stack server env "PYTHONPATH=$here" "$python" -uc '
import socket
import sys
import packets
inside = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
print("listens")
count = 0
while True:
    p = packets.Packet(inside.recv(65536))
    if p.dport != 81 or p.flags & packets.RST:
        continue
    syn = p.is_syn()
    if not syn and not p.payload:
        continue
    if not syn:
        count += 1
        print("heard", count)
    out.sendto(packets.build_tcp(
        p.dst, p.src, 81, p.sport, 1000 if syn else 1001,
        (p.seq + len(p.payload) + syn) & 0xFFFFFFFF,
        packets.SYN | packets.ACK if syn else packets.ACK), (p.src, 0))
'
	wait_log stack listens
	start session client "$python" -c '
import socket
import sys
import time
out = socket.create_connection((sys.argv[1], 81))
while True:
    out.sendall(b"x")
    time.sleep(0.2)
' "$(addr 4 server)"
	wait_for "$patience" says tracking on
	same 'connections have no socket here' "$(said tracking_reason)"
	wait_log stack "^heard $(($(grep -c heard "$work/stack.log") + 5))\$"
	# Nobody has to ask the daemon for it any more.
	kill_both
	wait_log stack "^heard $(($(grep -c heard "$work/stack.log") + 5))\$"
}

# A protected port that the administrator sends to another one, or to another
# host: from that rule on no stranger gets there, and in the end all is as it is
# with tracking.
translated()
{
	local to

	hosts
	none_tracked
	# Strangers knock all the while.
	start knocks stranger "$python" "$here/gets_in.py" \
	    "$(addr 4 server)" "$2" 4
	if [ "$1" = REDIRECT ]; then
		to=(REDIRECT --to-ports 8080)
	else
		start other client "$python" -m http.server 8080
		wait_port client 8080
		on server sysctl -qw net.ipv4.ip_forward=1
		on server iptables -t nat -A POSTROUTING -j MASQUERADE
		to=(DNAT --to-destination "$(addr 4 client):8080")
	fi
	on server iptables -t nat -A PREROUTING -p tcp --dport "$2" -j "${to[@]}"
	wait_for "$patience" says tracking on
	[ "$1" != REDIRECT ] ||
		same 'page of 8080' "$(on client curl -sS --max-time \
		    "$patience" "$(url 4 server "$2")")"
	await knocks 0
	has "$(cat "$work/knocks.log")" '^0 of [1-9]'
	page client 6 81
}

# Strangers to a closed port go on, to where the door has no listener; but not
# to where somebody sends them instead, from that moment on.
closed()
{
	prepare
	serve fastpath=off hide=closed
	[ "$(said door)" = on ] || skip "$(said door_reason)"
	start knocks stranger "$python" "$here/gets_in.py" \
	    "$(addr 4 server)" 80 3
	on server iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT \
	    --to-ports 8080
	await knocks 0
	has "$(cat "$work/knocks.log")" '^0 of [1-9]'
	page client 6 81
	same 'a rule has hide=closed' "$(said tracking_reason)"
}

# Why it is on.
reasons()
{
	prepare
	serve tracking=on
	[ "$(said door)" = on ] || skip "$(said door_reason)"
	same on "$(said tracking)"
	same tracking=on "$(said tracking_reason)"
	has "$(rules server)" 'conntrack|ct state'
	page client 4

	printf 'RULE:dst_port=80\nRULE:dst_port=81, type=ROUTER\n' \
	    >"$work/TAPservd.conf"
	reload
	same on "$(said tracking)"
	wait_for "$patience" says tracking_reason 'a rule is not type=LOCAL'

	printf 'RULE:dst_port=80\n' >"$work/TAPservd.conf"
	reload
	wait_for "$patience" says tracking none
	page client 4
	hidden 4
	printf 'RULE:dst_port=80\nRULE:dst_port=81,hide=decoy:%s:8080\n' \
	    "$(addr 4 server)" >"$work/TAPservd.conf"
	reload
	wait_for "$patience" says tracking_reason 'a rule has a decoy'
	same on "$(said tracking)"
	page client 4
	end server

	# Without bpffs the door ends with the server.
	tap_start server server server -p 80 -k "$keys"
	same on "$(said tracking)"
	same 'the door ends with this server' "$(said tracking_reason)"
}

# A session lives and no stranger gets in while it goes on and off.
changes()
{
	local i

	hosts
	talk old 4 82
	start knocks stranger "$python" "$here/gets_in.py" \
	    "$(addr 4 server)" 80 8
	for i in 1 2 3 4; do
		printf 'tracking=%s\nRULE:dst_port=80-82\n' \
		    "$([ $((i % 2)) = 0 ] && echo auto || echo on)" \
		    >"$work/TAPservd.conf"
		reload
		wait_for "$patience" says tracking \
		    "$([ $((i % 2)) = 0 ] && echo none || echo on)"
		talks old
		page client 4
		on server iptables -t mangle -F
		wait_log server 'restored|put back' "$i"
		talks old server
	done
	await knocks 0
	has "$(cat "$work/knocks.log")" '^0 of [1-9]'
	talks old
}

check none none
check within within
check dead dead
check unfinished unfinished
check others others
check elsewhere elsewhere
check ended ended
check redirect translated REDIRECT 80
check dnat translated DNAT 80
check closed closed
check reasons reasons
check changes changes
finish
