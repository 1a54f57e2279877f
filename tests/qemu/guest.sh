#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Tests tap in the machine that tests/qemu/run starts: the first process of
# it, with busybox's shell, and hosts in network namespaces.  Each result is a
# line `pass NAME` or `fail NAME` on the console; what else is said there
# begins with a #.

# Cases are called by check, and their functions by them; awk has its own $.
# shellcheck disable=SC2317,SC2016

set -u
PATH=/usr/sbin:/sbin:/usr/bin:/bin
export PATH
secret=A1949A68393EA4B339FB8A597C38DBC9
key="key_no=10, key=0x$secret, alg=hmac-sha256"
patience=30 # seconds, for what should be there at once
work=/tmp/none
lab= # what names of hosts begin with

# The shell takes busybox's own before any in the path.
ip()
{
	/usr/sbin/ip "$@"
}

# ---- the machine

boot()
{
	mount -t proc none /proc
	mount -t sysfs none /sys
	mount -t devtmpfs none /dev
	mount -t tmpfs none /tmp
	mount -t tmpfs none /run
	mount -t bpf none /sys/fs/bpf
	mount -t tmpfs none /var
	mkdir -p /var/lib /run/netns
	exec >/dev/console 2>&1 </dev/null
	dmesg -n 1
	ip link set lo up
	echo "# Linux $(uname -r)"
}

halt_now()
{
	echo '# end'
	sync
	reboot -f
}

# ---- cases

fail()
{
	echo "$*"
	exit 1
}

# same WANT GOT [WHAT]
same()
{
	[ "$1" = "$2" ] || fail "${3:+$3: }expected '$1', got '$2'"
}

# wait_for COMMAND...: until it succeeds
wait_for()
{
	turns=$((patience * 20))
	until "$@" >/dev/null 2>&1; do
		turns=$((turns - 1))
		[ $turns -gt 0 ] || fail "waited in vain for: $*"
		usleep 50000
	done
}

has_line()
{
	grep -q -e "$2" "$1"
}

# check NAME FUNCTION [ARGUMENT...]
check()
{
	name=$1
	shift
	work=/tmp/${name%-begin}
	mkdir -p "$work"
	(set -e; "$@") >"$work/log" 2>&1
	status=$?
	if [ $status -eq 0 ]; then
		echo "pass $name"
	else
		echo "fail $name"
		for file in "$work"/log "$work"/*.log; do
			sed "s|^|#   ${file##*/}: |" "$file" | tail -n 40
		done
	fi
	[ "$work" = "/tmp/$name" ] || return 0 # it goes on
	clean_up
}

clean_up()
{
	for ns in /run/netns/*; do
		[ -e "$ns" ] || continue
		case $ns in
		*/late-*) continue ;;
		esac
		for pid in $(ip netns pids "${ns##*/}"); do
			kill -9 "$pid" 2>/dev/null
		done
		ip netns del "${ns##*/}"
	done
	# Namespaces take their time to go, and their cables with them.
	for link in /sys/class/net/*; do
		case ${link##*/} in
		lo | '*') ;;
		*) ip link del "${link##*/}" 2>/dev/null ;;
		esac
	done
	rm -rf "$work" /var/lib/tap
}

# ---- hosts

# on HOST COMMAND...
on()
{
	on_host=$lab$1
	shift
	nsenter --net="/run/netns/$on_host" "$@"
}

# host NAME NUMBER: on the bridge br0
host()
{
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master br0 up
	device "$1" eth0 "10.77.0.$2/24" "fd77::$2/64"
}

# device HOST NAME IPV4 IPV6
device()
{
	ip -n "$1" link set lo up
	ip -n "$1" addr add "$3" dev "$2"
	[ ! -e /proc/net/if_inet6 ] ||
		ip -n "$1" addr add "$4" dev "$2" nodad
	ip -n "$1" link set "$2" up
}

# Hosts on one network: server is 10.77.0.1 and fd77::1.
lab()
{
	ip link add br0 type bridge mcast_snooping 0
	ip link set br0 up
	host server 1
	host client 2
	host stranger 3
	target=10.77.0.1 target6=fd77::1
}

# Hosts behind a router: server is 10.78.0.1 and fd78::1.
lab_routed()
{
	ip link add br0 type bridge mcast_snooping 0
	ip link set br0 up
	host gateway 1
	host client 2
	host stranger 3
	ip netns add server
	ip -n gateway link add eth1 type veth peer name eth0 netns server
	device gateway eth1 10.78.0.254/24 fd78::fe/64
	device server eth0 10.78.0.1/24 fd78::1/64
	on gateway sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	ip -n server route add default via 10.78.0.254
	ip -n server route add default via fd78::fe
	for name in client stranger; do
		ip -n $name route add 10.78.0.0/24 via 10.77.0.1
		ip -n $name route add fd78::/64 via fd77::1
	done
	target=10.78.0.1 target6=fd78::1
}

# Hosts behind a bridge: gateway's br1, transparent.
lab_bridged()
{
	ip link add br0 type bridge mcast_snooping 0
	ip link set br0 up
	ip netns add gateway
	ip -n gateway link set lo up
	ip link add gateway type veth peer name outer netns gateway
	ip link set gateway master br0 up
	host client 2
	host stranger 3
	ip netns add server
	ip -n gateway link add inner type veth peer name eth0 netns server
	ip -n gateway link add br1 type bridge mcast_snooping 0
	for port in outer inner br1; do
		[ $port = br1 ] || ip -n gateway link set $port master br1
		ip -n gateway link set $port up
	done
	device server eth0 10.77.0.1/24 fd77::1/64
	target=10.77.0.1 target6=fd77::1
}

# fetch HOST 4|6 PORT SECONDS: the page there; wget dies of its services(5)
fetch()
{
	fetch_from=$target
	[ "$2" = 4 ] || fetch_from=$target6
	printf 'GET / HTTP/1.0\r\n\r\n' |
	    on "$1" nc -w "$4" "$fetch_from" "$3" 2>&1 | sed '1,/^\r$/d'
}

# try HOST 4|6 PORT: what happens to a connection that no page comes of
try()
{
	try_to=$target
	[ "$2" = 4 ] || try_to=$target6
	on "$1" nc -w 1 "$try_to" "$3" 2>&1 </dev/null && echo connected
}

# ---- programs that stay

# start NAME HOST COMMAND...: its process is $pid, its output NAME.log
start()
{
	start_name=$1 start_host=$lab$2
	shift 2
	: >"$work/$start_name.log"
	(exec nsenter --net="/run/netns/$start_host" "$@") \
	    >"$work/$start_name.log" 2>&1 </dev/null &
	pid=$!
	echo $pid >"$work/$start_name.pid"
}

signal()
{
	kill "-$2" "$(cat "$work/$1.pid")"
}

# end NAME SIGNAL: its exit status is $status
end()
{
	signal "$1" "$2"
	status=0
	wait "$(cat "$work/$1.pid")" || status=$?
}

# tap_start NAME HOST ARGUMENT...: until it is ready
tap_start()
{
	tap_name=$1 tap_host=$2
	shift 2
	start "$tap_name" "$tap_host" tap "$@"
	wait_for has_line "$work/$tap_name.log" ': ready:'
}

# server_start RULES...: with the firewall $firewall, on gateway or server, to be
# confirmed within $confirm
server_start()
{
	{
		echo "firewall=$firewall"
		printf '%s\n' "$@"
	} >"$work/TAPservd.conf"
	[ -e "$work/acl" ] || echo 'port=1-65535, key_no=10' >"$work/acl"
	if [ ! -e "$work/key" ]; then
		(umask 077 && echo "$key" >"$work/key")
	fi
	tap_start tap "$guard" server -c "$work/TAPservd.conf" \
	    -k "$work/key" -a "$work/acl" ${confirm:+--confirm "$confirm"}
}

client_start()
{
	(umask 077 && printf '%s\n' "firewall=$firewall" ${2:+"$2"} \
	    "RULE:$1, $key" >"$work/client.conf")
	tap_start client client client -c "$work/client.conf"
}

listens()
{
	on "$1" netstat -ltn | grep -q ":$2 "
}

# http_start HOST PORT...: its page says the port
http_start()
{
	http_host=$1
	shift
	for port in "$@"; do
		mkdir -p "$work/www-$port"
		echo "page of $port" >"$work/www-$port/index.html"
		start "http-$port" "$http_host" httpd -f -p "$port" \
		    -h "$work/www-$port"
		wait_for listens "$http_host" "$port"
	done
}

# page HOST 4|6 PORT [TEXT]
page()
{
	same "${4:-page of $3}" "$(fetch "$1" "$2" "$3" $patience)" \
	    "$1, IPv$2, port $3"
}

# What has reached a host: TCP segments and ICMP messages.
heard()
{
	on "$1" awk '
	/^Tcp: [0-9]/ { sum += $11 } /^Icmp: [0-9]/ { sum += $2 }
	END { print sum + 0 }' /proc/net/snmp
	[ ! -e /proc/net/snmp6 ] ||
		on "$1" awk '/^Icmp6In(DestUnreachs|TimeExcds|ParmProblems)/ {
			sum += $2 } END { print sum + 0 }' /proc/net/snmp6
}

# hidden HOST 4|6 PORT: nothing at all comes back
hidden()
{
	before=$(heard "$1")
	got=$(try "$1" "$2" "$3") || :
	case $got in
	*timed\ out*) ;;
	*) fail "$1, IPv$2, port $3: $got" ;;
	esac
	same "$before" "$(heard "$1")" "$1, IPv$2, port $3"
}

# closed HOST 4|6 PORT: it looks so
closed()
{
	got=$(try "$1" "$2" "$3") || :
	case $got in
	*refused*) ;;
	*) fail "$1, IPv$2, port $3: $got" ;;
	esac
}

# talk NAME 4|6 PORT: a connection from client to server, nc at each end
talk()
{
	talk_to=$target
	[ "$2" = 4 ] || talk_to=$target6
	mkfifo "$work/$1-client.fifo" "$work/$1-server.fifo"
	start "$1-server" server sh -c 'exec nc -l -p "$1" <>"$0"' \
	    "$work/$1-server.fifo" "$3"
	wait_for listens server "$3"
	start "$1-client" client sh -c 'exec nc "$1" "$2" <>"$0"' \
	    "$work/$1-client.fifo" "$talk_to" "$3"
	talks "$1" first
}

# talks NAME WORD: both ends hear it
talks()
{
	echo "$2" >"$work/$1-client.fifo"
	wait_for has_line "$work/$1-server.log" "^$2\$"
	echo "$2" >"$work/$1-server.fifo"
	wait_for has_line "$work/$1-client.log" "^$2\$"
}

# forget: its connection tracking does, and takes up nothing in midstream
forget()
{
	on "$guard" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	on "$guard" conntrack -F >/dev/null 2>&1
}

# ---- packet filters

# All rules of a host but for what iptables-legacy can't take back: tables
# once made; and policies, which are all ACCEPT here.
rules()
{
	on "$1" nft list ruleset 2>/dev/null | sed 's/packets .* bytes [0-9]*//'
	for tool in iptables-legacy-save ip6tables-legacy-save; do
		echo $tool
		on "$1" $tool 2>/dev/null | sed -e '/^#/d' \
		    -e '/^:.* ACCEPT \[/d' -e 's/\[[0-9:]*\]//'
	done | awk '/^\*/ { table = $0; next } /^COMMIT/ { table = ""; next }
	    { if (table != "") print table; table = ""; print }'
}

# An administrator's own, of every tool.
others_rules()
{
	on "$1" nft add table inet other
	on "$1" nft add chain inet other in '{ type filter hook input priority 5; }'
	on "$1" nft add rule inet other in tcp dport 9999 drop
	for tool in iptables-nft iptables-legacy ip6tables-nft \
	    ip6tables-legacy; do
		on "$1" $tool -t mangle -A PREROUTING -p tcp --dport 9998 \
		    -j DROP
	done
}

# iptables is one of nft and legacy, as by update-alternatives.
choose_iptables()
{
	for name in iptables iptables-save iptables-restore; do
		ln -sf "${name%%-*}-$1${name#iptables}" "/usr/sbin/$name"
		ln -sf "ip6tables-$1${name#iptables}" "/usr/sbin/ip6${name#ip}"
	done
}

# ---- the cases; each with the firewall of $variant

same_rules()
{
	rules "$2" >"$work/now"
	diff "$work/$1" "$work/now" || fail "rules are not those $1"
}

# both FUNCTION HOST PORT [TEXT]: over both versions of IP; side by side where
# that is to wait for what must not come
both()
{
	if [ "$1" = hidden ]; then
		(hidden "$2" 4 "$3") &
		hidden "$2" 6 "$3"
		wait $! || fail "IPv4, as above"
		return
	fi
	for both_family in 4 6; do
		"$1" "$2" $both_family "$3" ${4+"$4"}
	done
}

# The whole life of a server.
life()
{
	guard=server
	lab
	others_rules server
	rules server >"$work/before"
	http_start server 80
	talk old4 4 7001
	talk old6 6 7002
	server_start 'RULE:dst_port="80,7001-7003"'
	has_line "$work/tap.log" 'ready: 1 rule'
	client_start 'dst_port="80,7001-7003"'
	rules server >"$work/during"
	if cmp -s "$work/before" "$work/during"; then
		fail 'no rules'
	fi
	both hidden stranger 80
	both page client 80
	talk new 6 7003
	talks old4 second
	talks old6 second
	forget
	talks old4 unforgotten
	talks new unforgotten
	same 'accepted' "$(sed -n 's/.*: \(accepted\) key=10 .*/\1/p' \
	    "$work/tap.log" | sort -u)" 'its log'

	signal tap HUP
	wait_for has_line "$work/tap.log" ': reloaded:'
	same_rules during server
	talks new second

	# Killed, it hides all the same.
	end tap KILL
	both hidden stranger 80
	hidden client 4 80
	talks old4 third
	talks new third
	same_rules during server

	server_start 'RULE:dst_port="80,7001-7003"'
	same_rules during server
	hidden stranger 6 80
	both page client 80
	talks old6 third
	end tap TERM
	same 0 "$status" 'its exit status'
	same_rules before server
	both page stranger 80

	# Killed, and not to come back.
	server_start 'RULE:dst_port="80,7001-7003"'
	end tap KILL
	both hidden stranger 80
	on server tap server --remove-rules >"$work/removed"
	has_line "$work/removed" '^removed: .*tap-server-5040'
	rules server >"$work/now"
	if has_line "$work/now" 'tap-server-'; then
		fail 'rules are left'
	fi
	both page stranger 80
	talks old4 fifth
	end client TERM
	same 0 "$status" "the client's exit status"
	talks new fourth
}

# Every kind of rule, and what strangers get by each.
answers()
{
	guard=server
	lab
	http_start server 80 81 82 8080 83 84
	rules server >"$work/before"
	server_start 'RULE:dst_port=80, hide=closed' \
	    'RULE:dst_port=81, src_host=10.0.0.0/8, hide=decoy:10.77.0.1:8080' \
	    'RULE:dst_port=81, src_host=fd00::/8, hide=decoy:[fd77::1]:8080' \
	    'RULE:indev=eth0, dst_host=10.77.0.1, dst_port=83' \
	    'RULE:indev=eth0, dst_host=fd77::/64, dst_port=83, window=loose' \
	    'RULE:indev=eth7, dst_port=84'
	client_start 'dst_port="80-84"'
	for family in 4 6; do
		closed stranger $family 80
		closed stranger $family 85
		page stranger $family 81 'page of 8080'
		page stranger $family 82
		hidden stranger $family 83
		page stranger $family 84
		for port in 80 81 82 83 84; do
			page client $family $port
		done
	done
	end tap TERM
	same_rules before server
	page stranger 4 80
	page stranger 6 81
}

# Rules that nobody has confirmed hide nothing once their server is killed.
unconfirmed()
{
	guard=server
	lab
	http_start server 80 81 82 8080
	set -- RULE:dst_port=80 'RULE:dst_port=82, hide=closed' \
	    'RULE:dst_port=81, src_host=10.0.0.0/8, hide=decoy:10.77.0.1:8080' \
	    'RULE:dst_port=81, src_host=fd00::/8, hide=decoy:[fd77::1]:8080'
	client_start 'dst_port="80-82"'
	confirm=5m
	server_start "$@"
	for family in 4 6; do
		hidden stranger $family 80
		page stranger $family 81 'page of 8080'
		for port in 80 81 82; do
			page client $family $port
		done
	done
	end tap KILL
	for port in 80 81 82; do
		both page stranger $port
		both page client $port
	done
	server_start "$@"
	on server tap server --confirm-now >"$work/confirmed"
	has_line "$work/confirmed" '^confirmed$'
	both page client 81
	end tap KILL
	confirm=
	both hidden stranger 80
}

# Hosts behind this one that run no tap; the words of a rule are $1.
router()
{
	guard=gateway
	lab_routed
	rules gateway >"$work/before"
	http_start server 80 81
	talk old 4 7001
	server_start "RULE:dst_port=\"80,7001-7002\", type=ROUTER$1" \
	    'RULE:dst_port=81, type=ROUTER, indev=eth1'
	client_start 'dst_port="80,7001-7002"'
	talk new 6 7002
	for family in 4 6; do
		hidden stranger $family 80
		page stranger $family 81
		page client $family 80
	done
	talks old second
	forget
	talks old unforgotten
	talks new unforgotten
	end tap KILL
	hidden stranger 4 80
	hidden client 6 80
	talks old third
	talks new third
	server_start "RULE:dst_port=\"80,7001-7002\", type=ROUTER$1"
	page client 6 80
	forget
	talks new still-unforgotten
	end tap TERM
	same_rules before gateway
	page stranger 4 80
	talks old fourth
}

# lab_late: hosts behind a router, whose answers go by another router, back; they
# stay beside those of other cases.  Server is 10.78.0.1 and fd78::1.
lab_late()
{
	for name in client stranger gateway back server; do
		ip netns add late-$name
	done
	cable_late client eth0 gateway client0 77
	cable_late stranger eth0 gateway stranger0 76
	cable_late server eth0 gateway server0 78
	cable_late server eth9 back server0 79
	cable_late client eth9 back client0 75
	for name in gateway back; do
		on $name sysctl -qw net.ipv4.ip_forward=1 \
		    net.ipv6.conf.all.forwarding=1
	done
	for name in client stranger; do
		ip -n late-$name route add 10.78.0.0/24 dev eth0 \
		    via "$(late_gateway $name)"
		ip -n late-$name route add fd78::/64 dev eth0 \
		    via "$(late_gateway6 $name)"
	done
	ip -n late-server route add 10.77.0.1 via 10.79.0.2 src 10.78.0.1
	ip -n late-server route add fd77::1 via fd79::2 src fd78::1
	ip -n late-back route add 10.77.0.1 via 10.75.0.1
	ip -n late-back route add fd77::1 via fd75::1
	ip -n late-server route add 10.76.0.0/24 via 10.78.0.2
	ip -n late-server route add fd76::/64 via fd78::2
	target=10.78.0.1 target6=fd78::1
}

# cable_late HOST DEVICE ROUTER DEVICE NUMBER: the host's end is .1
cable_late()
{
	ip -n "late-$1" link add "$2" type veth peer name "$4" netns "late-$3"
	device "late-$1" "$2" "10.$5.0.1/24" "fd$5::1/64"
	device "late-$3" "$4" "10.$5.0.2/24" "fd$5::2/64"
}

late_gateway()
{
	[ "$1" = client ] && echo 10.77.0.2 || echo 10.76.0.2
}

late_gateway6()
{
	[ "$1" = client ] && echo fd77::2 || echo fd76::2
}

seconds_up()
{
	sed 's/\..*//' /proc/uptime
}

# What is accepted when a router has run for more than a minute, in which it
# lets by what it does not know: it goes on whatever tracking forgets, also
# where the router sees one way alone.  Begun before all other cases, which
# take the time.
late_begin()
{
	lab=late- guard=gateway
	firewall=nft
	lab_late
	talk before4 4 7001
	talk before6 6 7002
	server_start queue=7000 replay_file=none \
	    'RULE:dst_port="80,7001-7009", type=ROUTER'
	client_start 'dst_port="80,7001-7009"' queue=7100
	http_start server 80
	talks before4 second
	talks before6 second
	seconds_up >"$work/begun"
}

late()
{
	lab=late- guard=gateway
	target=10.78.0.1 target6=fd78::1
	while [ "$(seconds_up)" -le $(($(cat "$work/begun") + 61)) ]; do
		sleep 1
	done
	talk during4 4 7004
	talk during6 6 7006
	both hidden stranger 80
	both page client 80
	for word in third fourth; do
		# Of each connection tracking is told once in a second.
		wait_for is_after $(($(seconds_up) + 1))
		forget
		for name in before4 before6 during4 during6; do
			talks $name $word
		done
	done
	# Tracking is told of each, and it does not all go by the queue.
	passed=$(late_count untracked_passed)
	seq 20000 >"$work/many"
	cat "$work/during4-server.log" "$work/many" >"$work/expected"
	cat "$work/many" >"$work/during4-client.fifo"
	wait_for cmp "$work/expected" "$work/during4-server.log"
	[ $(($(late_count untracked_passed) - passed)) -le 20 ] ||
		fail 'all of it goes by the queue'
	both hidden stranger 7004
}

# is_after SECOND: since the machine's start
is_after()
{
	[ "$(seconds_up)" -gt "$1" ]
}

late_count()
{
	on gateway tap server --status --json --queue 7000 >"$work/status"
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/status"
}

bridge()
{
	guard=gateway
	/sbin/modprobe br_netfilter
	lab_bridged
	rules gateway >"$work/before"
	on gateway sysctl -qw net.bridge.bridge-nf-call-iptables=1 \
	    net.bridge.bridge-nf-call-ip6tables=1
	http_start server 80
	talk old 6 7001
	server_start 'RULE:dst_port="80,7001", type=BRIDGE, indev=outer'
	client_start 'dst_port="80,7001"'
	for family in 4 6; do
		hidden stranger $family 80
		page client $family 80
	done
	talks old second
	end tap KILL
	hidden stranger 6 80
	talks old third
	server_start 'RULE:dst_port="80,7001", type=BRIDGE, outdev=inner'
	page client 4 80
	hidden stranger 4 80
	end tap TERM
	same_rules before gateway
	page stranger 6 80
}

# A change of tool leaves nothing of the other behind.
changes()
{
	guard=server
	lab
	rules server >"$work/before"
	http_start server 80
	for firewall in nft iptables nft; do
		server_start RULE:dst_port=80
		rules server >"$work/during"
		hidden stranger 4 80
		end tap KILL
		hidden stranger 6 80
	done
	firewall=auto
	server_start RULE:dst_port=80
	same_rules during server
	end tap TERM
	same_rules before server
	page stranger 4 80
}

# Two at once, of two tools, don't touch each other.
neighbours()
{
	guard=server
	lab
	http_start server 80 81
	firewall=nft
	server_start RULE:dst_port=80
	rules server >"$work/first"
	cp "$work/key" "$work/key2"
	printf '%s\n' firewall=iptables RULE:dst_port=81 >"$work/second.conf"
	tap_start second server server -c "$work/second.conf" --queue 6000 \
	    -k "$work/key" -a "$work/acl"
	client_start 'dst_port="80,81"'
	for family in 4 6; do
		hidden stranger $family 80
		hidden stranger $family 81
		page client $family 80
		page client $family 81
	done
	end second TERM
	same_rules first server
	hidden stranger 4 80
	page stranger 4 81
}

# Rules that somebody removes come back: all, a table or a chain of them.
flushed()
{
	guard=server
	lab
	http_start server 80
	server_start RULE:dst_port=80
	rules server >"$work/during"
	times=0
	case $variant in
	nft) set -- 'nft flush ruleset' 'nft flush table inet tap-server-5040' \
		'nft flush chain inet tap-server-5040 syn' \
		'nft flush chain inet tap-server-5040 input' ;;
	*) set -- "$variant -t raw -F" "$variant -t mangle -F" \
		"$variant -t raw -F tap-server-5040" \
		"ip6${variant#ip} -t mangle -F tap-server-5040" ;;
	esac
	for command; do
		times=$((times + 1))
		# shellcheck disable=SC2086 # words of a command
		on server $command
		wait_for has_lines "$work/tap.log" 'firewall rules: restored' $times
		same_rules during server
		hidden stranger 4 80
	done
}

# has_lines FILE PATTERN TIMES
has_lines()
{
	[ "$(grep -c -e "$2" "$1")" -ge "$3" ]
}

# count NAME: of the server's status; it does not answer while it looks at the
# rules, which takes its time here
count()
{
	wait_for answers_status
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/status"
}

answers_status()
{
	on server tap server --status --json >"$work/status"
}

counts()
{
	[ "$(count "$1")" = "$2" ]
}

# record NAME: the group of a connection that gets in
record()
{
	start "again-$1" client again record eth0 80 "$group_frames" "$work/$1"
	recorder=$pid
	wait_for test -e "$work/$1"
	page client 4 80
	status=0
	wait "$recorder" || status=$?
	same 0 "$status" 'the recorder'
}

# replayed NAME REASON: it is refused for this
replayed()
{
	# Frames that are still waited with would be taken for copies.
	wait_for counts assembling 0
	accepted=$(count accepted) refused=$(count "$2")
	on client again send eth0 "$work/$1"
	wait_for counts "$2" $((refused + 1))
	same "$accepted" "$(count accepted)" "$1 got in again"
}

# step SECONDS: of the clock of server and client
step()
{
	date -s "@$(($(date +%s) + $1))" >/dev/null
}

# The clock is stepped by an hour while server and client run, forward and
# backward: nothing that was let in gets in again, whoever comes now does.
clock()
{
	guard=server
	group_frames=5 # of hmac-sha256 with 60 bits
	lab
	http_start server 80
	server_start RULE:dst_port=80
	client_start dst_port=80
	record noon
	replayed noon replay

	step +3600
	replayed noon time
	both page client 80
	record later
	replayed later replay

	step -3600
	replayed noon replay
	replayed later time
	both page client 80

	step -3600
	replayed noon time
	replayed later time
	both page client 80
	record earlier
	replayed earlier replay
	both hidden stranger 80

	step +3600
	for name in earlier later; do
		replayed $name time
	done
	replayed noon replay
	both page client 80
	both hidden stranger 80
}

decided()
{
	on server tap server --status --json >"$1"
	! has_line "$1" 'not yet'
}

# fast WAY: the program in the kernel that sees SYNs first
fast()
{
	guard=server
	lab
	http_start server 80
	firewall=nft
	server_start "fastpath=$1" RULE:dst_port=80
	# It comes a moment after the server.
	wait_for decided "$work/status"
	cat "$work/status"
	client_start 'dst_port=80'
	both page client 80
	both hidden stranger 80
	has_line "$work/status" 'built without clang' || {
		has_line "$work/status" "\"fastpath\":\"$1\""
		on server tap server --status --json >"$work/status"
		has_line "$work/status" '"ingress_verified":2,'
	}
}

# Of all tools, and of all families.
flush()
{
	on server nft flush ruleset
	for flush_tool in iptables-legacy ip6tables-legacy; do
		for flush_table in raw mangle nat filter; do
			on server $flush_tool -t $flush_table -F
		done
	done
}

# What waits behind the rules, and stands without any process.
door()
{
	guard=server
	lab
	http_start server 80 81 82
	talk old 6 7001
	server_start 'RULE:dst_port="80,7001"' 'RULE:dst_port=81, hide=closed'
	wait_for answers_status
	cat "$work/status"
	has_line "$work/status" '"door":"on"'
	has_line "$work/status" '"door_pinned":"/sys/fs/bpf/tap-server-5040-'
	client_start 'dst_port="80,81"'
	both page client 80
	both page client 81
	signal tap STOP
	flush
	both closed stranger 80
	both closed stranger 81
	both page stranger 82
	end tap KILL
	both closed stranger 80
	both closed client 81
	talks old second
	server_start 'RULE:dst_port="80,7001"' 'RULE:dst_port=81, hide=closed'
	both page client 80
	both page client 81
	talks old third
	end tap TERM
	same '' "$(find /sys/fs/bpf -name "tap-*-$(netns_of server)")" kept
	both page stranger 80
	talks old fourth
}

netns_of()
{
	on "$1" readlink /proc/self/ns/net | tr -cd '0-9'
}

# A cookie is all that is known of a connection until its ACK comes.
cookies()
{
	guard=server
	lab
	on server sysctl -qw net.ipv4.tcp_syncookies=2
	http_start server 80
	server_start RULE:dst_port=80
	client_start dst_port=80
	both page client 80
	both hidden stranger 80
}

# Nobody else tracks, so nothing does, and connections live on by their sockets.
untracked()
{
	guard=server
	lab
	http_start server 80 81
	talk old 6 7001
	server_start 'RULE:dst_port="80,81,7001"'
	wait_for answers_status
	cat "$work/status"
	has_line "$work/status" '"tracking":"none"'
	client_start 'dst_port="80,81"'
	both page client 80
	both page client 81
	both hidden stranger 80
	both hidden stranger 81
	talks old second
	same 0 "$(on server conntrack -C)" tracked
	end tap KILL
	talks old third
	both hidden stranger 80
}

# Rules for a device; kernels before 5.17 don't tell the door which it is.
door_devices()
{
	guard=server
	lab
	http_start server 80 81 82
	server_start 'RULE:dst_port=80, indev=eth7' 'RULE:dst_port=81, indev=eth0' \
	    'RULE:dst_port=82, hide=closed'
	client_start 'dst_port="80-82"'
	for family in 4 6; do
		page client $family 80
		page client $family 81
		page client $family 82
		page stranger $family 80
		hidden stranger $family 81
		# A port without a door takes it from no other.
		closed stranger $family 82
	done
	wait_for answers_status
	signal tap STOP
	flush
	both page stranger 80
	both closed stranger 82
	if has_line "$work/status" '"door_without":"none"'; then
		both closed stranger 81
	else
		has_line "$work/status" '"door_without":"2, as 80: this kernel'
		both page stranger 81
	fi
}

# What comes from this host itself; kernels before 5.17 tell it by the address.
door_loopback()
{
	guard=server
	lab
	http_start server 80
	server_start loopback=open RULE:dst_port=80
	signal tap STOP
	flush
	both page server 80
	both closed stranger 80
}

# A device in a VRF, and a listener for all of them.
vrf()
{
	guard=server
	/sbin/modprobe vrf
	lab
	ip -n server link add red type vrf table 10
	ip -n server link set red up
	ip -n server link set eth0 master red
	ip -n server addr add fd77::1/64 dev eth0 nodad 2>/dev/null || :
	on server sysctl -qw net.ipv4.tcp_l3mdev_accept=1
	http_start server 80 81 82
	both page stranger 81
	server_start 'RULE:dst_port="80,7001"' 'RULE:dst_port=82, hide=closed'
	client_start 'dst_port="80,82,7001"'
	for family in 4 6; do
		hidden stranger $family 80
		closed stranger $family 82
		page client $family 80
		page client $family 82
	done
	both page stranger 81
	talk held 6 7001
	talks held second
}

# Tracking forgets, and takes up nothing in midstream: what has a socket comes in
# by that, and not by the queue.
strict()
{
	guard=server
	lab
	talk old4 4 7001
	talk old6 6 7002
	server_start RULE:dst_port=7001-7004
	client_start dst_port=7001-7004
	talk new4 4 7003
	talk new6 6 7004
	passed=$(count untracked_passed)
	seq 20000 >"$work/many"
	forget
	for name in old4 old6 new4 new6; do
		cat "$work/$name-server.log" "$work/many" >"$work/expected"
		cat "$work/many" >"$work/$name-client.fifo"
		wait_for cmp "$work/expected" "$work/$name-server.log"
	done
	same "$passed" "$(count untracked_passed)" 'packets by the queue'
}

# Nothing is tracked, and any number of ACKs comes in the client's name: the last
# one of a handshake is known among them.
flooded()
{
	guard=server
	group_frames=5
	lab
	http_start server 80
	server_start RULE:dst_port=80
	client_start dst_port=80
	record any
	on server nft add table inet other
	on server nft add chain inet other in \
	    '{ type filter hook prerouting priority -310; }'
	on server nft add rule inet other in tcp dport 80 notrack
	on server nft add chain inet other out \
	    '{ type filter hook output priority -310; }'
	on server nft add rule inet other out tcp sport 80 notrack
	start flood client again acks eth0 "$work/any"
	wait_for flood_comes
	both page client 80
	both page client 80
	both hidden stranger 80
	end flood KILL
}

flood_comes()
{
	[ "$(count untracked_dropped)" -gt 2000 ]
}

# published WHERE: a port that nft translates to a service that no rule
# protects, of another host or (here) of this one.  With the first look gone,
# strangers still don't get there.
published()
{
	guard=server
	where=server
	lab
	ip netns add inner
	ip -n server link add in1 type veth peer name eth0 netns inner
	device server in1 10.78.0.254/24 fd78::fe/64
	device inner eth0 10.78.0.1/24 fd78::1/64
	ip -n inner route add default via 10.78.0.254
	ip -n inner route add default via fd78::fe
	on server sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	[ "$1" = here ] || where=inner
	http_start $where 8080
	on server nft add table inet other
	on server nft add chain inet other in \
	    '{ type nat hook prerouting priority -100; }'
	if [ "$1" = here ]; then
		on server nft add rule inet other in tcp dport 80 redirect to :8080
	else
		on server nft add rule inet other in tcp dport 80 \
		    dnat ip to 10.78.0.1:8080
		on server nft add rule inet other in tcp dport 80 \
		    dnat ip6 to '[fd78::1]:8080'
	fi
	server_start RULE:dst_port=80
	client_start dst_port=80
	for family in 4 6; do
		hidden stranger $family 80
		page client $family 80 'page of 8080'
	done
	signal tap STOP
	on server nft flush chain inet tap-server-5040 syn
	both hidden stranger 80
	# Others' connections through this host, and to that service, are let be.
	if [ "$1" = elsewhere ]; then
		ip -n stranger route add 10.78.0.0/24 via 10.77.0.1
		ip -n stranger route add fd78::/64 via fd77::1
		target=10.78.0.1 target6=fd78::1
	fi
	both page stranger 8080
}

mac_of()
{
	ip -n "$1" -o link show eth0 |
		sed -n 's/.*link\/ether \([^ ]*\) .*/\1/p'
}

# attack TOOL 4|6: see tests/probes
attack()
{
	from=10.77.0.200 at=$target
	[ "$2" = 4 ] || from=fd77::c8 at=$target6
	# shellcheck disable=SC2086 # words
	on stranger probes "$1" dev=eth0 mac="$to" src=$from dst="$at" \
	    text=REAL variant="qemu-ipv$2" \
	    ${groups:-filtered:80=90 closed:81=92 decoy:82=8080}
}

# What strangers see of hidden ports is what they see of 90, which is dropped,
# of 92, where nobody listens, and of the decoy: of every kind of packet.
probes()
{
	guard=server
	lab
	# Of all namespaces, in older kernels.
	for on_sysctl in '' 'on server'; do
		$on_sysctl sysctl -qw net.ipv4.icmp_msgs_per_sec=1000000 || :
	done
	on server sysctl -qw net.ipv4.icmp_ratelimit=0 \
	    net.ipv6.icmp.ratelimit=0 net.ipv4.ipfrag_time=1 \
	    net.ipv6.ip6frag_time=1 net.ipv4.tcp_synack_retries=0 \
	    net.ipv4.tcp_max_syn_backlog=65536 \
	    net.ipv6.conf.all.forwarding=1
	start serve server probes serve 80=REAL 81=REAL 82=REAL 90=REAL \
	    8080=DECOY
	wait_for listens server 8080
	on server nft add table inet other
	on server nft add chain inet other in \
	    '{ type filter hook input priority 0; }'
	on server nft add rule inet other in tcp dport 90 drop
	firewall=nft
	server_start RULE:dst_port=80 'RULE:dst_port=81, hide=closed' \
	    'RULE:dst_port=82, src_host=0.0.0.0/0, hide=decoy:10.77.0.1:8080' \
	    'RULE:dst_port=82, src_host=::/0, hide=decoy:[fd77::1]:8080'
	to=$(mac_of server)
	way=$(mac_of stranger)
	ip -n server neigh add 10.77.0.200 lladdr "$way" dev eth0
	ip -n server neigh add fd77::c8 lladdr "$way" dev eth0
	attack corpus 4
	groups='filtered:80=90 closed:81=92' attack corpus 6
	attack pairs 4
	attack pairs 6
}

client_decided()
{
	on client tap client --status --json >"$1"
	! has_line "$1" 'not yet'
}

# Nothing is set: these kernels have no place for the client's program, nor for
# the server's without a flood, and the queue serves.
defaults()
{
	guard=server
	lab
	http_start server 80
	firewall=nft
	server_start RULE:dst_port=80
	client_start 'dst_port=80'
	both page client 80
	both hidden stranger 80
	wait_for decided "$work/status"
	wait_for client_decided "$work/client-status"
	cat "$work/status" "$work/client-status"
	for file in status client-status; do
		has_line "$work/$file" '"fastpath":"generic"' ||
			has_line "$work/$file" 'built without clang' ||
			has_line "$work/$file" 'no TCX in this kernel'
		if has_line "$work/$file" '"alarm":"[^"]*fast path'; then
			fail 'what the kernel lacks is no alarm'
		fi
	done
	has_line "$work/client-status" '"fastpath":"generic"' ||
		has_line "$work/client.log" 'fast path: off, '
}

# tunnel NAME TYPE 4|6 NUMBER OPTION...: between client and server, over IPv4 or
# IPv6; its addresses are 10.NUMBER.0.1 and fdNUMBER::1, and .2
tunnel()
{
	tunnel_name=$1 tunnel_type=$2 tunnel_over=$3 tunnel_number=$4
	shift 4
	for tunnel_end in 1:server 2:client; do
		tunnel_own=10.77.0.${tunnel_end%:*}
		tunnel_peer=10.77.0.$((3 - ${tunnel_end%:*}))
		[ "$tunnel_over" = 4 ] || {
			tunnel_own=fd77::${tunnel_end%:*}
			tunnel_peer=fd77::$((3 - ${tunnel_end%:*}))
		}
		ip -n "${tunnel_end#*:}" link add "$tunnel_name" \
		    type "$tunnel_type" "$@" local "$tunnel_own" \
		    remote "$tunnel_peer"
		device "${tunnel_end#*:}" "$tunnel_name" \
		    "10.$tunnel_number.0.${tunnel_end%:*}/24" \
		    "fd$tunnel_number::${tunnel_end%:*}/64"
	done
}

# wireguard NUMBER: likewise, over IPv4
wireguard()
{
	for tunnel_end in 1:server 2:client; do
		on "${tunnel_end#*:}" wg genkey >"$work/wg-${tunnel_end#*:}"
	done
	for tunnel_end in 1:server:client 2:client:server; do
		tunnel_own=${tunnel_end#*:}
		tunnel_own=${tunnel_own%:*}
		tunnel_peer=${tunnel_end##*:}
		ip -n "$tunnel_own" link add wg0 type wireguard
		on "$tunnel_own" wg set wg0 listen-port 7000 \
		    private-key "$work/wg-$tunnel_own" \
		    peer "$(wg pubkey <"$work/wg-$tunnel_peer")" \
		    allowed-ips 0.0.0.0/0,::/0 \
		    endpoint "10.77.0.$((3 - ${tunnel_end%%:*})):7000"
		device "$tunnel_own" wg0 "10.$1.0.${tunnel_end%%:*}/24" \
		    "fd$1::${tunnel_end%%:*}/64"
	done
}

# fast_count NAME
fast_count()
{
	[ "$fast" = yes ] || return 0
	count "$1"
}

# by_tunnel 4|6 NUMBER: by both programs in the kernel, where they can be
by_tunnel()
{
	target=10.$2.0.1 target6=fd$2::1
	accepted=$(fast_count ingress_accepted)
	page client "$1" 80
	# On a slow machine an answer comes late, and the SYN once more.
	[ "$fast" = no ] || [ "$(count ingress_accepted)" -gt "$accepted" ] ||
		fail "IPv$1 by $2: not in the kernel"
}

# Devices whose packets have no link header.
tunnels()
{
	guard=server
	for module in ipip sit ip6_tunnel wireguard; do
		/sbin/modprobe $module
	done
	lab
	http_start server 80
	tunnel ipip0 ipip 4 81
	tunnel sit1 sit 4 82
	tunnel six1 ip6tnl 6 83 mode any
	[ ! -x /usr/sbin/wg ] || wireguard 84
	firewall=nft
	server_start RULE:dst_port=80
	client_start 'dst_port=80'
	wait_for decided "$work/status"
	wait_for client_decided "$work/client-status"
	cat "$work/status" "$work/client-status"
	fast=no
	if has_line "$work/status" '"fastpath":"generic"'; then
		fast=yes
		wait_for kernel_accepts
	else
		has_line "$work/status" 'no TCX in this kernel' ||
			has_line "$work/status" 'built without clang'
	fi
	by_tunnel 4 77
	by_tunnel 6 77
	by_tunnel 4 81
	by_tunnel 6 82
	by_tunnel 4 83
	by_tunnel 6 83
	if [ -x /usr/sbin/wg ]; then
		by_tunnel 4 84
		by_tunnel 6 84
	fi
	on client tap client --status --json >"$work/client-status"
	cat "$work/client-status"
	[ $fast = no ] || ! has_line "$work/client-status" '"fastpath_syns":0'
	end client TERM
	for target in 10.81.0.1 10.83.0.1; do
		hidden client 4 80
	done
	for target6 in fd82::1 fd83::1; do
		hidden client 6 80
	done
}

# For a moment after it is there, groups are left to the server.
kernel_accepts()
{
	accepted=$(count ingress_accepted)
	both page client 80
	[ "$(count ingress_accepted)" = $((accepted + 2)) ]
}

# IPv6 is switched off (ipv6.disable=1): IPv4 is served as ever.
ipv4_alone()
{
	guard=server
	lab
	http_start server 80
	server_start RULE:dst_port=80
	hidden stranger 4 80
	client_start 'dst_port=80'
	page client 4 80
	hidden stranger 4 80
	end client TERM
	same 0 "$status" 'end of the client'
	printf 'GET / HTTP/1.0\r\n\r\n' | on client tap client --proxy \
	    "$target:80" -k "$work/key" >"$work/page"
	has_line "$work/page" '^page of 80'
	tap_start client client client -c "$work/client.conf" --backend pcap
	page client 4 80
	end client TERM
	end tap TERM
	same 0 "$status" 'end of the server'
	cat "$work"/*.log
	if grep -v ': warning:' "$work"/client.log "$work"/tap.log |
		grep -i 'ipv6\|ip6tables\|address family'; then
		fail 'IPv6 is asked for'
	fi
}

# Without NFQUEUE the client says what works, and that does.
no_queue()
{
	guard=server
	lab
	http_start server 80
	(umask 077 && echo "RULE:dst_port=80, $key" >"$work/client.conf")
	status=0
	on client tap client -c "$work/client.conf" >"$work/refused" 2>&1 ||
		status=$?
	cat "$work/refused"
	same 3 "$status"
	has_line "$work/refused" 'no NFQUEUE; .*--backend pcap'
	tap_start client client client -c "$work/client.conf" --backend pcap
	page client 4 80
	wait_for pcap_counts
}

pcap_counts()
{
	on client tap client --status --json >"$work/status" &&
		has_line "$work/status" '"authenticated":[1-9]'
}

# On a machine that was started without IPv6.
ipv4_cases()
{
	module=$(find /lib/modules -name 'nfnetlink_queue*')
	mv "$module" /nfnetlink_queue
	check no-queue no_queue
	mv /nfnetlink_queue "$module"
	for variant in nft iptables-nft; do
		firewall=${variant%%-*}
		[ "$variant" = nft ] || choose_iptables "${variant#*-}"
		check "$variant/ipv4-alone" ipv4_alone
	done
}

all_cases()
{
	check late-begin late_begin
	for variant in ${variants:-nft iptables-nft iptables-legacy}; do
		firewall=${variant%%-*}
		[ "$variant" = nft ] || choose_iptables "${variant#*-}"
		check "$variant/life" life
		check "$variant/answers" answers
		check "$variant/unconfirmed" unconfirmed
		check "$variant/flushed" flushed
		check "$variant/router" router ''
		check "$variant/router-outdev" router ', indev=eth0, outdev=eth1'
		[ "$variant" = nft ] || check "$variant/bridge" bridge
	done
	firewall=nft
	check strict strict
	check flooded flooded
	check published-elsewhere published elsewhere
	check published-here published here
	check changes changes
	check neighbours neighbours
	firewall=auto
	check door door
	check cookies cookies
	check door-devices door_devices
	check door-loopback door_loopback
	for firewall in nft iptables; do
		check "untracked-$firewall" untracked
		check "vrf-$firewall" vrf
	done
	check probes probes
	check clock clock
	check native fast native
	check generic fast generic
	check defaults defaults
	check tunnels tunnels
	check late late
}

boot
case $(cat /proc/cmdline) in
*ipv6.disable=1*) ipv4_cases ;;
*) all_cases ;;
esac
halt_now
