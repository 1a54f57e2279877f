#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A server that protects other hosts: as a router and as a bridge before hosts
# that run no tap, and before a load balancer.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/gateway.sh
. "$here/gateway.sh"

# ---- cases

# router 4|6 WORDS: the server's ports behind the gateway
router()
{
	local family=$1

	lab_routed
	http_start server 80 81
	rules gateway >"$work/before"
	talk before "$family" 7001
	talks before client
	guard_start "RULE:dst_port=\"80,7000-7009\", type=ROUTER$2"
	client_start 'dst_port="80,7000-7009"'
	# Connections that were there first go on, whoever speaks first.
	talks before server
	talks before client
	hidden "$family"
	page stranger "$family" 81
	page client "$family"
	talk during "$family" 7002
	talks during
	tap_counts gateway server accepted 2
	# The gateway's own ports are no rule's.
	same 7 "$(status_of on stranger curl -sS --max-time 2 \
	    "http://$(bracketed "$family" gateway):80/")" 'its own port'

	end server KILL || :
	hidden "$family"
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url "$family" server)")" 'nobody gets in'
	talks before client
	talks during server
	guard_start "RULE:dst_port=\"80,7000-7009\", type=ROUTER$2"
	talks during client
	page client "$family"
	end server TERM
	rules gateway >"$work/after"
	diff "$work/before" "$work/after"
	page stranger "$family"
	talks before server
}

bracketed()
{
	if [ "$1" = 4 ]; then
		addr4 "$2"
	else
		echo "[$(addr6 "$2")]"
	fi
}

# Rules tell devices: strangers outside need a key, the other side does not.
devices()
{
	local family

	lab_routed
	inside 2 neighbour in2
	connected gateway neighbour
	http_start server 80 81
	guard_start 'RULE:indev=eth0, outdev=in1, dst_port=80, type=ROUTER' \
	    'RULE:indev=in2, dst_port=81, type=ROUTER'
	client_start dst_port=80
	for family in 4 6; do
		hidden "$family" 80
		page stranger "$family" 81
		page client "$family" 80
		page neighbour "$family" 80
		same 28 "$(status_of on neighbour curl -sS --max-time 2 \
		    "$(url "$family" server 81)")" "neighbour, port 81"
	done
	# Another way out is another rule.
	guard_conf 'RULE:outdev=in2, dst_port=80, type=ROUTER'
	signal server HUP
	wait_log server ': reloaded:'
	page stranger 4 80
	page neighbour 6 81
}

# Strangers are led to a decoy that is behind the gateway, too.
decoy()
{
	local family

	lab_routed
	http_start server 80 8080
	guard_start 'RULE:dst_port=80, dst_host=10.0.0.0/8, type=ROUTER,'\
' hide=decoy:10.78.1.1:8080' \
	    'RULE:dst_port=80, dst_host=fd78::/16, type=ROUTER,'\
' hide=decoy:[fd78:1::1]:8080'
	client_start dst_port=80
	for family in 4 6; do
		same 'page of 8080' "$(on stranger curl -sS --max-time \
		    "$patience" "$(url "$family" server)")"
		page client "$family"
	done
}

# balance nft|iptables: one address, two servers behind it in turns; the
# gateway that balances guards, too, and sees the packets before it rewrites
# their address
balance()
{
	local page i seen=

	lab_routed
	inside 2 second in2
	connected gateway second
	http_start server 80
	http_second
	case $1 in
	nft)
		on gateway nft -f - <<-END
			table ip balance {
				chain pre {
					type nat hook prerouting priority dstnat;
					ip daddr 10.77.0.1 tcp dport 80 dnat to \
					    numgen inc mod 2 map \
					    { 0 : 10.78.1.1, 1 : 10.78.2.1 }
				}
			}
		END
		;;
	iptables)
		on gateway iptables -t nat -A PREROUTING -d 10.77.0.1 -p tcp \
		    --dport 80 -m statistic --mode nth --every 2 --packet 0 \
		    -j DNAT --to-destination 10.78.1.1
		on gateway iptables -t nat -A PREROUTING -d 10.77.0.1 -p tcp \
		    --dport 80 -j DNAT --to-destination 10.78.2.1
		;;
	esac
	guard_start "$2"
	client_start dst_port=80
	# A stranger's SYN takes a turn, too: not between these.
	for i in 1 2 3 4 5 6; do
		page=$(on client curl -sS --max-time "$patience" \
		    http://10.77.0.1/)
		seen+=" ${page#page of }"
	done
	has "$seen" ' 80( |$)'
	has "$seen" ' 8002( |$)'
	for i in 1 2; do
		same 28 "$(status_of on stranger curl -sS --max-time 1 \
		    http://10.77.0.1/)" 'a stranger'
		on client curl -sS --max-time "$patience" http://10.77.0.1/
	done
	tap_counts gateway server accepted 8
}

# The second server's page has another number.
http_second()
{
	start second second "$python" -c '
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"page of 8002")
http.server.HTTPServer(("", 80), Page).serve_forever()'
	wait_port second 80
}

# A balancer behind the gateway, on a host of its own.
balancer_behind()
{
	local i page seen=

	lab_routed
	# server is the balancer; its two servers are behind it.
	namespace first
	namespace second
	for i in 1 2; do
		local name=first
		[ "$i" = 1 ] || name=second
		ip -n "$net-server" link add "b$i" type veth peer name eth0 \
		    netns "$net-$name"
		device_up server "b$i" "10.79.$i.254/24" "fd79:$i::fe/64"
		device_up "$name" eth0 "10.79.$i.1/24" "fd79:$i::1/64"
		ip -n "$net-$name" route add default via "10.79.$i.254"
	done
	connected server first second
	on server sysctl -qw net.ipv4.ip_forward=1
	http_start first 80
	http_second
	on server iptables -t nat -A PREROUTING -d 10.78.1.1 -p tcp --dport 80 \
	    -m statistic --mode nth --every 2 --packet 0 \
	    -j DNAT --to-destination 10.79.1.1
	on server iptables -t nat -A PREROUTING -d 10.78.1.1 -p tcp --dport 80 \
	    -j DNAT --to-destination 10.79.2.1
	guard_start 'RULE:dst_host=10.78.1.1, dst_port=80, type=ROUTER'
	client_start dst_port=80
	for i in 1 2 3 4 5 6; do
		page=$(on client curl -sS --max-time "$patience" \
		    "$(url 4 server)")
		seen+=" ${page#page of }"
		hidden 4
	done
	has "$seen" ' 80( |$)'
	has "$seen" ' 8002( |$)'
}

# bridge 4|6 WORDS
bridge()
{
	local family=$1

	lab_bridged
	bridge_filters 1
	http_start server 80 81
	rules gateway >"$work/before"
	talk before "$family" 7001
	talks before client
	guard_start "RULE:dst_port=\"80,7000-7009\", type=BRIDGE$2"
	client_start 'dst_port="80,7000-7009"'
	talks before server
	talks before client
	hidden "$family"
	page stranger "$family" 81
	page client "$family"
	talk during "$family" 7002
	talks during
	tap_counts gateway server accepted 2
	end server KILL || :
	hidden "$family"
	talks before client
	talks during server
	guard_start "RULE:dst_port=\"80,7000-7009\", type=BRIDGE$2"
	page client "$family"
	talks during client
	end server TERM
	rules gateway >"$work/after"
	diff "$work/before" "$work/after"
	page stranger "$family"
}

# The other way, by the devices of its rule.
bridge_devices()
{
	lab_bridged
	bridge_filters 1
	http_start server 80
	guard_start 'RULE:dst_port=80, type=BRIDGE, indev=inner'
	page stranger 4
	page stranger 6
	guard_conf 'RULE:dst_port=80, type=BRIDGE, indev=outer, outdev=inner'
	signal server HUP
	wait_log server ': reloaded:'
	hidden 4
	hidden 6
}

# refused PATTERN [SETTING]: no start where it would protect nothing
bridge_refused()
{
	guard_conf "${@:2}" 'RULE:dst_port=80, type=BRIDGE'
	tap_run server gateway server -c "$work/TAPservd.conf" \
	    -k "$work/keys" -a "$work/ACL.conf"
	await server 3
	has "$(cat "$work/server.log")" "$1"
	same 1 "$(wc -l <"$work/server.log")" 'lines of its log'
	rules gateway >"$work/now"
	diff "$work/before" "$work/now"
}

# Bridged packets that no rule of iptables sees.
bridge_unseen()
{
	lab_bridged
	http_start server 80
	rules gateway >"$work/before"
	bridge_filters 0
	bridge_refused 'net.bridge.bridge-nf-call-iptables=1'
	bridge_filters 1 0
	bridge_refused 'net.bridge.bridge-nf-call-ip6tables=1'
	bridge_refused 'firewall=iptables' firewall=nft
	page stranger 4
	# Neither on reload.
	bridge_filters 1
	guard_start 'RULE:dst_port=81, type=BRIDGE'
	bridge_filters 0
	guard_conf 'RULE:dst_port=80, type=BRIDGE'
	signal server HUP
	wait_log server 'bridge-nf-call-iptables=1.*; still with the old'
	page stranger 4
}

for family in 4 6; do
	check "router-ipv$family" router $family ''
	check "router-outdev-ipv$family" router $family \
	    ', indev=eth0, outdev=in1'
	check "bridge-ipv$family" bridge $family ''
	check "bridge-ports-ipv$family" bridge $family \
	    ', indev=outer, outdev=inner'
done
check devices devices
check decoy decoy
check balance-nft balance nft 'RULE:dst_host=10.77.0.1, dst_port=80'
check balance-iptables balance iptables \
    'RULE:dst_host=10.77.0.1, dst_port=80'
check balancer-behind balancer_behind
check bridge-devices bridge_devices
check bridge-unseen bridge_unseen
finish
