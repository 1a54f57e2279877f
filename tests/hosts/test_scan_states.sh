#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Every state a port can have: tap scan-check sees it, and in each scan the
# real nmap sees the same.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# What REJECT can send, for ports from 100 on.
# shellcheck disable=SC2034 # by their name
reject4=(icmp-net-unreachable icmp-host-unreachable icmp-proto-unreachable
	icmp-port-unreachable icmp-net-prohibited icmp-host-prohibited
	icmp-admin-prohibited)
# shellcheck disable=SC2034
reject6=(icmp6-no-route icmp6-adm-prohibited icmp6-addr-unreachable
	icmp6-port-unreachable icmp6-policy-fail icmp6-reject-route)

# Errors of ICMP are not limited, but for the case that is about it.
unlimited()
{
	on "$1" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
}

drop()
{
	local iptables port

	for iptables in iptables ip6tables; do
		for port in "${@:2}"; do
			on "$1" "$iptables" -A INPUT -p tcp --dport "$port" \
			    -j DROP
			on "$1" "$iptables" -A INPUT -p udp --dport "$port" \
			    -j DROP
		done
	done
}

# reject HOST 4|6: from port 100 on, each as its fellow of the list says
reject()
{
	local iptables=iptables port=100 with
	local -n list=reject$2

	[ "$2" = 4 ] || iptables=ip6tables
	for with in "${list[@]}"; do
		on "$1" "$iptables" -A INPUT -p tcp --dport "$port" -j REJECT \
		    --reject-with "$with"
		on "$1" "$iptables" -A INPUT -p udp --dport "$port" -j REJECT \
		    --reject-with "$with"
		port=$((port + 1))
	done
	on "$1" "$iptables" -A INPUT -p tcp --dport 110 -j REJECT \
	    --reject-with tcp-reset
}

# scan_check HOST 4|6 OPTION...: into $work/out; its exit status in $status
scan_check()
{
	status=0
	on "$1" "$TAP" scan-check "$(addr "$2" server)" "${@:3}" \
	    >"$work/out" || status=$?
	cat "$work/out"
}

# state PORT SCAN: what it saw
state()
{
	awk -F '\t' -v port="$1" -v scan="$2" \
	    '$1 == "state" && $3 == port && $4 == scan { print $5 }' "$work/out"
}

# states PORT STATE-OF-SYN CONNECT FIN NULL XMAS ACK WINDOW MAIMON
states()
{
	local port=$1 scan

	shift
	for scan in syn connect fin null xmas ack window maimon; do
		same "$1" "$(state "$port" "$scan")" "port $port, $scan"
		shift
	done
	for scan in syn-data syn-ecn; do
		same "$(state "$port" syn)" "$(state "$port" "$scan")" \
		    "port $port, $scan"
	done
}

of='open|filtered'
open=(open open "$of" "$of" "$of" unfiltered closed closed)
closed=(closed closed closed closed closed unfiltered closed closed)
dropped=(filtered filtered "$of" "$of" "$of" filtered filtered "$of")
rejected=(filtered filtered filtered filtered filtered filtered filtered
	filtered)

# Lines where nmap saw something else, but for port and scan $1 $2.
disagreements()
{
	awk -F '\t' -v port="${1:-}" -v scan="${2:-}" \
	    '$1 == "state" && $8 == "no" && !($3 == port && $4 == scan)' \
	    "$work/out"
}

plain()
{
	local family=$1 port with
	local -n list=reject$1

	lab server stranger
	unlimited server
	http_start server 80
	drop server 82
	reject server "$family"
	scan_check stranger "$family" -p 80-82,100-106,110 --nmap
	states 80 "${open[@]}"
	states 81 "${closed[@]}"
	states 82 "${dropped[@]}"
	states 110 "${closed[@]}"
	port=100
	for with in "${list[@]}"; do
		# Of "port unreachable" the kernel makes "refused".
		rejected[1]=filtered
		[ "$port" != 103 ] || rejected[1]=closed
		states "$port" "${rejected[@]}"
		port=$((port + 1))
	done
	same closed "$(state 103 udp)" 'port unreachable to UDP'
	# Over IPv6, on a near host, nmap's connect scan has 103 by chance.
	if [ "$family" = 4 ]; then
		same 0 "$status"
	else
		same '' "$(disagreements 103 connect)" \
		    'where nmap sees something else'
	fi
}

# Codes that REJECT does not send: some mean nothing to nmap.
odd_icmp()
{
	local codes=(3/4 3/5 3/6 3/7 3/8 3/11 3/12 3/14 3/15 11/0 11/1 12/0)
	local ports=() port=200 code

	lab server stranger
	for code in "${codes[@]}"; do
		ports+=("$port,icmp=$code")
		drop server "$port"
		port=$((port + 1))
	done
	start answer server "$python" "$here/answer.py" eth0 "${ports[@]}"
	wait_log answer ready
	scan_check stranger 4 -p 200-$((port - 1)) --nmap \
	    --scan syn,fin,null,xmas,ack,window,maimon
	same '' "$(disagreements)" 'where nmap sees something else'
	same filtered "$(state 209 fin)" 'time exceeded'
	same 'open|filtered' "$(state 200 fin)" 'fragmentation needed'
}

# Who has not seen a probe does not know its number: what he sends decides
# nothing.  What has no number decides when nothing better comes, and says so.
forged()
{
	lab server stranger
	drop server 90 91 92 93
	start answer server "$python" "$here/answer.py" eth0 90,open,skew=7 \
	    91,icmp=3/13,skew=7 92,icmp=3/13 93,bare
	wait_log answer ready
	scan_check stranger "$1" -p 90,93 --scan syn
	same filtered "$(state 90 syn)" 'a wrong acknowledgement'
	same closed "$(state 93 syn)"
	has "$(cat "$work/out")" '	93	syn	closed	reset unsure	'
	[ "$1" = 4 ] || return 0
	scan_check stranger 4 -p 91,92 --scan fin
	same 'open|filtered' "$(state 91 fin)" 'a wrong number is quoted'
	same filtered "$(state 92 fin)"
}

# Answers as of a tarpit: late, but before anybody gives up.
slow()
{
	local family=$1

	lab server stranger
	drop server 90 91
	start answer server "$python" "$here/answer.py" eth0 \
	    90,open,delay=600 91,delay=400
	wait_log answer ready
	# One by one: nmap waits as long as other answers took.
	scan_check stranger "$family" -p 90 --scan syn,connect --nmap
	same 0 "$status"
	same open "$(state 90 syn)"
	same open "$(state 90 connect)"
	scan_check stranger "$family" -p 91 --scan syn,fin,ack --nmap
	same 0 "$status"
	same closed "$(state 91 syn)"
	same unfiltered "$(state 91 ack)"
}

# Errors limited to one a second, as Linux has it: six at once, so that some
# are left out at first.  nmap gives up on these, and tap does not.
limited()
{
	local scan scans=syn,fin,null,xmas,ack,window,maimon,syn-data,syn-ecn

	lab server stranger
	reject server "$1"
	scan_check stranger "$1" -p 101 --scan "$scans" --nmap
	for scan in ${scans//,/ }; do
		same filtered "$(state 101 "$scan")" "$scan"
	done
	same '' "$(disagreements | grep -v 'open|filtered')"
}

# Ports that tap hides, in each way it has.
hidden()
{
	local family=$1 conf=$work/TAPservd.conf

	lab server client stranger
	unlimited server
	http_start server 80 201 202 203
	drop server 82
	cat >"$conf" <<-END
		RULE:dst_port=201
		RULE:dst_port=202, hide=closed
		RULE:dst_port=203, hide=decoy:$(addr "$family" server):80
	END
	echo 'port=ANY, key_no=10' >"$work/ACL.conf"
	tap_start tap server server -c "$conf" -k "$(key_file)" \
	    -a "$work/ACL.conf"
	scan_check stranger "$family" -p 81,82,201-203 --nmap
	same 0 "$status"
	states 81 "${closed[@]}"
	states 82 "${dropped[@]}"
	states 201 "${dropped[@]}"
	states 202 "${closed[@]}"
	states 203 "${open[@]}"

	# With a client's key all are open: the paper's third transcript.
	tap_start client client client -c "$(client_rule dst_port=201-203)"
	scan_check client "$family" -p 201-203 --as-client --nmap
	same 0 "$status"
	# Who scans without meaning to be a key holder is told of it.
	scan_check client "$family" -p 201 --scan syn,connect 2>"$work/err"
	has "$(cat "$work/err")" \
	    "tap client, process ${pids[client]}, authenticated [0-9]+ SYNs"
	has "$(on client "$TAP" scan-check "$(addr "$family" server)" -p 201 \
	    --scan syn --json 2>&1)" '"authenticated":1,'
	scan_check stranger "$family" -p 201 --scan syn,connect --expect open \
	    2>"$work/err"
	lacks "$(cat "$work/err")" authenticated
	same 1 "$status"
	scan_check stranger "$family" -p 81,82,201,202 \
	    --expect filtered,81=closed,202=closed
	same 0 "$status"
}

for family in 4 6; do
	check "plain-ipv$family" plain $family
	check "slow-ipv$family" slow $family
	check "forged-ipv$family" forged $family
	check "limited-ipv$family" limited $family
	check "hidden-ipv$family" hidden $family
done
check odd-icmp odd_icmp
finish
