#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Standard error is a pipe that nobody reads: whoever has a key gets in all the
# same, questions are answered, signals are followed, and lines that are lost
# are counted.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

lost='[0-9]+ lines of the log are lost'

# full_pipe NAME: $work/NAME.pipe, full, with this shell as its reader, by
# descriptor $reader
full_pipe()
{
	mkfifo "$work/$1.pipe"
	# shellcheck disable=SC2034 # held open
	exec {reader}<>"$work/$1.pipe"
	"$python" -c '
import os
import sys
out = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
try:
    while True:
        os.write(out, b"#" * 63 + b"\n")
except BlockingIOError:
    pass
' "$work/$1.pipe"
}

# stalled NAME HOST ARGUMENT...: tap, with its log going there
stalled()
{
	full_pipe "$1"
	mounts="exec 2>\"$work/$1.pipe\""
	tap_run "$@"
	mounts=:
}

# answers HOST SIDE: it says what it has counted
answers()
{
	[ -n "$(tap_status "$1" "$2" log_lost)" ]
}

# loses HOST SIDE: lines are lost, and both numbers are there
loses()
{
	[ "$(tap_status "$1" "$2" log_lost)" -gt 0 ]
}

# read_pipe NAME FILE: what is in it now, without waiting for more (a cat that
# is ended by a signal may have read what it never writes)
read_pipe()
{
	dd if="$work/$1.pipe" iflag=nonblock bs=64K >>"$work/$2" 2>/dev/null ||
		:
}

# tells NAME PATTERN: a line that comes once lines go again
tells()
{
	read_pipe "$1" "$1-read.log"
	grep -Eq " tap [a-z-]+: $2" "$work/$1-read.log"
}

not_waited_for()
{
	case $(awk '/^flags/ { print $2 }' "/proc/$1/fdinfo/2") in
	*4???) fail 'O_NONBLOCK is set on what others have, too' ;;
	esac
}

server_goes_on()
{
	local family=$1

	lab
	http_start server 80
	stalled server server server -v -p 80 -k "$(key_file)"
	wait_for "$patience" answers server server
	tap_start client client client -c "$(client_rule dst_port=80)"
	# Each leaves a line, and far more than 4 KiB of them in all.
	for _ in $(seq 20); do
		page client "$family"
	done
	flood 300
	page client "$family"
	hidden "$family"
	wait_for "$patience" loses server server
	not_waited_for "${pids[server]}"
	not_waited_for "$(worker server)"
	signal server HUP
	page client "$family"
	wait_for "$patience" tells server "$lost"
	wait_for "$patience" tells server 'reloaded: 1 rule'
	# And full again.
	"$python" -c '
import os
import sys
out = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
try:
    while True:
        os.write(out, b"#\n")
except BlockingIOError:
    pass
' "$work/server.pipe"
	page client "$family"
	end server TERM
	page stranger "$family"
}

client_goes_on()
{
	local family=$1

	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	stalled client client client -v -c "$(client_rule dst_port=80)"
	wait_for "$patience" answers client client
	for _ in $(seq 60); do
		page client "$family"
	done
	loses client client
	wait_for "$patience" tells client "$lost"
	end client TERM
}

far_side_goes_on()
{
	lab server client
	stalled far server probe-path --listen
	wait_for "$patience" on client "$TAP" probe-path --count 1 \
	    "$(addr "$1" server)"
	end far TERM
}

# The reader is gone: that ends nobody.
reader_gone()
{
	lab
	http_start server 80
	mkfifo "$work/server.pipe"
	# shellcheck disable=SC2016 # for the inner shell
	start reader server sh -c 'exec sleep 600 <"$0"' "$work/server.pipe"
	mounts="exec 2>\"$work/server.pipe\""
	tap_run server server server -v -p 80 -k "$(key_file)"
	mounts=:
	wait_for "$patience" answers server server
	end reader KILL || :
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client 4
	page client 6
	hidden 4
	flood 300
	wait_for "$patience" loses server server
	same 0 "$(tap_status server server worker_restarts)"
	end server TERM
}

for family in 4 6; do
	check "server-ipv$family" server_goes_on $family
	check "client-ipv$family" client_goes_on $family
	check "far-side-ipv$family" far_side_goes_on $family
done
check reader-gone reader_gone
finish
