#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The kernel takes its time to check the programs of the fast path: meanwhile
# the daemons do all the rest, and where it takes too long, or comes to
# nothing, they go without.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# So long it is held up; a status is given up after three.
held_us=6000000

can_inject()
{
	strace -o /dev/null -e inject=getppid:delay_enter=1 true
}

# traced SIDE STRACE-ARGUMENT...: the server or client under strace, which is
# no parent of it
traced()
{
	local side=$1

	shift
	# shellcheck disable=SC2016 # tap_run evaluates it
	mounts='shift; set -- "$0" strace -D -f -qq -o "'$work/calls'"
		-e trace=bpf,close_range '$*' "$@"; true'
	mounts=${mounts//$'\n'/ }
	tap_start "$side" "$side" "$side" "${arguments[@]}"
}

# held SIDE: it runs, and the process that has the kernel check its program is
# slow: of all processes, it alone closes what it has from its parent.
held()
{
	local side=$1

	can_inject || skip 'this strace can not inject'
	lab
	http_start server 80
	if [ "$side" = server ]; then
		echo 'port=80, key_no=10' >"$work/ACL.conf"
		arguments=(-k "$(key_file)" -a "$work/ACL.conf"
			-c "$(key_file fastpath=auto RULE:dst_port=80)")
	else
		arguments=(-c "$(key_file fastpath=auto "RULE:dst_port=80, \
key_no=10, key=0x$secret, alg=hmac-sha256")")
	fi
	traced "$side"
	wait_for "$patience" fast_path_known "$side" "$side"
	[ "$(said "$side" fastpath)" != off ] ||
		skip "$(said "$side" fastpath_reason)"
	end "$side"
	same 1 "$(awk '/close_range/ { n[$1] } END { print length(n) }' \
	    "$work/calls")" 'processes that close'
	traced "$side" "-e inject=close_range:delay_enter=$held_us:when=1"
}

# said SIDE NAME
said()
{
	local json

	json=$(on "$1" "$TAP" "$1" --status --json) || fail 'no status'
	sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" <<<"$json"
}

# The process that waits for the kernel: the worker is not root's, once it is
# at work, and the firewall's tools have other names.
loader()
{
	[ -n "$(worker "$1")" ] && pgrep -u root -x "$(basename "$TAP")" -P "${pids[$1]}"
}

# All the time somebody asks, and is answered: while the kernel takes its time,
# twice at least, since no answer may take longer than half of that.
answers()
{
	local side=$1 asked=0 why

	held "$side"
	while why=$(said "$side" fastpath_reason) && [ "$why" = 'not yet' ]; do
		[ "$SECONDS" -le 120 ] || fail 'it does not come'
		! loader "$side" || asked=$((asked + 1))
	done
	[ "$asked" -ge 2 ] || fail "answered only $asked times meanwhile"
	same generic "$(said "$side" fastpath)"
	same 0 "$(tap_status "$side" "$side" worker_restarts)"
	end "$side"
}

# Other work: strangers are refused, a configuration is taken up.
works()
{
	held server
	wait_for "$patience" loader server
	hidden 4
	signal server HUP
	wait_log server ': reloaded:'
	hidden 4
	same 0 "$(tap_status server server worker_restarts)"
	wait_for "$((2 * patience))" fast_path_known server server
	same generic "$(said server fastpath)"
}

# goes_by_mark: rules let in what the program marked
goes_by_mark()
{
	on server iptables -t raw -S | grep -q -e '--mark 0x200000.* -j ACCEPT'
}

unmarked()
{
	! goes_by_mark
}

# Whatever ends it, the queue serves, and takes nobody's word.
killed()
{
	local side=$1

	held "$side"
	wait_for "$patience" loader "$side"
	[ "$side" = client ] || goes_by_mark
	kill -KILL "$(loader "$side")"
	wait_for "$patience" fast_path_known "$side" "$side"
	same off "$(said "$side" fastpath)"
	same "the kernel's program: the process for it was ended" \
	    "$(said "$side" fastpath_reason)"
	if [ "$side" = server ]; then
		wait_for "$patience" unmarked
		tap_start client client client -c "$(key_file fastpath=off \
		    "RULE:dst_port=80, key_no=10, key=0x$secret, \
alg=hmac-sha256")"
	else
		tap_start server server server -p 80 -k "$(key_file)"
	fi
	page client 4
}

# Who waits for it need not wait to go.
ended()
{
	local pid

	held server
	wait_for "$patience" loader server
	pid=$(loader server)
	end server
	refute kill -0 "$pid"
}

check server answers server
check client answers client
check works works
check killed-server killed server
check killed-client killed client
check ended ended
finish
