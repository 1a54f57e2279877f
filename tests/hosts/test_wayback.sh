#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The way back: how an administrator asks a server, has it take up files, ends
# it, and gets in again, whatever went wrong.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# hides [ARGUMENT...]: a server of port 80 and of 7001, and its key holder
hides()
{
	lab
	http_start server 80 81
	echo 'RULE:dst_port="80,7001"' >"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	keys=$(key_file)
	files=(-c "$work/TAPservd.conf" -k "$keys" -a "$work/ACL.conf")
	tap_start server server server "${files[@]}" "$@"
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
	same 'reloaded: 1 rule, 1 key' "$(tap_server --reload)"
	wait_log server ': reloaded: 1 rule, 1 key'
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
	has "$(cat "$err")" '^tap server: no tap server is running with queue 5040$'
	# A queue that the file sets, or that is named.
	echo 'RULE:dst_port=80' >"$work/TAPservd.conf"
	tap_start server server server "${files[@]}" --queue 6000
	same 'reloaded: 1 rule, 1 key' "$(tap_server --queue 6000 --reload)"
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
	same 'reloaded: 1 rule' "$(on client "$TAP" client --reload)"
	page client 4
	echo nonsense >"$conf"
	same 2 "$(on client "$TAP" client --reload 2>"$err" >&2 || echo $?)"
	has "$(cat "$err")" "^tap client: $conf:1: .*; still with the old"
	on client "$TAP" client --status >"$work/status"
	has "$(head -n 1 "$work/status")" \
	    "^ALARM .*files refused, older ones in use: $conf:1: "
	page client 6
	same "stopped: process $pid" "$(on client "$TAP" client --stop)"
	await client 0 1
}

# What is hidden and how, what is to be confirmed, and first what is wrong.
overview()
{
	local status err=$work/err

	hides --confirm 5m
	status=$(tap_server --status)
	has "$status" '^hidden +80,7001 filtered$'
	has "$status" \
	    "^to be confirmed +with 'tap server --confirm-now' within [23][0-9]+ s\$"
	[ "$(tap_status server server confirm_left)" -gt 200 ]
	tap_server --confirm-now
	lacks "$(tap_server --status)" '^to be confirmed'
	same 0 "$(tap_status server server confirm_left)"
	echo 'RULE:dst_port=70000' >"$work/TAPservd.conf"
	refute tap_server --reload
	tap_server --status >"$work/status"
	has "$(head -n 1 "$work/status")" \
	    '^ALARM .*files refused, older ones in use: .*conf:1: .*70000'
	has "$(tap_server --status --json)" '^\{"alarm":".*70000'
	printf '%s\n' hide=closed RULE:dst_port=80 >"$work/TAPservd.conf"
	tap_server --reload
	lacks "$(tap_server --status)" 'files refused'
	has "$(tap_server --status)" '^hidden +80 closed$'
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

# A server of another configuration is not ended in the place of one that is
# not there: what it hides would be visible, or, where its rules were to stay,
# nobody's.
another()
{
	local err=$work/err moved=$work/moved.conf ask

	hides
	printf '%s\n' queue=6000 RULE:dst_port=80 >"$moved"
	same 1 "$(tap_server --stop --keep-rules -c "$moved" 2>"$err" >&2 ||
		echo $?)"
	has "$(cat "$err")" \
	    '^tap server: no tap server is running with queue 6000; but with 5040$'
	same 1 "$(tap_server --stop -c "$moved" 2>"$err" >&2 || echo $?)"
	page client 4
	hidden 6
	for ask in --status --reload --confirm-now; do
		same 1 "$(tap_server "$ask" -c "$moved" 2>"$err" >&2 ||
			echo $?)"
		has "$(cat "$err")" \
		    '^tap server: no tap server is running with queue 6000; but with 5040$'
	done
	lacks "$(cat "$work/server.log")" 'reloaded'
	# With --port no file is read, whatever the usual one says.
	# shellcheck disable=SC2034 # tap_run evaluates it
	mounts="mount -t tmpfs none /etc && mkdir /etc/tap &&
		cp $moved /etc/tap/TAPservd.conf"
	tap_run ask server server --stop --port 80
	await ask 0
	await server 0 1
	page stranger 4
}

# told_early: a server with "${files[@]}", and what is mounted for it, that
# is told to end before it begins
told_early()
{
	mkdir -p "$work/server-lib"
	# shellcheck disable=SC2016 # for the inner shell
	start server server bash -c 'eval "$1" && exec "$0" -c "$2" "${@:3}"' \
	    "$python" "$mounts" '
import os
import signal
import sys

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])' \
	    "$TAP" server "${files[@]}"
}

# One that is told to stop before it has rules takes those away, too, that an
# earlier one left: without a server nobody would get in.
stopped_early()
{
	hides
	tap_server --stop --keep-rules
	await server 0 1
	hidden 4
	told_early
	await server 0
	lacks "$(cat "$work/server.log")" ': ready:'
	has "$(cat "$work/server.log")" 'removed what an earlier tap left: .*5040'
	page stranger 4
	page stranger 6
}

# systemctl_says TEXT: what it answers, to tap alone
systemctl_says()
{
	printf '#!/bin/sh\necho "%s"\n' "$1" >"$work/systemctl"
	chmod +x "$work/systemctl"
	# shellcheck disable=SC2034 # tap_run evaluates it
	mounts="mount --bind '$work/systemctl' /usr/bin/systemctl"
}

# Told to end as a service of systemd, which is about to start it again: all
# stays hidden, also where it was told so before it had rules.
restarted()
{
	[ -e /usr/bin/systemctl ] || skip 'no systemctl here'
	hides
	end server
	systemctl_says '7 tap.service restart running'
	files+=(--unit tap.service)
	tap_start server server server "${files[@]}"
	end server
	has "$(cat "$work/server.log")" 'the rules stay: all is hidden until'
	hidden 4
	tap_run server server server "${files[@]}"
	wait_log server ': ready:'
	page client 4
	end server
	told_early
	await server 0
	lacks "$(cat "$work/server.log")" ': ready:|removed'
	hidden 4
	hidden 6
	# A stop shows all, also where another unit is restarted.
	systemctl_says '7 tap.service stop running
8 other.service restart running'
	told_early
	await server 0
	page stranger 4
	page stranger 6
}

# Who waits for a reload, or a confirmation, that is not to come is told so, and
# why a tool had to end is no error of the system's.
ended_while_awaited()
{
	local name told

	hides --confirm 5m
	end server
	# shellcheck disable=SC2016 # for the inner shell
	start keeper server sh -c 'mount --bind "$0" /var/lib && echo there &&
		exec sleep 1000' "$work"
	wait_log keeper there
	mkdir "$work/tools"
	for name in nft iptables-restore ip6tables-restore; do
		printf '#!/bin/sh\nexec sleep 1000\n' >"$work/tools/$name"
		chmod +x "$work/tools/$name"
	done
	# Whoever looks after the rules may run these, before it is asked.
	for name in iptables-save ip6tables-save; do
		cp -L "$(command -v "$name")" "$work/tools"
	done
	for told in --reload --confirm-now; do
		start server server nsenter -t "${pids[keeper]}" -m "$TAP" \
		    server "${files[@]}" --confirm 5m
		wait_log server ': ready:'
		in_there mount --bind "$work/tools" /usr/sbin
		start asks server "$TAP" server "$told"
		wait_for "$patience" tool_runs server
		in_there umount /usr/sbin
		if [ "$told" = --confirm-now ]; then
			# It is not begun while that is done.
			start later server "$TAP" server --reload
			wait_for "$patience" asks_it later
		fi
		signal server TERM
		await asks "$([ "$told" = --reload ] && echo 2 || echo 3)" 5
		has "$(cat "$work/asks.log")" 'ended, as tap is to stop'
		await server 0
		lacks "$(cat "$work/server.log")" 'anceled'
		[ "$told" = --reload ] || {
			await later 1 5
			has "$(cat "$work/later.log")" 'it ends, and reloads nothing'
		}
		page stranger 4
	done
}

# asks_it NAME: it has a socket to ask by
asks_it()
{
	on server ss -xap | grep -q "pid=${pids[$1]},"
}

# tool_runs NAME: a tool that hangs does
tool_runs()
{
	pgrep -P "${pids[$1]}" -x sleep
}

# A server that was killed had another queue: its rules and its door hide the
# same port, and nobody would get in.
other_queue()
{
	lab
	http_start server 80 81
	start keeper server sh -c 'mount -t bpf none /sys/fs/bpf && echo there &&
		exec sleep 1000'
	wait_log keeper there
	keys=$(key_file)
	tap_start client client client -c "$(client_rule dst_port=80-81)"
	start two server nsenter -t "${pids[keeper]}" -m "$TAP" server -p 81 \
	    -k "$keys" --queue 7000
	wait_log two ': ready:'
	start server server nsenter -t "${pids[keeper]}" -m "$TAP" server \
	    -p 79,80 -k "$keys"
	wait_log server ': ready:'
	page client 4
	killed_all server
	start server server nsenter -t "${pids[keeper]}" -m "$TAP" server \
	    -p 80-90 -k "$keys" --queue 6000
	wait_log server ': ready:'
	has "$(cat "$work/server.log")" \
	    'removed what an earlier tap left: .*tap-server-5040'
	# Of one that runs, nothing goes.
	has "$(rules server)" tap-server-7000
	page client 4
	page client 6
	refute page_at_once stranger 4
	refute page_at_once stranger 6
	killed_all server
	# What hides other ports is left, and named.
	start server server nsenter -t "${pids[keeper]}" -m "$TAP" server \
	    -p 7001 -k "$keys"
	wait_log server "queue 6000: .*server --remove-rules --queue 6000'"
	refute page_at_once stranger 4
	end server
	in_there "$TAP" server --remove-rules --queue 6000
	page stranger 4
	end two
}

# Keys that come through a pipe come but once: who then asks for a reload, or
# has copies kept, is told so, and the server goes on to answer.
piped()
{
	local writer

	hides
	end server
	mkfifo -m 600 "$work/pipe"
	cat "$keys" >"$work/pipe" &
	writer=$!
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$work/pipe" -a "$work/ACL.conf" --fallback "$work/kept"
	wait "$writer"
	wait_log server 'pipe: is a pipe, which .*; --fallback keeps no copy'
	same 2 "$(tap_server --reload 2>"$work/err" >&2 || echo $?)"
	has "$(cat "$work/err")" '/pipe: is a pipe, which .*; still with the old'
	page client 4
	tap_server --stop
	await server 0 1
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
	tap_start server server server -p 80 -k "$(key_file)" --confirm 5m
	has "$(cat "$work/server.log")" 'confirm within 300 s '
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
	# Rules of somebody else's making it could not take away.
	mounts=:
	tap_run server server server -k "$(key_file)" --confirm 60 \
	    -c "$(key_file firewall=none RULE:dst_port=80)" \
	    -a "$(key_file 'port=80, key_no=10')"
	await server 2
	has "$(cat "$work/server.log")" '--confirm: with firewall=none'
}

# killed_all NAME: it and its worker, at one moment
killed_all()
{
	local worker

	worker=$(worker "$1")
	# shellcheck disable=SC2086 # words: there may be none yet
	kill -KILL "${pids[$1]}" $worker || :
	wait_for "$patience" gone "$1"
	unset "pids[$1]"
}

# A server that nobody has confirmed hides nothing once it is gone, however it
# went and whoever is left: nobody is there to take its rules away.
killed_unconfirmed()
{
	local hide=$1 fast=$2 family

	lab
	http_start server 80 81
	start keeper server sh -c 'mount -t bpf none /sys/fs/bpf && echo there &&
		exec sleep 1000'
	wait_log keeper there
	printf '%s\n' "fastpath=$fast" "hide=$hide" RULE:dst_port=80 \
	    >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	files=(-c "$work/TAPservd.conf" -k "$(key_file)" -a "$work/ACL.conf")
	tap_start client client client -c "$(client_rule dst_port=80)"
	for family in 4 6; do
		start server server nsenter -t "${pids[keeper]}" -m "$TAP" \
		    server "${files[@]}" --confirm 5m
		wait_log server ': ready:'
		page client "$family"
		refute page_at_once stranger "$family"
		killed_all server
		page stranger "$family"
		page client "$family"
		has "$(in_there "$TAP" server --remove-rules)" ^removed:
	done
	# Confirmed, it stays hidden, as ever.
	start server server nsenter -t "${pids[keeper]}" -m "$TAP" server \
	    "${files[@]}" --confirm 5m
	wait_log server ': ready:'
	same confirmed "$(in_there "$TAP" server --confirm-now)"
	page client 4
	killed_all server
	refute page_at_once stranger 4
	refute page_at_once stranger 6
}

# page_at_once HOST 4|6
page_at_once()
{
	[ "$(on "$1" curl -s --max-time 1 "$(url "$2" server)")" = 'page of 80' ]
}

# The same at any moment between its start and its confirmation.
killed_anytime()
{
	local i delay

	hides
	end server
	for i in $(seq 12); do
		tap_run server server server "${files[@]}" --confirm 5m
		delay=$((RANDOM % 500))
		sleep "0.$(printf %03d "$delay")"
		# Some of them when the rules are there for certain.
		[ $((i % 4)) -ne 0 ] || wait_log server 'confirm within'
		if [ $((i % 3)) -eq 0 ]; then
			# The next worker is not there yet.
			# shellcheck disable=SC2046 # words
			kill -KILL $(worker server) || :
		fi
		killed_all server
		page stranger 4
		page stranger 6
	done
}

# What can't be made to stay is not confirmed, and goes in time.
confirmed_in_vain()
{
	hides
	end server
	own_place=$work/sbin
	mkdir "$own_place"
	# shellcheck disable=SC2034 # tap_run evaluates it
	mounts=: # for the client
	# shellcheck disable=SC2016 # for the inner shell
	start keeper server sh -c 'mount --bind "$0" /var/lib && echo there &&
		exec sleep 1000' "$work"
	wait_log keeper there
	start server server nsenter -t "${pids[keeper]}" -m "$TAP" server \
	    "${files[@]}" --confirm 8
	wait_log server ': ready:'
	hidden 4
	in_there mount --bind "$own_place" /usr/sbin
	same 3 "$(in_there "$TAP" server --confirm-now 2>"$work/err" >&2 ||
		echo $?)"
	has "$(cat "$work/err")" '^tap server: not confirmed: .*not installed'
	in_there umount /usr/sbin
	await server 1
	page stranger 4
}

# saved MAKE: what iptables of that make has, of both versions of IP
save()
{
	on server "iptables-$1-save" >"$work/saved4"
	on server "ip6tables-$1-save" >"$work/saved6"
	has "$(cat "$work/saved4")" '^:tap-server-5040 '
	has "$(cat "$work/saved6")" '^-A PREROUTING .*-j tap-server-5040$'
}

restore()
{
	on server "iptables-$1-restore" <"$work/saved4"
	on server "ip6tables-$1-restore" <"$work/saved6"
}

locked_out()
{
	hidden "$1"
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url "$1" server)")" 'a holder without a server'
}

# Rules that were saved while it ran are there at the next boot, and it is not.
saved_rules()
{
	local make=$1

	lab
	http_start server 80
	on server "iptables-$make" -t raw -A PREROUTING -p tcp --dport 9998 \
	    -m comment --comment 'not -j tap-server-5040 at all' -j DROP
	if [ "$make" = legacy ]; then
		# As where there is no other.
		# shellcheck disable=SC2016 # tap_run evaluates it
		mounts='mount --bind "$(realpath /usr/sbin/iptables-legacy)" \
			"$(realpath /usr/sbin/iptables-nft)"'
	fi
	key_file firewall=iptables 'hide=decoy:10.77.0.1:7' RULE:dst_port=80 \
	    >"$work/name"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	tap_start server server server -c "$(cat "$work/name")" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client 4
	save "$make"
	# It would put them back.
	same 1 "$(tap_server --remove-rules 2>"$work/err" >&2 || echo $?)"
	has "$(cat "$work/err")" "process ${pids[server]} runs with it"
	page client 4
	hidden 6
	end server TERM
	page stranger 4

	restore "$make"
	locked_out 4
	locked_out 6
	# Of another queue there are none, and of a client neither.
	has "$(tap_server --remove-rules --queue 504)" '^no rules of a tap server'
	has "$(on server "$TAP" client --remove-rules)" \
	    '^no rules of a tap client'
	locked_out 4
	tap_server --remove-rules >"$work/removed"
	has "$(cat "$work/removed")" \
	    '^removed: iptables.*: table raw, chain tap-server-5040$'
	has "$(cat "$work/removed")" \
	    '^removed: ip6tables.*: table mangle, chain tap-server-5040$'
	has "$(cat "$work/removed")" \
	    '^removed: iptables.*: table nat, chain tap-server-5040-decoy$'
	page stranger 4
	page stranger 6
	# Whose rule it is that only speaks of it.
	has "$(rules server)" '9998.*not -j tap-server-5040 at all'
	lacks "$(rules server)" 'NFQUEUE|:tap-|chain tap-'
	has "$(tap_server --remove-rules)" '^no rules of a tap server'
}

# Killed ones, of two queues; and an nft table, as a file of nft(8) brings it.
left_rules()
{
	lab
	http_start server 80 81
	keys=$(key_file)
	tap_start one server server -p 80 -k "$keys"
	tap_start two server server -p 81 -k "$keys" --queue 6000
	end one KILL || :
	on server nft add table inet tap-server-7000
	on server nft add table inet tap-server-x
	# The one that runs is left alone.
	same 1 "$(tap_server --remove-rules 2>"$work/err" >"$work/removed" ||
		echo $?)"
	has "$(cat "$work/err")" "queue 6000: process ${pids[two]} runs with it"
	has "$(cat "$work/removed")" 'chain tap-server-5040$|tap-server-5040$'
	has "$(cat "$work/removed")" '^removed: nft: table inet tap-server-7000$'
	lacks "$(cat "$work/removed")" 6000
	page stranger 4 80
	hidden 4 81
	end two KILL || :
	tap_server --remove-rules --queue 6000
	page stranger 6 81
	has "$(rules server)" 'table inet tap-server-x'
	lacks "$(rules server)" 'NFQUEUE|:tap-|chain tap-'
	# Only root gets to see rules.
	same 3 "$(on server setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$TAP" server --remove-rules 2>"$work/err" >&2 || echo $?)"
}

# in_there COMMAND...: on the server, with the bpffs of "keeper"
in_there()
{
	on server nsenter -t "${pids[keeper]}" -m "$@"
}

# A door stands where no rule is left.
left_door()
{
	lab
	http_start server 80
	start keeper server sh -c 'mount -t bpf none /sys/fs/bpf && echo there &&
		exec sleep 1000'
	wait_log keeper there
	start server server nsenter -t "${pids[keeper]}" -m "$TAP" server -p 80 \
	    -k "$(key_file)"
	wait_log server ': ready:'
	has "$(in_there "$TAP" server --status)" '^door pinned +/sys/fs/bpf/tap-' ||
		skip 'no door can be pinned here'
	end server KILL || :
	# Its rules go, and nothing else.
	tap_server --remove-rules
	refute on server iptables -t raw -C PREROUTING -j tap-server-5040
	same 7 "$(status_of on stranger curl -sS --max-time "$patience" \
	    "$(url 4 server)")" 'by the door'
	same 'removed: the door of queue 5040' \
	    "$(in_there "$TAP" server --remove-rules)"
	page stranger 4
	page stranger 6
	has "$(in_there "$TAP" server --remove-rules)" '^no rules of a tap'
}

# Its loop has gone round, which it does each second.
has_turned()
{
	[ "$(tap_status server server uptime)" -ge 3 ]
}

# A file that is wrong at the next boot, when there is nothing of the server
# that ran: it starts with what worked last.
fallen_back()
{
	local kept=$work/state/kept name

	mkdir "$work/state"
	chmod 700 "$work/state"
	hides
	end server
	files+=(--fallback "$work/state")
	# Without files that ever worked there is nothing to start with.
	echo 'RULE:dst_port=70000' >"$work/TAPservd.conf"
	tap_run server server server "${files[@]}"
	await server 2
	has "$(cat "$work/server.log")" '--fallback: .*/kept/TAPservd'
	page stranger 4

	echo 'RULE:dst_port="80,7001"' >"$work/TAPservd.conf"
	tap_start server server server "${files[@]}"
	wait_for "$patience" test -e "$kept/TAPservd.conf"
	for name in TAPservd.conf server.key ACL.conf; do
		same 600 "$(stat -c %a "$kept/$name")" "$name"
	done
	same "$(cat "$keys")" "$(cat "$kept/server.key")"
	# What a reload refuses is not what worked; what it takes is.
	echo 'RULE:dst_port="80,81"' >"$work/TAPservd.conf"
	tap_server --reload
	wait_for "$patience" grep -q 81 "$kept/TAPservd.conf"
	echo nonsense >>"$keys"
	refute tap_server --reload
	end server
	page stranger 4

	tap_start server server server "${files[@]}"
	has "$(cat "$work/server.log")" \
	    "^[^ ]* tap server: $keys:2: .*; using the last configuration that worked"
	page client 4
	page client 6 81
	hidden 4
	hidden 6 81
	# What only looks at files tells what is wrong with them.
	same 2 "$(tap_server "${files[@]}" --check 2>"$work/err" >&2 || echo $?)"
	has "$(cat "$work/err")" "^$keys:2: "
	sed -i '$d' "$keys"
	same 'reloaded: 1 rule, 1 key' "$(tap_server --reload)"
	end server

	# What nobody has confirmed has not worked yet.
	echo 'RULE:dst_port=7001' >"$work/TAPservd.conf"
	tap_start server server server "${files[@]}" --confirm 60
	wait_for "$patience" has_turned
	has "$(cat "$kept/TAPservd.conf")" 81
	same confirmed "$(tap_server --confirm-now)"
	wait_for "$patience" grep -q '^RULE:dst_port=7001$' \
	    "$kept/TAPservd.conf"
	# What a file includes is kept with it.
	printf '%s\n' "replay_share=unix:$work/none" share_fail=local \
	    "share_login=$work/login" RULE:dst_port=7001 include=more.conf \
	    >"$work/TAPservd.conf"
	echo RULE:dst_port=80 >"$work/more.conf"
	(umask 77 && echo password=secret >"$work/login")
	tap_server --reload
	wait_for "$patience" grep -q dst_port=80 "$kept/TAPservd.conf"
	same '600 password=secret' \
	    "$(stat -c %a "$kept/share_login") $(cat "$kept/share_login")"
	end server
	echo nonsense | tee "$work/more.conf" >"$work/login"
	tap_start server server server "${files[@]}"
	has "$(cat "$work/server.log")" 'more.conf:1: .*; using the last configuration'
	hidden 4
	page client 4
	echo RULE:dst_port=80 >"$work/more.conf"
	echo password=secret >"$work/login"
	# A folder that others look into stays as it is; what is kept they
	# can't see.
	chmod 755 "$work/state"
	printf '%s\n' RULE:dst_port=7001 RULE:dst_port=81 \
	    >"$work/TAPservd.conf"
	tap_server --reload
	wait_for "$patience" grep -q dst_port=81 "$kept/TAPservd.conf"
	same '755 700' "$(stat -c %a "$work/state" "$kept" | xargs)"
	chmod 1777 "$work/state"
	tap_server --reload
	wait_log server "$work/state: others may write to it: chmod go-w it"
	same 1777 "$(stat -c %a "$work/state")"
	# Copies that cannot be made change nothing but a line of the log.
	chown 65534 "$work/state"
	tap_server --reload
	wait_log server "$work/state: belongs to somebody else; --fallback keeps"
}

# Rules that the firewall does not take are as wrong as a file.
no_rules()
{
	mkdir "$work/state"
	chmod 700 "$work/state"
	hides --fallback "$work/state"
	wait_for "$patience" test -e "$work/state/kept/TAPservd.conf"
	end server
	printf '%s\n' firewall=nft 'RULE:dst_port=80, type=BRIDGE' \
	    >"$work/TAPservd.conf"
	tap_run server server server "${files[@]}"
	await server 3
	page stranger 4
	tap_start server server server "${files[@]}" --fallback "$work/state"
	has "$(cat "$work/server.log")" \
	    'type=BRIDGE needs .*; using the last configuration that worked'
	page client 4
	hidden 6
	has "$(tap_server --status)" '^ALARM .*type=BRIDGE needs'
	has "$(cat "$work/state/kept/TAPservd.conf")" '80,7001'
}

check told told
check client-told client_told
check overview overview
check handed-over handed_over
check restarted restarted
check ended-while-awaited ended_while_awaited
check other-queue other_queue
check another another
check piped piped
check stopped-early stopped_early
check squatted squatted
check unconfirmable unconfirmable
check killed-unconfirmed-filtered killed_unconfirmed filtered off
check killed-unconfirmed-closed killed_unconfirmed closed off
check killed-unconfirmed-decoy killed_unconfirmed decoy:10.77.0.1:81 off
check killed-unconfirmed-fast killed_unconfirmed filtered auto
check killed-anytime killed_anytime
check confirmed-in-vain confirmed_in_vain
check saved-rules-nft saved_rules nft
check saved-rules-legacy saved_rules legacy
check left-rules left_rules
check left-door left_door
check fallen-back fallen_back
check no-rules no_rules
finish
