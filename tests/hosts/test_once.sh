#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The client for one command, as ssh's ProxyCommand, by program, and without
# netfilter; and rules that somebody else flushes.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

served()
{
	lab
	http_start server 80
	keys=$(key_file)
	tap_start server server server -p 80 -k "$keys"
}

# once HOST:PORT COMMAND...
once()
{
	on client "$TAP" client --to "$1" -k "$keys" -- "${@:2}"
}

plain_times_out()
{
	same 28 "$(status_of on client curl -sS --max-time 2 \
	    "$(url 4 server)")" 'a connection of nobody'
}

# A command gets in, its neighbour does not, and nothing is left of it.
one_command()
{
	local family=$1 status=0 to

	served
	to=$(addr "$family" server)
	[ "$family" = 4 ] || to="[$to]"
	rules client >"$work/before"
	same 'page of 80' "$(once "$to:80" curl -sS --max-time "$patience" \
	    "$(url "$family" server)")"
	same 7 "$(status_of once "$to:80" sh -c 'exit 7')" 'its exit status'
	same 127 "$(status_of once "$to:80" no-such-command)" 'no such command'
	once "$to:80" no-such-command 2>/dev/full || status=$?
	same 127 "$status" 'no such command, and nobody to tell'
	same 143 "$(status_of once "$to:80" sh -c 'kill -TERM $$')" 'its signal'
	plain_times_out
	rules client | diff "$work/before" -
}

# Two at once, each with its own; who is in neither stays outside.
twice()
{
	local name

	served
	for name in one two; do
		# shellcheck disable=SC2016 # for the inner shell
		start "$name" client "$TAP" client --to "$(addr 4 server):80" \
		    -k "$keys" -- sh -c 'echo here
			until [ -e "$0" ]; do sleep 0.05; done; exec "$@"' \
		    "$work/go" curl -sS --max-time "$patience" \
		    "$(url 4 server)"
	done
	wait_log one '^here$'
	wait_log two '^here$'
	plain_times_out
	touch "$work/go"
	await one 0
	await two 0
	has "$(cat "$work/one.log")" '^page of 80$'
	has "$(cat "$work/two.log")" '^page of 80$'
	same '' "$(on client nft list ruleset)" 'what is left'
}

# Whose connection is one command's is no daemon's, whatever key that has and
# whose rules come first: by the queue, or by the program in the kernel.
no_other()
{
	local bad

	served
	bad=$(key_file "key_no=10, key=0x${secret//A/B}, alg=hmac-sha256")
	tap_start client client client -c "$(key_file "fastpath=$1" \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")"
	wait_for "$patience" fast_path_known client client
	page client 4
	# Its rules are restored, and may be before the command's from now on.
	# shellcheck disable=SC2016 # for the inner shell
	start held client "$TAP" client --to "$(addr 4 server):80" -k "$bad" \
	    -- sh -c 'echo here; until [ -e "$0" ]; do sleep 0.05; done
		exec "$@"' "$work/go" curl -sS --max-time 4 "$(url 4 server)"
	wait_log held '^here$'
	on client iptables -t raw -F tap-client-5060
	wait_log client 'our firewall rules: restored'
	wait_for "$patience" fast_path_known client client
	touch "$work/go"
	await held 28
	same 28 "$(status_of on client "$TAP" client --to \
	    "$(addr 4 server):80" -k "$bad" -- curl -sS --max-time 4 \
	    "$(url 4 server)")" 'a bad key'
	page client 4
	# And the other way round: a good key beside a daemon's bad one.
	end client
	tap_start client client client -c "$(key_file "fastpath=$1" \
	    "RULE:dst_port=80, $(cat "$bad")")"
	wait_for "$patience" fast_path_known client client
	same 'page of 80' "$(once "$(addr 4 server):80" curl -sS \
	    --max-time "$patience" "$(url 4 server)")"
}

# Without a key: the daemon's, for anybody.
unkeyed()
{
	served
	same 2 "$(status_of on client unshare -m sh -c 'mount -t tmpfs none \
	    /run && exec "$@"' sh "$TAP" client --proxy \
	    "$(addr 4 server):80")" 'no key, and no client'
	tap_start client client client -c "$(client_rule dst_port=80)"
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' | on client setpriv \
	    --reuid 65534 --regid 65534 --clear-groups "$TAP" client \
	    --proxy "$(addr 4 server):80")" '^page of 80$'
	same 'page of 80' "$(on client setpriv --reuid 65534 --regid 65534 \
	    --clear-groups "$TAP" client --to "$(addr 4 server):80" -- \
	    curl -sS --max-time "$patience" "$(url 4 server)")"
	same 7 "$(status_of on client "$TAP" client \
	    --to "$(addr 4 server):80" -- sh -c 'exit 7')" 'its exit status'
}

# capabilities NAME SETS: those that it has
capabilities()
{
	grep -E "^Cap($2):" "/proc/${pids[$1]}/status" | grep -v ':.0*$' || :
}

# has_none NAME: tap has given them up
has_none()
{
	[ "$(cat "/proc/${pids[$1]}/comm")" = tap ] &&
		[ -z "$(capabilities "$1" 'Prm|Eff')" ]
}

# owned LINE...: a file of theirs
owned()
{
	local file

	file=$(key_file "$@")
	chown 65534 "$file"
	echo "$file"
}

# $work/tap, the program that an administrator has made for ordinary users
granted_tap()
{
	install -m 755 "$TAP" "$work/tap"
	setcap cap_net_admin,cap_net_raw=ep "$work/tap" ||
		skip 'no capabilities of files here'
	chmod 755 "$dir" "$dir/case" "$work"
}

# An ordinary user, with the program that an administrator has made for that:
# one command, of this user's alone, and nothing else.
granted()
{
	local user=(setpriv --reuid 65534 --regid 65533 --clear-groups
		--inh-caps=-all --no-new-privs) own caps all

	unset 'user[-1]' # or its file's capabilities would not count
	served
	granted_tap
	own=$(owned)
	same 'page of 80' "$(on client "${user[@]}" "$work/tap" client \
	    --to "$(addr 4 server):80" -k "$own" -- curl -sS \
	    --max-time "$patience" "$(url 4 server)")"
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' | on client "${user[@]}" \
	    "$work/tap" client --proxy "$(addr 6 server | sed 's/.*/[&]/'):80" \
	    -k "$own")" '^page of 80$'
	caps=$(on client "${user[@]}" "$work/tap" client \
	    --to "$(addr 4 server):80" -k "$own" -- grep ^Cap /proc/self/status)
	lacks "$caps" 'Cap(Inh|Prm|Eff|Amb):.*[1-9a-f]' \
	    'capabilities of the command'
	same 3 "$(status_of on client "${user[@]}" "$work/tap" server -p 80 \
	    -k "$own")" 'a server of theirs'
	install -m 4755 "$TAP" "$work/suid"
	same 3 "$(status_of on client "${user[@]}" "$work/suid" client \
	    --to "$(addr 4 server):80" -k "$own" -- true)" 'one that is setuid'
	# With libpcap they have no rules, and nothing that they run has any.
	start wire client "${user[@]}" "$work/tap" client --backend pcap \
	    -c "$(owned "RULE:dst_port=81, key_no=10, key=0x$secret")"
	wait_log wire ': ready:'
	same '' "$(capabilities wire 'Inh|Amb')" 'what libpcap hands on'
	end wire
	mkfifo "$work/line"
	# shellcheck disable=SC2016 # for the inner shell
	start other client "${user[@]}" sh -c 'exec "$@" <"$0"' "$work/line" \
	    "$work/tap" client --backend pcap --accept -
	exec 7>"$work/line"
	wait_for "$patience" has_none other
	exec 7>&-
	await other 2
	# Whom they keep waiting is themselves.
	start held client "${user[@]}" "$work/tap" client \
	    --to "$(addr 4 server):81" -k "$own" -- sh -c 'echo here
		exec sleep 99'
	wait_log held '^here$'
	mapfile -t all < <(ps -o pid= --ppid "${pids[held]}" | tr -d ' ')
	kill -STOP "${pids[held]}" "${all[@]}"
	same 7 "$(status_of on client curl -sS -m 2 "$(url 4 server 81)")" \
	    'somebody else'
	same 28 "$(status_of on client "${user[@]}" curl -sS -m 2 \
	    "$(url 4 server 81)")" 'the same user'
	kill -CONT "${pids[held]}" "${all[@]}"
	end held || :
	plain_times_out
	same '' "$(rules client | grep tap-)" 'what is left'
}

# Signals are the command's to decide on.
signals()
{
	served
	start held client "$TAP" client --to "$(addr 4 server):80" -k "$keys" \
	    -- sh -c 'trap "echo told; exit 9" TERM; echo here
		while :; do sleep 0.05; done'
	wait_log held '^here$'
	signal held TERM
	await held 9
	has "$(cat "$work/held.log")" '^told$'
}

proxy()
{
	served
	ssh_start server
	tap_start second server server --queue 6000 -p 22 -k "$keys"
	same hello "$(on client ssh "${ssh_args[@]}" \
	    -o "ProxyCommand=$TAP client --proxy %h:%p -k $keys" \
	    "root@$(addr 4 server)" echo hello)"
}

# What stands in a pipe goes there, and the server's end is the end.
piped()
{
	local proxy

	served
	proxy=(on client "$TAP" client -k "$keys" --proxy)
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' |
		"${proxy[@]}" "$(addr 4 server):80")" '^page of 80$'
	same 1 "$(status_of "${proxy[@]}" "$(addr 4 server):81" </dev/null)" \
	    'nobody listens there'
	has "$("${proxy[@]}" "$(addr 4 server):81" </dev/null 2>&1 || true)" \
	    "^tap client: $(addr 4 server):81: Connection refused\$"
}

# Each direction goes on by itself: both ends write all that they have before
# they read, or one reads to the end first.
both_ways()
{
	local order=$1 bytes=$2 expected

	served
	tap_start second server server --queue 6000 -p 9000 -k "$keys"
	start far server "$python" "$here/duplex.py" serve 9000 "$bytes"
	wait_log far '^serving$'
	mapfile -t expected < <("$python" "$here/duplex.py" digests 9000 \
	    "$bytes")
	start near client "$python" "$here/duplex.py" "$order" "$bytes" \
	    "$TAP" client --proxy "$(addr 4 server):9000" -k "$keys"
	await near 0
	await far 0
	same "${expected[0]}" "$(cat "$work/near.log")" 'from the far end'
	has "$(cat "$work/far.log")" "^${expected[1]}\$"
}

# A name whose first address is dead costs a quarter of a second, not a time
# out; a dead name of both kinds is an error.
eyeballs()
{
	local begun took

	served
	echo "$(addr 4 server) dual.example" >"$work/hosts"
	echo "fd77::fa dual.example" >>"$work/hosts"
	ip -n "$net-client" neigh add fd77::fa lladdr 02:00:00:00:00:fa \
	    dev eth0
	begun=$(date +%s%3N)
	# shellcheck disable=SC2016 # for the inner shell
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' | on client sh -c '
		mount --bind "$0" /etc/hosts && exec "$@"' "$work/hosts" \
	    "$TAP" client --proxy dual.example:80 -k "$keys")" '^page of 80$'
	took=$(($(date +%s%3N) - begun))
	[ "$took" -lt 5000 ] || fail "took $took ms"
}

# A link-local address, with its device.
link_local()
{
	served
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' | on client "$TAP" client \
	    --proxy '[fe80::1%eth0]:80' -k "$keys")" '^page of 80$'
	tap_start client client client -c "$(client_rule \
	    'dst_host=fe80::1%eth0, dst_port=80')"
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    'http://[fe80::1%25eth0]/')"
}

# A far end that sends single bytes, which nobody reads yet, fills no memory.
trickle()
{
	local bytes=$((1 << 18)) patience=60 # a packet each

	served
	tap_start second server server --queue 6000 -p 9000 -k "$keys"
	start far server "$python" "$here/duplex.py" trickle 9000 "$bytes"
	wait_log far '^serving$'
	# shellcheck disable=SC2016 # for the inner shell
	start near client sh -c 'ulimit -v 500000; "$@" </dev/null | {
		until [ -e "$0" ]; do sleep 0.05; done; wc -c; }' "$work/go" \
	    "$TAP" client --proxy "$(addr 4 server):9000" -k "$keys"
	wait_log far '^sent$'
	touch "$work/go"
	await near 0
	same "$bytes" "$(cat "$work/near.log")" 'what came'
}

# Behind a port forward it is the server's port that counts.
forwarded()
{
	served
	on client iptables -t nat -A OUTPUT -p tcp --dport 8080 -j DNAT \
	    --to-destination "$(addr 4 server):80"
	same 28 "$(status_of once "$(addr 4 server):8080" curl -sS \
	    --max-time 2 "$(url 4 server 8080)")" 'without the port'
	same 'page of 80' "$(once "$(addr 4 server):8080/80" curl -sS \
	    --max-time "$patience" "$(url 4 server 8080)")"
	has "$(printf 'GET / HTTP/1.0\r\n\r\n' | on client "$TAP" client \
	    --proxy "$(addr 4 server):8080/80" -k "$keys")" '^page of 80$'
}

# Nobody answers there: the worker, which may open no file, says so.
proxy_unanswered()
{
	local tap=$1

	[ -x "$tap" ] || skip 'not built: make DEPS=system'
	lab client
	start proxy client "$tap" client -k "$(key_file)" \
	    --proxy 10.77.0.250:80
	wait_log proxy ': no connection to 10.77.0.250:80: '
	end proxy || :
	lacks "$(cat "$work/proxy.log")" 'worker: '
}

# Rules that are not there, whoever took them: that is no silence of a server.
proxy_unnoticed()
{
	lab client
	on client sysctl -qw net.ipv4.tcp_syn_retries=1
	# shellcheck disable=SC2016 # for the script
	printf '%s\n' '#!/bin/sh' 'case $0 in *-restore) cat >/dev/null ;; esac' \
	    >"$work/tool"
	chmod 755 "$work/tool"
	mounts="mount --bind $work/tool /usr/sbin/xtables-nft-multi &&
		mount --bind $work/tool /usr/sbin/xtables-legacy-multi"
	tap_run proxy client client -k "$(key_file)" --proxy 10.77.0.250:80
	await proxy 1
	has "$(cat "$work/proxy.log")" ': no SYN of it came by our firewall'
}

has_no_rules()
{
	! rules client | grep tap-
}

# Ordinary users have several at once, too, and are told of nothing else.
granted_many()
{
	local user=(setpriv --reuid 65534 --regid 65533 --clear-groups
		--inh-caps=-all) own i

	served
	granted_tap
	own=$(owned)
	for i in 1 2 3 4; do
		mkfifo "$work/in-$i"
		# shellcheck disable=SC2016 # for the inner shell
		start "many-$i" client "${user[@]}" sh -c 'exec "$@" <"$0"' \
		    "$work/in-$i" "$work/tap" client \
		    --proxy "$(addr 4 server):80" -k "$own"
	done
	# All are there before the first one ends.
	exec 4>"$work/in-1" 5>"$work/in-2" 6>"$work/in-3" 7>"$work/in-4"
	wait_for "$patience" tap_counts server server accepted 4
	# What is connected has no rules any more.
	wait_for "$patience" has_no_rules
	for i in 4 5 6 7; do
		printf 'GET / HTTP/1.0\r\n\r\n' >&"$i"
	done
	exec 4>&- 5>&- 6>&- 7>&-
	for i in 1 2 3 4; do
		await "many-$i" 0
		has "$(cat "$work/many-$i.log")" '^page of 80$'
		lacks "$(cat "$work/many-$i.log")" 'tap client: '
	done
}

refused_words()
{
	served
	same 2 "$(status_of once nowhere true)" 'no port'
	same 2 "$(status_of once "$(addr 4 server):0" true)" 'port 0'
	same 2 "$(status_of once "$(addr 4 server):80")" 'no command'
	same 2 "$(status_of on client "$TAP" client \
	    --to "$(addr 4 server):80" -k "$keys" --key-no 11 -- true)" \
	    'no such key'
}

# exe=: curl gets in, also where its socket is bound to a device; nc does not.
program()
{
	served
	tap_start client client client -c "$(client_rule \
	    "dst_port=80, exe=$(readlink -f "$(command -v curl)")")"
	page client 4
	same 'page of 80' "$(on client curl -sS --max-time "$patience" \
	    --interface if!eth0 "$(url 4 server)")"
	same 1 "$(status_of on client nc.openbsd -w 2 -z \
	    "$(addr 4 server)" 80)" 'another program'
}

# Without netfilter: five SYNs leave, the first of which is refused.
wire()
{
	local family=$1 syns

	served
	rules client >"$work/before"
	tap_start client client client --backend pcap -c \
	    "$(client_rule dst_port=80)"
	rules client | diff "$work/before" -
	capture syns client eth0 'tcp dst port 80'
	page client "$family"
	capture_end syns client
	syns=$(tshark -r "$work/syns.pcap" -Y 'tcp.flags.syn == 1' 2>/dev/null |
		wc -l)
	# hmac-sha256 of 60 bits: five frames, and SYN-ORIG.
	same 6 "$syns" 'SYNs on the wire'
	wait_for 5 tap_counts server server incomplete 1
	same 1 "$(tap_status server server accepted)" accepted
}

wire_refuses()
{
	served
	tap_run client client client --backend pcap -c \
	    "$(client_rule 'dst_port=80, user=0')"
	await client 2
	has "$(cat "$work/client.log")" 'user= and exe= cannot be used with'
}

# A device that goes away is no device that nothing comes by.
alarmed()
{
	on client "$TAP" client --status | grep -q '^ALARM .*no device is there'
}

# wire_gone RULE: its device goes, and another one of that name comes
wire_gone()
{
	served
	tap_start client client client --backend pcap -c \
	    "$(client_rule "$1")"
	page client 4
	ip -n "$net-client" link del eth0
	wait_for "$patience" alarmed
	cable client eth0 2
	connected client
	wait_for "$patience" unalarmed
	page client 4
	end client
	lacks "$(cat "$work/client.log")" 'worker: '
}

unalarmed()
{
	! alarmed
}

# Of a device that is down the kernel doesn't say that it is removed.
wire_down()
{
	served
	tap_start client client client --backend pcap -c \
	    "$(client_rule 'dst_port=80, outdev=eth0')"
	page client 4
	ip -n "$net-client" link set eth0 down
	ip -n "$net-client" link set eth0 up
	page client 4
	ip -n "$net-client" link set eth0 down
	ip -n "$net-client" link del eth0
	wait_for "$patience" alarmed
	end client TERM
}

# wire_early RULE: it starts before there is a network
wire_early()
{
	served
	ip -n "$net-client" link del eth0
	ip -n "$net-client" link set lo down
	tap_start client client client --backend pcap -c \
	    "$(client_rule "$1")"
	wait_for "$patience" alarmed
	ip -n "$net-client" link set lo up
	cable client eth0 2
	connected client
	wait_for "$patience" follows_two
	page client 4
	page client 6
}

# The worker of now began when the device had come.
follows_two()
{
	! alarmed && on client curl -sS -m 1 "$(url 4 server)" >"$work/page"
}

# A new configuration may name another device, but nothing that the wire
# does not show.
wire_reload()
{
	local conf

	served
	conf=$(client_rule 'dst_port=80, outdev=lo')
	tap_start client client client --backend pcap -c "$conf"
	plain_times_out
	cat "$(client_rule 'dst_port=80, outdev=eth0')" >"$conf"
	signal client HUP
	wait_log client ': reloaded: 1 rule'
	page client 4
	cat "$(client_rule 'dst_port=80, user=0')" >"$conf"
	signal client HUP
	wait_log client 'user= and exe= cannot be used with'
	wait_log client 'still with the old configuration'
	page client 4
}

# The worker that comes after one hears what that would have heard.
wire_restart()
{
	served
	tap_start client client client --backend pcap -c \
	    "$(client_rule 'dst_port=80, outdev=eth0')"
	page client 4
	kill -KILL "$(worker client)"
	wait_log client 'worker: ended by signal 9'
	wait_for "$patience" tap_counts client client worker_restarts 1
	page client 4
	page client 6
}

# tools_elsewhere path|setting: iptables is in no place of the system's
tools_elsewhere()
{
	local conf=() name

	lab server
	mkdir "$work/bin"
	for name in iptables{,-nft}{,-save,-restore}; do
		ln -s tool "$work/bin/$name"
		ln -s tool "$work/bin/ip6${name#ip}"
	done
	cp /usr/sbin/xtables-nft-multi "$work/bin/tool"
	mounts="mount --bind /dev/null /usr/sbin/xtables-nft-multi &&
		mount --bind /dev/null /usr/sbin/xtables-legacy-multi"
	tap_run bare server server -p 80 -k "$(key_file)"
	await bare 3
	if [ "$1" = path ]; then
		mounts+=" && export PATH=\$PATH:$work/bin"
	else
		conf=("tools=$work/bin")
	fi
	tap_start server server server -k "$(key_file)" -a "$(key_file \
	    'port=80, key_no=10')" -c "$(key_file firewall=iptables \
	    ${conf[@]+"${conf[@]}"} RULE:dst_port=80)"
	has "$(rules server)" tap-server-5040
	end server
	lacks "$(rules server)" tap-server-5040
}

# Who ends just then takes the table with it, in which it saw nobody.
taken_at_once()
{
	lab server
	mkdir "$work/bin"
	# shellcheck disable=SC2016 # for the script
	printf '%s\n' '#!/bin/sh' '/usr/sbin/iptables-restore "$@" || exit' \
	    '! mkdir "${0%/*}/once" 2>/dev/null || nft delete table ip raw' \
	    >"$work/bin/iptables-restore"
	chmod 755 "$work/bin/iptables-restore"
	tap_start server server server -k "$(key_file)" -a "$(key_file \
	    'port=80, key_no=10')" -c "$(key_file firewall=iptables \
	    "tools=$work/bin" RULE:dst_port=80)"
	[ -d "$work/bin/once" ] || fail 'nobody took it'
	has "$(on server iptables -t raw -S)" '-j tap-server-5040'
}

flushed()
{
	served
	hidden 4
	on server nft flush ruleset
	wait_log server 'our firewall rules: restored'
	hidden 4
	same 1 "$(tap_status server server rules_restored)"
	end server
	same '' "$(on server nft list ruleset)" 'what is left'
}

# A chain that lost its rules is none, whichever it is.
emptied()
{
	local tool table times=0

	served
	hidden 4
	rules server >"$work/before"
	for tool in iptables ip6tables; do
		for table in raw mangle; do
			times=$((times + 1))
			on server "$tool" -t "$table" -F tap-server-5040
			wait_log server 'our firewall rules: restored' "$times"
			rules server >"$work/after"
			diff "$work/before" "$work/after"
		done
	done
	hidden 4
	hidden 6
	same "$times" "$(tap_status server server rules_restored)"
}

# The client's, too; those of one table that are left are no rules either.
client_flushed()
{
	local times=0 command

	served
	tap_start client client client -c "$(key_file "fastpath=$1" \
	    "RULE:dst_port=80, key_no=10, key=0x$secret, alg=hmac-sha256")"
	wait_for "$patience" fast_path_known client client
	rules client >"$work/before"
	for command in 'nft flush ruleset' 'iptables -t raw -F' \
	    'ip6tables -t raw -F tap-client-5060'; do
		times=$((times + 1))
		# shellcheck disable=SC2086 # words of a command
		on client $command
		wait_log client 'our firewall rules: restored' "$times"
		rules client | diff "$work/before" -
	done
	page client 4
	page client 6
	same "$times" "$(tap_status client client rules_restored)"
	end client
	same '' "$(rules client | grep tap-)" 'what is left'
}

# And those of one command, which its log tells though it is quiet.
command_flushed()
{
	served
	# shellcheck disable=SC2016 # for the inner shell
	start once client "$TAP" client --to "$(addr 4 server):80" \
	    -k "$keys" -- sh -c 'echo here
		until [ -e "$0" ]; do sleep 0.05; done; exec "$@"' \
	    "$work/go" curl -sS --max-time "$patience" "$(url 4 server)"
	wait_log once '^here$'
	rules client >"$work/before"
	on client nft flush ruleset
	wait_log once 'our firewall rules: restored'
	rules client | diff "$work/before" -
	touch "$work/go"
	await once 0
	has "$(cat "$work/once.log")" '^page of 80$'
	same '' "$(rules client | grep tap-)" 'what is left'
}

check command-ipv4 one_command 4
check command-ipv6 one_command 6
check twice twice
for fastpath in off auto; do
	check no-other-$fastpath no_other $fastpath
done
check unkeyed unkeyed
check granted granted
check granted-many granted_many
check signals signals
check proxy proxy
check piped piped
check both-ways-first both_ways first $((64 << 20))
check both-ways-last both_ways last $((1 << 20))
check trickle trickle
check eyeballs eyeballs
check link-local link_local
check forwarded forwarded
check proxy-unanswered proxy_unanswered "$TAP"
check proxy-unanswered-libc proxy_unanswered \
    "$here/../../.build/system/tap"
check proxy-unnoticed proxy_unnoticed
check refused-words refused_words
check program program
check wire-ipv4 wire 4
check wire-ipv6 wire 6
check wire-refuses wire_refuses
check wire-gone wire_gone 'dst_port=80, outdev=eth0'
check wire-early wire_early dst_port=80
check wire-early-named wire_early 'dst_port=80, outdev=eth0'
check wire-down wire_down
check wire-reload wire_reload
check wire-restart wire_restart
check tools-path tools_elsewhere path
check tools-setting tools_elsewhere setting
check taken-at-once taken_at_once
check flushed flushed
check emptied emptied
for fastpath in off auto; do
	check client-flushed-$fastpath client_flushed $fastpath
done
check command-flushed command_flushed
finish
