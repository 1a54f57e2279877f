#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap probe-path --offline and --compare: the same report as with a far side,
# from captures of all kinds; and what it says to wrong words and files.

# Cases are called by check; arguments may be left out.
# shellcheck disable=SC2317,SC2119,SC2120
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/path.sh
. "$(dirname "$0")/path.sh"

# offline 4|6: plan, and far.pcap by the listener and dump.pcap by tcpdump
offline()
{
	listen -w "$work/far.pcap"
	start dump far tcpdump -U -n --immediate-mode -s 2048 -Z root -i any \
	    -w "$work/dump.pcap" 'tcp or udp dst port 9'
	wait_log dump 'listening on'
	# Its -w is for itself.
	on near "$TAP" probe-path "$(far "$1")" --offline "$work/plan" \
	    -w "$work/near.pcap"
	same '600 600 600' "$(stat -c %a "$work"/{far.pcap,plan,near.pcap} |
	    tr '\n' ' ' | sed 's/ $//')" 'for nobody else'
	on far bash -c 'echo >/dev/udp/10.77.0.250/9'
	wait_for "$patience" has_end
	end dump INT
	end listen
}

# All that was sent so far is in it.
has_end()
{
	tcpdump -r "$work/dump.pcap" udp 2>/dev/null | grep -q .
}

# compare CAPTURE
compare()
{
	status=0
	"$TAP" probe-path --compare "$work/plan" "$1" --json \
	    >"$work/probe.json" 2>"$work/err" || status=$?
}

clean()
{
	says 'verdict == "passes"' 'only()' 'path["notes"] == []' \
	    'path["arrived"] == path["sent"]' 'path["complete"]' \
	    'all(f["answered"] == f["probes"] for f in field.values())'
	same 0 "$status" 'exit status'
	same '' "$(cat "$work/err")"
}

kinds()
{
	local kind

	path_lab
	offline "$1"
	compare "$work/dump.pcap"
	clean
	compare - <"$work/far.pcap"
	clean
	for kind in null ethernet vlan ppp raw wlan cooked cooked2 nflog; do
		"$python" "$here/relink.py" "$work/far.pcap" \
		    "$work/$kind.pcap" "$kind"
		echo "link type $kind"
		compare "$work/$kind.pcap"
		clean
	done
	tshark -F pcapng -r "$work/dump.pcap" -w "$work/dump.pcapng" 2>&1
	compare "$work/dump.pcapng"
	clean
	# What it sent itself has passed nothing, but is there.
	compare "$work/near.pcap"
	says 'verdict == "passes"' 'path["hops"] == 0'
}

# The same box is named the same.
boxes()
{
	path_lab
	mangle --syn -j TCPMSS --set-mss 1200
	middlebox router1 isn
	offline "$1"
	compare "$work/dump.pcap"
	same 1 "$status"
	says 'verdict == "fails"' 'path["reason"] == "sequence"' \
	    'only("rewritten", "sequence", "mss")'
	grep -q "^offset $(sed -n 's/.*"offset":"\([^"]*\)".*/\1/p' \
	    "$work/probe.json")" "$work/middlebox.log"
}

# Captures that are cut: within packets, and at any byte.
cut()
{
	local n size

	path_lab
	offline 4
	"$python" "$here/relink.py" "$work/far.pcap" "$work/short.pcap" cut:54
	compare "$work/short.pcap"
	# All of the headers but the options.
	same 0 "$status"
	says 'verdict == "passes"' \
	    'not any(f["state"] == "rewritten" for f in field.values())'
	size=$(stat -c %s "$work/far.pcap")
	for n in 0 1 10 23; do
		head -c "$n" "$work/far.pcap" >"$work/cut.pcap"
		compare "$work/cut.pcap"
		same 2 "$status" "$n bytes"
		same 1 "$(wc -l <"$work/err")"
		has "$(cat "$work/err")" '^tap probe-path: .*cut\.pcap'
	done
	for n in 30 50 1000 $((size / 2)) $((size - 1)); do
		head -c "$n" "$work/far.pcap" >"$work/cut.pcap"
		compare "$work/cut.pcap"
		has "$(cat "$work/err")" 'cut\.pcap: truncated .*compared$'
		same 1 "$(wc -l <"$work/err")"
		says 'not path["complete"]' 'verdict != "fails"' \
		    'not any(f["state"] == "lost" for f in field.values())'
	done
	head -c 24 "$work/far.pcap" >"$work/cut.pcap"
	compare "$work/cut.pcap"
	same 1 "$status"
	says 'path["reason"] == "answered"' \
	    'any("is it of that host" in n for n in path["notes"])'
}

# bad STATUS PATTERN WORD...: one line, and nothing else
bad()
{
	local want=$1 pattern=$2

	shift 2
	status=0
	on near "$TAP" probe-path "$@" >"$work/out" 2>"$work/err" || status=$?
	cat "$work/err"
	same "$want" "$status" "$*"
	same '' "$(cat "$work/out")" "$*"
	has "$(head -n 1 "$work/err")" "^tap probe-path: $pattern"
	same 1 "$(wc -l <"$work/err")" 'lines'
}

words()
{
	local n

	path_lab
	bad 2 'HOST is missing'
	bad 2 "unexpected argument 'more'" 10.11.0.2 more
	bad 2 "unexpected argument 'more'" --listen more
	bad 2 '--port: ' 10.11.0.2 -p 65536
	bad 2 '--port: ' 10.11.0.2 -p 0
	bad 2 '--count: ' 10.11.0.2 --count 0
	bad 2 '--count: ' 10.11.0.2 --count 21
	bad 2 "no option '--no-such'" 10.11.0.2 --no-such
	bad 2 '-i: ' 10.11.0.2 -i eth0
	bad 2 '-4: ' 10.11.0.2 -4 -6
	bad 2 '10.11.0.2: has no address of that' 10.11.0.2 -6
	bad 2 '10.11.0.0/24: is a network' 10.11.0.0/24
	bad 3 "'no such.host'" 'no such.host'
	bad 2 '--listen: ' --listen --json
	bad 2 '--listen: ' --listen --count 2
	bad 2 '--compare: ' --compare plan pcap -p 22
	bad 2 'PCAP is missing' --compare plan
	bad 2 '--offline: ' 10.11.0.2 --offline plan --json
	bad 2 '--key-no: ' 10.11.0.2 --key-no 1
	bad 2 '.*nonexistent' 10.11.0.2 -k /nonexistent
	bad 3 '.*nonexistent' 10.11.0.2 -w /nonexistent/file
	bad 3 '.*nonexistent' --listen -w /nonexistent/file
	bad 2 '-w: standard output is for the report' 10.11.0.2 -w -
	bad 2 '--offline: name a file' 10.11.0.2 --offline -
	touch "$work/another"
	chown nobody "$work/another"
	ln -s "$work/other" "$work/link"
	for n in link another; do
		bad 3 ".*/$n: is " 10.11.0.2 -w "$work/$n"
		bad 3 ".*/$n: is " --listen -w "$work/$n"
		bad 3 ".*/$n: is " 10.11.0.2 --offline "$work/$n"
	done
	[ ! -e "$work/other" ] || fail 'a link was followed'
	bad 3 'nodevice: ' --listen -i nodevice
	bad 2 '/nonexistent: ' --compare /nonexistent "$0"
	bad 2 "$0:1: " --compare "$0" "$0"
	# The port is taken.
	listen
	status=0
	on far "$TAP" probe-path --listen 2>"$work/err" || status=$?
	same 3 "$status"
	has "$(cat "$work/err")" "port $port: Address .*in use"
	# Without privileges.
	status=0
	on near setpriv --reuid 65534 --clear-groups --bounding-set -all \
	    "$(nobodys)" probe-path 10.11.0.2 2>"$work/err" || status=$?
	same 3 "$status"
	has "$(cat "$work/err")" 'raw socket: Operation not permitted'
}

# A copy that nobody may run.
nobodys()
{
	cp "$TAP" "$work/tap"
	chmod 755 "$work/tap" "$work" "$dir" "$dir/case"
	echo "$work/tap"
}

# plan_error LINE PATTERN SED-SCRIPT: a plan that is wrong there
plan_error()
{
	sed "$3" "$work/plan" >"$work/bad"
	bad 2 "$work/bad:$1: $2" --compare "$work/bad" "$work/far.pcap"
}

# Its scripts are for sed.
# shellcheck disable=SC2016
plans()
{
	local last

	path_lab
	offline 4
	last=$(wc -l <"$work/plan")
	plan_error 1 'not a plan' '1s/1$/2/'
	plan_error 2 "'near'" '2s/near/far/'
	plan_error 2 'an address' '2s/ .*/ nowhere/'
	plan_error 3 'an address' '3s/ .*/ fd00::1/'
	plan_error 4 'a number' '4s/ .*/ 70000/'
	plan_error 5 'a number' '5s/ .*/ 21/'
	plan_error 6 'unknown field' '6s/source-port/sauce-port/'
	plan_error 6 'a packet' '6s/.$//'
	plan_error 6 'a packet' '6s/.$/x/'
	plan_error 6 'the packet is not TCP' '6s/ [0-9A-F]*$/ 4500/'
	plan_error 6 'unknown probe' '6s/probe field/probe meadow/'
	plan_error 7 'unknown line' '7s/.*//'
	plan_error "$last" 'the plan is incomplete' '$d'
	plan_error $((last + 1)) 'text follows' '$a\
end'
	plan_error 6 'unknown line' '6i\
	'
	compare "$work/far.pcap"
	same 0 "$status"
}

both kinds kinds
both boxes boxes
check cut cut
check words words
check plans plans
finish
