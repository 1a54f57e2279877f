#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap probe-path with another end that lies, hangs, floods or ends too early,
# or that has another key or none.

# Cases are called by check; arguments may be left out.
# shellcheck disable=SC2317,SC2119,SC2120
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/path.sh
. "$(dirname "$0")/path.sh"

# peer MODE: a far side of another make
peer()
{
	start peer far "$python" "$here/path_peer.py" far "$port" "$1"
	wait_log peer '^ready'
}

# it ends in good time, and what it says is valid
far_side()
{
	local mode=$1

	shift
	path_lab
	peer "$mode"
	SECONDS=0
	probe 4 --count 1
	[ "$SECONDS" -lt 30 ] || fail "it took $SECONDS s"
	says "$@"
}

no_far_side()
{
	far_side "$1" 'verdict == "unknown"' 'path["reason"] == "no-far-side"' \
	    'path["trouble"]' 'field["sequence"]["answered"] == 1' \
	    'all(f["state"] == "unknown" for f in field.values())'
	same 1 "$status"
}

cut()
{
	far_side "$1" 'verdict == "unknown"' 'path["reason"] == "cut"' \
	    'not path["complete"]' \
	    'not any(f["state"] == "lost" for f in field.values())' "${@:2}"
	same 1 "$status"
}

# The other end is killed while it tells.
killed()
{
	path_lab
	listen
	start near near "$TAP" probe-path "$(far 4)" --json --count 20
	wait_for "$patience" has_told
	end listen KILL || :
	await near 0
	mv "$work/near.log" "$work/probe.json"
	says 'verdict == "passes"' 'not path["complete"]' \
	    '0 < path["arrived"] < path["sent"]' \
	    'any("is incomplete" in n for n in path["notes"])' \
	    'not any(f["state"] == "lost" for f in field.values())'
}

# The device goes away that it listens on.
unplugged()
{
	path_lab
	listen -i eth0
	ip -n "$net-far" link del eth0
	await listen 3
	has "$(cat "$work/listen.log")" '^tap probe-path: capture: '
}

# It has told of a third of the probes or so; each takes some 80 bytes.
has_told()
{
	on near ss -tinH dport = ":$port" |
		awk 'match($0, /bytes_received:[0-9]+/) {
			if (substr($0, RSTART + 15, RLENGTH - 15) + 0 > 30000)
				found = 1
		}
		END { exit !found }'
}

nobody()
{
	local iptables

	path_lab
	probe 4 --count 1
	same 1 "$status"
	says 'verdict == "unknown"' '"refused" in path["trouble"]' \
	    'field["sequence"]["answered"] == 1'
	for iptables in iptables ip6tables; do
		on far "$iptables" -A INPUT -p tcp --dport "$port" -j DROP
	done
	probe 4 --count 1
	same 1 "$status"
	says 'verdict == "unknown"' '"timed out" in path["trouble"]' \
	    'field["sequence"]["answered"] == 0' \
	    '"tap server guards" in path["helps"].replace(" no ", " ")'
}

# ---- hostile near sides

# near_side MODE [ADDRESS]: its log is near.log
near_side()
{
	on near "$python" "$here/path_peer.py" near "$(far 4)" "$port" "$@" \
	    >"$work/near.log"
}

still_serves()
{
	probe 4 --count 1 "$@"
	same 0 "$status"
	says 'verdict == "passes"'
}

# hostile MODE PATTERN [OPTION...]: what it hears, in all
hostile()
{
	local mode=$1 pattern=$2

	shift 2
	path_lab
	listen "$@"
	near_side "$mode"
	has "$(cat "$work/near.log")" "$pattern"
	lacks "$(cat "$work/near.log")" '^(seen|ready)'
	still_serves "$@"
}

hog()
{
	path_lab
	listen
	start hog near "$python" "$here/path_peer.py" near "$(far 4)" "$port" hog
	wait_log hog '^ready'
	still_serves
}

# received PACKETS: so many have come to the far side
received()
{
	[ "$(on far cat /sys/class/net/eth0/statistics/rx_packets)" -gt "$1" ]
}

# SIGTERM is obeyed in the middle of a flood, with as many plans to hold it
# against as there can be.
flood()
{
	local n

	path_lab
	listen
	start plans near "$python" "$here/path_peer.py" near "$(far 4)" \
	    "$port" plans 10.10.0.1
	wait_log plans '^ready'
	for n in 1 2 3; do
		start "flood$n" router1 "$python" "$here/path_peer.py" near \
		    "$(far 4)" "$port" flood 10.11.0.77
	done
	wait_for "$patience" received 100000
	end listen
	refute gone flood1
}

# Plans of one stranger keep nobody else out.
plans()
{
	path_lab
	listen
	start plans near "$python" "$here/path_peer.py" near "$(far 4)" \
	    "$port" plans 10.10.0.1
	wait_log plans '^ready'
	has "$(cat "$work/plans.log")" '^ready 1$'
	same 0 "$(status_of on router1 "$TAP" probe-path "$(far 4)" --count 1)"
}

# Nor do they fill a log.
sessions()
{
	local lines

	path_lab
	listen
	on near "$python" "$here/path_peer.py" near "$(far 4)" "$port" \
	    sessions 10.10.0.1
	lines=$(grep -c ' served ' "$work/listen.log")
	if [ "$lines" -lt 50 ] || [ "$lines" -ge 150 ]; then
		fail "$lines lines"
	fi
	still_serves
}

# Nor a disk; and how much was left out is told.
kept()
{
	local count

	path_lab
	listen -w "$work/far.pcap"
	SECONDS=0
	start flood router1 "$python" "$here/path_peer.py" near "$(far 4)" \
	    "$port" flood 10.11.0.77
	wait_log listen 'far.pcap: [0-9]+ packets not kept: too many'
	end listen
	count=$(tcpdump -n -r "$work/far.pcap" 2>/dev/null | wc -l)
	if [ "$count" -lt 1000 ] ||
	   [ "$count" -gt $((2000 * (SECONDS + 2))) ]; then
		fail "$count packets in $SECONDS s"
	fi
}

# A file that takes no more is named at once, and what can be done is done.
full_disk()
{
	path_lab
	listen -w /dev/full
	probe 4 --count 1
	same 0 "$status"
	wait_log listen '/dev/full: No space left on device'
	status=0
	end listen || status=$?
	same 3 "$status"
	listen
	probe 4 -w /dev/full 2>"$work/err"
	same 3 "$status"
	same "tap probe-path: $(far 4): /dev/full: No space left on device" \
	    "$(cat "$work/err")"
	same '' "$(cat "$work/probe.json")"
}

# What it sends goes to the near side, whatever address that names; and
# nothing but the words of their connection and what a kernel answers.
elsewhere()
{
	path_lab
	ip -n "$net-far" neigh add 10.11.0.77 lladdr 02:00:00:00:00:fa dev eth0
	listen
	start dump far tcpdump -U -n --immediate-mode -Z root -i eth0 \
	    -w "$work/far.pcap" --direction out
	wait_log dump 'listening on'
	start near near "$python" "$here/path_peer.py" near "$(far 4)" "$port" \
	    many 10.11.0.77
	wait_log near '^closed|^refused'
	near_side nonsense
	still_serves
	end dump INT
	lacks "$(tcpdump -n -r "$work/far.pcap" 2>/dev/null)" '10\.11\.0\.77'
	# Each TCP packet goes to the near side.
	same '' "$(tcpdump -n -r "$work/far.pcap" tcp and not dst host \
	    10.10.0.1 2>/dev/null)"
}

# A stranger's SYN is not told, though its source port was guessed.
fish()
{
	path_lab
	listen
	mkfifo "$work/fifo"
	# shellcheck disable=SC2016 # for the inner shell
	start near near sh -c 'exec "$@" <>"$0"' "$work/fifo" "$python" \
	    "$here/path_peer.py" near "$(far 4)" "$port" fish 10.11.0.1
	wait_log near '^ready'
	on router1 nc.openbsd -z -p 40000 10.11.0.2 "$port"
	echo >"$work/fifo"
	wait_log near '^done'
	same 1 "$(grep -c '^seen' "$work/near.log")" 'its own connection alone'
}

# Who announces and sends a SYN in another host's name is not told what that
# host is answered: with its number he could go on in that name.
forge()
{
	local other=10.20.0.2 own=10.10.0.1 iptables

	[ "$1" = 4 ] || { other=fd20::2; own=fd10::1; }
	path_lab
	namespace other
	wire router1 side other eth0 20
	connected router1 other
	route other 20 1
	on router1 sysctl -qw net.ipv4.conf.all.rp_filter=0 \
	    net.ipv4.conf.in.rp_filter=0
	for iptables in iptables ip6tables; do
		on other "$iptables" -A INPUT -p tcp -j DROP
	done
	listen
	start dump other tcpdump -U -n --immediate-mode -Z root -i eth0 \
	    -w "$work/other.pcap" tcp
	wait_log dump 'listening on'
	on near "$python" "$here/path_peer.py" near "$(far "$1")" "$port" \
	    forge "$other" >"$work/near.log"
	has "$(cat "$work/near.log")" "^answer to $own "
	lacks "$(cat "$work/near.log")" "^answer to $other "
	end dump INT
	has "$(tcpdump -n -r "$work/other.pcap" 2>/dev/null)" 'Flags \[S\.\]' \
	    'it was answered'
}

# The far side tells of the connection's own SYN, not of one before it.
reused()
{
	path_lab
	listen
	near_side reused
	has "$(cat "$work/near.log")" '^seen'
	lacks "$(cat "$work/near.log")" '0badf00d'
}

# ---- keys

keys()
{
	local one other both

	one=$(key_file "key_no=1, key=0x$secret, alg=hmac-sha256")
	other=$(key_file "key_no=1, key=0x0${secret#?}, alg=hmac-sha256")
	both=$(key_file "key_no=1, key=0x$secret, alg=hmac-sha256" \
	    "key_no=2, key=0x1$secret"0)
	path_lab
	listen -k "$one"
	still_serves -k "$one"
	probe 4 -k "$other" 2>"$work/err"
	same 2 "$status"
	same '' "$(cat "$work/probe.json")" 'no half of an object'
	has "$(cat "$work/err")" 'refuses the key'
	probe 4 2>"$work/err"
	same 2 "$status"
	has "$(cat "$work/err")" 'wants a key'
	probe 4 -k "$both" 2>"$work/err"
	same 2 "$status"
	has "$(cat "$work/err")" '--key-no'
	still_serves -k "$both" --key-no 1
	probe 4 -k "$both" --key-no 2 2>/dev/null
	same 2 "$status"
	end listen
	listen
	still_serves -k "$one"
	says 'any("no key" in n for n in path["notes"])'
}

check honest far_side honest 'verdict == "passes"' 'only()' \
    'path["complete"]'
check clock-ahead far_side ahead 'verdict == "fails"' \
    'path["reason"] == "clock"' '99 < path["skew"] < 101' \
    '"ahead" in path["text"]'
check clock-behind far_side behind 'verdict == "fails"' \
    '-101 < path["skew"] < -99' '"tolerance=" in path["helps"]'
for mode in garbage silent version; do
	check $mode no_far_side $mode
done
for mode in nothing huge clocks; do
	check $mode cut $mode
done
check half far_side half 'not path["complete"]' \
    'not any(f["state"] == "lost" for f in field.values())'
check endless far_side endless 'not path["complete"]'
check lies far_side lies 'verdict in ("fails", "unknown")'
check killed killed
check nobody nobody
check near-garbage hostile garbage '^closed'
check near-web hostile web '^closed'
check near-no-hello hostile no-hello '^closed'
check near-huge hostile huge '^closed'
check near-many hostile many '^refused 03'
check near-nonsense hostile nonsense '^refused 03'
check near-deaf hostile deaf '^(full|closed)'
both_key=$(key_file)
check unplugged unplugged
check near-no-key hostile no-key '^closed' -k "$both_key"
check near-wrong-key hostile wrong-key '^refused 02' -k "$both_key"
check near-hog hog
check near-flood flood
check near-plans plans
check near-sessions sessions
check kept kept
check full-disk full_disk
check near-elsewhere elsewhere
check near-fish fish
check near-reused reused
both near-forge forge
check keys keys
finish
