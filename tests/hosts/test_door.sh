#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The door at the socket: strangers find no listener, whatever becomes of the
# rules in front of it; and what it is like without processes, without rules
# and where it can't be.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# served LINE...: a server with this configuration, a client, and a stranger
served()
{
	lab
	http_start server 80 81 82 83
	configure "$@"
	server_start
	tap_start client client client -c "$(client_rule dst_port=80-89)"
	[ "$(said door)" = on ] || skip "$(said door_reason)"
}

configure()
{
	printf '%s\n' "$@" >"$work/TAPservd.conf"
	[ -e "$work/ACL.conf" ] || {
		printf 'port=%s, key_no=10\n' 80 81 82 83 89 >"$work/ACL.conf"
		keys=$(key_file)
	}
}

server_start()
{
	tap_start server server server -c "$work/TAPservd.conf" -k "$keys" \
	    -a "$work/ACL.conf"
}

said()
{
	on server "$TAP" server --status --json |
		sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# refused HOST 4|6 [PORT]: it meets a port without a listener
refused()
{
	same 7 "$(status_of on "$1" curl -sS --max-time 5 \
	    "$(url "$2" server "${3:-80}")")" "curl from $1, IPv$2, ${3:-80}"
}

# Nobody puts the rules back.
unwatched()
{
	kill -STOP "${pids[server]}"
}

watched()
{
	kill -CONT "${pids[server]}"
}

flush()
{
	local family table

	for family in iptables ip6tables; do
		for table in raw mangle nat filter; do
			on server "$family" -t "$table" -F
		done
	done
}

is_restored()
{
	[ "$(tap_status server server rules_restored)" -gt 0 ]
}

# A client's first try may come while the rules are not there.
page_soon()
{
	wait_for "$patience" tries page client "$@"
}

# A function that else would end the case.
tries()
{
	("$@")
}

# Rules gone: filtered, closed and decoy are all the same then.
flushed()
{
	local family port

	served "$1" RULE:dst_port=80 'RULE:dst_port=82, hide=closed' \
	    "RULE:dst_port=83, src_host=10.0.0.0/8, hide=decoy:10.77.0.1:81" \
	    "RULE:dst_port=83, hide=decoy:[fd77::1]:81"
	for family in 4 6; do
		for port in 80 82 83; do
			page client "$family" "$port"
		done
	done
	unwatched
	flush
	for family in 4 6; do
		for port in 80 82 83; do
			refused stranger "$family" "$port"
		done
		# Other ports are none of its business.
		page stranger "$family" 81
	done
	watched
	wait_for "$patience" is_restored
	page_soon 4
	page_soon 6
}

# Flushed again and again, while strangers try and a client goes on.
flushed_often()
{
	local end=$((SECONDS + 6)) family

	served RULE:dst_port=80
	talk old 4 89
	for family in 4 6; do
		start "tries$family" stranger "$python" "$here/gets_in.py" \
		    "$(addr "$family" server)" 80 6
	done
	while [ "$SECONDS" -lt "$end" ]; do
		flush
	done
	for family in 4 6; do
		await "tries$family" 0
		has "$(cat "$work/tries$family.log")" '^0 of [0-9]{2,}$' \
		    "strangers, IPv$family"
	done
	talks old
	page_soon 4
	page_soon 6
}

# Reloads, and workers that are killed, while strangers ask for the page.
restless()
{
	local end=$((SECONDS + 8)) family worker

	served 'RULE:dst_port=82, hide=closed' \
	    "RULE:dst_port=83, src_host=10.0.0.0/8, hide=decoy:10.77.0.1:81" \
	    "RULE:dst_port=83, hide=decoy:[fd77::1]:81"
	for family in 4 6; do
		for port in 82 83; do
			start "tries$family$port" stranger "$python" \
			    "$here/gets_in.py" "$(addr "$family" server)" \
			    "$port" 8 "page of $port"
		done
	done
	while [ "$SECONDS" -lt "$end" ]; do
		signal server HUP
		worker=$(worker server)
		[ -z "$worker" ] || [ $((SECONDS % 3)) -ne 0 ] ||
			kill -KILL "$worker" 2>/dev/null || :
		sleep 0.2
	done
	for family in 4 6; do
		for port in 82 83; do
			await "tries$family$port" 0
			has "$(cat "$work/tries$family$port.log")" \
			    '^0 of [0-9]{2,}$' "strangers, IPv$family, $port"
		done
	done
	page_soon 4 82
	page_soon 6 83
}

# Where a stranger gets to: the page, or nothing
got()
{
	on stranger curl -sS --max-time 1 "$(url "$1" server "$2")" \
	    2>>"$work/curl.log" || :
}

# hostile RULE: with this one of the administrator's own
hostile()
{
	local family port tries=() rule=$1

	for family in iptables ip6tables; do
		# shellcheck disable=SC2086 # words
		on server "$family" -w ${rule/ -A / -I } || return 0
	done
	tried=$((tried + 1))
	for family in 4 6; do
		for port in 80 82 83 2222; do
			got "$family" "$port" >"$work/got-$family-$port" &
			tries+=($!)
		done
	done
	wait "${tries[@]}"
	for family in 4 6; do
		for port in 80 82 83; do
			lacks "$(cat "$work/got-$family-$port")" \
			    "page of $port" "$rule"
		done
		lacks "$(cat "$work/got-$family-2222")" page "$rule"
	done
	# Nobody gets in whose SYNs the server never sees.
	[ "${rule#-t raw*ACCEPT}" != "$rule" ] || page client 4
	for family in iptables ip6tables; do
		# shellcheck disable=SC2086 # words
		on server "$family" -w ${rule/ -A / -D }
	done
}

# Rules that people have; those that the kernel has no way for are left out.
hostile_rules()
{
	tried=0
	served RULE:dst_port=80 'RULE:dst_port=82, hide=closed' \
	    "RULE:dst_port=83, src_host=10.0.0.0/8, hide=decoy:10.77.0.1:81" \
	    "RULE:dst_port=83, hide=decoy:[fd77::1]:81"
	hostile '-t raw -A PREROUTING -p tcp --dport 80:83 -j ACCEPT'
	hostile '-t mangle -A PREROUTING -p tcp -j ACCEPT'
	hostile '-t mangle -A INPUT -p tcp -j ACCEPT'
	hostile '-t filter -A INPUT -p tcp -j ACCEPT'
	hostile '-t nat -A PREROUTING -j ACCEPT'
	hostile '-t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 80'
	hostile '-t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 83'
	hostile '-t mangle -A PREROUTING -j CONNMARK --restore-mark'
	hostile '-t mangle -A PREROUTING -j MARK --set-mark 1'
	hostile '-t mangle -A PREROUTING -j MARK --set-mark 0xffffffff'
	hostile '-t raw -A PREROUTING -j MARK --set-mark 0xffffffff'
	[ "$tried" -ge 8 ] || fail "only $tried rules could be tried"
}

# A NAT of the host's own takes who was accepted to another port and address,
# where the same keys may go.
redirected()
{
	served RULE:dst_port=80 RULE:dst_port=82
	ip -n "$net-server" addr add 10.77.0.9/24 dev eth0
	on server iptables -t nat -A PREROUTING -p tcp --dport 80 \
	    -j DNAT --to-destination 10.77.0.9:82 || skip 'no DNAT here'
	same 'page of 82' "$(on client curl -sS --max-time "$patience" \
	    "$(url 4 server)")"
	refused_or_silent stranger 4 82
	# By another line of the access list, other keys might.
	printf 'port=%s, key_no=10\n' 80 81 >"$work/ACL.conf"
	echo 'port=82, key_no=10-11' >>"$work/ACL.conf"
	signal server HUP
	wait_log server ': reloaded:'
	refute on client curl -sS --max-time 3 "$(url 4 server)"
}

refused_or_silent()
{
	refute on "$1" curl -sS --max-time 1 "$(url "$2" server "$3")"
}

# A cookie needs no state at the server, but the door: whoever has a right one
# from before, and was not accepted, is not let in; who was accepted is.
cookies()
{
	lab
	on server sysctl -qw net.ipv4.tcp_syncookies=2
	http_start server 80 81 82 83
	# The end of the handshake stays at home.
	on stranger iptables -A OUTPUT -p tcp --tcp-flags SYN,ACK ACK -j DROP
	mkfifo "$work/old"
	# shellcheck disable=SC2016 # for the inner shell
	start old stranger sh -c 'exec nc.openbsd "$1" 80 <>"$0"' \
	    "$work/old" "$(addr 4 server)"
	wait_for "$patience" on stranger sh -c \
	    'ss -Htn state established dport = :80 | grep -q .'
	configure 'RULE:dst_port=80, hide=closed'
	server_start
	[ "$(said door)" = on ] || skip "$(said door_reason)"
	on stranger iptables -F OUTPUT
	printf 'GET / HTTP/1.0\r\n\r\n' >"$work/old"
	wait_for "$patience" on stranger sh -c \
	    '! ss -Htn state established dport = :80 | grep -q .'
	lacks "$(cat "$work/old.log")" page
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client 4
	page client 6
}

# ---- without processes

# A file system for what outlives processes, as long as this one is there.
keep_pins()
{
	start pins server sh -c \
	    'mount -t bpf bpf /sys/fs/bpf && echo mounted && exec sleep 9999'
	wait_log pins mounted
}

# With it.
kept()
{
	nsenter --mount="/proc/${pids[pins]}/ns/mnt" "$@"
}

# kept_start OPTION...: with less than all privileges, if that is said
kept_without=()
kept_start()
{
	mkdir -p "$work/server-lib"
	# shellcheck disable=SC2016 # for the inner shell
	start server server nsenter --mount="/proc/${pids[pins]}/ns/mnt" \
	    sh -c 'mount --bind "$0" /var/lib && exec "$@"' \
	    "$work/server-lib" "${kept_without[@]}" "$TAP" server -c "$work/TAPservd.conf" \
	    -k "$keys" -a "$work/ACL.conf" "$@"
	wait_log server ': ready:'
}

pins()
{
	kept sh -c 'find /sys/fs/bpf -path "*/tap-server-*"'
}

kept_server()
{
	lab
	http_start server 80 81 82 83
	keep_pins
	configure "$@"
	kept_start
	[ "$(said door)" = on ] || skip "$(said door_reason)"
	has "$(said door_pinned)" '^/sys/fs/bpf/tap-server-5040-[0-9]+$'
	tap_start client client client -c "$(client_rule dst_port=80-89)"
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

killed()
{
	local family before

	kept_server 'RULE:dst_port="80,89"'
	talk old 4 89
	page client 4
	kill_both
	flush
	for family in 4 6; do
		refused stranger "$family"
		refused client "$family"
	done
	talks old
	before=$(kept stat -c %i "$(pins | grep link)")
	kept_start
	# It is the same link, with no moment without.
	same "$before" "$(kept stat -c %i "$(pins | grep link)")"
	page client 4
	page client 6
	talks old
	kill_both
	flush
	refused stranger 4

	# Rules change while it is not there; the next one takes them up.
	configure RULE:dst_port=82
	kept_start
	page stranger 4 80
	unwatched
	flush
	refused stranger 4 82
	watched
	end server
	same '' "$(pins)" 'kept'
	page stranger 4 82
	page stranger 6 82
	talks old
}

# A start that fails leaves what another one has left.
failed_start()
{
	kept_server RULE:dst_port=80
	kill_both
	flush
	refused stranger 4
	# Nothing that makes rules can be run.
	kept sh -c 'mount -t tmpfs none /usr/sbin'
	start failed server nsenter --mount="/proc/${pids[pins]}/ns/mnt" \
	    "$TAP" server -c "$work/TAPservd.conf" -k "$keys" \
	    -a "$work/ACL.conf"
	await failed 3
	refused stranger 4
	refused stranger 6
}

# One that its successor can't take over, or does not want, is not to stand in
# the way.
stale()
{
	kept_server RULE:dst_port=80
	kill_both
	kept_without=(setpriv --no-new-privs --bounding-set
		'-bpf,-sys_admin' --inh-caps '-bpf,-sys_admin')
	kept_start
	same off "$(said door)"
	wait_log server 'door: that of an earlier server is taken away'
	page client 4
	hidden 4
	page client 6
	same '' "$(pins)" 'kept'

	kept_without=()
	end server
	kept_start
	same on "$(said door)"
	kill_both
	flush
	configure firewall=none RULE:dst_port=80
	kept_start
	same off "$(said door)"
	same '' "$(pins)" 'kept'
	page stranger 4
}

unconfirmed()
{
	lab
	http_start server 80 81 82 83
	keep_pins
	configure RULE:dst_port=80
	kept_start --confirm 5
	[ "$(said door)" = on ] || skip "$(said door_reason)"
	hidden 4
	await server 1
	same '' "$(pins)" 'kept'
	page stranger 4
	page stranger 6
}

reloaded()
{
	served RULE:dst_port=80
	configure RULE:dst_port=82
	signal server HUP
	wait_log server ': reloaded:'
	unwatched
	flush
	page stranger 4 80
	refused stranger 4 82
	refused stranger 6 82
}

# Two servers: each has its own.
two()
{
	served RULE:dst_port=80
	printf '%s\n' RULE:dst_port=82 >"$work/second.conf"
	tap_start second server server -c "$work/second.conf" -k "$keys" \
	    -a "$work/ACL.conf" --queue 6000
	page client 4 80
	page client 6 82
	kill -STOP "${pids[second]}"
	unwatched
	flush
	refused stranger 4 80
	refused stranger 6 82
	page stranger 4 81
	watched
	same tap_door "$(said door_others)"
}

# ---- which packets are meant

devices()
{
	lab
	cable server eth1 101
	connected server
	http_start server 80 81 82 83
	configure 'RULE:dst_port=80, indev=eth1' 'RULE:dst_port=81, indev=eth7'
	server_start
	[ "$(said door)" = on ] || skip "$(said door_reason)"
	[ "$(said door_without)" = none ] || skip "$(said door_without)"
	ip -n "$net-stranger" route add 10.78.0.1 via 10.77.0.101
	ip -n "$net-server" addr add 10.78.0.1/32 dev lo
	on server sysctl -qw net.ipv4.conf.all.rp_filter=0 \
	    net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0 \
	    net.ipv4.conf.all.arp_ignore=1
	unreached 80
	page stranger 4 80
	page stranger 4 81
	# It comes to have the name of a rule.
	ip -n "$net-server" link set eth1 down
	ip -n "$net-server" link set eth1 name eth7
	ip -n "$net-server" link set eth7 up
	wait_for "$patience" tries unreached 81
	page stranger 4 81
}

# By way of the other device, without rules.  Who has answered a second time has
# looked at devices after the first.
unreached()
{
	watched
	same 'on on' "$(said door) $(said door)"
	unwatched
	flush
	same 7 "$(status_of on stranger curl -sS --max-time 2 \
	    "http://10.78.0.1:$1/")"
}

# What comes by the loopback device is let alone, where that is said.
loopback()
{
	local from

	lab
	http_start server 80 81 82 83
	for from in open hide; do
		configure "loopback=$from" RULE:dst_port=80
		server_start
		[ "$(said door)" = on ] || skip "$(said door_reason)"
		unwatched
		flush
		for family in 4 6; do
			refused stranger "$family"
			[ "$from" = hide ] || page server "$family"
			[ "$from" = open ] || refused server "$family"
		done
		[ "$from" = hide ] || on server curl -sS --max-time 5 \
		    --interface eth0 "$(url 4 server)"
		watched
		end server
	done
}

many_rules()
{
	local i rules=()

	for ((i = 1; i <= 9; i++)); do
		rules+=("RULE:dst_port=80, src_host=10.77.0.$i")
	done
	served "${rules[@]}" RULE:dst_port=82
	same '1, as 80: too many rules' "$(said door_without)"
	wait_log server 'door: none for 1 ports, as 80: too many rules'
	unwatched
	flush
	page stranger 4 80
	refused stranger 4 82
}

# ---- where it can't be

# Without the privilege for it, the rules hide alone.
without()
{
	lab
	http_start server 80
	# shellcheck disable=SC2016 # tap_run evaluates it
	mounts='shift; set -- "$0" setpriv --no-new-privs --bounding-set \
		-bpf,-sys_admin --inh-caps -bpf,-sys_admin "$@"; true'
	configure RULE:dst_port=80
	server_start
	same off "$(said door)"
	has "$(said door_reason)" 'permitted'
	wait_log server 'warning.*|door: off'
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client 4
	hidden 4
	end server
	page stranger 4
}

for mode in off auto; do
	check "flushed-fastpath-$mode" flushed "fastpath=$mode"
done
check flushed-often flushed_often
check restless restless
check hostile-rules hostile_rules
check redirected redirected
check cookies cookies
check killed killed
check failed-start failed_start
check stale stale
check unconfirmed unconfirmed
check reloaded reloaded
check two two
check devices devices
check loopback loopback
check many-rules many_rules
check without without
finish
