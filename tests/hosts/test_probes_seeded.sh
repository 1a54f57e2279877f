#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tests/probes finds what gives a hidden port away: a leak of each kind is
# seeded, by the packet filter or by a program, and found by its name; and
# nothing is found where there is nothing.  tap is not needed for that.

# Cases are called by check; an equals sign and commas are the program's.
# shellcheck disable=SC2317,SC2054
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/probes.sh
. "$(dirname "$0")/probes.sh"

# both COMMAND...: {} in it is iptables, and ip6tables
both()
{
	local tool

	for tool in iptables ip6tables; do
		on server "${@/#\{\}/$tool}"
	done
}

# leak TOOL PORT MATCH...: dropped, but for what these let by
leak()
{
	on server "$1" -A INPUT -p tcp --dport "$2" "${@:3}" -j ACCEPT
	on server "$1" -A INPUT -p tcp --dport "$2" -j DROP
}

# found FAMILY NAME PATTERN: the leak of that name, by such a kind
found()
{
	grep -Eq "^seeded-ipv$1/$2/$3.* kinds\)" "$work/probes$1.log" ||
		fail "not found: IPv$1, $2"
}

# A port for each, all tried at once.
kinds()
{
	local words=(none:140=90,91 flag:141=90,91 reject:142=90,91
		raw:143=90,91 option:144=90,91 data:145=90,91 ttl:146=90,91
		source:147=90,91 tos:148=90,91 address:149=90,91
		fragment:151=90,91 free:93=92 reset:150=92,93)
	local family tool

	probes_lab local
	# Of a socket alone.
	start listener server "$PROBES" serve 149=REAL
	wait_port server 149
	both {} -I INPUT -p tcp --dport 140 -j DROP
	both {} -A INPUT -p tcp --dport 142 --syn -j REJECT
	both {} -A INPUT -p tcp --dport 142 -j DROP
	both {} -t raw -A PREROUTING -p tcp --dport 143 -j DROP
	on server iptables -t mangle -A OUTPUT -p tcp --sport 150 -j TTL \
	    --ttl-set 63
	on server ip6tables -t mangle -A OUTPUT -p tcp --sport 150 -j HL \
	    --hl-set 63
	for tool in iptables ip6tables; do
		leak "$tool" 141 --tcp-flags ALL FIN,ACK
		leak "$tool" 144 --tcp-option 19
		leak "$tool" 145 -m length --length 1200:1300
		leak "$tool" 148 -m tos --tos 3/0xff
	done
	leak iptables 146 -m ttl --ttl-eq 1
	leak ip6tables 146 -m hl --hl-eq 1
	leak iptables 147 -s 10.77.0.255
	leak ip6tables 147 -s 2001:db8::9
	leak iptables 149 -d 10.77.0.255
	leak ip6tables 149 -d fd77::
	leak iptables 151 -s 192.0.2.1
	leak ip6tables 151 -m ipv6header --header frag --soft
	if probes_both corpus seeded pace=20 rounds=2 "${words[@]}"; then
		fail 'nothing is found'
	fi
	for family in 4 6; do
		found "$family" flag 'flags 011'
		found "$family" reject 'flags 002'
		found "$family" option 'opt md5'
		found "$family" data 'data 1200'
		found "$family" ttl 'router ttl 1'
		found "$family" tos 'tos 03'
		found "$family" reset 'flags 0'
		lacks "$(cat "$work/probes$family.log")" '/(none|free)/.* kinds\)'
	done
	found 4 raw ipopt
	found 6 source 'source 2001:db8::9'
	found 6 address 'anycast'
}

# What is known to differ is no failure until it does not differ any more.
known()
{
	local file=$work/known got

	probes_lab local
	leak iptables 141 --tcp-flags ALL FIN,ACK
	printf '%s\t%s\n' 'seeded/leak/flags *' 'as above' >"$file"
	probes corpus 4 variant=seeded only='flags 0*' known="$file" \
	    leak:141=90,91
	refute probes corpus 4 variant=seeded only='flags 0*' leak:141=90,91
	on server iptables -I INPUT -p tcp --dport 141 -j DROP
	if got=$(probes corpus 4 variant=seeded only='flags 0*' \
	    known="$file" leak:141=90,91); then
		fail "it does not differ any more: $got"
	fi
	has "$got" '^seeded/leak/flags \*: known to differ, and does not'
}

# tells FAMILY TOOL WORD...: it has to find something
tells()
{
	local got

	if got=$(probes "$2" "$1" "${@:3}"); then
		fail "$2, IPv$1, ${*:3}: nothing is found: $got"
	fi
	has "$got" ': (differs|let in)'
}

# What is not in one answer.
others()
{
	local family tool

	probes_lab local
	start answer server "$python" "$here/answer.py" eth0 150 160
	wait_log answer ready
	both {} -A INPUT -p tcp --dport 150 -j DROP
	both {} -A INPUT -p tcp --dport 151 -m limit --limit 100/s \
	    --limit-burst 100 -j ACCEPT
	both {} -A INPUT -p tcp --dport 151 -j DROP
	for family in 4 6; do
		tells "$family" burst count=10 closed=100 late:150=92
		tells "$family" rate less:151=92
		probes burst "$family" count=10 closed=100 none:93=92
		probes rate "$family" none:93=92
	done
	probes pmtu 4 none:90=91
	# A raw socket hears errors for all ports, and believes them.
	start raw server "$python" -c 'if True:
		import socket, time
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 6)
		print("open", flush=True)
		time.sleep(3600)'
	wait_log raw open
	tells 4 pmtu none:90=91 none:90=91
}

# slow TOOL: a chain that takes its time
slow()
{
	{
		echo '*filter'
		echo ':slow -'
		for ((i = 1; i <= 400; i++)); do
			echo "-A slow -p tcp --dport $((20000 + i)) -j DROP"
		done
		echo COMMIT
	} | on server "$1-restore" --noflush
}

pings()
{
	local family tool

	! counting || skip 'a build that counts takes time for that'
	probes_lab local
	for tool in iptables ip6tables; do
		slow "$tool"
		on server "$tool" -I INPUT -p tcp --dport 152 -j slow
		leak "$tool" 152 --tcp-flags ALL NONE
	done
	# The frame that names key 10.
	both {} -A INPUT -p tcp --dport 153 -m string --algo bm --from 20 \
	    --to 50 --hex-string '|21000a|' -j slow
	both {} -A INPUT -p tcp --dport 153 -j DROP
	for family in 4 6; do
		tells "$family" ping count=400 slow:152=90
		tells "$family" heads count=400 key=10 slow:153=90
		probes ping "$family" count=400 none:93=92
		probes heads "$family" count=400 key=10 none:93=92
	done
}

# A signed packet opens the way for the connection that follows.
pairs()
{
	local family tool

	probes_lab local
	both {} -A INPUT -p tcp --dport 80 -m connmark --mark 5 -j ACCEPT
	for tool in iptables ip6tables; do
		on server "$tool" -t mangle -A INPUT -p tcp --dport 80 \
		    --tcp-option 19 -j CONNMARK --set-mark 5
		on server "$tool" -A INPUT -p tcp --dport 80 -j DROP
	done
	for family in 4 6; do
		if got=$(probes pairs "$family" text=REAL any:80=90); then
			fail "nothing is found: $got"
		fi
		has "$got" '/opt md5.*: let in'
		lacks "$got" '/flags .*: let in'
		probes pairs "$family" text=REAL filtered:90=91
	done
}

check kinds kinds
check known known
check others others
check pairs pairs
check_alone pings pings
finish
