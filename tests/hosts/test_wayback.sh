#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The way back: how an administrator asks a server, has it take up files, ends
# it, and gets in again, whatever went wrong.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# hides: a server of port 80 and of 7001, and its key holder
hides()
{
	lab
	http_start server 80
	echo 'RULE:dst_port="80,7001"' >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	keys=$(key_file)
	files=(-c "$work/TAPservd.conf" -k "$keys" -a "$work/ACL.conf")
	tap_start server server server "${files[@]}"
	tap_start client client client -c \
	    "$(client_rule 'dst_port="80,81,7001"')"
}

# tap_server ARGUMENT...: one more, on the server, that asks
tap_server()
{
	on server "$TAP" server "$@"
}

# It is told to take up its files, to end, and says what came of it.
told()
{
	local pid err=$work/err

	hides
	pid=${pids[server]}
	same "$pid" "$(tap_status server server pid)" 'its process'
	same 'reloaded: 1 rules, 1 keys' "$(tap_server --reload)"
	wait_log server ': reloaded: 1 rules, 1 keys'
	echo 'RULE:dst_port=70000' >"$work/TAPservd.conf"
	same 2 "$(tap_server --reload 2>"$err" >&2 || echo $?)" 'refused'
	has "$(cat "$err")" \
	    '^tap server: .*/TAPservd.conf:1: .*70000.*; still with the old'
	hidden 4
	page client 4
	same "stopped: process $pid" "$(tap_server --stop)"
	await server 0 1
	page stranger 4
	page stranger 6
	same 1 "$(tap_server --stop 2>"$err" >&2 || echo $?)" 'nobody there'
	has "$(cat "$err")" '^tap server: no server runs here with queue 5040$'
	# A queue that the file sets, or that is named.
	echo 'RULE:dst_port=80' >"$work/TAPservd.conf"
	tap_start server server server "${files[@]}" --queue 6000
	same 'reloaded: 1 rules, 1 keys' "$(tap_server --queue 6000 --reload)"
	tap_server --queue 6000 --stop
	await server 0 1
}

client_told()
{
	local pid err=$work/err conf

	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	conf=$(client_rule dst_port=81)
	tap_start client client client -c "$conf"
	pid=${pids[client]}
	same "$pid" "$(tap_status client client pid)" 'its process'
	cat "$(client_rule dst_port=80)" >"$conf"
	same 'reloaded: 1 rules' "$(on client "$TAP" client --reload)"
	page client 4
	echo nonsense >"$conf"
	same 2 "$(on client "$TAP" client --reload 2>"$err" >&2 || echo $?)"
	has "$(cat "$err")" "^tap client: $conf:1: .*; still with the old"
	page client 6
	same "stopped: process $pid" "$(on client "$TAP" client --stop)"
	await client 0 1
}

# A successor takes over from one that leaves its rules: nothing is visible in
# between, and a session goes on.
handed_over()
{
	hides
	talk old 4 7001
	rules server >"$work/before"
	tap_server --stop --keep-rules
	await server 0 1
	rules server | diff "$work/before" -
	hidden 4
	hidden 6
	talks old server
	tap_start server server server "${files[@]}"
	rules server | diff "$work/before" -
	page client 4
	talks old
	end server
	page stranger 4
}

# squat HOST: nobody holds a name that needs no file, as a server's would be
squat()
{
	start squatter "$1" setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$python" -c 'import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0tap-server-5040")
print("there", flush=True)
while True:
    s.recv(9)'
	wait_log squatter there
}

# No other user keeps a server from being confirmed.
squatted()
{
	lab
	squat server
	tap_start server server server -p 80 -k "$(key_file)" --confirm 60
	same 'confirmed' "$(tap_server --confirm-now)"
	has "$(tap_server --status)" '^queue +5040$'
	same 700 "$(on server stat -c %a /run/tap)" 'the folder'
	same 3 "$(on server setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$TAP" server --status 2>"$work/err" >&2 || echo $?)"
	has "$(cat "$work/err")" 'only root may ask the server'
}

# What could never be confirmed is not begun.
unconfirmable()
{
	lab
	http_start server 80
	# shellcheck disable=SC2034 # tap_run evaluates it
	mounts='mount -t tmpfs -o ro none /run'
	tap_run server server server -p 80 -k "$(key_file)" --confirm 60
	await server 3
	has "$(cat "$work/server.log")" '--confirm: without a control socket'
	page stranger 4
}

check told told
check client-told client_told
check handed-over handed_over
check squatted squatted
check unconfirmable unconfirmable
finish
