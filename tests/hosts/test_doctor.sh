#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A client that does not get in: what it says by itself, in four lines, and
# what its doctor finds, for each kind of fault.

# Cases are called by check; arguments may be left out.
# shellcheck disable=SC2317,SC2119
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/path.sh
. "$(dirname "$0")/path.sh"

other_secret=00112233445566778899AABBCCDDEEFF

# hide HOST [WORDS [KEYS]]: its port 80; the queue alone is ready at once
hide()
{
	tap_start server "$1" server -k "$keys" \
	    -c "$(key_file fastpath=off "RULE:dst_port=80${2:+, $2}")" \
	    -a "$(key_file "port=80, key_no=${3:-10}")"
}

# served [WORDS [KEYS]]: port 80 is hidden, for key 10
served()
{
	lab
	http_start server 80
	keys=$(key_file)
	hide server "${1:-}" "${2:-}"
	to=$(addr4 server):80
}

# client_with RULE-WORDS [OPTION...]: a running client, whose file is $conf
client_with()
{
	conf=$(key_file fastpath=off "RULE:$1")
	tap_start client client client -c "$conf" "${@:2}"
}

key10="key_no=10, key=0x$secret, alg=hmac-sha256"

# ---- the four lines

# lines TEXT CAME-BACK: they are there, once, and in their order
lines()
{
	local words

	words=$(grep -E -A 3 ': no connection to ' <<<"$1")
	same 4 "$(wc -l <<<"$words")" "lines of $1"
	has "$(sed -n 1p <<<"$words")" \
	    "$to: [1-9] groups? sent by key 10, the first at 20.*Z\$"
	has "$(sed -n 2p <<<"$words")" \
	    ": this host's clock: (not )?synchronised"
	has "$(sed -n 3p <<<"$words")" ": came back: $2"
	has "$(sed -n 4p <<<"$words")" ": next: tap probe-path ${to%:*};"
}

# once COMMAND...: authenticated by a key that the server does not have; what
# is said is $said
once_wrong()
{
	said=$(on client "$TAP" client \
	    -k "$(key_file "key_no=10, key=0x$other_secret, alg=hmac-sha256")" \
	    "$@" 2>&1 </dev/null) && fail "got in: $said"
	return 0
}

lines_nothing()
{
	served
	# One that gives up early is told of at its end.
	once_wrong --to "$to" -- curl -sS --max-time 0.5 "http://$to/"
	lines "$said" 'nothing$'
	has "$said" ': 1 group sent'
	# A patient one while it still waits.
	once_wrong --to "$to" -- curl -sS --max-time 3.5 "http://$to/"
	lines "$said" 'nothing$'
	has "$said" ': 3 groups sent'
	lacks "$said" 'unanswered'
}

lines_reset()
{
	served hide=closed
	once_wrong --proxy "$to"
	lines "$said" 'a reset: '
	has "$said" "^tap client: $to: Connection refused\$"
}

lines_icmp()
{
	served
	to=$(addr4 server):81
	on server iptables -A INPUT -p tcp --dport 81 -j REJECT \
	    --reject-with icmp-admin-prohibited
	once_wrong --proxy "$to"
	lines "$said" \
	    "ICMP from ${to%:*}: prohibited by an administrator\$"
}

# None where a connection is made, also by the second address.
lines_none()
{
	local said

	served
	said=$(on client "$TAP" client --to "$to" -k "$keys" -- \
	    curl -sS --max-time "$patience" "http://$to/" 2>&1)
	same 'page of 80' "$said"
	said=$(on client "$TAP" client --to "$to" -k "$keys" -- \
	    sh -c 'exit 3' 2>&1) && fail 'succeeded'
	same '' "$said"
}

lines_verbose()
{
	served
	client_with "dst_port=80, ${key10/$secret/$other_secret}" -v
	on client curl -sS --max-time 3.5 "http://$to/" && fail 'got in'
	wait_log client ': next: tap probe-path '
	lines "$(cat "$work/client.log")" 'nothing$'
	has "$(cat "$work/client.log")" ': unanswered '
}

# ---- the doctor

# doctor STATUS VERDICT CHECK STATE [PATTERN] -- [OPTION...]: what it finds
doctor()
{
	local want=$1 verdict=$2 name=$3 state=$4 pattern=.

	shift 4
	[ "$1" = -- ] || { pattern=$1; shift; }
	shift
	status=0
	found=$(on "${patient:-client}" "$TAP" client --doctor "$to" \
	    -c "$conf" "$@" 2>&1) || status=$?
	same "$want" "$status" "exit status of: $found"
	has "$found" "^$state +$name +.*$pattern" 'what it found'
	lacks "$found" 'no connection to' 'what only a client says'
	has "$(tail -n 1 <<<"$found")" "^verdict: $verdict" 'the last line'
	lacks "$(sed '$d' <<<"$found")" '^verdict'
}

works()
{
	served
	client_with "dst_port=80, $key10"
	doctor 0 'it works$' sent ok 'a group of 5 SYNs left by eth0, by key 10' --
	has "$found" '^ok +answer +connected$'
	has "$found" '^ok +rule +.*line 2: key 10$'
	has "$found" '^ok +route +eth0, from 10\.77\.0\.2$'
	has "$found" "^ok +client +process ${pids[client]}, queue 5060\$"
	on client "$TAP" client --doctor "$to" -c "$conf" --json |
		"$python" -c '
import json, sys
found = json.load(sys.stdin)
assert found["verdict"] == "works", found
states = {c["check"]: c["state"] for c in found["checks"]}
assert states["sent"] == states["answer"] == "ok", found
assert "by key 10: 5 SYNs left, connected" in found["send"], found'
	same 2 "$(status_of on client "$TAP" client --doctor "$to" -c none)"
	same 2 "$(status_of on client "$TAP" client --doctor nowhere -c "$conf")"
}

# By its name, in the file and here.
by_name()
{
	served
	client_with "dst_port=80, $key10"
	conf=$(key_file "RULE:dst_host=hidden.test, dst_port=80, $key10")
	echo "$(addr4 server) hidden.test" >"$work/hosts"
	# shellcheck disable=SC2016 # for the inner shell
	found=$(on client sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' \
	    "$work/hosts" "$TAP" client --doctor hidden.test:80 -c "$conf")
	has "$found" '^ok +rule +.*line 1: key 10$'
	has "$found" '^verdict: it works$'
}

# Secret, access list: the server alone knows, and its log has this line.
wrong_key()
{
	served
	client_with "dst_port=80, ${key10/$secret/$other_secret}"
	doctor 1 'nothing wrong is seen from here: .*key 10 \(another secret' \
	    answer unknown nothing --
	has "$found" '^unknown +path +no far side answers'
	has "$found" "administrator: 20.*Z from $(addr4 client) to $to by key 10: 5 SYNs left, nothing came back\$"
	has "$(cat "$work/server.log")" "reason=mac key=10 src=$(addr4 client)"
}

access_list()
{
	served '' 11
	client_with "dst_port=80, $key10"
	doctor 1 '.*the access list' answer unknown nothing --
	has "$(cat "$work/server.log")" "reason=acl key=10 src=$(addr4 client)"
}

no_rule()
{
	served
	client_with "dst_port=81, $key10"
	doctor 1 'rule: .* has none for' rule wrong 'its SYNs go as they are' --
	has "$found" '^wrong +sent +one SYN left by eth0, and no group'
	end client
	client_with "dst_port=80, user=nobody, $key10"
	doctor 1 'rule: ' rule wrong 'line 2 is for another user' --
	end client
	client_with "dst_port=80, $key10, not_after=2020-01-01"
	doctor 1 'rule: ' rule wrong 'key 10 of line 2 is not valid now' --
}

no_client()
{
	served
	conf=$(client_rule dst_port=80)
	doctor 1 'client: none runs' client wrong "start 'tap client'" --
	has "$found" '^wrong +sent +one SYN left by eth0, and no group$'
}

# The file says another key than the client that runs has.
stale()
{
	served
	client_with "dst_port=80, ${key10/10/11}"
	conf=$(client_rule dst_port=80)
	doctor 1 'sent: ' sent wrong "by key 11, not 10: 'tap client --reload'" --
	has "$found" 'administrator: .* by key 11: 5 SYNs left'
}

no_route()
{
	served
	client_with "dst_port=80, $key10"
	to=192.0.2.99:80
	doctor 1 'route: none to 192.0.2.99:80' route wrong unreachable --
	lacks "$found" ' sent '
}

# This host's own firewall, in the way of the SYN, and of its frames.
firewalled()
{
	served
	client_with "dst_port=80, $key10"
	on client iptables -A OUTPUT -p tcp --dport 80 -j DROP
	doctor 1 'sent: ' sent wrong 'no SYN left by eth0' --
	on client iptables -F OUTPUT
	on client iptables -A OUTPUT -p tcp --dport 80 \
	    -m mark --mark 0x400000/0x400000 -j DROP
	doctor 1 'sent: ' sent wrong 'one SYN left' --
}

# ntp HOST SECONDS: a host whose time is that much ahead; another's answer
# comes before its own
ntp()
{
	start ntp "$1" "$python" -c '
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 123))
print("ready", flush=True)
while True:
    asked, who = s.recvfrom(512)
    s.sendto(bytes(48), who)
    now = int((time.time() + 2208988800 + float(sys.argv[1])) * 2**32)
    s.sendto(struct.pack(">BBbb", 0x24, 2, 6, -20) + bytes(20) +
             asked[40:48] + struct.pack(">QQ", now, now), who)' "$2"
	wait_log ntp '^ready'
}

clock()
{
	served
	client_with "dst_port=80, $key10"
	ntp stranger 0
	doctor 0 'it works' clock ok -- --ntp "$(addr4 stranger)"
	has "$found" '^ok +clock +0\.[0-9]{3} s (behind|ahead of) that of'
	# A name, of whose addresses the second one answers.
	printf '%s time.test\n' "$(addr4 server)" "$(addr4 stranger)" \
	    >"$work/hosts"
	# shellcheck disable=SC2016 # for the inner shell
	found=$(on client sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' \
	    "$work/hosts" "$TAP" client --doctor "$to" -c "$conf" \
	    --ntp time.test)
	has "$found" '^ok +clock +0\.[0-9]{3} s .* that of time\.test$'
	end ntp || :
	ntp stranger 3600
	doctor 0 'it works, whatever' clock wrong '(3600|3599)\.[0-9]* s behind that of .*tolerates 30 s' \
	    -- --ntp "$(addr4 stranger)"
	end client
	client_with "dst_port=80, ${key10/$secret/$other_secret}"
	doctor 1 'clock: 3' clock wrong -- --ntp "$(addr4 stranger)"
	doctor 1 'nothing wrong' clock unknown 'refused|timed out' \
	    -- --ntp "$(addr4 server)"
}

# ---- what lies between

# behind_router PORT: near and far, with a server that hides port 80
behind_router()
{
	path_lab
	patient=near
	http_start far 80
	keys=$(key_file)
	hide far
	conf=$(key_file fastpath=off "RULE:dst_port=\"80,2222\", $key10")
	tap_start client near client -c "$conf"
}

rewriter()
{
	behind_router
	middlebox router1 isn
	listen
	to=$far4:80
	doctor 1 'path: does not pass: the path translates' path wrong \
	    'translates sequence numbers' --
	has "$found" '^ok +sent '
}

# A port forward leads to another port, which the rule does not know.
service_port()
{
	behind_router
	on router1 iptables -t nat -A PREROUTING -p tcp -d 10.10.0.2 \
	    --dport 2222 -j DNAT --to-destination "$far4:80"
	on router1 iptables -t nat -A PREROUTING -p tcp -d 10.10.0.2 \
	    --dport 8270 -j DNAT --to-destination "$far4:8271"
	listen -p 8271
	to=10.10.0.2:2222
	doctor 1 'path: a port forward leads to port 8271' path wrong \
	    'lacks the server.s port, service_port=' --
	end client
	conf=$(key_file fastpath=off \
	    "RULE:dst_port=2222, service_port=80, $key10")
	tap_start client near client -c "$conf"
	doctor 0 'it works' answer ok --
}

refused_words()
{
	local words

	lab client
	for words in '--doctor a:1 --to b:2 -k c -- d' '--doctor a:1 --stop' \
	    '--doctor a:1 -k b' '--ntp a' '--doctor a:1 --accept tap:1:'; do
		# shellcheck disable=SC2086 # words
		same 2 "$(status_of "$TAP" client $words)" "$words"
	done
}

for case in nothing reset icmp none verbose; do
	check lines-$case lines_$case
done
check works works
check by-name by_name
check wrong-key wrong_key
check access-list access_list
check no-rule no_rule
check no-client no_client
check stale stale
check no-route no_route
check firewalled firewalled
check clock clock
check rewriter rewriter
check service-port service_port
check refused-words refused_words
finish
