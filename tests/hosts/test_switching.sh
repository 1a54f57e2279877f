#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Carried connections: a real service and its decoy, and the process between.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# both_start: nginx on port 80, and its decoy on 8080 with other pages behind
# the same paths
both_start()
{
	mkdir -p "$work/www" "$work/decoy/www"
	echo real >"$work/www/who"
	echo decoy >"$work/decoy/www/who"
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

check ends stranger_and_ends
finish
