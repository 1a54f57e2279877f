#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Starting, stopping, reloading and killing: the service stays hidden, whoever
# is connected stays connected, and no rule but tap's own is touched.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

client_start()
{
	tap_start client client client -c "$(client_rule 'dst_port="22,80,7000-7100"')"
}

server_start()
{
	keys=${keys:-$(key_file)}
	tap_start server server server -p 22,80,7000-7100 -k "$keys"
}

# ssh_open 4|6, ssh_works: a session, and whether it is still one
ssh_open()
{
	mkfifo "$work/ssh.fifo"
	# shellcheck disable=SC2016 # for the inner shell
	start ssh client sh -c 'exec "$@" <>"$0"' "$work/ssh.fifo" \
	    ssh "${ssh_args[@]}" "root@$(addr "$1" server)" cat
	ssh_works
}

ssh_works()
{
	spoken=$((${spoken:-0} + 1))
	echo "line $spoken" >"$work/ssh.fifo"
	wait_log ssh "^line $spoken\$"
}

killed()
{
	local family=$1

	lab
	ssh_start server
	http_start server 80
	server_start
	client_start
	page client "$family"
	ssh_open "$family"
	talk plain "$family" 7001
	talks plain
	rules server >"$work/rules"

	end server KILL || :
	talks plain server
	ssh_works
	hidden "$family"
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url "$family" server)")" 'without a server nobody gets in'
	talks plain client
	ssh_works

	server_start
	rules server >"$work/rules-again"
	diff "$work/rules" "$work/rules-again"
	page client "$family"
	hidden "$family"
	talks plain server
	ssh_works
}

# Connections that were there first, in a kernel that tracks none yet.
before()
{
	local family=$1 name

	lab
	ssh_start server
	talk client-first "$family" 7001
	talk server-first "$family" 7002
	talk idle "$family" 7003
	talks client-first
	talks server-first
	ssh_open "$family"
	server_start
	talks client-first client
	talks server-first server
	talks client-first server
	ssh_works
	# Nobody has said a word on it yet, and then the server is dead.
	end server KILL || :
	talks idle server
	talks client-first
	talks server-first
	ssh_works
	same 28 "$(status_of on stranger curl -sS --max-time 2 \
	    "$(url "$family" server 22)")" 'hidden all the same'
}

# What the kernel tracked is lost.
flushed()
{
	local family=$1

	lab
	client_start
	server_start
	talk client-first "$family" 7001
	talk server-first "$family" 7002
	talks client-first
	talks server-first
	# Nor does the kernel look for sockets: the server has to.
	on server sysctl -qw net.ipv4.ip_early_demux=0
	on server conntrack -F
	talks client-first client
	talks server-first server
	on server conntrack -F
	talks client-first server
	talks server-first client
	refute tap_counts server server untracked_passed 0
	# A dead server's successor takes them over, too.
	end server KILL || :
	on server conntrack -F
	server_start
	talks client-first client
	talks server-first server
}

# What may also stand in the packet filter, by all tools that there are.
administrators_rules()
{
	local host=$1 tool table family

	on "$host" nft -f - <<-END
		table inet administrator {
			chain in {
				type filter hook input priority 5; policy accept;
				tcp dport 9999 drop
			}
		}
		table ip nat { }
	END
	for family in iptables ip6tables; do
		for tool in $family-nft $family-legacy; do
			for table in raw mangle; do
				on "$host" "$tool" -t "$table" -N mine
				on "$host" "$tool" -t "$table" -A PREROUTING -j mine
				on "$host" "$tool" -t "$table" -A mine -p tcp \
				    --dport 9998 -j DROP
			done
			on "$host" "$tool" -t raw -A OUTPUT -p udp --dport 9997 \
			    -j ACCEPT
		done
	done 2>/dev/null
}

# flushed_legacy iptables|ip6tables: the kernel tells nothing of it, but what
# changes a table's size is seen long before the next check of all
flushed_legacy()
{
	lab server
	# As where there is no other.
	# shellcheck disable=SC2016 # tap_run evaluates it
	mounts='mount --bind "$(realpath /usr/sbin/iptables-legacy)" \
		"$(realpath /usr/sbin/iptables-nft)"'
	echo 'firewall=iptables' >"$work/TAPservd.conf"
	echo 'RULE:dst_port=80' >>"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/acl"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -a "$work/acl" -k "$(key_file)"
	on server "$1-legacy" -t mangle -F INPUT
	wait_for "$patience" tap_counts server server rules_restored 1
}

# removed server|client nft|legacy yes|no: a stop undoes what a start did,
# with iptables of this make, with or without rules of somebody else's
removed()
{
	local side=$1 conf

	lab server client
	if [ "$2" = legacy ]; then
		# As where there is no other.
		# shellcheck disable=SC2016 # tap_run evaluates it
		mounts='mount --bind "$(realpath /usr/sbin/iptables-legacy)" \
			"$(realpath /usr/sbin/iptables-nft)"'
	fi
	[ "$3" = no ] || administrators_rules "$side"
	http_start server 80
	rules "$side" >"$work/before"
	case $side in
	server)
		echo 'firewall=iptables' >"$work/TAPservd.conf"
		echo 'RULE:dst_port=80' >>"$work/TAPservd.conf"
		echo 'port=80, key_no=10' >"$work/acl"
		set -- -c "$work/TAPservd.conf" -a "$work/acl" -k "$(key_file)"
		;;
	client)
		# One with a fast path has other rules for a moment.
		set -- -c "$(key_file firewall=iptables fastpath=off \
		    "$(cat "$(client_rule \
		    dst_port=80)")")"
		;;
	esac
	tap_start "$side" "$side" "$side" "$@"
	rules "$side" >"$work/during"
	refute diff -q "$work/before" "$work/during"
	signal "$side" HUP
	wait_log "$side" ': reloaded:'
	rules "$side" >"$work/reloaded"
	diff "$work/during" "$work/reloaded"
	end "$side" TERM
	rules "$side" >"$work/after"
	diff "$work/before" "$work/after"

	# Killed, started again, and then stopped.
	tap_start "$side" "$side" "$side" "$@"
	end "$side" KILL || :
	rules "$side" >"$work/killed"
	diff "$work/during" "$work/killed"
	tap_start "$side" "$side" "$side" "$@"
	rules "$side" >"$work/again"
	diff "$work/during" "$work/again"
	end "$side" INT
	rules "$side" >"$work/after"
	diff "$work/before" "$work/after"
}

same_queue()
{
	lab
	http_start server 80 81
	server_start
	client_start
	page client 4
	rules server >"$work/before"
	tap_run second server server -p 81 -k "$(key_file)"
	await second 3
	has "$(cat "$work/second.log")" "queue 5040: tap server, process \
${pids[server]}, runs with it: 'tap server --reload'.*--stop.*queue="
	same 1 "$(wc -l <"$work/second.log")" 'lines of its log'
	rules server >"$work/after"
	diff "$work/before" "$work/after"
	page client 4
	page stranger 4 81
	hidden 4
	tap_counts server server queue 5040
}

two_queues()
{
	lab
	http_start server 80 81 82
	tap_start first server server -p 80 -k "$(key_file)"
	tap_start second server server -p 81 -k "$(key_file)" --queue 6000
	tap_start client client client -c "$(client_rule dst_port=80)"
	tap_start client2 client client -c "$(client_rule dst_port=81)" \
	    --queue 6100
	page client 4 80
	page client 4 81
	page client 6 81
	page stranger 4 82
	hidden 4 80
	hidden 4 81
	end first TERM
	page stranger 4 80
	hidden 6 81
	page client 4 81
	end second TERM
	page stranger 6 81
	same 1 "$(tap_status client client authenticated)"
}

reload()
{
	local conf=$work/TAPservd.conf keys new

	lab
	http_start server 80 81
	keys=$(key_file)
	new="key_no=11, key=0x$(printf '5%.0s' {1..64}), alg=hmac-sha256"
	echo 'RULE:dst_port="80,7001"' >"$conf"
	echo 'port=1-65535, key_no="10,11"' >"$work/acl"
	tap_start server server server -c "$conf" -a "$work/acl" -k "$keys"
	tap_start client client client -c "$(key_file "RULE:dst_port=81, $new" \
	    "$(cat "$(client_rule 'dst_port="80,7001"')")")"
	talk old 4 7001
	page client 4
	page stranger 4 81
	# Another port, another key; the connection in progress goes on.
	echo 'RULE:dst_port="81,7002"' >"$conf"
	echo "$new" >>"$keys"
	signal server HUP
	wait_log server ': reloaded: 1 rule, 2 keys'
	talks old server
	page client 4 81
	page stranger 4 80
	hidden 4 81
	# What is broken changes nothing, and says why.
	rules server >"$work/before"
	echo 'RULE:dst_port=70000' >"$conf"
	signal server HUP
	wait_log server "$conf:1: .*70000 out of range.*; still with the old"
	echo 'RULE:dst_port=81' >"$conf"
	echo 'key_no=12' >>"$keys"
	signal server HUP
	wait_log server "$keys:3: key is missing; still with the old"
	rm "$work/acl"
	echo 'key_no=10, key=0x00112233445566778899aabbccddeeff' >"$keys"
	signal server HUP
	wait_log server "$work/acl: .*; still with the old"
	rules server >"$work/after"
	diff "$work/before" "$work/after"
	page client 4 81
	hidden 6 81
	talks old client
}

# The client's reload, too.
reload_client()
{
	local conf

	lab
	http_start server 80
	server_start
	conf=$(client_rule dst_port=81)
	tap_start client client client -c "$conf"
	same 28 "$(status_of on client curl -sS --max-time 2 "$(url 4 server)")"
	cat "$(client_rule dst_port=80)" >"$conf"
	signal client HUP
	wait_log client ': reloaded: 1 rule'
	page client 4
	echo 'RULE:dst_port=80, key_no=10' >"$conf"
	signal client HUP
	wait_log client "$conf:1: key is missing; still with the old"
	page client 6
}

# is_user NAME USER: that is whom the worker runs as
is_user()
{
	[ "$(ps -o uid= --ppid "${pids[$1]}" | tr -d ' ')" = "$(id -u "$2")" ]
}

# run_as SIDE CONF [OPTION...]: whom workers run as is settled at the start
run_as()
{
	local conf=$2 times

	lab server
	sed -i '1i run_as=daemon' "$conf"
	tap_start "$1" server "$1" -c "$conf" "${@:3}"
	wait_for "$patience" is_user "$1" daemon
	sed -i 's/^run_as=.*/run_as=bin/' "$conf"
	for times in 1 2; do
		signal "$1" HUP
		wait_log "$1" ': reloaded: ' "$times"
		wait_for "$patience" is_user "$1" daemon
	done
	lacks "$(cat "$work/$1.log")" 'worker: '
}

run_as_server()
{
	echo 'RULE:dst_port=80' >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	run_as server "$work/TAPservd.conf" -a "$work/ACL.conf" \
	    -k "$(key_file)"
}

run_as_client()
{
	run_as client "$(client_rule dst_port=80)"
}

# second_cable: a subnet 10.79.0.0/24 between eth1 of server and client
second_cable()
{
	ip -n "$net-server" link add eth1 type veth peer name eth1 \
	    netns "$net-client"
	device_up server eth1 10.79.0.1/24 fd79::1/64
	device_up client eth1 10.79.0.2/24 fd79::2/64
	connected server client
}

by_eth1()
{
	on client curl -sS --max-time "$1" 'http://10.79.0.1/'
}

# Rules name a device that comes, goes and comes again.
devices()
{
	local round

	lab
	http_start server 80
	echo 'RULE:indev=eth1, dst_port=80' >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/acl"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/acl"
	page stranger 4
	for round in 1 2; do
		second_cable
		same 28 "$(status_of by_eth1 2)" "round $round"
		tap_start client client client \
		    -c "$(client_rule 'outdev=eth1, dst_port=80')"
		same 'page of 80' "$(by_eth1 10)"
		page client 4
		# Down and up again.
		ip -n "$net-server" link set eth1 down
		ip -n "$net-server" link set eth1 up
		connected server client
		same 'page of 80' "$(by_eth1 10)"
		end client TERM
		same 28 "$(status_of by_eth1 2)" "round $round"
		ip -n "$net-server" link del eth1
	done
	page stranger 6
}

# Both ends run before there is a network, and it flaps.
before_network()
{
	local round

	lab
	http_start server 80
	echo 'RULE:indev=eth1, dst_port=80' >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/acl"
	ip -n "$net-server" link set eth0 down
	ip -n "$net-client" link set eth0 down
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$(key_file)" -a "$work/acl"
	tap_start client client client \
	    -c "$(client_rule 'outdev=eth1, dst_port=80')"
	for round in 1 2 3; do
		second_cable
		same 'page of 80' "$(by_eth1 10)" "round $round"
		for _ in 1 2 3 4 5; do
			ip -n "$net-client" link set eth1 down
			ip -n "$net-client" link set eth1 up
		done
		connected client server
		same 'page of 80' "$(by_eth1 10)" "round $round"
		[ "$round" = 3 ] || ip -n "$net-server" link del eth1
	done
	[ "$(tap_status client client authenticated)" -ge 6 ]
	end client TERM
	same 28 "$(status_of by_eth1 2)"
}

for family in 4 6; do
	check "killed-ipv$family" killed $family
	check "before-ipv$family" before $family
	check "flushed-ipv$family" flushed $family
done
for side in server client; do
	for variant in nft legacy; do
		for others in no yes; do
			check "removed-$side-$variant-others-$others" \
			    removed $side $variant $others
		done
	done
done
check flushed-legacy-ipv4 flushed_legacy iptables
check flushed-legacy-ipv6 flushed_legacy ip6tables
check same-queue same_queue
check two-queues two_queues
check reload reload
check reload-client reload_client
check run-as-server run_as_server
check run-as-client run_as_client
check devices devices
check before-network before_network
finish
