#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Carried connections: real services and decoys, and sessions that go on with
# the decoy at an alarm, without their clients' notice.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# both_start: nginx on port 80, and its decoy on 8080 with other pages behind
# the same paths, but for one file
both_start()
{
	mkdir -p "$work/www" "$work/decoy/www"
	echo real >"$work/www/who"
	echo decoy >"$work/decoy/www/who"
	head -c 40000000 /dev/urandom >"$work/www/file"
	ln "$work/www/file" "$work/decoy/www/file"
	http_start server 80
	sed "s|$work/www|$work/decoy/www|; s|nginx\.pid|decoy.pid|
	    s/listen 80;/listen 8080;/; s/\]:80;/]:8080;/" \
	    "$work/nginx.conf" >"$work/decoy.conf"
	start decoy server nginx -e stderr -p "$work/decoy" \
	    -c "$work/decoy.conf"
	wait_port server 8080
}

# server RULE [SETTING...]: tap, with this rule of port 80 or another
server()
{
	printf '%s\n' loopback=open "${@:2}" "RULE:$1, switch=mirror" \
	    >"$work/server.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	tap_start tap server server -c "$work/server.conf" -k "$(key_file)" \
	    -a "$work/ACL.conf"
	tap_start client client client -c "$(client_rule "${1%%,*}")"
}

# alarm WHOM...
alarm()
{
	on server "$TAP" server -c "$work/server.conf" --alarm "$@" >&2
}

# count NAME NUMBER: of the server's status
count()
{
	on server "$TAP" server -c "$work/server.conf" --status --json |
		grep -Eq "\"$1\":$2[,}]"
}

# carrier: its process
carrier()
{
	local pid

	for pid in $(ps -o pid= --ppid "${pids[tap]}"); do
		# Only this one has a listener beside the server's.
		if on server ss -Hlntp | grep -q "pid=$pid,"; then
			echo "$pid"
		fi
	done
}

# A download that is switched in its middle; by both families and ways.
download()
{
	local family=$1 port

	lab server client
	both_start
	server "dst_port=80, decoy=$3" "fastpath=$2"
	same real "$(on client curl -sS -m 10 -g "$(url "$family" server)who")"
	start curl client curl -sS -g --limit-rate 8M -o "$work/got" \
	    "$(url "$family" server)file"
	wait_for "$patience" test -s "$work/got"
	port=$(on client ss -Htn state established dport = :80 |
		sed -n 's/.*:\([0-9]*\)  *[^ ]*:80 *$/\1/p')
	[ "$family" = 4 ] || set -- "$@" '['
	alarm "${4:-}$(addr "$family" client)${4:+]}:$port" --reason 'a test'
	wait_log tap " switched .*:$port .*reason=\"a test\""
	wait_log tap " decoy_answers "
	await curl 0
	cmp "$work/got" "$work/www/file"
	# The second half was the decoy's.
	[ "$(sed -n 's/.* switched .* offset=\([0-9]*\).*/\1/p' \
	    "$work/tap.log")" -lt 40000000 ]
	wait_for "$patience" count carried 0
	count switched 1
}

# Three of one key at once: one of them is switched, and the others are not.
one_of_three()
{
	local i port

	lab server client
	start redis server redis-server --port 6379 --protected-mode no \
	    --save '' --appendonly no --bind '0.0.0.0' --dir "$work"
	start decoy server redis-server --port 6380 --protected-mode no \
	    --save '' --appendonly no --bind '127.0.0.1' --dir "$work"
	wait_port server 6379
	wait_port server 6380
	on server redis-cli -p 6379 set who real
	on server redis-cli -p 6380 set who fake
	server 'dst_port=6379, decoy=127.0.0.1:6380'
	for i in 1 2 3; do
		mkfifo "$work/in$i"
		on client redis-cli -h "$(addr4 server)" <"$work/in$i" \
		    >"$work/out$i" &
	done
	exec 11>"$work/in1" 12>"$work/in2" 13>"$work/in3"
	for i in 1 2 3; do
		echo 'get who' >&"1$i"
		wait_for "$patience" grep -q real "$work/out$i"
	done
	wait_for "$patience" count mirrored 3
	port=$(on client ss -Htn state established dport = :6379 |
		sed -n '1s/.*:\([0-9]*\)  *[^ ]*:6379 *$/\1/p')
	alarm "$(addr4 client):$port"
	wait_for "$patience" count mirrored 2
	for i in 1 2 3; do
		echo 'get who' >&"1$i"
	done
	for i in 1 2 3; do
		wait_for "$patience" two_lines "$work/out$i"
	done
	same 'fake real real' "$(tail -qn 1 "$work"/out[123] | sort | xargs)"
	exec 11>&- 12>&- 13>&-
}

two_lines()
{
	[ "$(wc -l <"$1")" -eq 2 ]
}

# Nobody else finds the carrier, and what is reset, killed and reloaded ends
# what it has to, and nothing else.
stranger_and_ends()
{
	local pid listeners

	lab server client stranger
	both_start
	server 'dst_port=80, decoy=127.0.0.1:8080'
	refute on stranger curl -sS -m 1 "$(url 4 server)"
	# Its own port answers nobody, not even here.
	pid=$(carrier)
	listeners=$(on server ss -Hlntp | sed -n \
	    "s/.* 127\.0\.0\.1:\([0-9]*\) .*pid=$pid,.*/\1/p")
	[ -n "$listeners" ]
	refute on server timeout 1 bash -c "exec 3<>/dev/tcp/127.0.0.1/$listeners"
	count switched 0
	# What it carries ends with it; the next one is there at once.
	kill -KILL "$pid"
	wait_log tap 'carrier: ended by signal 9'
	wait_for "$patience" count carrier_restarts 1
	same real "$(on client curl -sS -m 10 "$(url 4 server)who")"
	# A reload leaves it alone.
	pid=$(carrier)
	signal tap HUP
	wait_log tap 'reloaded: '
	same "$pid" "$(carrier)"
	same real "$(on client curl -sS -m 10 "$(url 4 server)who")"
	end tap
	same '' "$(on server ip rule | grep 5040: || :)"
	same '' "$(on server ip route show table 105040 2>/dev/null)"
}

# who: the page that says so, as the client gets it
who()
{
	on client curl -sS -m 10 "$(url 4 server)who"
}

# Whoever is on the list goes to the decoy from the first byte on, at once.
listed()
{
	lab server client
	both_start
	server 'dst_port=80, decoy=127.0.0.1:8080'
	same real "$(who)"
	alarm key=10
	same decoy "$(who)"
	on server "$TAP" server -c "$work/server.conf" --calm key=10
	same real "$(who)"
	alarm "$(addr4 client)"
	same decoy "$(who)"
	on server "$TAP" server -c "$work/server.conf" --calm all
	same real "$(who)"
	# Nothing is left of one that is killed once the next one is there.
	on server ip rule | grep -q 5040:
	end tap KILL || :
	sed -i 's/, decoy=.*//' "$work/server.conf"
	tap_start tap server server -c "$work/server.conf" -k "$(key_file)" \
	    -a "$work/ACL.conf"
	same '' "$(on server ip rule | grep 5040: || :)"
	same '' "$(on server ip route show table 105040 2>/dev/null)"
	same real "$(who)"
}

# Connections go on though a reload takes away their rule.
without_rule()
{
	lab server client
	both_start
	server 'dst_port=80, decoy=127.0.0.1:8080'
	start curl client curl -sS --limit-rate 12M -o "$work/got" \
	    "$(url 4 server)file"
	wait_for "$patience" test -s "$work/got"
	sed -i 's/, decoy=.*//' "$work/server.conf"
	signal tap HUP
	wait_log tap 'reloaded: '
	count carried 1
	same real "$(who)"
	count carried 1
	await curl 0
	cmp "$work/got" "$work/www/file"
}

check queue-4 download 4 off 127.0.0.1:8080
check fast-6 download 6 auto '[fd77::1]:8080'
check three one_of_three
check listed listed
check without-rule without_rule
check ends stranger_and_ends
finish
