#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Names in the client's rules: found, kept right, and never waited for.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

host=server.example

# served LINE...: a hidden server, and a name server of the client's with
# these lines
served()
{
	lab
	http_start server 80
	keys=$(key_file)
	tap_start server server server -p 80 -k "$keys"
	zone "$@"
	echo nameserver 127.0.0.1 >"$work/resolv.conf"
	mounts="mount --bind $work/resolv.conf /etc/resolv.conf"
	start dns client "$python" "$here/dns.py" "$work/zone"
	wait_log dns '^serving$'
}

# zone LINE...: what the name server knows from now on
zone()
{
	printf '%s\n' "$@" >"$work/zone.new"
	mv "$work/zone.new" "$work/zone"
}

client_starts()
{
	tap_start client client client -c "$(client_rule \
	    "dst_host=$host, dst_port=80")"
}

# status_text NAME: a text of the client's status
status_text()
{
	on client "$TAP" client --status --json |
		sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

both_families()
{
	served "$host A 60 10.77.0.1" "$host AAAA 60 fd77::1"
	client_starts
	has "$(cat "$work/client.log")" \
	    ": $host: $(addr 4 server), $(addr 6 server)\$"
	same '' "$(status_text no_address)" 'names without an address'
	page client 4
	page client 6
	has "$(on client "$TAP" client --print-rules -c "$(client_rule \
	    'dst_host=192.0.2.7')")" 192.0.2.7
}

# A new address is taken up when the old one's time is over; the old one goes
# on working.
lifetime()
{
	served "$host A 1 10.77.0.1"
	client_starts
	page client 4
	ip -n "$net-server" addr add 10.77.0.77/24 dev eth0
	zone "$host A 1 10.77.0.77"
	wait_log client ": $host: .*10\\.77\\.0\\.77"
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    http://10.77.0.77/)"
	page client 4
}

# A server that moves while a connection to it is open is reached again.
moved()
{
	local before

	served "$host A 5 10.77.0.1"
	client_starts
	start held client "$python" -c '
import socket
socket.create_connection(("10.77.0.1", 80)).recv(1)
'
	wait_for "$patience" tap_counts server server accepted 1
	ip -n "$net-server" addr del 10.77.0.1/24 dev eth0
	ip -n "$net-server" addr add 10.77.0.77/24 dev eth0
	zone "$host A 5 10.77.0.77"
	before=$SECONDS
	wait_for 10 on client curl -sS --max-time 1 http://10.77.0.77/
	[ $((SECONDS - before)) -le 10 ] || fail 'too late'
}

# Or at once when nobody answers any more, though its lifetime is an hour.
unanswered()
{
	local before

	served "$host A 3600 10.77.0.250"
	client_starts
	zone "$host A 3600 10.77.0.1"
	before=$SECONDS
	status_of on client curl -sS --max-time 3 http://10.77.0.250/
	wait_log client ": $host: .*$(addr 4 server)"
	[ $((SECONDS - before)) -le 10 ] || fail 'too late'
	page client 4
}

# No address is no error; the name is looked up again when a route comes.
later()
{
	served 'other.example A 60 10.77.0.9'
	client_starts
	has "$(cat "$work/client.log")" ": $host: .*Name does not resolve"
	has "$(status_text no_address)" "^$host \\(line 1\\)\$"
	has "$(on client "$TAP" client --status)" "^no address for +$host"
	plain_times_out
	zone "$host A 60 10.77.0.1"
	ip -n "$net-client" route add 10.99.0.0/24 dev eth0
	wait_log client ": $host: $(addr 4 server)\$"
	same '' "$(status_text no_address)" 'names without an address'
	page client 4
}

plain_times_out()
{
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url 4 server)")" 'a connection without a rule'
}

# A resolver that says nothing keeps nobody waiting: not the start, nor other
# rules' packets, nor a reload, nor the end.
silent()
{
	local conf

	served silent
	conf=$(key_file \
	    "RULE:dst_host=$host, dst_port=81, key_no=10, key=0x$secret" \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")
	tap_start client client client -c "$conf"
	page client 4
	on client "$TAP" client --reload
	page client 4
	end client
	same '' "$(rules client | grep tap-)" 'what is left'
}

# Other addresses in each answer: bounded, and the service stays reachable.
turning()
{
	served "$host A 1 10.77.0.1" turning
	client_starts
	wait_log client ": $host: .*10\\.78\\.0\\." 2
	page client 4
	hidden 4
}

# A reload keeps what is known, also while the resolver is silent.
reloaded()
{
	served "$host A 3600 10.77.0.1"
	client_starts
	zone silent
	on client "$TAP" client --reload
	page client 4
}

# resolving COMMAND...: on the client, with its name server
resolving()
{
	# shellcheck disable=SC2016 # for the inner shell
	on client sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' \
	    "$work/resolv.conf" "$@"
}

once()
{
	served "$host A 60 10.77.0.1"
	same 'page of 80' "$(resolving "$TAP" client --to "$host:80" \
	    -k "$keys" -- curl -sS --max-time "$patience" "http://$host/")"
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' | resolving "$TAP" client \
	    --proxy "$host:80" -k "$keys")" '^page of 80$'
	has "$(resolving "$TAP" client --proxy "nobody.example:80" -k "$keys" \
	    2>&1 || true)" '^tap client: nobody.example: Name does not resolve'
}

# What a file has, too: for DNS, which is asked how long that is right, nothing
# waits.
of_a_file()
{
	served silent
	echo "10.77.0.1 $host" >"$work/hosts"
	# shellcheck disable=SC2016 # for the inner shell
	has "$(resolving sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' \
	    "$work/hosts" "$TAP" client --print-rules \
	    -c "$(client_rule "dst_host=$host, dst_port=80")")" '10\.77\.0\.1'
}

# Where its name has another address by now, it is one command's as before.
once_moved()
{
	served "$host A 1 10.77.0.250"
	# shellcheck disable=SC2016 # for the inner shells
	start held client sh -c 'mount --bind "$0" /etc/resolv.conf &&
		exec "$@"' "$work/resolv.conf" \
	    "$TAP" client --to "$host:80" -k "$keys" -- sh -c 'echo here
		until [ -e "$0" ]; do sleep 0.05; done; exec "$@"' \
	    "$work/go" curl -sS --max-time "$patience" "$(url 4 server)"
	wait_log held '^here$'
	zone "$host A 1 10.77.0.1"
	ip -n "$net-client" route add 10.99.0.0/24 dev eth0
	wait_for "$patience" rules_name 10.77.0.1
	plain_times_out
	touch "$work/go"
	await held 0
	has "$(cat "$work/held.log")" '^page of 80$'
}

# One command's is looked up by a process without rights, too.
once_by_nobody()
{
	served silent
	# shellcheck disable=SC2016 # for the inner shell
	start held client sh -c 'mount --bind "$0" /etc/resolv.conf &&
		exec "$@"' "$work/resolv.conf" \
	    "$TAP" client --to "$host:80" -k "$keys" -- true
	wait_for "$patience" is_nobody
	end held || :
}

is_nobody()
{
	local pid

	pid=$(worker held)
	[ -n "$pid" ] && grep -q '^CapPrm:.0*$' "/proc/$pid/status"
}

rules_name()
{
	rules client | grep -F "$1"
}

check both-families both_families
check lifetime lifetime
check moved moved
check unanswered unanswered
check later later
check silent silent
check turning turning
check reloaded reloaded
check of-a-file of_a_file
check once once
check once-moved once_moved
check once-by-nobody once_by_nobody
finish
