#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The client as other systems than Linux have it: `make portable`.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

: "${PORTABLE:=$here/../../.build/portable/tap}"
export PORTABLE

# portable NAME RULE: the client, until it is ready
portable()
{
	[ -x "$PORTABLE" ] || skip 'not built: make portable'
	start "$1" client "$PORTABLE" client -c "$(client_rule "$2")"
	wait_log "$1" ': ready:'
}

served()
{
	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
}

# It gets in, it alone, without a rule, root's rights, or anything left of it.
ethernet()
{
	local family=$1

	served
	rules client >"$work/before"
	portable client 'dst_port=80, outdev=eth0'
	rules client | diff "$work/before" -
	same "$(id -u nobody)" "$(ps -o uid= -p "${pids[client]}" |
		tr -d ' ')" 'whom it runs as'
	page client "$family"
	hidden "$family"
	wait_for 5 tap_counts server server accepted 1
	end client
	has "$(cat "$work/client.log")" ': 1 SYN seen, 1 of them authenticated'
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url "$family" server)")" 'without it'
}

# On a device without link headers, too.
tunnel()
{
	local family=$1 url

	[ -c /dev/net/tun ] || skip 'no TUN devices here'
	lab
	tunnel_end server client 1
	tunnel_end client server 2
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	portable client 'dst_port=80, outdev=tun0'
	if [ "$family" = 4 ]; then
		url=http://10.78.0.1/
	else
		url="http://[fd78::1]/"
	fi
	same 'page of 80' "$(on client curl -sS --max-time "$patience" "$url")"
	wait_for 5 tap_counts server server accepted 1
}

# tunnel_end HOST PEER NUMBER
tunnel_end()
{
	start "tun-$1" "$1" "$python" "$here/tun.py" tun0 "$(addr4 "$1")" \
	    "$(addr4 "$2")"
	wait_log "tun-$1" ready
	device_up "$1" tun0 "10.78.0.$3/24" "fd78::$3/64"
}

# SIGHUP can't be obeyed, SIGINT is.
told()
{
	served
	portable client dst_port=80
	signal client HUP
	wait_log client 'restart to read'
	page client 4
	end client INT
}

# What it can't do is refused before anything begins.
words()
{
	local file

	[ -x "$PORTABLE" ] || skip 'not built: make portable'
	lab client
	file=$(client_rule 'dst_port=80, user=0')
	same 2 "$(status_of on client "$PORTABLE" client -c "$file")" 'user='
	same 0 "$(status_of on client "$PORTABLE" client --check -c "$file")"
	same 2 "$(status_of on client "$PORTABLE" client \
	    --backend netfilter -c "$file")" 'netfilter'
	same 2 "$(status_of on client "$PORTABLE" client nonsense)" 'words'
	same 3 "$(status_of on client "$PORTABLE" client -c \
	    "$(client_rule 'dst_port=80, outdev=none0')")" 'no such device'
	same 2 "$(status_of "$PORTABLE" server)" 'no server'
}

# The server's files, from elsewhere; no server runs on such a system.
acl()
{
	[ -x "$PORTABLE" ] || skip 'not built: make portable'
	lab client
	key_file 'RULE:dst_port=80' >"$work/conf"
	key_file 'port=80, key_no=10' >"$work/acl"
	set -- -c "$(cat "$work/conf")" -k "$(key_file)" -a "$(cat "$work/acl")"
	same 0 "$(status_of on client "$PORTABLE" acl check --strict "$@")"
	same 0 "$(status_of on client "$PORTABLE" acl deny --port 80 --key 10 \
	    "$@")"
	same 1 "$(status_of on client "$PORTABLE" acl test --port 80 --key 10 \
	    "$@")" 'denied'
	same 1 "$(status_of on client "$PORTABLE" acl allow --port 80 \
	    --key 10 --reload "$@")" 'no server'
}

# Its keys are keys, made in a file that nobody else had.
keygen()
{
	[ -x "$PORTABLE" ] || skip 'not built: make portable'
	lab
	http_start server 80
	"$PORTABLE" keygen --key-no 7 --append "$work/server.key" \
	    --client "$(addr4 server):80" --both "$work/ends"
	tap_start server server server -p 80 -k "$work/server.key"
	start client client "$PORTABLE" client -c "$work/ends/TAPclientd.conf"
	wait_log client ': ready:'
	page client 4
	wait_log server 'accepted key=7 '
}

for family in 4 6; do
	check "ethernet-ipv$family" ethernet $family
	check "tunnel-ipv$family" tunnel $family
done
check told told
check words words
check acl acl
check keygen keygen
finish
