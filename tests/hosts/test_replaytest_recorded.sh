#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap replay-test with recordings, of files and from the wire: what it finds
# in them, what it can tell without a key, and what it refuses to do.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/replaytest.sh
. "$(dirname "$0")/replaytest.sh"

# served HIDE [FAULT]: and a client that is let in
served()
{
	serve "$1" alg=hmac-sha256 "${2:-}"
	host stranger
	connected stranger
	tap_start client client client -c \
	    "$(client_rule "dst_port=80, dst_host=$(addr4 server)")"
}

# record: a connection of the client's
record()
{
	capture syns client eth0 tcp
	page client 4
	capture_end syns client
}

# replay HOST OPTION...: of the recording
replay()
{
	local from=$1

	shift
	status=0
	on "$from" "$TAP" replay-test "$(addr4 server)" -p 80 --json \
	    --i-am-responsible-for "$(addr4 server)" \
	    --pcap "$work/syns.pcap" "$@" >"$work/out" || status=$?
	cat "$work/out"
}

used=again,thousand,other-ports,other-mark,reversed,options

# By whoever has seen it.
file()
{
	local hide=$1

	served "$hide"
	record
	# From where it was sent: the recording shows that the way is open.
	# A tap client that runs here does not make these SYNs valid.
	replay client --attack "plain,$used,other-address,split"
	same 0 "$status"
	same "plain ${used//,/ } other-address" "$(verdicts refused | sed \
	    's/ other-address//; s/$/ other-address/')" 'from the client'
	has "$(cat "$work/out")" 'it needs a fresh group: -k'
	# From elsewhere, silence says nothing, but for who has a key.
	replay stranger --attack "$used"
	if [ "$hide" = closed ]; then
		same 0 "$status"
	else
		same 3 "$status"
		same "${used//,/ }" "$(verdicts inconclusive)"
	fi
	replay stranger --attack "$used" -k "$keys"
	same 0 "$status"
	same "${used//,/ }" "$(verdicts refused)" 'from a stranger with a key'
	lacks "$(cat "$work/tap.log")" 'accepted .*10\.77\.0\.2:.*skew=-[1-9]'
}

# Without a key, a server without a memory is found.
forgetful()
{
	served filtered no-memory
	record
	replay stranger --attack again,other-ports,flip-isn
	same 1 "$status"
	same 'again other-ports' "$(verdicts accepted)"
	same no-memory "$(holes)"
}

# A group that was kept from the server is let in once: that is no replay.
withheld()
{
	served filtered
	on server iptables -t raw -I PREROUTING -p tcp --dport 80 -j DROP
	capture syns client eth0 tcp
	same 28 "$(status_of on client curl -sS --max-time 0.5 \
	    "$(url 4 server)")" 'a connection that is kept away'
	capture_end syns client
	on server iptables -t raw -D PREROUTING -p tcp --dport 80 -j DROP
	replay stranger --attack again -k "$keys"
	same 0 "$status"
	same again "$(verdicts refused)"
	# Once by way of introduction, and never again.
	same 1 "$(grep -c "reason=replay .*src=$(addr4 stranger):" \
	    "$work/tap.log")" 'replays'
}

live()
{
	served filtered
	start replay client "$TAP" replay-test "$(addr4 server)" -p 80 \
	    --i-am-responsible-for "$(addr4 server)" --live eth0 \
	    --seconds 15 --json --attack "$used"
	wait_log replay 'recording on eth0'
	# It may not listen yet.
	for _ in 1 2 3 4 5; do
		kill -0 "${pids[replay]}" || break
		page client 4
		sleep 0.1
	done
	await replay 0
	mv "$work/replay.log" "$work/out"
	same "${used//,/ }" "$(verdicts refused)"
}

# A connection that was recorded just now may go on for a while: the server's
# answers to it are none to the attack.
ending()
{
	served filtered
	capture syns client eth0 tcp
	# shellcheck disable=SC2016 # the client's
	start typist client bash -c 'exec 3<>"/dev/tcp/$0/80"
		printf "GET / HTTP/1.0\r\nX: " >&3
		until [ -e "$1" ]; do printf x >&3; sleep 0.1; done' \
	    "$(addr4 server)" "$work/enough"
	wait_log tap ': accepted '
	capture_end syns client
	start replay client "$TAP" replay-test "$(addr4 server)" -p 80 \
	    --i-am-responsible-for "$(addr4 server)" --json \
	    --pcap "$work/syns.pcap" --attack again
	wait_log tap 'refused reason=replay'
	: >"$work/enough"
	await replay 0
	mv "$work/replay.log" "$work/out"
	same again "$(verdicts refused)"
}

# no COMMAND...: exit status 2, and one line that has $1
no()
{
	local why=$1

	shift
	same 2 "$(status_of on client "$TAP" replay-test "$@")" "$*"
	on client "$TAP" replay-test "$@" 2>"$work/error" >/dev/null || :
	same 1 "$(wc -l <"$work/error")" "lines of: $*"
	has "$(cat "$work/error")" "$why"
}

words()
{
	lab server client
	keys=$(key_file)
	no 'is not this host' 10.77.0.1 -p 80 -k "$keys"
	no 'is not this host' 10.77.0.1 -p 80 -k "$keys" \
	    --i-am-responsible-for 10.77.0.3
	no '10.77.0.1: is not this host' 127.0.0.1 -p 80 -k "$keys" \
	    --also 10.77.0.1
	no 'more than one host' 10.77.0.0/24 -p 80 -k "$keys"
	no 'HOST is missing' -p 80 -k "$keys"
	no '-p PORT is missing' 127.0.0.1 -k "$keys"
	no 'one of -k, --pcap and --live' 127.0.0.1 -p 80
	no 'either --pcap or --live' 127.0.0.1 -p 80 --pcap x --live y
	no 'unexpected argument' 127.0.0.1 there -p 80 -k "$keys"
	no 'is not an attack' 127.0.0.1 -p 80 -k "$keys" --attack again,nothing
	no 'tolerance: ' 127.0.0.1 -p 80 -k "$keys" --tolerance 601
	no 'the same as -p' 127.0.0.1 -p 80 -k "$keys" --other-port 80
	no 'no key_no 11' 127.0.0.1 -p 80 -k "$keys" --key-no 11
	no 'is not another address' 127.0.0.1 -p 80 -k "$keys" --from 10.77.0.1
	same 3 "$(status_of on client "$TAP" replay-test 127.0.0.1 -p 80 \
	    -k "$keys")" 'no server there'
}

# Files that somebody else has made.
files()
{
	local file

	lab server client
	"$python" "$here/recordings.py" "$work" "$(addr4 client)"
	for file in "$work"/*.bad "$work" "$work/nothing"; do
		no "$file" "$(addr4 client)" -p 80 --pcap "$file"
	done
	# Whatever the link type: of another port, there is no group.
	# shellcheck disable=SC2016 # for the inner shell
	on client sh -c 'for file; do
		"$TAP" replay-test "$0" -p 81 --pcap "$file" 2>&1
		echo "status $?"
	done' "$(addr4 client)" "$work"/*.type >"$work/types"
	same "$(find "$work" -name '*.type' | wc -l)" \
	    "$(grep -c '^status 2$' "$work/types")" 'link types refused'
	same "$(find "$work" -name '*.type' | wc -l)" \
	    "$(grep -c '^tap replay-test: ' "$work/types")" 'lines about them'
	# A group at the end of very many SYNs, in little memory.
	(
		ulimit -v 32768
		status=0
		on client "$TAP" replay-test "$(addr4 client)" -p 80 --json \
		    --pcap "$work/many.pcap" --attack again \
		    >"$work/out" || status=$?
		cat "$work/out"
		has "$(cat "$work/out")" '"recorded":1,'
	)
	# 147 is for private use: its IP headers are looked for.
	for file in whole.pcap whole.pcapng 147.type; do
		on client "$TAP" replay-test "$(addr4 client)" -p 80 --json \
		    --pcap "$work/$file" --attack again >"$work/out" || :
		has "$(cat "$work/out")" '"recorded":1,' "$file"
	done
}

check file-filtered file filtered
check file-closed file closed
fastpath=auto check file-closed-fastpath file closed
check withheld withheld
check live live
check ending ending
check words words
check files files
[ ! -x "$TAP_FAULTY" ] || check forgetful forgetful
finish
