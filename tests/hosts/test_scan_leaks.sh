#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap scan-check --against: finds what gives a hidden port away, every time;
# and never finds anything where there is nothing.

# Cases are called by check.
# Each pair has a folder of its own, in a process of its own.
# shellcheck disable=SC2317,SC2030,SC2031
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# As few samples as there may be, and fast: what is found with these is found.
few=(--samples 20 --rate 2000)
# Without what a queue shows to a ping behind SYNs.
plain=(--scan
       "syn,connect,fin,null,xmas,ack,window,maimon,syn-data,syn-ecn,udp")

drop()
{
	local iptables port

	for iptables in iptables ip6tables; do
		for port in "${@:2}"; do
			on "$1" "$iptables" -A INPUT -p tcp --dport "$port" \
			    -j DROP
		done
	done
}

# against 4|6 PORT REFERENCE OPTION...: into $work/out; status in $status
against()
{
	status=0
	on stranger "$TAP" scan-check "$(addr "$1" server)" -p "$2" \
	    --against "$3" "${@:4}" >"$work/out" || status=$?
}

# What differs: "SCAN WHAT", in a line each.
differences()
{
	awk -F '\t' '$1 == "against" && $7 == "differs" { print $4, $6 }' \
	    "$work/out"
}

# What differs but for times, which a busy machine makes differ.
timeless()
{
	differences | grep -v ' time$' || :
}

# apart 4|6 PORT REFERENCE PATTERN OPTION...: what differs is just that
apart()
{
	against "$1" "$2" "$3" "${few[@]}" "${@:5}"
	same 1 "$status" "port $2"
	has "$(differences)" "$4"
	lacks "$(timeless | grep -Ev -e "$4")" .
}

alike()
{
	against "$1" "$2" "$3" "${@:4}"
	same '' "$(differences)" "ports $2 and $3"
	same 0 "$status"
}

# A packet filter that forgets one kind of packets.
forgets()
{
	local family=$1 scan flags iptables=iptables

	[ "$family" = 4 ] || iptables=ip6tables
	lab server stranger
	on server "$iptables" -N hide
	on server "$iptables" -A INPUT -p tcp --dport 22 -j hide
	drop server 22 2222
	while read -r scan flags; do
		on server "$iptables" -F hide
		on server "$iptables" -A hide -p tcp --tcp-flags ALL "$flags" \
		    -j ACCEPT
		apart "$family" 22 2222 "^($scan) answer$" \
		    --scan fin,null,xmas,ack,window,maimon,syn
	done <<-END
		syn SYN
		fin FIN
		null NONE
		xmas FIN,PSH,URG
		ack|window ACK
		maimon FIN,ACK
	END
	on server "$iptables" -F hide
	alike "$family" 22 2222 "${few[@]}"
}

# tap's own rules, put there by hand, as the server would put them back; and
# then without the one for what is no SYN.
rule_removed()
{
	local conf=$work/TAPservd.conf rule

	lab server stranger
	http_start server 80
	drop server 2222
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	set -- -c "$conf" -k "$(key_file)" -a "$work/ACL.conf"
	printf 'firewall=iptables\nRULE:dst_port=80\n' >"$conf"
	"$TAP" server --print-rules "$@" >"$work/rules"
	sed -n '1,/^# ip6tables/p' "$work/rules" |
		on server iptables-restore --noflush
	printf 'firewall=none\nRULE:dst_port=80\n' >"$conf"
	tap_start tap server server "$@"
	alike 4 80 2222 "${few[@]}" "${plain[@]}"
	rule=$(on server iptables -t mangle -S INPUT |
		sed -n '/tap-server/s/^-A/-D/p')
	has "$rule" 'INPUT -p tcp -j tap-server-'
	# shellcheck disable=SC2086 # words
	on server iptables -t mangle $rule
	apart 4 80 2222 '^(ack|window|maimon) answer$' "${plain[@]}"
}

# answers 4|6 WORDS PATTERN OPTION...: port 22 answers as WORDS say, 2222 does not
answers()
{
	local i

	lab server stranger
	drop server 22 2222
	start answer server "$python" "$here/answer.py" eth0 "22,$2" 2222
	wait_log answer ready
	for i in 1 2 3 4 5 6 7 8 9 10; do
		echo "run $i"
		apart "$1" 22 2222 "$3" --scan syn,fin,ack,maimon "${@:4}"
	done
}

# What no single answer shows: a leak of each kind is found, by that alone.
patterns()
{
	local family=$1 i tool=iptables

	[ "$family" = 4 ] || tool=ip6tables
	lab server stranger
	on server sysctl -qw net.ipv6.conf.all.forwarding=1
	http_start server 22 2222
	on server "$tool" -N leak
	on server "$tool" -A INPUT -p tcp --dport 22 -j leak
	drop server 22 2222
	alike "$family" 22 2222 "${few[@]}" --scan anycast,fragment,burst,ping
	if [ "$family" = 6 ]; then
		on server "$tool" -A leak -d fd77:: -j ACCEPT
		apart 6 22 2222 '^anycast answer$' --scan anycast
		on server "$tool" -F leak
	fi

	# A SYN in pieces is let by: the first piece is marked.
	on server "$tool" -t mangle -A PREROUTING -m u32 --u32 \
	    "$(first_piece "$family")" -j MARK --set-mark 7
	on server "$tool" -I INPUT -m mark --mark 7 -j ACCEPT
	on server sysctl -qw net.ipv6.icmp.ratelimit=0
	apart "$family" 22 2222 '^fragment (answer|packets)$' --scan fragment
	on server "$tool" -D INPUT 1

	# Answers to the others are made by a program, and come behind.
	drop server 24
	start answer server "$python" "$here/answer.py" eth0 24,delay=2 23
	wait_log answer ready
	against "$family" 25 24 "${few[@]}" --scan burst
	has "$(differences)" '^burst order$'
	against "$family" 25 26 "${few[@]}" --scan burst
	same '' "$(timeless)" 'two closed ports'

	# A long way to its end.
	for ((i = 0; i < 1000; i++)); do
		echo "-A leak -p tcp --dport $((20000 + i)) -j DROP"
	done | { echo '*filter'; cat; echo COMMIT; } |
		on server "$tool-restore" --noflush
	apart "$family" 22 2222 '^ping time$' --scan ping --samples 80
}

# first_piece 4|6: words of u32, for one to port 22
first_piece()
{
	case $1 in
	4) echo '4&0x3FFF=0x2000 && 20&0xFFFF=22' ;;
	6) echo '4>>8&0xFF=44 && 48&0xFFFF=22' ;;
	esac
}

# with_work DIRECTORY COMMAND...
with_work()
{
	local work=$1

	mkdir "$work"
	"${@:2}"
}

# runs NAME COUNT COMMAND...: many, ten at a time; all have to succeed
runs()
{
	local name=$1 count=$2 i running=()

	shift 2
	for ((i = 1; i <= count; i++)); do
		with_work "$work/$name$i" "$@" &
		running+=($!)
		if [ ${#running[@]} -eq 10 ]; then
			wait "${running[0]}"
			running=("${running[@]:1}")
		fi
	done
	for i in "${running[@]}"; do
		wait "$i"
	done
}

nothing()
{
	local family=$1

	lab server stranger
	drop server 22 2222
	runs dropped 100 alike "$family" 22 2222 "${few[@]}" \
	    --scan syn,fin,null,xmas,ack,window,maimon,syn-data,syn-ecn
	runs closed 100 alike "$family" 23 2323 "${few[@]}" \
	    --scan syn,fin,null,xmas,ack,window,maimon,syn-data,syn-ecn
	on server sysctl -qw net.ipv6.conf.all.forwarding=1
	runs patterns-dropped 20 alike "$family" 22 2222 "${few[@]}" \
	    --scan anycast,fragment,burst,ping
	runs patterns-closed 20 alike "$family" 23 2323 "${few[@]}" \
	    --scan anycast,fragment,burst,ping
}

# hide=filtered is as a rule that drops, hide=closed as no listener.
hidden()
{
	local family=$1

	lab server stranger
	http_start server 80 81
	drop server 2222
	printf 'RULE:dst_port=80\nRULE:dst_port=81, hide=closed\n' \
	    >"$work/TAPservd.conf"
	echo 'port=ANY, key_no=10' >"$work/ACL.conf"
	tap_start tap server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	alike "$family" 80 2222 "${plain[@]}"
	# The server answers some microseconds sooner than a kernel without a
	# listener: that is for a quiet machine and hundreds of samples to tell.
	against "$family" 81 2323 "${few[@]}" "${plain[@]}"
	same '' "$(timeless)" 'a hidden and a closed port'
	apart "$family" 80 2323 answer
	apart "$family" 81 2222 answer
}

for family in 4 6; do
	check "ttl-ipv$family" answers $family ttl=63 ' ttl$'
	check "forgets-ipv$family" forgets $family
	check "hidden-ipv$family" hidden $family
done
check rule-removed rule_removed
settle
# One by one: the other tests' noise is not what is to be found.
for family in 4 6; do
	check "late-ipv$family" answers $family delay=2 ' time$' \
	    --samples 40 --rate 200
	settle
	check "patterns-ipv$family" patterns $family
	settle
done
for family in 4 6; do
	check "nothing-ipv$family" nothing $family
	settle
done
finish
