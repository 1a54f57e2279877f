#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The live page of --watch, on a terminal: what it shows, how it scrolls and
# changes its size, and that it leaves the terminal as it was, however it ends.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

watch_lab()
{
	lab
	http_start server 80
	# What makes a start long is no concern of the page's.
	printf '%s\n' fastpath=off RULE:dst_port=80 >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/acl"
	server=(-c "$work/TAPservd.conf" -a "$work/acl" -k "$(key_file \
	    "key_no=10, name=alice, key=0x$secret, alg=hmac-sha256")")
	tap_start server server server "${server[@]}"
	# The first rule's name has no address, and the second one is for guests:
	# they are for nobody here.
	tap_start client client client -c "$(key_file fastpath=off \
	    "RULE:dst_host=none.test, dst_port=80, key_no=11, key=0x$secret" \
	    "RULE:type=FORWARD, indev=eth9, dst_port=80, key_no=12, \
key=0x$secret, alg=hmac-sha256" \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")"
}

# terminal HOST COLUMNS LINES COMMAND...
terminal()
{
	steps=0
	rm -f "$work/steps"
	mkfifo "$work/steps"
	# shellcheck disable=SC2016 # for the inner shell
	start terminal "$1" sh -c 'exec "$@" <>"$0"' "$work/steps" \
	    "$python" "$here/terminal.py" "${@:2}"
	exec 7<>"$work/steps"
}

# step WORD...: of terminal.py
step()
{
	steps=$((steps + 1))
	echo "$*" >&7
	wait_log terminal "^$steps done"
}

end_terminal()
{
	step end "$1"
	signal terminal KILL
	wait_for "$patience" gone terminal
	wait "${pids[terminal]}" 2>/dev/null || :
	unset 'pids[terminal]'
}

# A connection that stays.
hold()
{
	start holds client "$python" -c '
import socket, sys
with socket.create_connection((sys.argv[1], 80)) as s:
    print("holds", flush=True)
    s.recv(1)' "$(addr 4 server)"
	wait_log holds holds
}

server_page()
{
	watch_lab
	page client 4
	hold
	flood 5
	terminal server 80 24 "$TAP" server --watch
	step see '^tap server, up 00:00:[0-5][0-9], queue 5040, process '
	step see '^hidden +80 filtered'
	step see '^fast path +off'
	step see '^LAST ACCEPTED'
	step see "10 alice +[-+]0\.[0-9]+ +80 $(addr 4 client):[0-9]+$"
	step see '^ +10 alice +80 +1 10\.77\.0\.2$'
	step see 'accepted +[0-9.]+ +2'
	step see 'refused: incomplete +[0-9.]+ +5'
	step coloured
	step resize 60 10
	step see '^q: end   lines 1 to 9 of [0-9]+: arrows, page up, page'
	step type '\x1b[B'
	step see '^q: end   lines 2 to 10 of'
	step type G
	step see '^ +10 alice +80 +1 10\.77\.0\.2$'
	step not '^tap server'
	step resize 80 24
	step see '^tap server'
	step pause
	step see '^tap server'
	# Who goes, goes from the page.
	end holds || same 143 $? holds
	step see '^nobody is connected'
	end server
	step see '^WAITING +tap server: it has ended; waiting for the next one'
	tap_start server server server "${server[@]}" --confirm 5m
	page client 4
	step see 'accepted +[0-9.]+ +1( |$)'
	step see 'confirm within, s +[12][0-9][0-9]'
	step not WAITING
	step type q
	end_terminal 0
}

# A server that is stopped keeps nobody at its page.
no_answer()
{
	watch_lab
	terminal server 80 24 "$TAP" server --watch
	step see '^tap server'
	signal server STOP
	step see '^WAITING +tap server: no answer'
	step type q
	end_terminal 0
	signal server CONT
}

ends()
{
	watch_lab
	# Ctrl-C, as the terminal has it.
	terminal server 80 24 env NO_COLOR=1 "$TAP" server --watch
	step see '^tap server'
	step type '\x03'
	step plain
	end_terminal 0
	for number in 15 1; do
		terminal server 80 24 "$TAP" server --watch
		step see '^tap server'
		step kill "$number"
		end_terminal "-$number"
	done
	# Ctrl-Z stops none that no shell could continue, as over `ssh -t`.
	terminal server 80 24 setsid --ctty --wait "$TAP" server --watch
	step see '^tap server'
	step type '\x1a'
	step type q
	end_terminal 0
	# Where there is no terminal.
	same 2 "$(status_of on server "$TAP" server --watch)"
	same 2 "$(status_of on client "$TAP" client --watch)"
	same 1 "$(on server "$TAP" server --watch 2>&1 | wc -l)"
	# None runs, or another one.
	terminal server 80 24 "$TAP" server --watch --queue 7
	step see 'no tap server is running with queue 7; but with 5040'
	end_terminal 1
}

client_page()
{
	watch_lab
	hold
	# Nobody answers there.
	start waits client "$python" -c '
import socket, sys
socket.create_connection((sys.argv[1], 80))' 10.77.0.250
	terminal client 80 24 "$TAP" client --watch
	step see '^tap client, up '
	step see '^no address +none\.test \(line 2\)'
	step see 'authenticated +[0-9.]+ +[2-9]'
	step see "^ +10 (alice|-) +80 +1 $(addr 4 server)\$"
	step see '^ +10 .* 80 +1 10\.77\.0\.250 \(1 not answered yet\)'
	step type q
	end_terminal 0
	end waits || same 143 $? waits
}

check server server_page
check no-answer no_answer
check ends ends
check client client_page
finish
