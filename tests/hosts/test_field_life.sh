#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A server that runs for years: reloads under load, workers that die or hang,
# firewall tools that fail, rules that have to be confirmed, and its metrics.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# conf LINE...: with these settings and rules
conf()
{
	printf '%s\n' "fastpath=${fastpath:-off}" "$@" >"$work/TAPservd.conf"
}

# life_lab ARGUMENT...: a server of port 80 and its key holder
life_lab()
{
	lab
	http_start server 80 81
	[ -e "$work/TAPservd.conf" ] ||
		conf 'RULE:dst_port="80,7000-7009"'
	echo 'port=1-65535, key_no=10' >"$work/ACL.conf"
	cp -p "$(key_file)" "$work/keys"
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$work/keys" -a "$work/ACL.conf" "$@"
	tap_start client client client -c \
	    "$(client_rule 'dst_port="80,7000-7009"')"
}

# other_worker PID: there is one, and not this
other_worker()
{
	local now

	now=$(worker server)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

# waiting: packets in the kernel's queues
waiting()
{
	# shellcheck disable=SC2016 # for the inner program
	on server awk '{ sum += $3 } END { print sum + 0 }' \
	    /proc/net/netfilter/nfnetlink_queue
}

none_waits()
{
	[ "$(waiting)" -eq 0 ]
}

some_wait()
{
	[ "$(waiting)" -ge "$1" ]
}

# asks NAME SECONDS FAMILY: a page after the other, for so long; the pages that
# came and those that did not are counted in NAME.log
asks()
{
	# shellcheck disable=SC2016 # for the inner shell
	start "$1" client sh -c 'good=0 bad=0
		until [ -e "$3" ]; do
			if [ "$(curl -sS --max-time "$2" "$1")" = "page of 80" ]
			then good=$((good + 1)); else bad=$((bad + 1)); fi
		done
		echo "good $good bad $bad"' sh "$(url "$2" server)" "$patience" \
	    "$work/enough"
}

# transfer FAMILY: bytes flow from the server until there is $work/enough
transfer()
{
	# shellcheck disable=SC2016 # for the inner shells
	start sends server sh -c 'until [ -e "$0/enough" ]; do
			head -c 65536 /dev/urandom && sleep 0.02 || exit
		done | tee "$0/sent" | nc.openbsd -"$1" -N -l -p 7002' \
	    "$work" "$1"
	wait_port server 7002
	# shellcheck disable=SC2016
	start gets client sh -c 'exec nc.openbsd -d "$1" 7002 >"$0/got"' \
	    "$work" "$(addr "$1" server)"
	wait_for "$patience" test -s "$work/got"
}

# New connections, old ones and a transfer go on through twenty reloads, and
# through one that fails.
reloads()
{
	local family=$1 fastpath=${2:-off} i

	life_lab
	[ "$fastpath" = off ] || wait_for "$patience" has_fast_path
	transfer "$family"
	asks asks1 "$family"
	asks asks2 "$family"
	talk old "$family" 7001
	for i in $(seq 20); do
		if [ $((i % 2)) = 0 ]; then
			conf 'RULE:dst_port="80,7000-7009"'
		else
			conf hide=closed 'RULE:dst_port="80,81,7000-7009"'
		fi
		signal server HUP
		wait_log server ': reloaded:' "$i"
		talks old
	done
	conf hide=closed 'RULE:dst_port="80,7000-7009"' 'RULE:dst_port=70000'
	signal server HUP
	wait_log server \
	    "$work/TAPservd.conf:4: .*70000 out of range.*; still with the old"
	talks old
	wait_for "$patience" enough_pages
	echo >"$work/enough"
	for i in 1 2; do
		await "asks$i" 0
		has "$(cat "$work/asks$i.log")" '^good [0-9]+ bad 0$'
	done
	await sends 0
	await gets 0
	cmp "$work/sent" "$work/got"
	talks old
	hidden "$family"
	same 0 "$(tap_status server server worker_restarts)"
}

has_fast_path()
{
	[ "$(tap_status server server fastpath)" != off ]
}

# At least thirty were let in, besides the two that last.
enough_pages()
{
	[ "$(tap_status server server accepted)" -ge 32 ]
}

# in_its_mounts COMMAND...: in the server's mount namespace
in_its_mounts()
{
	nsenter -t "${pids[server]}" -m "$@"
}

# The firewall's tools fail while it runs.
tools_fail()
{
	local tool tools=()

	life_lab
	talk old 4 7001
	rules server >"$work/before"
	for tool in nft xtables-nft-multi xtables-legacy-multi; do
		tools+=("$(realpath "$(PATH=$PATH:/usr/sbin command -v "$tool")")")
	done
	for tool in "${tools[@]}"; do
		in_its_mounts mount --bind /bin/false "$tool"
	done
	conf 'RULE:dst_port="81,7000-7009"'
	signal server HUP
	wait_log server 'exit status 1; still with the old configuration'
	page client 4
	hidden 4
	page stranger 6 81
	talks old
	# What can't be asked is not taken for removed.
	sleep 11
	same 0 "$(tap_status server server rules_restored)" 'rules put back'
	for tool in "${tools[@]}"; do
		in_its_mounts umount "$tool"
	done
	rules server >"$work/after"
	diff "$work/before" "$work/after"
	signal server HUP
	wait_log server ': reloaded:'
	hidden 4 81
	page stranger 4
	talks old
	# Rules without a chain's content are no rules.
	on server iptables -t raw -F tap-server-5040
	wait_log server 'another program changed our firewall rules: restored'
	hidden 4 81
	end server TERM
	page stranger 6 81
}

# A broken file, of each of the three, one after the other.
broken_files()
{
	local file

	life_lab
	rules server >"$work/before"
	for file in TAPservd.conf ACL.conf keys; do
		cp -p "$work/$file" "$work/$file.good"
		echo 'nonsense' >>"$work/$file"
		signal server HUP
		wait_log server "$work/$file:[0-9]+: .*; still with the old"
		cp -p "$work/$file.good" "$work/$file"
	done
	chmod 644 "$work/keys"
	signal server HUP
	wait_log server "$work/keys: .*; still with the old configuration" 1
	chmod 600 "$work/keys"
	# Nor with a file that somebody else may have changed.
	for file in TAPservd.conf ACL.conf; do
		chmod 602 "$work/$file"
		signal server HUP
		wait_log server "$work/$file: others .*; still with the old" 1
		chmod 600 "$work/$file"
	done
	rules server >"$work/after"
	diff "$work/before" "$work/after"
	page client 4
	hidden 6
	signal server HUP
	wait_log server ': reloaded:'
	page client 6
}

# strangers_knock: SYNs that the server holds, three of them
strangers_knock()
{
	on stranger sh -c "for i in 1 2 3; do
		curl -sS --max-time 1 '$(url "$1" server)' & done; wait" \
	    >/dev/null 2>&1 &
	knocks=$!
	wait_for "$patience" some_wait 3
}

worker_killed()
{
	local family=$1 i old

	life_lab
	talk old "$family" 7001
	asks asks "$family"
	for i in 1 2 3; do
		strangers_knock "$family"
		old=$(worker server)
		kill -KILL "$old"
		wait_for "$patience" other_worker "$old"
		wait_log server 'worker: ended by signal 9' "$i"
		# What it held is gone from the kernel's queue.
		wait "$knocks" || :
		wait_for "$patience" none_waits
		wait_for "$patience" tap_counts server server worker_restarts "$i"
		talks old
		page client "$family"
		hidden "$family"
	done
	echo >"$work/enough"
	await asks 0
	has "$(cat "$work/asks.log")" '^good [1-9][0-9]* bad 0$'
	end server TERM
	page stranger "$family"
}

# alarmed: its status tells of it
alarmed()
{
	on server "$TAP" server --status |
		grep -Eq '^ALARM .*the worker died [0-9]+ times in a row'
}

# Another is started without end, after pauses that grow and have a bound.
worker_dies_often()
{
	local old time

	life_lab
	talk old 4 7001
	for time in 1 2 3 4 5 6 7; do
		wait_for "$patience" other_worker none
		old=$(worker server)
		kill -KILL "$old"
		wait_log server 'worker: ended by signal 9' "$time"
		hidden 4
		talks old
	done
	alarmed
	page client 4
	page client 6
	hidden 6
	talks old
	alarmed
	same 7 "$(tap_status server server worker_restarts)"
	end server TERM
	page stranger 4
}

worker_hangs()
{
	local old patience=40

	life_lab
	talk old 4 7001
	old=$(worker server)
	kill -STOP "$old"
	hidden 4
	talks old
	wait_log server 'worker: stuck'
	wait_for "$patience" other_worker "$old"
	wait_for "$patience" tap_counts server server worker_restarts 1
	wait_for "$patience" none_waits
	page client 4
	page client 6
	hidden 6
	talks old
	# One that hangs does not keep the server from its end, or a reload.
	kill -STOP "$(worker server)"
	signal server HUP
	wait_log server ': reloaded:'
	page client 4
	kill -STOP "$(worker server)"
	end server TERM
	page stranger 4
}

# More comes than waits for a worker that is not at work.
queue_full()
{
	local old

	life_lab
	talk old 4 7001
	old=$(worker server)
	kill -STOP "$old"
	flood 30000
	wait_log server 'the kernel dropped [0-9]+ packets: the queue was full'
	talks old
	# On a busy machine another one has taken its place.
	kill -CONT "$old" || :
	wait_for "$patience" none_waits
	page client 4
	hidden 4
	talks old
	refute tap_counts server server queue_drops 0
}

# Started again at once after a kill, as a supervisor does.
killed_at_once()
{
	local i

	life_lab
	talk old 6 7001
	for i in $(seq 20); do
		end server KILL || :
		tap_start server server server -c "$work/TAPservd.conf" \
		    -k "$work/keys" -a "$work/ACL.conf"
		talks old
	done
	page client 4
	hidden 6
}

confirm_in_vain()
{
	lab
	http_start server 80
	talk old 4 7001
	rules server >"$work/before"
	tap_start server server server -p 80,7001 -k "$(key_file)" --confirm 6
	has "$(cat "$work/server.log")" 'confirm within 6 s with .tap server --confirm-now'
	talks old
	hidden 4
	await server 1
	has "$(cat "$work/server.log")" 'not confirmed in time'
	rules server >"$work/after"
	diff "$work/before" "$work/after"
	page stranger 4
	talks old
}

confirmed()
{
	lab
	http_start server 80
	talk old 6 7001
	tap_start server server server -p 80,7001 -k "$(key_file)" --confirm 6
	same 'confirmed' "$(on server "$TAP" server --confirm-now)"
	wait_log server ': confirmed'
	same 'nothing to confirm' "$(on server "$TAP" server --confirm-now)"
	sleep 8
	kill -0 "${pids[server]}"
	hidden 4
	hidden 6
	talks old
	end server TERM
	same 1 "$(status_of on server "$TAP" server --confirm-now)" 'nobody there'
}

# A reload, or the worker's end, confirms nothing.
confirm_and_reload()
{
	local before

	lab
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)" --confirm 8
	before=$(worker server)
	signal server HUP
	wait_log server ': reloaded:'
	# The next one starts after that is said.
	wait_for "$patience" other_worker "$before"
	kill -KILL "$(worker server)"
	await server 1
	page stranger 4
}

metrics()
{
	local files=$work/collector reader now last

	mkdir "$files"
	life_lab --metrics "$files/tap.prom"
	wait_for "$patience" test -e "$files/tap.prom"
	# Whoever reads, at any time, reads a whole file.
	"$python" "$here/metrics.py" watch "$files/tap.prom" \
	    >"$work/watch.log" 2>&1 &
	reader=$!
	page client 4
	page client 6
	hidden 4
	wait_for "$patience" "$python" "$here/metrics.py" has \
	    "$files/tap.prom" tap_server_accepted_total 2
	"$python" "$here/metrics.py" check "$files/tap.prom"
	# By key: how often, and when last, which is not long ago.
	"$python" "$here/metrics.py" has "$files/tap.prom" \
	    'tap_server_key_accepted_total{key="10",name=""}' 2
	now=$(date +%s)
	last=$(sed -n 's/^tap_server_key_last_.*key="10".* //p' \
	    "$files/tap.prom")
	[ "$((now - last))" -ge 0 ] && [ "$((now - last))" -le 60 ]
	kill -TERM "$(worker server)"
	wait_for "$patience" "$python" "$here/metrics.py" has \
	    "$files/tap.prom" tap_server_worker_restarts_total 1
	kill "$reader"
	wait "$reader" || same 143 $? 'the reader'
	same '' "$(cat "$work/watch.log")" 'what the reader said'
	same tap.prom "$(ls "$files")"
	same 644 "$(stat -c %a "$files/tap.prom")"
	# A place that can't be written is told, and nothing else happens.
	end server TERM
	same '' "$(ls "$files")" 'what it leaves'
	tap_start server server server -c "$work/TAPservd.conf" \
	    -k "$work/keys" -a "$work/ACL.conf" --metrics /proc/tap.prom
	wait_log server '/proc/tap.prom: '
	page client 4
}

client_metrics()
{
	life_lab
	end client TERM
	tap_start client client client -c \
	    "$(client_rule 'dst_port="80,7000-7009"')" \
	    --metrics "$work/client.prom"
	page client 4
	wait_for "$patience" "$python" "$here/metrics.py" has \
	    "$work/client.prom" tap_client_authenticated_total 1
	"$python" "$here/metrics.py" check "$work/client.prom"
	"$python" "$here/metrics.py" has "$work/client.prom" tap_client_up 1
	end client TERM
	refute test -e "$work/client.prom"
}

# What is accepted, and then dropped by a rule of the host's own, is said to
# be; and no longer, once that rule is gone.
own_firewall()
{
	local tool=iptables host

	[ "$1" = 4 ] || tool=ip6tables
	life_lab
	on server "$tool" -A INPUT -p tcp --dport 80 -j DROP
	host=$(url "$1" server 80)
	refute on client curl -sS --max-time 4 "$host"
	wait_log server 'unanswered reason="accepted, but this host sent no SYN'
	[ "$(tap_status server server unanswered)" -ge 1 ]
	has "$(on server "$TAP" server --status)" \
	    '^ALARM .*no SYN/ACK: this host.s own firewall'
	on server "$tool" -D INPUT -p tcp --dport 80 -j DROP
	page client "$1"
	# A service whose answer is lost is no such thing.
	on client "$tool" -A INPUT -p tcp --sport 81 -j DROP
	host=$(tap_status server server unanswered)
	conf 'RULE:dst_port="80,81"'
	on server "$TAP" server --reload
	end client TERM
	tap_start client client client -c "$(client_rule 'dst_port="80,81"')"
	refute on client curl -sS --max-time 4 "$(url "$1" server 81)"
	same "$host" "$(tap_status server server unanswered)" 'answered'
}

for family in 4 6; do
	check "own-firewall-ipv$family" own_firewall $family
	check "reloads-ipv$family" reloads $family
	check "worker-killed-ipv$family" worker_killed $family
done
check reloads-fast reloads 4 auto
check tools-fail tools_fail
check broken-files broken_files
check worker-dies-often worker_dies_often
check worker-hangs worker_hangs
check queue-full queue_full
check killed-at-once killed_at_once
check confirm-in-vain confirm_in_vain
check confirmed confirmed
check confirm-and-reload confirm_and_reload
check metrics metrics
check client-metrics client_metrics
finish
