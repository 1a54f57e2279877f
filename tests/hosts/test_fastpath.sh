#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The program in the kernel that sees SYNs first: where it is put, what it
# lets through, and that nothing is visible when it goes.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# served SETTING...: a server with these, and a client
served()
{
	lab
	http_start server 80
	printf '%s\n' "$@" RULE:dst_port=80 >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	keys=$(key_file)
	tap_start server server server -c "$work/TAPservd.conf" -k "$keys" \
	    -a "$work/ACL.conf"
	wait_for "$patience" decided
	[ "$(state)" != off ] || [[ " $* " = *off* ]] || unbuilt
	tap_start client client client -c "$(client_rule dst_port=80)"
}

unbuilt()
{
	local why

	why=$(reason)
	end server
	skip "$why"
}

said()
{
	on server "$TAP" server --status --json |
		sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

state()
{
	said fastpath
}

reason()
{
	said fastpath_reason
}

# It comes a moment after the server.
decided()
{
	[ "$(reason)" != 'not yet' ]
}

is_reason()
{
	[ "$(reason)" = "$1" ]
}

# Whether the kernel has a program on a device of the server's.
has_program()
{
	on server ip -d link show "$1" | grep -q 'prog/xdp'
}

# through NUMBER: so many groups came by way of the program, and got in
through()
{
	wait_for "$patience" tap_counts server server ingress_verified "$1"
	wait_for "$patience" tap_counts server server accepted "$1"
	same 0 "$(tap_status server server ingress_lost)"
}

# accepts: the program lets groups in by itself; it comes to that a moment
# after it is there, and here a connection more tells
accepts()
{
	wait_for "$patience" accepted_one_more
}

accepted_one_more()
{
	local before

	before=$(tap_status server server ingress_accepted)
	page client 4
	[ "$(tap_status server server ingress_accepted)" -gt "$before" ]
}

modes()
{
	served "fastpath=$1"
	same "$2" "$(state)"
	same '1 device' "$(reason)"
	[ "$2" != native ] || has_program eth0
	page client 4
	page client 6
	through 2
	hidden 4
	hidden 6
	end server
	refute has_program eth0
	page stranger 4
}

# Who is told that a daemon is ready need not wait for its fast path, unless
# that takes the kernel longer than a start may take.
at_once()
{
	local side begun file

	lab
	file=$(key_file fastpath=auto "RULE:dst_port=80, key_no=10, \
key=0x$secret, alg=hmac-sha256")
	set -- -c "$(key_file fastpath=auto RULE:dst_port=80)" \
	    -k "$(key_file)" -a "$(key_file port=80,key_no=10)"
	for side in server client; do
		begun=$(date +%s%3N)
		tap_start "$side" "$side" "$side" "$@"
		[ $(($(date +%s%3N) - begun)) -lt 2000 ] || break
		has "$(on "$side" "$TAP" "$side" --status)" \
		    'fast path +(generic|off .*(TCX|clang))'
		set -- -c "$file"
	done
}

off()
{
	served fastpath=off
	same off "$(state)"
	same fastpath=off "$(reason)"
	refute has_program eth0
	page client 4
	same '1 0' "$(tap_status server server accepted ingress_syns)"
}

# unprivileged auto|generic LEVEL: without the privilege for it the queue serves,
# and one line says so: a warning only where it was asked for.
unprivileged()
{
	lab
	http_start server 80
	# shellcheck disable=SC2016 # tap_run evaluates it
	mounts='shift; set -- "$0" setpriv --no-new-privs --bounding-set \
		-bpf,-sys_admin --inh-caps -bpf,-sys_admin "$@"; true'
	tap_run server server server -k "$(key_file)" \
	    -a "$(key_file port=80,key_no=10)" \
	    -c "$(key_file log=json "fastpath=$1" RULE:dst_port=80)"
	mounts=:
	wait_log server ready:
	wait_for "$patience" decided
	has "$(reason)" 'not permitted|built without clang'
	same "\"level\":\"$2\"" "$(grep 'fast path: off' \
	    "$work/server.log" | grep -o '"level":"[a-z]*"')"
	lacks "$(said alarm)" 'fast path'
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client 4
	hidden 4
	# What it would mark is no mark of its own then.
	on server iptables -t raw -I PREROUTING -j MARK --or-mark 0x200000
	hidden 4
	page client 4
	end server
}

# As under flood, all the time: what fits nowhere is dropped at once, and as
# early as can be.
flood()
{
	served fastpath=auto flood=0
	page client 4
	page client 6
	through 2
	hidden 4
	hidden 6
	# One SYN may be looked at before the first is counted.
	wait_for "$patience" dropped
	same 0 "$(tap_status server server queue_drops)"
	wait_for "$patience" has_program eth0
	# It leaves the last frame to the one that lets groups in.
	accepts
	page client 6
	hidden 4
}

# Where packets come to the program without their tags, as from many a card:
# what it has taken of a group is not lost.
vlan()
{
	local name

	served fastpath=auto flood=0
	for name in server client; do
		on "$name" ip link add link eth0 name v5 type vlan id 5 || {
			end client
			end server
			skip 'this kernel has no VLANs'
		}
		on "$name" ip addr add "10.99.0.${number[$name]}/24" dev v5
		on "$name" ip link set v5 up
	done
	wait_for "$patience" has_program eth0
	for _ in 1 2 3; do
		same 'page of 80' "$(on client curl -sS --max-time "$patience" \
		    "http://10.99.0.${number[server]}/")"
	done
	same 3 "$(tap_status server server accepted)"
	[ "$(tap_status server server ingress_taken)" -gt 0 ]
}

dropped()
{
	[ "$(tap_status server server ingress_dropped)" -gt 0 ]
}

# What came to the queues so far, but for what is no SYN.
queued()
{
	# shellcheck disable=SC2016 # awk's
	on server awk '{ sum += $8 } END { print sum + 0 }' \
	    /proc/net/netfilter/nfnetlink_queue
}

# A stranger's SYN never takes the queue, whatever is in it; the server is told
# of it all the same, and says why it is refused.
strangers()
{
	local family before sent name

	served fastpath=auto
	accepts
	before=$(queued)
	for family in 4 6; do
		sent=$(on stranger "$python" "$here/strangers.py" eth0 \
		    "$(on server cat /sys/class/net/eth0/address)" \
		    "$(addr "$family" stranger)" "$(addr "$family" server)" 80 \
		    100 any window heads late groups data)
		same 1400 "$sent" sent
	done
	# The mark, and not the door, decides: no answer.
	hidden 4
	hidden 6
	same "$before" "$(queued)" 'in the queue'
	for name in time key mac malformed incomplete; do
		wait_for "$patience" refused_some "$name"
	done
	page client 4
	page client 6
	same 0 "$(tap_status server server ingress_lost)"
}

refused_some()
{
	[ "$(tap_status server server "$1")" -gt 0 ]
}

killed()
{
	served "fastpath=$1"
	page client 4
	end server KILL || :
	wait_for "$patience" eval '! has_program eth0'
	hidden 4
	hidden 6
}

# What another has put there stays.
foreign()
{
	local other

	served fastpath=native
	other=$(key_file queue=5050 fastpath=native RULE:dst_port=81)
	tap_start other server server -c "$other" -k "$keys" \
	    -a "$(key_file 'port=81, key_no=10')"
	wait_log other 'eth0: it has another program of XDP'
	page client 4
	through 1
	end other
	has_program eth0
	page client 6
	through 2
}

devices()
{
	served fastpath=native
	cable server eth1 9
	wait_for "$patience" is_reason '2 devices'
	has_program eth1
	# A worker that begins now has nothing of it.
	kill -KILL "$(worker server)"
	wait_for "$patience" tap_counts server server worker_restarts 1
	# In a bridge of the server's own neither is for it.
	on server ip link add br0 type bridge
	on server ip link set br0 up
	on server ip link set eth1 master br0
	wait_for "$patience" eval '! has_program eth1'
	has "$(reason)" '^br0: '
	on server ip link del br0
	wait_for "$patience" has_program eth1
	on server ip link del eth1
	wait_for "$patience" is_reason '1 device'
	page client 4
	through 1
}

# The server's address is a bridge's, as a hypervisor's is, and br_netfilter
# shows rules what comes to its parts.
bridged()
{
	served fastpath=generic
	on server ip link add br0 type bridge mcast_snooping 0
	on server sysctl -qw net.bridge.bridge-nf-call-iptables=1 \
	    net.bridge.bridge-nf-call-ip6tables=1 ||
		skip 'no br_netfilter here'
	on server ip addr flush dev eth0
	on server ip link set eth0 master br0
	device_up server br0 "$(addr4 server)/24" "$(addr6 server)/64"
	wait_for "$patience" eval 'reason | grep -q "^br0: bridges"'
	page client 4
	page client 6
	hidden 4
	hidden 6
	# More, where this machine is busy and a client sends a SYN again.
	[ "$(tap_status server server accepted)" -ge 2 ]
}

addresses()
{
	served fastpath=auto
	page client 4
	through 1
	on server ip addr del "$(addr4 server)/24" dev eth0
	on server ip addr add "$(addr4 server)/24" dev eth0
	on server ip addr add 10.77.0.99/24 dev eth0
	page client 4
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    http://10.77.0.99/)"
	same 28 "$(status_of on stranger curl -sS --max-time 2 \
	    http://10.77.0.99/)"
}

reload()
{
	local verified

	served fastpath=auto
	page client 4
	echo 'port=80, key_no=11' >"$work/ACL.conf"
	signal server HUP
	wait_log server 'reloaded: '
	same 28 "$(status_of on client curl -sS --max-time 2 "$(url 4 server)")"
	tap_counts server server accepted 1
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	signal server HUP
	wait_log server 'reloaded: ' 2
	wait_for "$patience" decided
	# Of those that were refused, some may have come by the program.
	verified=$(tap_status server server ingress_verified)
	page client 4
	wait_for "$patience" tap_counts server server ingress_verified \
	    $((verified + 1))
	tap_counts server server accepted 2
	same 0 "$(tap_status server server ingress_lost)"
	printf '%s\n' RULE:dst_port=81 >"$work/TAPservd.conf"
	signal server HUP
	wait_log server 'reloaded: ' 3
	page stranger 4
}

# configure RULE: a reload
configure()
{
	printf '%s\n' fastpath=auto "$1" >"$work/TAPservd.conf"
	signal server HUP
	wait_log server 'reloaded: ' $((++configured))
}

# A rule is for one device: there the kernel lets in, and elsewhere the port is
# as it ever was; also when its name goes to another device.
by_device()
{
	local configured=0

	served fastpath=auto
	configure 'RULE:dst_port=80, indev=eth0'
	accepts
	page client 6
	hidden 4
	hidden 6
	configure 'RULE:dst_port=80, indev=eth7'
	page stranger 4
	on server ip link set eth0 name eth7
	wait_for "$patience" seen_by_kernel
	hidden 4
	accepts
	# Who comes by what, the receiver knows, too.
	has "$(cat "$work/server.log")" "incomplete src=$(addr4 stranger)"
	lacks "$(cat "$work/server.log")" "incomplete src=$(addr4 client)"
}

# The program counts SYNs to protected ports alone.
seen_by_kernel()
{
	local before

	before=$(tap_status server server ingress_syns)
	page client 4
	[ "$(tap_status server server ingress_syns)" -gt "$before" ]
}

# reloads: the program stays where it is, with other tables, so that no group is
# lost and however often it is told; one that is too large for them, it leaves.
reloads()
{
	local i keys_now

	served fastpath=auto
	accepts
	for i in 1 2 3 4; do
		echo "port=80, key_no=\"10,$((10 + i))\"" >"$work/ACL.conf"
		signal server HUP
		wait_log server 'reloaded: ' "$i"
		same generic "$(state)"
		page client 4
	done
	accepts
	keys_now=$(seq -f 'key_no=%g, key=0x'"$secret"', alg=hmac-sha256' \
	    100 300)
	printf '%s\n' "$keys_now" >>"$keys"
	signal server HUP
	wait_log server 'reloaded: ' 5
	wait_for "$patience" decided
	accepts
	same 0 "$(tap_status server server ingress_lost)"
}

# memory: with the maps that the kernel keeps, each counted once
memory()
{
	local kib

	served fastpath=auto
	accepts
	# shellcheck disable=SC2016 # awk's
	kib=$(for pid in "${pids[server]}" $(ps -o pid= \
	    --ppid "${pids[server]}"); do
		cat "/proc/$pid/smaps" "/proc/$pid"/fdinfo/*
	done 2>/dev/null | awk '/^[0-9a-f]+-[0-9a-f]+ / { map = /bpf-map/ }
		/^Pss:/ && !map { kib += $2 }
		/^memlock:/ { size = $2 }
		/^map_id:/ && !seen[$2]++ { kib += size / 1024 }
		END { printf("%d\n", kib) }')
	echo "$kib KiB"
	[ "$kib" -gt 16384 ]
	[ "$kib" -le 65536 ]
}

# What the kernel lets in by itself is logged and counted as ever; the gate
# has no authenticator to compute.
accepted()
{
	local in_kernel computed all family

	served "fastpath=$1" fastpath_mark=0x10000
	accepts
	read -r in_kernel computed all <<<"$(tap_status server server \
	    ingress_accepted authenticators accepted)"
	# The kernel tells of them later, but whoever asks is told of all.
	for family in 4 6 4 6 4 6; do
		page client "$family"
		all=$((all + 1))
		same "$all" "$(tap_status server server accepted)" accepted
	done
	same "$((in_kernel + 6)) $computed" \
	    "$(tap_status server server ingress_accepted authenticators)"
	wait_log server "accepted key=10 src=$(addr4 client):.*skew=" 1
	wait_log server 'accepted key=10 ' "$all"
	wait_log server "accepted key=10 src=\[$(addr6 client)\]:.*skew="
	hidden 4
	hidden 6
}

# Nobody is there to judge: the kernel lets in whoever it knows, nobody else,
# and tells later.  A worker that stays away for long would be replaced.
stopped()
{
	local worker before

	served fastpath=auto
	accepts
	worker=$(worker server)
	before=$(tap_status server server ingress_accepted)
	kill -STOP "$worker"
	page client 4
	page client 6
	hidden 4
	same $((before + 2)) "$(tap_status server server ingress_accepted)"
	kill -CONT "$worker"
	wait_for "$patience" tap_counts server server accepted \
	    $((before + 2 + $(tap_status server server ingress_verified) -
		$(tap_status server server ingress_accepted)))
	same 0 "$(tap_status server server worker_restarts)"
}

# What the kernel has let in is counted, whatever becomes of the worker that is
# to hear of it: it dies with all of it unread.
counts_on()
{
	local n before

	served fastpath=auto
	accepts
	before=$(tap_status server server accepted)
	for n in 1 2 3; do
		kill -STOP "$(worker server)"
		page client 4
		page client 6
		kill -KILL "$(worker server)"
		wait_for "$patience" tap_counts server server \
		    worker_restarts "$n"
		same $((before + 2 * n)) "$(tap_status server server accepted)"
		accepts
		before=$(($(tap_status server server accepted) - 2 * n))
	done
	same "$(tap_status server server accepted)" \
	    "$(grep -c 'accepted key=10' "$work/server.log")"
}

# A mark that a program of this host sets on its own packets is worth nothing.
marked()
{
	local addr

	served fastpath=auto
	accepts
	for addr in 127.0.0.1 ::1; do
		same timeout "$(on server "$python" -c '
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, 36, 0x200000)  # SO_MARK
s.settimeout(1.5)
try:
    s.connect((sys.argv[1], 80))
    print("connected")
except socket.timeout:
    print("timeout")
' "$addr")"
	done
}

# nft's rules, where the kernel has no queue for them: what would be queued is
# dropped.  With the server asleep, nobody puts those of iptables back.
nft_rules()
{
	local tool

	served fastpath=auto
	[ "$(said firewall)" = iptables ] || skip 'nft can queue here'
	accepts
	kill -STOP "$(worker server)" "${pids[server]}"
	for tool in iptables ip6tables; do
		on server "$tool" -t raw -F PREROUTING
	done
	# Where packets come in there are rules still.
	hidden 4
	{
		echo firewall=nft
		cat "$work/TAPservd.conf"
	} >"$work/nft.conf"
	on server "$TAP" server --print-rules -c "$work/nft.conf" -k "$keys" \
	    -a "$work/ACL.conf" | sed 's/queue num [0-9]*$/counter drop/' \
	    >"$work/rules.nft"
	has "$(cat "$work/rules.nft")" 'mark set meta mark & 0xffdfffff accept'
	on server nft -f "$work/rules.nft" || skip 'nft can not do this here'
	page client 4
	page client 6
	hidden 4
	hidden 6
	# The mark is gone behind the rules.
	on server iptables -I INPUT -m mark --mark 0x200000/0x200000 -j DROP
	page client 4
}

# in_time SECONDS: from here on, tap runs in a time namespace whose clocks are
# ahead by so much; programs in the kernel go by the kernel's own
in_time()
{
	unshare -T --monotonic "$1" --boottime "$1" true ||
		skip 'this kernel has no time namespaces'
	printf '#!/bin/sh\nexec unshare -T --monotonic %s --boottime %s %s "$@"\n' \
	    "$1" "$1" "$TAP" >"$work/tap"
	chmod +x "$work/tap"
	TAP=$work/tap
}

# Both ends make and take groups in the kernel, by the right time; and what
# comes by the queue is let in by the door, too.
time_namespace()
{
	local taken

	in_time "$1"
	served fastpath=auto
	accepts
	end client
	tap_start client client client -c "$(key_file fastpath=auto \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")"
	wait_for "$patience" fast_path_known client client
	taken=$(tap_status server server ingress_accepted)
	page client 4
	page client 6
	same "2 2 $((taken + 2))" "$(tap_status client client authenticated \
	    fastpath_syns) $(tap_status server server ingress_accepted)"
	lacks "$(cat "$work/server.log")" 'refused'
	echo fastpath=off RULE:dst_port=80 | tr ' ' '\n' >"$work/TAPservd.conf"
	end server
	tap_start server server server -c "$work/TAPservd.conf" -k "$keys" \
	    -a "$work/ACL.conf"
	page client 4
	hidden 4
}

check native modes native native
check generic modes generic generic
check auto modes auto generic
check off off
check at-once at_once
check unprivileged unprivileged generic warning
check unprivileged-auto unprivileged auto info
check flood flood
check vlan vlan
check killed-native killed native
check killed-generic killed generic
check foreign foreign
check devices devices
check bridged bridged
check addresses addresses
check reload reload
check reloads reloads
check memory memory
check by-device by_device
check accepted-auto accepted auto
check accepted-generic accepted generic
check stopped stopped
check counts-on counts_on
check strangers strangers
check marked marked
check time-ahead time_namespace 1000
check time-behind time_namespace "-$(($(cut -d. -f1 /proc/uptime) / 2))"
check nft-rules nft_rules
finish
