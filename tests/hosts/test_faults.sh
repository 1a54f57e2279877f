#!/bin/bash
# SPDX-License-Identifier: ISC
#
# System calls that fail, in the daemons as they are, by strace: the service
# stays hidden, the log names the error, and what holds a key gets in again.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# The filter of the worker's system calls sees one that is left out as a
# forbidden one, unless another takes its place.
instead=:syscall=getpid

can_inject()
{
	strace -o /dev/null -e inject=getppid:error=EPERM:syscall=getpid true
}

# inject PROCESS SPEC...: until it ends, or eject; and into its children
inject()
{
	local specs=() spec child

	for child in $(ps -o pid= --ppid "$1"); do
		specs+=(-p "$child")
	done

	for spec in "${@:2}"; do
		specs+=(-e "inject=$spec$instead")
	done
	start strace server strace -f -qq -o "$work/calls" -p "$1" \
	    -e trace=recvmmsg,sendto,poll,ppoll,write,writev "${specs[@]}"
	wait_for "$patience" grep -q "^TracerPid:.[^0]" "/proc/$1/status"
}

eject()
{
	end strace 2>/dev/null || :
	unset 'pids[strace]'
}

both_start()
{
	lab
	http_start server 80
	# What fails is the queue's.
	tap_start tap server server -c "$(key_file fastpath=off \
	    RULE:dst_port=80)" -k "$(key_file)" \
	    -a "$(key_file port=80,key_no=10)"
	tap_start client client client -c "$(key_file fastpath=off \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")"
}

injected()
{
	wait_for "$patience" grep -q INJECTED "$work/calls"
}

# Strangers see nothing, and who has a key gets in.
as_ever()
{
	hidden 4
	page client 4
}

# passes_over SPEC...: errors that are none; no worker ends by them
passes_over()
{
	both_start
	inject "$(worker tap)" "$@"
	as_ever
	injected
	as_ever
	eject
	lacks "$(cat "$work/tap.log")" 'worker|[Ii]nterrupted'
	same 0 "$(tap_status server server worker_restarts)"
}

# ends_worker PATTERN SPEC...: errors that one worker can't live with; the
# log says so, and the next one goes on
ends_worker()
{
	both_start
	inject "$(worker tap)" "${@:2}"
	hidden 4
	wait_log tap "$1"
	wait_log tap 'worker: ended with status 3'
	eject
	as_ever
	same 1 "$(tap_status server server worker_restarts)"
}

deaths()
{
	grep -c 'worker: ended with status 3' "$work/tap.log"
}

# Whatever is tried, it fails: the next one is tried all the same, the rules
# stay, and once one works all is as ever.
goes_on()
{
	both_start
	inject "${pids[tap]}" sendto:error=ENOBUFS
	for _ in {1..30}; do
		hidden 4
		[ "$(deaths)" -le 5 ] || break
	done
	[ "$(deaths)" -gt 5 ] || fail "only $(deaths) workers"
	has "$(cat "$work/tap.log")" 'queue 5040: verdicts: No buffer space'
	hidden 6
	eject
	as_ever
	same "$(deaths)" "$(tap_status server server worker_restarts)"
}

# The client's: its SYNs wait or are lost, but none leaves as it is.
client_recovers()
{
	both_start
	inject "$(worker client)" "$1"
	page client 4
	wait_log client "$2"
	wait_log client 'worker: ended with status 3'
	eject
	as_ever
}

# no_log: where its lines can't be written, packets matter more
no_log()
{
	both_start
	inject "$(worker tap)" "write:error=$1" "writev:error=$1"
	as_ever
	injected
	as_ever
	eject
	same 0 "$(tap_status server server worker_restarts)"
}

# refuses_start STATUS PATTERN SPEC...: at the start; it ends, says why in
# one line, and leaves no rule behind
refuses_start()
{
	local before specs=() spec status

	before=$(rules server)
	for spec in "${@:3}"; do
		specs+=(-e "inject=$spec")
	done
	# One that starts is ended.
	status=$(status_of on server timeout 60 strace -qq -o "$work/calls" \
	    "${specs[@]}" "$TAP" server -p 80 -k "$key" 2>"$work/errors")
	injected
	same "$1" "$status" "exit status with $3"
	has "$(cat "$work/errors")" "$2"
	same 1 "$(wc -l <"$work/errors")" "lines of $(cat "$work/errors")"
	same "$before" "$(rules server)"
}

start_fails()
{
	local key

	lab server
	key=$(key_file)
	refuses_start 2 "$key: (Input/output|I/O) error" \
	    "read:error=EIO:when=1"
	refuses_start 2 "$key: (Too many|No file descriptors|No file)" \
	    "openat,open:error=EMFILE:when=1"
	# Each: the first may ask for an account, which the server can do
	# without.
	refuses_start 3 'queue 5040: (No buffer space|Cannot allocate)' \
	    socket:error=ENOBUFS
	refuses_start 3 'getrandom: ' getrandom:error=ENOSYS:when=1
	refuses_start 3 'queue 5040: ' bind:error=ENOMEM:when=1
	refuses_start 3 'queue 5040: ' sendto:error=ENOBUFS:when=1
	refuses_start 3 'signals: ' signalfd4:error=EMFILE:when=1
}

# Whether a host is this one has to be known before it is attacked.
attack_refused()
{
	local status

	status=$(status_of strace -qq -o "$work/calls" \
	    -e inject=socket:error=EMFILE "$TAP" replay-test 192.0.2.1 -p 80 \
	    -k "$(key_file)" 2>"$work/errors")
	injected
	same 3 "$status" 'exit status'
	has "$(cat "$work/errors")" \
	    'addresses: (Too many|No file descriptors|No file)'
	same 1 "$(wc -l <"$work/errors")" "lines of $(cat "$work/errors")"
}

# A disk that is full or broken: memory serves, and the file stays as it was.
store_fails()
{
	local call file error sum

	lab server
	file=$work/server-lib/tap/replay-5040
	tap_start first server server -p 80 -k "$(key_file)"
	end first
	sum=$(sha256sum <"$file")
	for call in fallocate:ENOSPC ftruncate:EIO flock:ENOLCK; do
		error=${call#*:}
		mkdir -p "$work/server-lib"
		# shellcheck disable=SC2016 # for the inner shell
		start "$error" server sh -c 'mount --bind "$0" /var/lib &&
			exec "$@"' "$work/server-lib" strace -qq -o \
		    "$work/calls-$error" -e \
		    "inject=${call%:*}:error=$error:when=1" \
		    "$TAP" server -p 80 -k "$(key_file)"
		wait_log "$error" 'replay-5040: .*memory only'
		wait_log "$error" ': ready:'
		for pid in $(ps -o pid= --ppid "${pids[$error]}"); do
			kill "$pid"
		done
		await "$error" 0
		same "$sum" "$(sha256sum <"$file")" "the file after $call"
	done
}

# each_allocation ARGUMENT...: of tap, in turn, fails: one line says so, and
# the key file stays as it was; until none is left to fail
each_allocation()
{
	local n=0 status

	cp -p "$key" "$work/before"
	while :; do
		n=$((n + 1))
		# Where there was another way, a key was added.
		cp "$work/before" "$key"
		status=$(status_of strace -qq -o "$work/calls" \
		    -e "inject=mmap,brk:error=ENOMEM:when=$n" "$TAP" "$@" \
		    2>"$work/errors")
		grep -q INJECTED "$work/calls" || break
		# An allocator may have another way.
		[ "$status" != 0 ] || continue
		same 3 "$status" "exit status, allocation $n of tap $*"
		has "$(cat "$work/errors")" 'out of memory|Out of memory'
		same 1 "$(wc -l <"$work/errors")" "lines, allocation $n"
		cmp "$work/before" "$key"
	done
	cp "$work/before" "$key"
	same 0 "$status" "tap $*: $(cat "$work/errors")"
	[ "$n" -gt 3 ] || fail "only $n allocations by tap $*"
}

allocations()
{
	local client key

	key=$(key_file)
	client=$(client_rule dst_port=80)
	printf '%s\n' tolerance=5 RULE:dst_port=80 >"$work/TAPservd.conf"
	echo 'port=80, key_no="1,10-20"' >"$work/ACL.conf"
	each_allocation server --check -p 80 -k "$key"
	each_allocation server --check -c "$work/TAPservd.conf" -k "$key" \
	    -a "$work/ACL.conf"
	each_allocation client --check -c "$client"
	each_allocation keygen -n 7 -a "$key"
}

# Those of the server on its way, up to the first that it can do without.
start_allocations()
{
	local before key n status

	lab server
	key=$(key_file)
	before=$(rules server)
	for n in 8 9 10 11 12 13 14 15 16; do
		start "start$n" server strace -qq -o "$work/calls$n" \
		    -e "inject=mmap,brk:error=ENOMEM:when=$n" \
		    "$TAP" server -p 80 -k "$key"
		wait_for "$patience" ended_or_ready "start$n"
		if kill -0 "${pids[start$n]}" 2>/dev/null; then
			kill "$(ps -o pid= --ppid "${pids[start$n]}" |
				tr -d ' ')"
			await "start$n" 0
			continue
		fi
		status=0
		wait "${pids[start$n]}" || status=$?
		same 3 "$status" "exit status, allocation $n"
		has "$(cat "$work/start$n.log")" 'memory'
		same "$before" "$(rules server)"
	done
}

ended_or_ready()
{
	grep -q ': ready:' "$work/$1.log" || ! kill -0 "${pids[$1]}"
}

strace_works=$(can_inject 2>&1) || {
	report SKIP faults "strace can't inject here: ${strace_works%%$'\n'*}"
	exit 0
}
check interrupted passes_over recvmmsg:error=EINTR:when=1+2 \
    sendto:error=EINTR:when=1+2 poll:error=EINTR:when=1+2 \
    ppoll:error=EINTR:when=1+2
check receive_nobufs ends_worker 'queue 5040: No buffer space' \
    recvmmsg:error=ENOBUFS:when=1
check receive_nomem ends_worker 'queue 5040: (Cannot allocate|Out of) memory' \
    recvmmsg:error=ENOMEM:when=1
check send_nobufs ends_worker 'queue 5040: verdicts: No buffer space' \
    sendto:error=ENOBUFS:when=1
check send_perm ends_worker 'queue 5040: verdicts: Operation not permitted' \
    sendto:error=EPERM:when=1
check poll_nomem ends_worker 'poll: (Cannot allocate|Out of) memory' \
    poll:error=ENOMEM:when=1 ppoll:error=ENOMEM:when=1
check goes_on goes_on
check log_full no_log ENOSPC
check log_busy no_log EAGAIN
check client_receive client_recovers recvmmsg:error=ENOBUFS:when=1 \
    'queue [0-9]*: No buffer space'
check client_send client_recovers sendto:error=ENOMEM \
    'queue [0-9]*: verdicts: '
check allocations allocations
check start_allocations start_allocations
check start start_fails
check attack-refused attack_refused
check store store_fails
finish
