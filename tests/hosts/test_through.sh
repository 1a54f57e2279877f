#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A gateway whose program in the kernel lets connections through to hosts
# behind it, and nobody else.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/gateway.sh
. "$here/gateway.sh"

# guarded LINE...: a server behind a gateway with these
guarded()
{
	lab_routed
	http_start server 80 81
	guard_start fastpath=auto "$@"
	wait_for "$patience" fast_path_known gateway server
	client_start "${client_rule:-dst_port=80}"
	if on gateway "$TAP" server --status --json |
	    grep -q '"fastpath":"off"'; then
		skip 'no program in the kernel'
	fi
	wait_for "$patience" accepts
}

# For a moment after the program is there, groups are left to the server.
accepts()
{
	local before

	before=$(tap_status gateway server ingress_accepted)
	page client 4 && page client 6 &&
		[ "$(tap_status gateway server ingress_accepted)" -eq \
		    $((before + 2)) ]
}

# What came to the queues so far.
queued()
{
	# shellcheck disable=SC2016 # awk's
	on gateway awk '{ sum += $8 } END { print sum + 0 }' \
	    /proc/net/netfilter/nfnetlink_queue
}

# Those that reach the server.
syns_at_server()
{
	on server iptables -t raw -L PREROUTING -nvx |
		awk '/flags/ { print $1 }'
}

# One SYN goes through for each group, and by no queue.
through()
{
	local before passed family more

	guarded 'RULE:dst_port=80, type=ROUTER'
	on server iptables -t raw -A PREROUTING -p tcp --syn
	before=$(queued)
	passed=$(tap_status gateway server accepted)
	page client 4
	page client 4
	# Where this machine is busy, a client sends a SYN again.
	more=$(($(tap_status gateway server accepted) - passed))
	[ "$more" -ge 2 ] || fail "accepted: $more"
	same "$more" "$(syns_at_server)" "the server's SYNs"
	page client 6
	same "$before" "$(queued)" 'in the queue'
	wait_log server "accepted key=10 src=$(addr4 client):.*dst=10.78.1.1:80"
	for family in 4 6; do
		hidden "$family"
		page stranger "$family" 81
	done
	same "$before" "$(queued)" 'in the queue'
	same 0 "$(tap_status gateway server ingress_lost)"
	# Nothing is let through without it.
	end server KILL || :
	hidden 6
	same 28 "$(status_of on client curl -sS --max-time 2 "$(url 4 server)")"
}

# Beside rules for the gateway's own services, each for its own.
beside()
{
	local status

	client_rule='dst_port="80,7001"'
	guarded 'RULE:dst_port="80,7001", type=ROUTER' 'RULE:dst_port=7001'
	start own gateway "$python" -m http.server 7001 --bind \
	    "$(addr4 gateway)" --directory "$work"
	wait_port gateway 7001
	on client curl -sS --max-time "$patience" -o "$work/own" \
	    "http://$(addr4 gateway):7001/"
	status=$(status_of on stranger curl -sS --max-time 2 \
	    "http://$(addr4 gateway):7001/")
	same 28 "$status"
	wait_for "$patience" accepts
	hidden 4 7001
}

# Who was let through to one port does not come to another one by translation,
# where his key is none.
translated()
{
	local before

	guarded 'RULE:dst_host=10.78.1.0/24, dst_port="80,81", type=ROUTER' \
	    'RULE:dst_host=fd78::/16, dst_port=80, type=ROUTER'
	printf '%s\n' 'port=80, key_no=10' 'port=81, key_no=11' \
	    >"$work/ACL.conf"
	signal server HUP
	wait_log server 'reloaded: '
	wait_for "$patience" accepts
	on gateway iptables -t nat -A PREROUTING -p tcp -d 10.78.1.9 \
	    --dport 80 -j DNAT --to-destination 10.78.1.1:81
	before=$(tap_status gateway server ingress_accepted)
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    http://10.78.1.9/)"
	# The key was right for what it was sent to.
	[ "$(tap_status gateway server ingress_accepted)" -gt "$before" ]
	page client 4
	# But to the same one at another host: the server is asked.
	on gateway iptables -t nat -A PREROUTING -p tcp -d 10.78.1.8 \
	    --dport 80 -j DNAT --to-destination 10.78.1.1:80
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    http://10.78.1.8/)"
	same 28 "$(status_of on stranger curl -sS --max-time 2 \
	    http://10.78.1.8/)"
}

# The tables of what goes through come and go with the rules for it.
reloads()
{
	guarded 'RULE:dst_port=80, type=ROUTER'
	printf '%s\n' fastpath=auto RULE:dst_port=81 >"$work/TAPservd.conf"
	signal server HUP
	wait_log server 'reloaded: '
	page stranger 4
	page client 6
	printf '%s\n' fastpath=auto 'RULE:dst_port=80, type=ROUTER' \
	    >"$work/TAPservd.conf"
	signal server HUP
	wait_log server 'reloaded: ' 2
	hidden 4
	wait_for "$patience" accepts
}

# Others' rules that clear its mark: the server is asked again.
unmarked()
{
	guarded 'RULE:dst_port=80, type=ROUTER'
	on gateway iptables -t mangle -A PREROUTING -p tcp -j MARK --set-mark 1
	on gateway ip6tables -t mangle -A PREROUTING -p tcp -j MARK --set-mark 1
	wait_for "$patience" accepts
	hidden 4
}

# By a tunnel whose packets have no link header, and in a flood.
tunnel()
{
	lab_routed
	http_start server 80 81
	for end in gateway:client client:gateway; do
		start "tun-${end%:*}" "${end%:*}" "$python" "$here/tun.py" \
		    tun0 "$(addr4 "${end%:*}")" "$(addr4 "${end#*:}")"
		wait_log "tun-${end%:*}" ready
		device_up "${end%:*}" tun0 "10.79.0.${number[${end%:*}]}/24" \
		    "fd79::${number[${end%:*}]}/64"
	done
	ip -n "$net-client" route replace 10.78.0.0/16 dev tun0
	ip -n "$net-client" route replace fd78::/16 dev tun0
	guard_start fastpath=auto flood=0 \
	    'RULE:dst_port=80, type=ROUTER, indev=tun0' \
	    'RULE:dst_port=80, type=ROUTER'
	client_start dst_port=80
	wait_for "$patience" fast_path_known gateway server
	if on gateway "$TAP" server --status --json |
	    grep -q '"fastpath":"off"'; then
		skip 'no program in the kernel'
	fi
	wait_for "$patience" accepts
	hidden 6
	page stranger 4 81
}

check through through
check beside beside
check translated translated
check reloads reloads
check unmarked unmarked
check tunnel tunnel
finish
