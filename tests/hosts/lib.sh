#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Hosts to test with: network namespaces on a bridge, real programs in them.
# Sourced by the bash scripts tests/hosts/test_* and tests/demo/run.
#
# A test is functions, each a case of its own:
#
#	page()
#	{
#		lab
#		http_start server 80
#		tap_start tap server server -p 80 -k "$(key_file)"
#		...
#	}
#	check page page		# starts it; its cases run side by side
#	finish			# waits for them and reports
#
# A case runs in a subshell with set -e: it fails where a command does.  It
# has a directory, $work, and may make a lab, which goes when it ends.  A lab
# made before the first check is there for all cases.

# Callers use what is set here.
# shellcheck disable=SC2034

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${TAP:=$here/../../tap}"
TAP=$(realpath "$TAP")
# The system's own: a wrapper of the user's may need more than it has here.
python=$(PATH=/usr/bin:$PATH command -v python3)
export PYTHONDONTWRITEBYTECODE=1

# Patience for what should be there at once, on a machine that may be busy.
patience=45
# Cases side by side: they mostly wait.
jobs_max=${HOSTS_JOBS:-4}

title=$(basename "$0" .sh)
title=${TEST_BUILD:+$TEST_BUILD-}${title#test_}
dir=$(mktemp -d "${TMPDIR:-/tmp}/tap-hosts.XXXXXX") || exit
mkfifo "$dir/never" || exit # nothing is ever written there: see pause
work=$dir
cases=()		# names, in the order of check
declare -A case_pid=()	# of those that run
declare -A pids=()	# of what start() started here
failures=0

# ---- cases

fail()
{
	echo "$*" >&2
	exit 1
}

# same WANT GOT [WHAT]
same()
{
	[ "$1" = "$2" ] ||
		fail "${3:+$3: }expected '$1', got '$2'"
}

# has TEXT PATTERN [WHAT]: an extended regular expression
has()
{
	grep -Eq -e "$2" <<<"$1" ||
		fail "${3:+$3: }'$2' is not in:"$'\n'"$1"
}

lacks()
{
	! grep -Eq -e "$2" <<<"$1" ||
		fail "${3:+$3: }'$2' is in:"$'\n'"$1"
}

# refute COMMAND...: it has to fail
refute()
{
	if "$@"; then
		fail "succeeded, and should not have: $*"
	fi
}

# status_of COMMAND...: its exit status, as text; output goes to the log
status_of()
{
	local status=0

	"$@" >&2 || status=$?
	echo "$status"
}

skip()
{
	echo "$*" >"$work/skip"
	exit 0
}

# pause N: before looking for the Nth time again, N from 0 on: soon at first,
# then less often, so that many who wait leave the processor to what they wait
# for.  The shell itself waits, without a process for it.
pause()
{
	local naps=(0.02 0.03 0.05 0.07)

	read -rt "${naps[$1]:-0.1}" <>"$dir/never" || :
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for()
{
	local until=$((SECONDS + $1)) looks=0

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -le "$until" ] || {
			echo "waited in vain for: $*" >&2
			return 1
		}
		pause $((looks++))
	done
}

# In a process of its own.
run_case()
{
	trap - INT TERM HUP
	trap 'kill_children $BASHPID' EXIT
	set -e
	work=$dir/case/$1
	case_pid=()
	"${@:2}"
}

# check NAME FUNCTION [ARGUMENT...]
check()
{
	local name=$1

	[ "${TEST_TIMING:-}" != 1 ] || return 0
	shift
	while [ ${#case_pid[@]} -ge "$jobs_max" ]; do
		reap
	done
	cases+=("$name")
	mkdir -p "$dir/case/$name"
	run_case "$name" "$@" >"$dir/case/$name/log" 2>&1 </dev/null &
	case_pid[$name]=$!
}

# check_alone NAME FUNCTION [ARGUMENT...]: as check, of what measures time: no
# case runs beside it.  TEST_TIMING is 1 where these alone are to run, and 0
# where all others are.
check_alone()
{
	[ "${TEST_TIMING:-}" != 0 ] || return 0
	settle
	TEST_TIMING='' check "$@"
	settle
}

# end_all PID...: what is still there.  Where a program writes something of
# its own when it ends, as for coverage, HOSTS_ASK says how many seconds it
# has for that.
end_all()
{
	local until=$((SECONDS + ${HOSTS_ASK:-0}))

	[ $# -gt 0 ] || return 0
	if counting; then
		kill -TERM "$@" || :
		kill -CONT "$@" || :
		while [ "$SECONDS" -lt "$until" ] && living "$@"; do
			sleep 0.03
		done
	fi
	kill -KILL "$@" || :
} 2>/dev/null

# counting: whether this is such a program
counting()
{
	[ "${HOSTS_ASK:-0}" -gt 0 ]
}

living()
{
	ps -o stat= -p "$(IFS=,; echo "$*")" | grep -qv '^Z'
}

# Its children may not have entered their namespace yet.
kill_children()
{
	# shellcheck disable=SC2046 # words
	end_all $(ps -o pid= --ppid "$1")
}

# Wait for any one case.
reap()
{
	local name pid status=0

	wait -n -p pid "${case_pid[@]}" || status=$?
	for name in "${!case_pid[@]}"; do
		if [ "${case_pid[$name]}" = "${pid:-}" ]; then
			unset "case_pid[$name]"
			remove_lab "$dir/case/$name"
			echo $status >"$dir/case/$name/status"
		fi
	done
}

report()
{
	printf '  %-7s %s\n' "$1" "hosts/$title/$2${3:+: $3}"
	[ -z "${RESULTS:-}" ] ||
		echo "${1,,} hosts/$title/$2${3:+ $3}" >>"$RESULTS"
}

# Wait for all cases so far and report them, in the order of check.
settle()
{
	local name log before=$failures

	while [ ${#case_pid[@]} -gt 0 ]; do
		reap
	done
	for name in ${cases[@]+"${cases[@]}"}; do
		if [ -e "$dir/case/$name/skip" ]; then
			report SKIP "$name" "$(cat "$dir/case/$name/skip")"
		elif [ "$(cat "$dir/case/$name/status")" = 0 ]; then
			report PASS "$name"
		else
			report FAIL "$name"
			failures=$((failures + 1))
			for log in "$dir/case/$name/log" \
			    "$dir/case/$name"/*.log; do
				show_log "$log"
			done
		fi
	done
	[ "$failures" -eq "$before" ] || for log in "$dir"/*.log; do
		show_log "$log"
	done
	cases=()
}

show_log()
{
	[ -s "$1" ] || return 0
	echo "    ---- ${1#"$dir/"}"
	tail -n 60 "$1" | sed 's/^/    /'
}

finish()
{
	settle
	[ $failures -eq 0 ]
	exit
}

# ---- cleaning up

# End what runs in the namespaces of a directory, and them.
remove_lab()
{
	local ns

	[ -e "$1/namespaces" ] || return 0
	# shellcheck disable=SC2046 # words
	end_all $(while read -r ns; do
		ip netns pids "$ns" 2>/dev/null
	done <"$1/namespaces")
	while read -r ns; do
		ip netns del "$ns" 2>/dev/null
	done <"$1/namespaces"
	rm -f "$1/namespaces"
}

clean_up()
{
	local name

	trap '' INT TERM HUP
	exec 2>/dev/null # "Killed", for each
	for name in ${case_pid[@]+"${!case_pid[@]}"}; do
		kill -STOP "${case_pid[$name]}"
		kill_children "${case_pid[$name]}"
		kill -KILL "${case_pid[$name]}"
	done
	kill_children $$
	for name in "$dir" "$dir"/case/*; do
		remove_lab "$name"
	done
	wait
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ---- hosts

# lab [HOST...]: a bridge with these hosts (server, client, stranger) on it,
# numbered from 1 on: addr4 server is 10.77.0.1, addr6 server fd77::1.
lab()
{
	local name

	net=tap$$-$BASHPID-$RANDOM
	declare -gA number=()
	: >>"$work/namespaces"
	namespace bridge
	on bridge sysctl -qw net.bridge.bridge-nf-call-iptables=0 \
	    net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || :
	ip -n "$net-bridge" link add br0 type bridge mcast_snooping 0
	ip -n "$net-bridge" link set br0 addrgenmode none up
	[ $# -gt 0 ] || set -- server client stranger
	for name in "$@"; do
		host "$name"
	done
	connected "$@"
}

namespace()
{
	echo "$net-$1" >>"$work/namespaces"
	ip netns add "$net-$1"
	ip -n "$net-$1" link set lo up
}

# host NAME: one more on the bridge; not connected yet
host()
{
	number[$1]=$((${#number[@]} + 1))
	namespace "$1"
	cable "$1" eth0 "${number[$1]}"
}

# connected HOST...: until their devices have noticed their other ends; before,
# there is no route of IPv6
connected()
{
	local name

	for name in "$@"; do
		wait_for $patience all_carry "$name"
	done
}

all_carry()
{
	! ip -n "$net-$1" link show up | grep -q NO-CARRIER
}

# cable HOST DEVICE NUMBER: another device of a host, on the bridge
cable()
{
	ip -n "$net-bridge" link add "$1-$2" type veth \
	    peer name "$2" netns "$net-$1"
	ip -n "$net-bridge" link set "$1-$2" addrgenmode none master br0 up
	device_up "$1" "$2" "10.77.0.$3/24" "fd77::$3/64"
	# Nobody's: what goes there is seen and never answered.
	ip -n "$net-$1" neigh add 10.77.0.250 lladdr 02:00:00:00:00:fa \
	    dev "$2"
}

# device_up HOST DEVICE IPV4 IPV6: with no address of its own making, which
# would take its time; without offload: a wrong checksum is then seen as such
device_up()
{
	ip -n "$net-$1" -batch - <<-END
		link set $2 addrgenmode none
		addr add $3 dev $2
		addr add $4 dev $2 nodad
		addr add fe80::${4#*::} dev $2 nodad
		link set $2 up
	END
	on "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1
}

addr4()
{
	echo "10.77.0.${number[$1]}"
}

addr6()
{
	echo "fd77::${number[$1]}"
}

# addr 4|6 HOST
addr()
{
	"addr$1" "$2"
}

# url 4|6 HOST [PORT]
url()
{
	local host

	host=$(addr "$1" "$2")
	[ "$1" = 4 ] || host="[$host]"
	echo "http://$host:${3:-80}/"
}

# on HOST COMMAND...
on()
{
	ip netns exec "$net-$1" "${@:2}"
}

# ---- programs that stay

# start NAME HOST COMMAND...: in the background; its output is NAME.log
start()
{
	local name=$1

	: >"$work/$name.log"
	ip netns exec "$net-$2" "${@:3}" >"$work/$name.log" 2>&1 </dev/null &
	pids[$name]=$!
}

# signal NAME SIGNAL
signal()
{
	kill "-$2" "${pids[$1]}"
}

# gone NAME: it has ended; its exit status is for wait
gone()
{
	! kill -0 "${pids[$1]}"
}

# end NAME [SIGNAL]: its exit status
end()
{
	local status=0

	signal "$1" "${2:-TERM}"
	wait_for $patience gone "$1" || fail "$1 does not end"
	wait "${pids[$1]}" 2>/dev/null || status=$?
	unset "pids[$1]"
	return $status
}

# await NAME STATUS [SECONDS]: it ends by itself, with this exit status
await()
{
	local status=0

	wait_for "${3:-$((2 * patience))}" gone "$1" || fail "$1 does not end"
	wait "${pids[$1]}" || status=$?
	unset "pids[$1]"
	same "$2" "$status" "exit status of $1"
}

# wait_log NAME PATTERN [TIMES]: until so many lines of its log match
wait_log()
{
	local until=$((SECONDS + patience)) looks=0 lines=0 ended seen='' text

	while :; do
		# It may write and end in between.
		ended=0
		kill -0 "${pids[$1]}" 2>/dev/null || ended=1
		# Nothing new is not looked through again.
		mapfile -d '' text <"$work/$1.log"
		if [ "${text[*]}" != "$seen" ]; then
			seen=${text[*]}
			lines=$(grep -Ec -e "$2" "$work/$1.log") || :
		fi
		[ "$lines" -lt "${3:-1}" ] || return 0
		[ "$ended" = 0 ] || fail "$1 ended; its log has no '$2'"
		[ "$SECONDS" -le "$until" ] ||
			fail "waited in vain for '$2' in the log of $1"
		pause $((looks++))
	done
}

# What tap finds changed in the file system, as commands: see tap_run.
mounts=:
# A file system for its door, as every host with systemd has: another process
# of its host has it, too, as long as the case lasts.
# shellcheck disable=SC2034 # for the tests
with_bpffs='{ mount -t bpf bpf /sys/fs/bpf && setsid -f sleep 9999; }'

# tap_run NAME HOST ARGUMENT...: tap, with a /var/lib of the host's own, and
# with what the commands in $mounts have mounted for it alone
tap_run()
{
	mkdir -p "$work/$2-lib"
	# shellcheck disable=SC2016 # for the inner shell
	start "$1" "$2" sh -c 'mount --bind "$0" /var/lib && eval "$1" &&
		shift && exec "$@"' \
	    "$work/$2-lib" "$mounts" "$TAP" "${@:3}"
}

# tap_start NAME HOST ARGUMENT...: tap_run, until it is ready
tap_start()
{
	tap_run "$@"
	wait_log "$1" ': ready:'
}

# tap_status HOST server|client NAME...: numbers of its status, in a line
tap_status()
{
	local host=$1 side=$2 json name out=''

	shift 2
	json=$(on "$host" "$TAP" "$side" --status --json)
	for name in "$@"; do
		out+=" $(sed -n "s/.*\"$name\":\([0-9]*\).*/\1/p" <<<"$json")"
	done
	echo "${out# }"
}

# tap_counts HOST server|client NAME NUMBER: whether it is that
tap_counts()
{
	[ "$(tap_status "$1" "$2" "$3")" = "$4" ]
}

# worker NAME: the process of a daemon that handles packets: of the children
# that it may have, the one that has given root up and is not dead
worker()
{
	ps -o pid=,uid=,stat= --ppid "${pids[$1]}" |
		awk '$2 != 0 && $3 !~ /^Z/ { print $1 }'
}

# fast_path_known HOST server|client: whether it is known if there is one; it
# comes a moment after the daemon
fast_path_known()
{
	local json

	json=$(on "$1" "$TAP" "$2" --status --json) &&
		! grep -q '"fastpath_reason":"not yet"' <<<"$json"
}

# wait_port HOST PORT: until something listens there
wait_port()
{
	wait_for $patience listens "$@"
}

listens()
{
	on "$1" ss -Hltn "sport = :$2" | grep -q .
}

# http_start HOST PORT...: nginx; its page says its port
http_start()
{
	local host=$1 port

	shift
	{
		echo 'daemon off; master_process off;'
		echo "pid $work/nginx.pid; events { }"
		echo "http { access_log off; default_type text/plain;"
		echo "client_body_temp_path $work/nginx-body;"
		echo "keepalive_timeout 600; types { }"
		for port in "$@"; do
			echo "server { listen $port; listen [::]:$port;"
			echo "root $work/www;"
			echo "location = / { return 200 'page of $port'; } }"
		done
		echo '}'
	} >"$work/nginx.conf"
	start nginx "$host" nginx -e stderr -p "$work" -c "$work/nginx.conf"
	for port in "$@"; do
		wait_port "$host" "$port"
	done
}

# ssh_start HOST: sshd on port 22; ssh_args are for a client of it
ssh_start()
{
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh_host"
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh_user"
	cat >"$work/sshd_config" <<-END
		HostKey $work/ssh_host
		AuthorizedKeysFile $work/ssh_user.pub
		PidFile none
		StrictModes no
		UsePAM no
		PermitRootLogin yes
		PasswordAuthentication no
		Subsystem sftp internal-sftp
	END
	# sshd wants a directory in /run, and the shell runs what is in its
	# user's home: both are empty for them.
	mkdir -p "$work/home"
	# shellcheck disable=SC2016 # for the inner shell
	start sshd "$1" sh -c 'mount -t tmpfs none /run && mkdir /run/sshd &&
		mount --bind "$2" ~root && exec /usr/sbin/sshd -D -e -f "$1"' \
	    sh "$work/sshd_config" "$work/home"
	ssh_args=(-F none -i "$work/ssh_user" -o IdentitiesOnly=yes
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
		-o BatchMode=yes -o LogLevel=ERROR)
	wait_port "$1" 22
}

# talk NAME 4|6 PORT: a connection from client to server, with nc at each end
talk()
{
	local end

	for end in client server; do
		mkfifo "$work/$1-$end.fifo"
	done
	# shellcheck disable=SC2016 # for the inner shell
	set -- "$@" 'exec "$@" <>"$0"'
	start "$1-server" server sh -c "$4" "$work/$1-server.fifo" \
	    nc.openbsd -"$2" -l -p "$3"
	wait_port server "$3"
	start "$1-client" client sh -c "$4" "$work/$1-client.fifo" \
	    nc.openbsd -"$2" "$(addr "$2" server)" "$3"
	wait_for $patience on server sh -c \
	    "ss -Htn state established sport = :$3 | grep -q ."
}

# talks NAME [FIRST]: both ends hear each other; who speaks first matters to
# what tracks connections
talks()
{
	local ends=(client server) i

	[ "${2:-client}" = client ] || ends=(server client)
	spoken=$((${spoken:-0} + 1))
	for i in 0 1; do
		echo "line $spoken" >"$work/$1-${ends[i]}.fifo"
		wait_log "$1-${ends[1 - i]}" "^line $spoken\$"
	done
}

# ---- keys

secret=A1949A68393EA4B339FB8A597C38DBC9

# key_file [LINE...]: a key file with these lines, or one key, number 10
key_file()
{
	local file

	file=$(mktemp "$work/key.XXXXXX") # mode 600
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >"$file"
	else
		echo "key_no=10, key=0x$secret, alg=hmac-sha256" >"$file"
	fi
	echo "$file"
}

# client_rule WORDS: a client's configuration with one rule and key 10
client_rule()
{
	key_file "RULE:$1, key_no=10, key=0x$secret, alg=hmac-sha256"
}

# ---- packet filters

# All rules of a host, of all tools, as text to compare: without counters and
# the tables that iptables-legacy makes when it is asked and can't take back.
rules()
{
	local family tool

	{
		on "$1" nft list ruleset
		for family in iptables ip6tables; do
			for tool in nft legacy; do
				echo "$family-$tool"
				on "$1" "$family-$tool-save"
			done
		done
	} 2>/dev/null | sed -E -e '/^#/d' -e 's/\[[0-9]*:[0-9]*\]//' \
	    -e 's/counter packets [0-9]+ bytes [0-9]+/counter/' | awk '
	/^\*/ { table = $0; rules = 0; next }
	/^COMMIT/ { if (rules) print table; table = ""; next }
	table != "" && /^:.* ACCEPT *$/ { next }
	table != "" { rules++; table = table "\n" $0; next }
	{ print }'
}

# hidden 4|6 [PORT]: from the stranger
hidden()
{
	local status

	status=$(status_of on stranger curl -sS --max-time 2 \
	    "$(url "$1" server "${2:-80}")")
	same 28 "$status" "a stranger's curl"
}

# page HOST 4|6 [PORT]
page()
{
	local got

	got=$(on "$1" curl -sS --max-time "$patience" \
	    "$(url "$2" server "${3:-80}")")
	same "page of ${3:-80}" "$got"
}

# ---- what is on the wire

# capture NAME HOST DEVICE [FILTER]: into NAME.pcap, from now on.  UDP to port
# 9, the discard service, marks its end.
capture()
{
	# What the kernel logs (nflog:7) can't be filtered.
	start "$1" "$2" tcpdump -U -n --immediate-mode -Z root -i "$3" \
	    -w "$work/$1.pcap" ${4:+"($4) or (udp dst port 9)"}
	wait_log "$1" 'listening on'
}

# capture_end NAME HOST: when all that was sent so far is in it
capture_end()
{
	on "$2" bash -c 'echo >/dev/udp/10.77.0.250/9'
	wait_for $patience packets ended "$work/$1.pcap"
	end "$1" INT
}

# log_syns HOST: its kernel logs its SYNs to nflog:7, before tap has them, and
# a capture's end; each rule comes before those that are there.  tap's own
# packets have mark=0x1000000.
log_syns()
{
	local iptables

	for iptables in iptables ip6tables; do
		on "$1" "$iptables" -t raw -I OUTPUT -p tcp --syn -m mark \
		    ! --mark 0x1000000/0x1000000 -j NFLOG --nflog-group 7
		on "$1" "$iptables" -t raw -I OUTPUT -p udp --dport 9 \
		    -j NFLOG --nflog-group 7
	done
}

# reference TOOL ARGUMENT...: see reference.py
reference()
{
	"$python" "$here/reference.py" "$@"
}

# packets TOOL ARGUMENT...: see packets.py
packets()
{
	"$python" "$here/packets.py" "$@"
}

# flood COUNT: so many SYNs of the stranger's to the server's port 80, 30000 at
# the most, each with a source port and a window of its own
flood()
{
	PYTHONPATH=$here on stranger "$python" -c '
import socket
import sys
import packets
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for i in range(int(sys.argv[3])):
    out.sendto(packets.build_tcp(sys.argv[1], sys.argv[2], 20000 + i, 80,
                                 i * 7, window=1000 + i), (sys.argv[2], 0))
' "$(addr 4 stranger)" "$(addr 4 server)" "$1"
}
