#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap replay-test against tap itself: in each way to hide, with each length of
# authenticator, with a key and with a recording, nothing gets in.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/replaytest.sh
. "$(dirname "$0")/replaytest.sh"

# What a guess may be spent on: with 30 bits, the server allows one a second.
slow=flip-isn,flip-fraction,flip-second,flip-marks,flip-syn3
quick=plain,again,thousand,other-ports,other-address,other-mark,reversed
quick+=,flip-flags,flip-key,mixed,split,time-now,future,past,flags
quick+=,other-service,race,fragments,options,data,displaced,guess

# What needs another server, a hook, or time, where everything is asked for.
want='other-server delay-half delay-edge delay-past delay-ahead restart'

# Of the same source as a connection that was accepted.
copies='again thousand other-mark displaced'

# refused FAMILY HIDE KEY-WORDS OPTION...: all of these
refused()
{
	serve "$2" "$3"
	attack "$1" -k "$keys" --json --other-port 81 "${@:4}"
	same 0 "$status"
	same '' "$(verdicts accepted)" 'what got in'
	same "$want" "$(verdicts inconclusive)" 'what was not tested'
	limited "$3"
	# What the door would let in, as it did the connection, is dropped.
	[ "$2" = filtered ] || same "$copies" "$(sed -n \
	    's/^{"attack":"\([^"]*\)".*"refused","reason":"no answer.*/\1/p' \
	    "$work/out" | paste -s -d ' ')" 'what had no answer'
}

# limited KEY-WORDS: of guesses at 30 bits, the server looks at few
limited()
{
	local odds

	odds=$(sed -n 's/.*"sent_per_second":\([0-9]*\).*"checked_per_second":\([0-9]*\)[^0-9].*/\1 \2/p' \
	    "$work/out")
	[ -n "$odds" ] || return 0
	case $1 in
	*md5*) [ $((${odds% *})) -gt $((${odds#* } * 3)) ] ;;
	*) same "${odds% *}" "${odds#* }" 'guesses a second' ;;
	esac || fail "guesses a second, sent and looked at: $odds"
}

# Before and after its time is up, and from a clock that is fast.
patient()
{
	tolerance=4
	serve "$2" alg=hmac-sha256
	# What is older than the server is refused for that alone.
	attack "$1" -k "$keys" --json --tolerance 4 --patient --attack \
	    again,delay-half,delay-edge,delay-past,delay-ahead
	same 0 "$status"
	same 'again delay-half delay-edge delay-past delay-ahead' \
	    "$(verdicts refused)" 'what was refused'
	lacks "$(cat "$work/tap.log")" 'accepted .*skew=-[1-9]'
	has "$(cat "$work/tap.log")" 'reason=replay .*skew=-3'
	wait_log tap 'reason=time .*skew=-5'
}

# Another server with the key takes what this one has had, unless the realms
# differ.
other_server()
{
	local realm host name

	lab server client second
	for realm in '' one; do
		keys=$(key_file "key_no=10, key=0x$secret, alg=hmac-sha256${realm:+, realm=$realm}")
		theirs=$(key_file "key_no=10, key=0x$secret, alg=hmac-sha256${realm:+, realm=two}")
		for host in server second; do
			start "$host" "$host" nc.openbsd -lk -p 80
			wait_port "$host" 80
		done
		tap_start tap server server -p 80 -k "$keys"
		tap_start other second server -p 80 -k "$theirs"
		attack 4 -k "$keys" --json --attack again,other-server \
		    --also "$(addr4 second)" \
		    --i-am-responsible-for "$(addr4 second)"
		if [ -z "$realm" ]; then
			same 1 "$status"
			same other-server "$(verdicts accepted)"
			same server-unchecked "$(holes)"
		else
			# No fresh group gets in there: nothing is shown.
			same 0 "$status"
			same other-server "$(verdicts inconclusive)"
		fi
		for name in tap other; do
			end "$name"
		done
		for host in server second; do
			end "$host" || : # by the signal
		done
	done
}

# One that answers later than the first does is waited for all the same.
slow_server()
{
	local host

	lab server client second
	keys=$(key_file)
	for host in server second; do
		start "$host" "$host" nc.openbsd -lk -p 80
		wait_port "$host" 80
	done
	tap_start tap server server -p 80 -k "$keys"
	tap_start other second server -p 80 -k "$keys"
	start middlebox second "$python" "$here/middlebox.py" 5 slow
	wait_log middlebox '^ready'
	on second iptables -t mangle -A OUTPUT -p tcp --sport 80 \
	    -j NFQUEUE --queue-num 5
	attack 4 -k "$keys" --json --attack again,other-server \
	    --also "$(addr4 second)" --i-am-responsible-for "$(addr4 second)"
	same 1 "$status"
	same other-server "$(verdicts accepted)"
}

# A port that answers everybody: that is said, and nothing else is claimed.
open_port()
{
	lab server client
	http_start server 80
	attack 4 -k "$(key_file)" --json
	same 1 "$status"
	same plain "$(verdicts accepted)"
	same not-hidden "$(holes)"
	same '' "$(verdicts refused)"
}

# On the host itself, over its loopback.
itself()
{
	serve filtered alg=hmac-sha256
	status=0
	on server "$TAP" replay-test 127.0.0.1 -p 80 -k "$keys" --json \
	    --attack plain,again,other-address,split,fragments \
	    >"$work/out" || status=$?
	cat "$work/out"
	same 0 "$status"
	same 'plain again other-address split fragments' "$(verdicts refused)"
}

# Where the kernel lets groups in: once it does, just the same is refused.
in_kernel()
{
	fastpath=auto
	serve filtered alg=hmac-sha256
	wait_for "$patience" decided
	case $(said fastpath) in
	off) skip "$(said fastpath_reason)" ;;
	esac
	wait_for "$patience" one_more
	attack "$1" -k "$keys" --json --other-port 81
	same 0 "$status"
	same '' "$(verdicts accepted)" 'what got in'
	same "$want" "$(verdicts inconclusive)" 'what was not tested'
	# The fresh groups between the attacks, to show that the way is open.
	[ "$(tap_status server server ingress_accepted)" -gt "$accepted" ]
}

said()
{
	on server "$TAP" server --status --json |
		sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

decided()
{
	[ "$(said fastpath_reason)" != 'not yet' ]
}

# A group that the kernel lets in, by an attack that makes one.
one_more()
{
	attack 4 -k "$keys" --json --attack again >&2
	accepted=$(tap_status server server ingress_accepted)
	[ "$accepted" -gt 0 ]
}

for family in 4 6; do
	check "sha256-kernel-ipv$family" in_kernel $family
	check "sha256-ipv$family" refused $family filtered alg=hmac-sha256
	check "sha256-closed-ipv$family" refused $family closed \
	    alg=hmac-sha256,auth=118
	check "patient-ipv$family" patient $family filtered
done
want=
check md5-quick refused 4 filtered alg=hmac-md5 --attack "$quick"
check md5-slow refused 6 filtered alg=hmac-md5 --attack "$slow"
check other-server other_server
check slow-server slow_server
check open-port open_port
check itself itself
finish
