#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A lab for tests/probes, whose program is $PROBES: a server, or a gateway in
# front of it, with hidden ports and others that they are to be like, and a
# stranger who sends to all of them.  Sourced after lib.sh.
#
#	80	hide=filtered	90, 91	dropped by the packet filter
#	81	hide=closed	92, 93	nobody listens, as at 100 to 131
#	82	hide=decoy	8080	the decoy; by a router, 94, which it
#				forwards there
#
# Behind each there is a service that says REAL, and DECOY at 8080.

# Callers use what is set here, and lib.sh has set what is used; an equals
# sign and commas are the program's.
# shellcheck disable=SC2034,SC2054,SC2154

: "${PROBES:=$here/../../.build/static/tests/probes/probes}"
PROBES=$(realpath "$PROBES")
known=$here/../probes/known
groups=(filtered:80=90,91 closed:81=92,93 decoy:82=8080)
free=(closed=100)

# quiet_host HOST: all of its answers come, at once, and each once
quiet_host()
{
	on "$1" sysctl -qw net.ipv4.icmp_ratelimit=0 \
	    net.ipv4.icmp_msgs_per_sec=1000000 \
	    net.ipv4.icmp_msgs_burst=1000000 \
	    net.ipv6.icmp.ratelimit=0 net.ipv4.ipfrag_time=1 \
	    net.ipv6.ip6frag_time=1 net.ipv4.tcp_synack_retries=0 \
	    net.ipv4.tcp_max_syn_backlog=65536 net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
	# Not there in each kernel: it can't be 1 s then.
	on "$1" sysctl -qw net.netfilter.nf_conntrack_frag6_timeout=1 \
	    2>/dev/null || :
}

# mac HOST DEVICE
mac()
{
	on "$1" cat "/sys/class/net/$2/address"
}

# knows_nobody HOST: addresses from 10.77.0.200 on (fd77::c8) are nobody's, so
# that no stack answers what comes back; but frames to them reach the stranger
knows_nobody()
{
	local way last

	way=$(mac stranger eth0)
	for last in 200 201 202 210 211 212 213 214 215; do
		echo "neigh replace 10.77.0.$last lladdr $way dev eth0"
		echo "neigh replace fd77::$(printf %x $last) lladdr $way dev eth0"
	done | ip -n "$net-$1" -batch -
}

# other_network HOST: 198.51.100.0/24 is by another device to the stranger
other_network()
{
	ip -n "$net-$1" link add eth9 type veth \
	    peer name eth9 netns "$net-stranger"
	device_up "$1" eth9 198.51.100.1/24 2001:db8::1/64
	device_up stranger eth9 198.51.100.2/24 2001:db8::2/64
	ip -n "$net-$1" neigh add 198.51.100.9 dev eth9 \
	    lladdr "$(mac stranger eth9)"
	ip -n "$net-$1" neigh add 2001:db8::9 dev eth9 \
	    lladdr "$(mac stranger eth9)"
	on "$1" sysctl -qw net.ipv4.conf.all.rp_filter=1 \
	    net.ipv4.conf.eth0.rp_filter=1
}

# filters HOST CHAIN: the controls are dropped, one at once and one behind the
# rules of an ordinary host; then what .201 (::c9) sends is dropped, and what
# .202 (::ca) sends rejected
filters()
{
	local port tool from

	for tool in iptables ip6tables; do
		from='10.77.0.201 10.77.0.202'
		[ $tool = iptables ] || from='fd77::c9 fd77::ca'
		{
			echo '*filter'
			echo "-A $2 -p tcp --dport 90 -j DROP"
			for ((port = 20001; port <= 20020; port++)); do
				echo "-A $2 -p tcp --dport $port -j DROP"
			done
			echo "-A $2 -p tcp --dport 91 -j DROP"
			echo "-A $2 -s ${from% *} -j DROP"
			echo "-A $2 -s ${from#* } -j REJECT"
			echo COMMIT
		} | on "$1" $tool-restore --noflush
	done
}

# probes_lab local|router: hosts and services; who protects them is $guard
probes_lab()
{
	guard=server
	if [ "$1" = local ]; then
		lab server stranger
		filters server INPUT
		inner4=10.77.0.1 inner6=fd77::1
	else
		guard=gateway
		lab gateway stranger
		namespace server
		ip -n "$net-gateway" link add in1 type veth peer name eth0 \
		    netns "$net-server"
		device_up gateway in1 10.78.1.254/24 fd78:1::fe/64
		device_up server eth0 10.78.1.1/24 fd78:1::1/64
		ip -n "$net-server" route add default via 10.78.1.254
		ip -n "$net-server" route add default via fd78:1::fe
		ip -n "$net-stranger" route add 10.78.0.0/16 via 10.77.0.1
		# Routed, 1300 bytes are too many.
		ip -n "$net-gateway" link set in1 mtu 1280
		filters gateway FORWARD
		on gateway iptables -t nat -A PREROUTING -p tcp --dport 94 \
		    -j DNAT --to 10.78.1.1:8080
		on gateway ip6tables -t nat -A PREROUTING -p tcp --dport 94 \
		    -j DNAT --to '[fd78:1::1]:8080'
		quiet_host server
		inner4=10.78.1.1 inner6=fd78:1::1
		connected gateway server
	fi
	quiet_host "$guard"
	knows_nobody "$guard"
	other_network "$guard"
	start serve server "$PROBES" serve 80=REAL 81=REAL 82=REAL 90=REAL \
	    91=REAL 8080=DECOY
	wait_port server 8080
}

# protect TYPE LINE...: with these settings and rules ahead of those above; or,
# if $untracked is set, the hidden one alone, so that nothing need be tracked
untracked=
protect()
{
	local type=$1 closed='RULE:dst_port=81, hide=closed'

	shift
	[ "$type" = LOCAL ] && [ -z "$untracked" ] || closed=
	printf '%s\n' "$@" "RULE:dst_port=80, type=$type" "$closed" \
	    >"$work/TAPservd.conf"
	[ "$untracked" ] || printf '%s\n' \
	    "RULE:dst_port=82, dst_host=0.0.0.0/0, type=$type,\
 hide=decoy:$inner4:8080" \
	    "RULE:dst_port=82, dst_host=::/0, type=$type,\
 hide=decoy:[$inner6]:8080" \
	    >>"$work/TAPservd.conf"
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	mounts=$with_bpffs
	tap_run tap "$guard" server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/ACL.conf"
	# Ready with its fast path, which the kernel checks for many at once.
	patience=$((4 * patience)) wait_log tap ': ready:'
	wait_for $((4 * patience)) fast_path_known "$guard" server
	quiet_host "$guard"
	[ -z "$untracked" ] ||
		has "$(on "$guard" "$TAP" server --status --json)" \
		    '"tracking":"none"'
}

# probe_words 4|6: the way there, in $way
probe_words()
{
	way=(dev=eth0 mac="$(mac "$guard" eth0)" "local=fe80::1")
	case $1 in
	4) way+=(src=10.77.0.200 dst="$inner4") ;;
	6) way+=(src=fd77::c8 dst="$inner6") ;;
	esac
}

# probes TOOL 4|6 WORD...
probes()
{
	local way

	probe_words "$2"
	on stranger "$PROBES" "$1" "${way[@]}" "${@:3}"
}

# probes_both TOOL VARIANT WORD...: of both versions of IP, at once
probes_both()
{
	local family way status=0

	for family in 4 6; do
		probe_words "$family"
		start "probes$family" stranger "$PROBES" "$1" "${way[@]}" \
		    "variant=$2-ipv$family" "${@:3}"
	done
	for family in 4 6; do
		wait "${pids[probes$family]}" || status=$?
		unset "pids[probes$family]"
	done
	return "$status"
}
