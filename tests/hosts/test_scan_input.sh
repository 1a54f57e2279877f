#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What tap scan-check is told: words, files, privileges, networks.  What is
# wrong is one line that names it, and an exit status.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# refused STATUS PATTERN OPTION...: one line, plus where to read more
refused()
{
	local status=0

	on stranger timeout 60 "$TAP" scan-check "${@:3}" >"$work/out" \
	    2>"$work/err" || status=$?
	cat "$work/err"
	has "$status" "^$1\$" "${*:3}"
	same '' "$(cat "$work/out")" "output of ${*:3}"
	has "$(cat "$work/err")" "$2"
	same 1 "$(wc -l <"$work/err")" "lines of ${*:3}"
}

words()
{
	lab server stranger
	set -- "$(addr4 server)"
	refused 2 'HOST is missing' -p 22
	refused 2 'PORTS is missing' "$1"
	refused 2 'unexpected argument' "$1" "$1" -p 22
	refused 2 'port 0 out of range' "$1" -p 0
	refused 2 'port 65536 out of range' "$1" -p 65536
	refused 2 'range 80-22 runs backwards' "$1" -p 80-22
	refused 2 'not a list' "$1" -p 22,,80
	refused 2 'not a list' "$1" -p ''
	refused 2 'neither a port nor a service' "$1" -p no-such-service
	refused 2 "'half' is no scan" "$1" -p 22 --scan syn,half
	refused 2 "'syn' is there twice" "$1" -p 22 --scan syn,syn
	refused 2 'scan' "$1" -p 22 --scan ''
	refused 2 'scan' "$1" -p 22 --scan syn,
	refused 2 'none of open, closed, filtered' "$1" -p 22 --expect hidden
	refused 2 'port 80 is not scanned' "$1" -p 22 --expect 80=open
	refused 2 'port 0 out of range' "$1" -p 22 --expect 0=open
	refused 2 'out of range' "$1" -p 22 --rate 0
	refused 2 'out of range' "$1" -p 22 --against 80 --samples 19
	refused 2 'the port itself' "$1" -p 22 --against 22
	refused 2 'either --nmap' "$1" -p 22 --nmap --nmap-xml "$work/x"
	# 2 where the name service says so, 3 where there is none.
	refused '[23]' "'not.a.host.invalid'" not.a.host.invalid -p 22
	refused 2 'more than 65536 addresses' 10.0.0.0/8 -p 22
	refused 2 'scan fewer addresses' 10.77.0.0/24 -p 1-1000
	refused 2 'more than a million samples' "$1" -p 1-65535 --against 9
	refused 2 'no-such-file' "$1" -p 81 --scan syn \
	    --before "$work/no-such-file"
	refused 2 'no-such-file' "$1" -p 81 --scan syn \
	    --nmap-xml "$work/no-such-file"
	refused 3 'no-such-directory' "$1" -p 81 --scan syn \
	    -w "$work/no-such-directory/file"
	refused 2 '-w: standard output is for the report' "$1" -p 81 -w -
	ln -s "$work/other" "$work/link"
	refused 3 'link: is a symbolic link' "$1" -p 81 --scan syn \
	    -w "$work/link"
	[ ! -e "$work/other" ] || fail 'a link was followed'
	refused 3 '/dev/full: No space left' "$1" -p 81-85 --scan syn \
	    -w /dev/full
	on stranger "$TAP" scan-check "$1" -p 81 --scan syn -w "$work/kept" \
	    >/dev/null
	same 600 "$(stat -c %a "$work/kept")" 'for nobody else'
}

networks()
{
	lab server stranger
	# Nobody is the way to there.
	refused 3 '192.0.2.1: Network' 192.0.2.1 -p 22
	refused 3 '2001:db8::1: Network' 2001:db8::1 -p 22
	on stranger ip route add unreachable 192.0.2.0/24
	refused 3 '192.0.2.1: ' 192.0.2.1 -p 22
	ip -n "$net-stranger" link set eth0 down
	refused 3 "$(addr4 server): Network" "$(addr4 server)" -p 22
	ip -n "$net-stranger" link set eth0 up
	# Nobody has that address: that is silence.
	silence=0
	on stranger "$TAP" scan-check 10.77.0.200 -p 22 --scan syn,fin \
	    --expect filtered || silence=$?
	same 0 "$silence"
	# The interface goes while it is used.
	start scan stranger "$TAP" scan-check 10.77.0.250 -p 1-1000 \
	    --scan syn --rate 100
	wait_for "$patience" sent
	ip -n "$net-stranger" link set eth0 down
	await scan 3
	has "$(cat "$work/scan.log")" '^tap scan-check: Network'
}

# The stranger has sent some probes.
sent()
{
	[ "$(on stranger cat /sys/class/net/eth0/statistics/tx_packets)" -gt 9 ]
}

# To itself, and through every kind of device that a host has.
devices()
{
	lab server stranger
	http_start server 80
	for to in 127.0.0.1 ::1 "$(addr4 server)" "$(addr6 server)"; do
		on server "$TAP" scan-check "$to" -p 80,81 \
		    --expect 80=open,81=closed >&2
	done
	# A tunnel has packets without a link's header.
	[ -c /dev/net/tun ] || skip 'no tunnels here'
	start tun1 server "$python" "$here/tun.py" tun0 "$(addr4 server)" \
	    "$(addr4 stranger)"
	start tun2 stranger "$python" "$here/tun.py" tun0 \
	    "$(addr4 stranger)" "$(addr4 server)"
	wait_log tun1 ready
	wait_log tun2 ready
	ip -n "$net-server" addr add 10.78.0.1/24 dev tun0
	ip -n "$net-stranger" addr add 10.78.0.2/24 dev tun0
	ip -n "$net-server" link set tun0 up
	ip -n "$net-stranger" link set tun0 up
	on stranger "$TAP" scan-check 10.78.0.1 -p 80,81 \
	    --expect 80=open,81=closed -w "$work/tun.pcap"
}

# Without rights: connections, and it says so.
unprivileged()
{
	local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups
		--inh-caps=-all --bounding-set=-all)

	lab server stranger
	http_start server 80
	install -m 755 "$TAP" "$work/tap"
	chmod 755 "$dir" "$dir/case" "$work"
	on stranger "${nobody[@]}" "$work/tap" scan-check "$(addr4 server)" \
	    -p 80,81 --expect 80=open,81=closed --json \
	    >"$work/out" 2>"$work/err"
	same 1 "$(grep -c . "$work/err")"
	has "$(cat "$work/err")" 'only the connect scan'
	has "$(cat "$work/out")" '"raw":false'
	has "$(cat "$work/out")" '"scan":"connect","state":"open"'
	lacks "$(cat "$work/out")" '"scan":"syn"'
	for option in '--against 9' "-w $work/x"; do
		# shellcheck disable=SC2086 # words
		same 3 "$(status_of on stranger "${nobody[@]}" "$work/tap" \
		    scan-check "$(addr4 server)" -p 80 $option)"
	done
}

# The JSON, read back; and what changed since.
before()
{
	lab server stranger
	http_start server 80
	set -- on stranger "$TAP" scan-check "$(addr4 server)" -p 80-82
	"$@" --json >"$work/first"
	"$python" - "$work/first" <<-'END'
		import json, sys
		whole = json.load(open(sys.argv[1]))
		assert whole["command"] == "scan-check" and whole["raw"] is True
		rows = whole["results"]
		assert len(rows) == 3 * 11, len(rows)
		for row in rows:
		    assert row["tries"] >= 1 and row["address"] == "10.77.0.1"
		states = {(r["port"], r["scan"]): r["state"] for r in rows}
		assert states[80, "syn"] == "open"
		assert states[81, "xmas"] == "closed"
	END
	"$@" --before "$work/first" >"$work/out"
	lacks "$(cut -f 12 "$work/out")" yes
	on server iptables -A INPUT -p tcp --dport 80 -j DROP
	same 1 "$(status_of "$@" --before "$work/first")"
	"$@" --before "$work/first" >"$work/out" || :
	same '80 syn open' "$(awk -F '\t' '$12 == "yes" && $4 == "syn" {
		print $3, $4, $11 }' "$work/out")"
	# Nothing in common is a mistake; so is what is not ours.
	refused 2 'nothing about' "$(addr4 server)" -p 99 --scan syn \
	    --before "$work/first"
	echo '{"hello": [1, 2, {"a": null}]}' >"$work/other"
	refused 2 'other: not what' "$(addr4 server)" -p 80 --scan syn \
	    --before "$work/other"
	head -c 500 "$work/first" >"$work/cut"
	refused 2 'cut:[0-9]*: ' "$(addr4 server)" -p 80 --scan syn \
	    --before "$work/cut"
}

# nmap's XML, of another run, and of somebody who means ill.
xml()
{
	local scan=(--scan syn -p "80,81")

	lab server stranger
	http_start server 80
	set -- "$(addr4 server)"
	on stranger nmap -n -Pn -sS -p 80,81 -oX "$work/good.xml" "$1" >&2
	on stranger "$TAP" scan-check "$1" "${scan[@]}" \
	    --nmap-xml "$work/good.xml" >"$work/out"
	same 'yes yes' "$(cut -f 8 "$work/out" | xargs)"
	# Many ports are told of in short.
	on stranger nmap -n -Pn -sT -p 1-100 -oX "$work/many.xml" "$1" >&2
	on stranger "$TAP" scan-check "$1" --scan connect -p 1-100 \
	    --nmap-xml "$work/many.xml" >"$work/out"
	same 100 "$(cut -f 8 "$work/out" | grep -c yes)"
	sed 's/state="open"/state="filtered"/' "$work/good.xml" \
	    >"$work/wrong.xml"
	same 1 "$(status_of on stranger "$TAP" scan-check "$1" "${scan[@]}" \
	    --nmap-xml "$work/wrong.xml")"
	refused 2 'nothing about' "$1" --scan fin -p 80 \
	    --nmap-xml "$work/good.xml"

	cat >"$work/laughs.xml" <<-'END'
		<?xml version="1.0"?>
		<!DOCTYPE nmaprun [
		 <!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
		 <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
		]>
		<nmaprun scanner="nmap" args="&c;&c;&c;"></nmaprun>
	END
	refused 2 'laughs.xml:2: ' "$1" "${scan[@]}" \
	    --nmap-xml "$work/laughs.xml"
	iconv -t UTF-16 "$work/good.xml" >"$work/wide.xml"
	refused 2 'wide.xml:1: ' "$1" "${scan[@]}" --nmap-xml "$work/wide.xml"
	sed 's/UTF-8/EBCDIC-US/' "$work/good.xml" >"$work/ebcdic.xml"
	refused 2 'ebcdic.xml:1: ' "$1" "${scan[@]}" \
	    --nmap-xml "$work/ebcdic.xml"
	head -c 900 "$work/good.xml" >"$work/cut.xml"
	refused 2 'cut.xml:[0-9]+: it ends' "$1" "${scan[@]}" \
	    --nmap-xml "$work/cut.xml"
	: >"$work/empty.xml"
	refused 2 'empty.xml:1: ' "$1" "${scan[@]}" --nmap-xml "$work/empty.xml"
	refused 2 'zero:1: ' "$1" "${scan[@]}" --nmap-xml /dev/zero
	refused 2 ': Is a directory' "$1" "${scan[@]}" --nmap-xml "$work"

	# A hundred megabytes, in as little memory as ever.
	{
		sed '/<\/nmaprun>/d' "$work/good.xml"
		yes '<script id="x" output="0123456789012345678901234567890"/>' |
			head -c 100000000 | sed '$d'
		echo '</nmaprun>'
	} >"$work/large.xml"
	# shellcheck disable=SC2016 # for the inner shell
	on stranger bash -c 'ulimit -v 300000 && exec "$@"' bash \
	    "$TAP" scan-check "$1" "${scan[@]}" --nmap-xml "$work/large.xml"
}

# A file of packets holds what was sent and what came back.
packets_kept()
{
	lab server stranger
	http_start server 80
	for family in 4 6; do
		on stranger "$TAP" scan-check "$(addr "$family" server)" -p 80,81 \
		    --scan syn,fin,connect,udp -w "$work/kept.pcap" >&2
		tcpdump -nr "$work/kept.pcap" >"$work/kept" 2>/dev/null
		cat "$work/kept"
		has "$(cat "$work/kept")" '> .*\.80: Flags \[S\]'
		has "$(cat "$work/kept")" '\.80 > .*Flags \[S\.\]'
		has "$(cat "$work/kept")" '\.81 > .*Flags \[R\.\]'
		has "$(cat "$work/kept")" 'ICMP'
		has "$(cat "$work/kept")" '> .*\.80: UDP, length 0'
	done
}

# A name has addresses of both families; a network, many.
names()
{
	lab server stranger
	http_start server 80
	printf '%s both.test\n' "$(addr4 server)" "$(addr6 server)" \
	    >"$work/hosts"
	# shellcheck disable=SC2016 # for the inner shell
	on stranger unshare --mount sh -c 'mount --bind "$0" /etc/hosts &&
		exec "$@"' "$work/hosts" \
	    "$TAP" scan-check both.test -p 80 --scan syn,connect \
	    --expect open >"$work/out"
	same "$(addr4 server) $(addr6 server)" \
	    "$(cut -f 2 "$work/out" | uniq | xargs)"
	on stranger "$TAP" scan-check 10.77.0.0/30 -p 80 --scan syn \
	    >"$work/out"
	same 4 "$(grep -c . "$work/out")"
	has "$(cat "$work/out")" "$(printf '10.77.0.1\t80\tsyn\topen')"
	ip -n "$net-stranger" route add 10.77.1.0/24 dev eth0
	on stranger "$TAP" scan-check 10.77.0.0/23 -p 80 --scan syn \
	    --rate 10000 >"$work/out" 2>"$work/err"
	has "$(cat "$work/err")" 'scanning 512 addresses'
	same 512 "$(grep -c . "$work/out")"
	# An address without a route is left out, and the others are not.
	ip -n "$net-stranger" addr del "$(addr6 stranger)/64" dev eth0
	# shellcheck disable=SC2016 # for the inner shell
	on stranger unshare --mount sh -c 'mount --bind "$0" /etc/hosts &&
		exec "$@"' "$work/hosts" \
	    "$TAP" scan-check both.test -p 80 --scan syn \
	    >"$work/out" 2>"$work/err"
	same "$(addr4 server)" "$(cut -f 2 "$work/out")"
	has "$(cat "$work/err")" "$(addr6 server): .*: not scanned"
}

for name in words networks devices unprivileged before xml packets_kept \
    names; do
	check $name $name
done
finish
