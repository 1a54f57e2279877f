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

# Nobody puts the rules back.  It is stopped where it waits for what comes, not
# while it looks after something: a signal comes first then.
unwatched()
{
	wait_for "$patience" stopped_in_poll
}

stopped_in_poll()
{
	local call fds ms

	kill -STOP "${pids[server]}"
	wait_for "$patience" is_stopped
	# poll(2) is 7 there.  Where it waits for a tool it does so for another
	# time than a second.
	read -r call _ fds ms _ <"/proc/${pids[server]}/syscall"
	[ "$(uname -m)" = x86_64 ] || call=7 fds=0x6 ms=0x3e8
	[ "$call $fds $ms" = '7 0x6 0x3e8' ] || {
		kill -CONT "${pids[server]}"
		return 1
	}
}

is_stopped()
{
	grep -q '^State:.T' "/proc/${pids[server]}/status"
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
	hostile '-t raw -A PREROUTING -p tcp -j CT --notrack'
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
	[ "$tried" -ge 9 ] || fail "only $tried rules could be tried"
}

# Who stands ahead of the first look takes nothing from key holders, but for a
# decoy's: they are looked at in the last place, too.
passed_by()
{
	local family

	served "fastpath=$1" RULE:dst_port=80 'RULE:dst_port=82, hide=closed' \
	    "RULE:dst_port=83, src_host=10.0.0.0/8, hide=decoy:10.77.0.1:81" \
	    "RULE:dst_port=83, hide=decoy:[fd77::1]:81"
	unwatched
	for family in iptables ip6tables; do
		on server "$family" -t raw -I PREROUTING -p tcp -j ACCEPT
	done
	for family in 4 6; do
		page client "$family" 80
		page client "$family" 82
		refute on stranger curl -sS --max-time 1 "$(url "$family" server)"
	done
	# A decoy's port is translated by then, until it is put in order again.
	watched
	wait_for "$patience" is_restored
	alarmed 'rules changed' || fail "alarm: $(said alarm)"
	for family in 4 6; do
		page_soon "$family" 83
	done
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

# A door that goes with the server: nobody may count on it then.
killed_unkept()
{
	local family

	served "fastpath=$1" 'RULE:dst_port=82, hide=closed'
	[ "$1" = off ] || wait_for "$patience" fast_path_known server server
	same no "$(said door_pinned)"
	for family in 4 6; do
		refused stranger "$family" 82
	done
	kill_both
	for family in 4 6; do
		hidden "$family" 82
	done
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
	wait_log server 'door: removed that of an earlier server'
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

# A port that is published: NAT of the host's own leads it to a service that no
# rule protects, on another host or this one.  Without the rules that look
# before it does, strangers still don't get there; others' connections on their
# way through this host do.
published()
{
	local family to tool way=REDIRECT where=server

	lab
	namespace inner
	[ "$1" = here ] || where=inner
	ip -n "$net-server" link add in1 type veth peer name eth0 \
	    netns "$net-inner"
	device_up server in1 10.78.1.254/24 fd78:1::fe/64
	device_up inner eth0 10.78.1.1/24 fd78:1::1/64
	ip -n "$net-inner" route add default via 10.78.1.254
	ip -n "$net-inner" route add default via fd78:1::fe
	connected server inner
	on server sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	http_start "$where" 8080
	for family in 4 6; do
		tool=iptables to='10.78.1.1:8080'
		[ "$family" = 4 ] || tool=ip6tables to='[fd78:1::1]:8080'
		case $1 in
		here) way='REDIRECT --to-ports 8080' ;;
		*) way="DNAT --to-destination $to" ;;
		esac
		# shellcheck disable=SC2086 # words
		on server "$tool" -t nat -A PREROUTING -p tcp --dport 80 \
		    -j $way || skip 'no NAT here'
	done
	configure RULE:dst_port=80
	server_start
	tap_start client client client -c "$(client_rule dst_port=80)"
	ip -n "$net-stranger" route add 10.78.0.0/16 via "$(addr4 server)"
	ip -n "$net-stranger" route add fd78::/16 via "$(addr6 server)"
	for family in 4 6; do
		hidden "$family"
		same 'page of 8080' "$(on client curl -sS --max-time \
		    "$patience" "$(url "$family" server)")"
	done
	wait_for "$patience" fast_path_known server server
	unwatched
	for tool in iptables ip6tables; do
		on server "$tool" -t raw -F
	done
	for family in 4 6; do
		hidden "$family"
	done
	# The same without the marks of the program in the kernel.
	for tool in iptables ip6tables; do
		on server "$tool" -t raw -A PREROUTING -j MARK --set-mark 0
	done
	for family in 4 6; do
		hidden "$family"
	done
	for to in 10.78.1.1 '[fd78:1::1]'; do
		same 'page of 8080' "$(on stranger curl -sS --max-time \
		    "$patience" "http://$to/")"
	done
}

# ---- taken away by another program

# links ACTION: see links.py
links()
{
	on server "$python" "$here/links.py" "$@"
}

# looks WORDS: how ports with hide=closed do
looks()
{
	[ "$(said hide_closed)" = "$1" ]
}

# alarmed WORDS
alarmed()
{
	said alarm | grep -q "$1"
}

has_pins()
{
	pins | grep -q '/link$'
}

# Put back at once; what is kept is the new one.
taken()
{
	local before

	kept_server RULE:dst_port=80 'RULE:dst_port=82, hide=closed'
	before=$(kept stat -c %i "$(pins | grep link)")
	links detach
	wait_log server 'door: another program took it away: put back after [0-9]+ ms'
	alarmed 'door taken' || fail "alarm: $(said alarm)"
	same '1 closed' \
	    "$(tap_status server server door_restored) $(said hide_closed)"
	refused stranger 4 82
	page client 4 82
	refute [ "$before" = "$(kept stat -c %i "$(pins | grep link)")" ]
	# It goes by the configuration that was there last.
	configure RULE:dst_port=80 'RULE:dst_port=83, hide=closed'
	links detach
	signal server HUP
	wait_log server ': reloaded:'
	unwatched
	flush
	refused stranger 4 83
	page stranger 4 82
	watched
	wait_for "$patience" is_restored
	# Without its name it would go with the server.
	kept sh -c 'rm -r /sys/fs/bpf/tap-server-*'
	wait_for "$patience" has_pins
	kill_both
	refused stranger 4 83
	refused stranger 6 83
}

# What looks closed relies on the door: where it can't be put back, or others
# win over it, the rules do without it.
replaced()
{
	served RULE:dst_port=80 'RULE:dst_port=82, hide=closed'
	same closed "$(said hide_closed)"
	refused stranger 4 82
	start others server "$python" "$here/links.py" "$1"
	wait_log others attached
	wait_for "$patience" looks 'filtered, no door'
	for family in 4 6; do
		hidden "$family" 82
		page client "$family" 82
	done
	if [ "$1" = full ]; then
		alarmed 'door lost' || fail "alarm: $(said alarm)"
		wait_log server "door: taken away, and can't be put back"
	fi
	kill -KILL "${pids[others]}"
	wait_for "$patience" looks closed
	[ "$(said door)" = on ] || fail 'not put back'
	for family in 4 6; do
		refused stranger "$family" 82
		page client "$family" 82
	done
}

# Taken just before a reload, which can't put it up then: all stays as it was.
# Where it is known to be lost, a reload does without it.
uncommitted()
{
	local family

	served RULE:dst_port=80 'RULE:dst_port=82, hide=closed'
	unwatched
	start others server "$python" "$here/links.py" full
	wait_log others attached
	configure RULE:dst_port=80 'RULE:dst_port=83, hide=closed'
	signal server HUP
	watched
	wait_log server ' door: .*; still with the old configuration'
	wait_for "$patience" looks 'filtered, no door'
	for family in 4 6; do
		hidden "$family" 82
		page client "$family" 82
		page stranger "$family" 83
	done
	signal server HUP
	wait_log server ': reloaded:'
	alarmed 'door lost' || fail "alarm: $(said alarm)"
	for family in 4 6; do
		hidden "$family" 83
		page client "$family" 83
		page stranger "$family" 82
	done
	kill -KILL "${pids[others]}"
	wait_for "$patience" has_door
	signal server HUP
	wait_log server ': reloaded:' 2
	same closed "$(said hide_closed)"
	for family in 4 6; do
		refused stranger "$family" 83
		page client "$family" 83
	done
}

has_door()
{
	[ "$(said door)" = on ]
}

# Who can't take it over, and comes to no rules of its own, leaves it to those
# of before, which rely on it.
failed_takeover()
{
	kept_server RULE:dst_port=80 'RULE:dst_port=82, hide=closed'
	kill_both
	refused stranger 4 82
	kept sh -c 'mount -t tmpfs none /usr/sbin'
	start failed server nsenter --mount="/proc/${pids[pins]}/ns/mnt" \
	    setpriv --no-new-privs --bounding-set '-bpf,-sys_admin' \
	    --inh-caps '-bpf,-sys_admin' "$TAP" server \
	    -c "$work/TAPservd.conf" -k "$keys" -a "$work/ACL.conf"
	await failed 3
	has "$(cat "$work/failed.log")" 'door: off'
	refused stranger 4 82
	refused stranger 6 82
}

# A reload that leaves the door with less than it had.
less()
{
	local i rules=()

	served 'RULE:dst_port=82, hide=closed'
	for ((i = 1; i <= 9; i++)); do
		rules+=("RULE:dst_port=82, src_host=10.77.0.$i, hide=closed")
	done
	configure "${rules[@]}"
	signal server HUP
	wait_log server ': reloaded:'
	same 'filtered, no door' "$(said hide_closed)"
	hidden 4 82
	page client 4 82
	# A port without takes the door from no other.
	configure "${rules[@]}" 'RULE:dst_port=83, hide=closed'
	signal server HUP
	wait_log server ': reloaded:' 2
	same 'closed, but for ports without a door' "$(said hide_closed)"
	hidden 4 82
	page client 4 82
	refused stranger 4 83
	page client 6 83
	configure 'RULE:dst_port=82, hide=closed'
	signal server HUP
	wait_log server ': reloaded:' 3
	same closed "$(said hide_closed)"
	refused stranger 4 82
	page client 6 82
}

# Who sees a device's packets first may take them past every rule: that is told,
# where there is no door behind the rules.
past_rules()
{
	lab
	start others server "$python" "$here/links.py" tcx eth0
	wait_for "$patience" grep -q . "$work/others.log"
	grep -q attached "$work/others.log" || skip 'no TCX in this kernel'
	configure RULE:dst_port=80
	server_start
	same none "$(said device_programs)"
	configure RULE:dst_port=80 'RULE:dst_port=81, type=ROUTER'
	signal server HUP
	wait_log server ': reloaded:'
	wait_log server 'may take packets past the firewall: other$'
	same other "$(said device_programs)"
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
for mode in off auto; do
	check "passed-by-fastpath-$mode" passed_by "$mode"
done
check redirected redirected
check cookies cookies
check killed killed
for mode in off auto; do
	check "killed-unkept-fastpath-$mode" killed_unkept "$mode"
done
check failed-start failed_start
check stale stale
check unconfirmed unconfirmed
check reloaded reloaded
check published-elsewhere published elsewhere
check published-here published here
check taken taken
check replaced-other replaced other
check replaced-full replaced full
check failed-takeover failed_takeover
check uncommitted uncommitted
check less less
check past-rules past_rules
check two two
check devices devices
check loopback loopback
check many-rules many_rules
check without without
finish
