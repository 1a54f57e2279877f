#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The worker is not trusted, and neither are the firewall's tools: whatever the
# one writes into the memory it shares, and however the others hang, the
# monitor lives and answers, and no group gets in twice.  Where workers can't
# start, nothing is hidden.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# scribble NAME SEED: of all memory that the worker of NAME shares with others
# and may write, words at random become anything
scribble()
{
	"$python" -c '
import random
import re
import sys
pid, seed = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
odd = (0, 2**64 - 1, 0x4141414141414141, 2**63 - 1, 2**32, 1)
words = 0
with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
     open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
    for line in maps:
        found = re.match(r"(\w+)-(\w+) rw.s ", line)
        if not found:
            continue
        begin, end = (int(part, 16) for part in found.groups())
        for at in range(begin, end, 4096):
            # What nobody has used yet stays so, mostly.
            if end - begin > 1 << 20 and rng.randrange(64):
                continue
            for _ in range(rng.choice((1, 8, 512))):
                word = rng.choice(odd) if rng.randrange(2) else \
                    rng.getrandbits(64)
                mem.seek(at + 8 * rng.randrange(512))
                mem.write(word.to_bytes(8, "little"))
                words += 1
assert words > 0
print(words, "words")
' "$(worker "$1")" "$2"
}

# works NAME: its worker does
works()
{
	on server "$TAP" server --status | grep -Eq '^worker +at work'
}

# answers: the monitor does
answers()
{
	[ -n "$(tap_status server server worker_restarts)" ]
}

# What the monitor is asked by is not in the worker's hands.
unasked()
{
	local inode

	lab
	tap_start server server server -p 80 -k "$(key_file)"
	# shellcheck disable=SC2016 # for awk
	inode=$(on server awk '$8 ~ /tap-server-5040@/ { print $7 }' \
	    /proc/net/unix)
	has "$(ls -l "/proc/${pids[server]}/fd")" "socket:.$inode\]"
	lacks "$(ls -l "/proc/$(worker server)/fd")" "socket:.$inode\]"
}

# A hostile worker, and then each of: another by a reload, by a kill, a
# question, an end and a start.
hostile()
{
	local family=$1 round first

	lab
	http_start server 80
	keys=$(key_file)
	printf '%s\n' "fastpath=$2" RULE:dst_port=80 >"$work/TAPservd.conf"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	tap_start server server server -c "$work/TAPservd.conf" -k "$keys" \
	    -a "$work/ACL.conf"
	tap_start client client client -c "$(client_rule dst_port=80)"
	first=${pids[server]}
	for round in 1 2 3 4; do
		page client "$family"
		# It does nothing more with what is written then.
		kill -STOP "$(worker server)"
		scribble server "$round$family"
		answers
		case $((round % 4)) in
		0)
			end server TERM
			page stranger "$family"
			tap_start server server server \
			    -c "$work/TAPservd.conf" -k "$keys" \
			    -a "$work/ACL.conf"
			first=${pids[server]}
			;;
		1)
			signal server HUP
			;;
		*)
			kill -KILL "$(worker server)"
			;;
		esac
		wait_for "$patience" works server
		same "$first" "${pids[server]}"
		answers
		# Later than what may be refused.
		page client "$family"
	done
	hidden "$family"
	end server TERM
	page stranger "$family"
}

# The tools are this test's, as long as they do what the system's do: $mounts
# puts them in their place.
own_tools()
{
	local name real

	mkdir "$work/tools" "$work/real"
	mounts=:
	for real in $(realpath /usr/sbin/nft /usr/sbin/*tables*-restore \
	    2>/dev/null | sort -u); do
		name=${real##*/}
		cp "$real" "$work/real/$name"
		# Which of its tools it is, it knows by its name.
		# shellcheck disable=SC2016 # for the inner shell
		printf '#!/bin/bash\nexec -a "${0##*/}" "%s" "$@"\n' \
		    "$work/real/$name" >"$work/tools/$name"
		chmod +x "$work/tools/$name"
		mounts+=" && mount --bind '$work/tools/$name' '$real'"
	done
}

# A tool that hangs while rules are looked after: who asks gets an answer, and
# who has a key gets in.
tool_hangs()
{
	local name

	lab
	http_start server 80
	own_tools
	tap_run server server server -p 80 -k "$(key_file)"
	mounts=:
	wait_log server ': ready:'
	tap_start client client client -c "$(client_rule dst_port=80)"
	page client 4
	for name in "$work"/tools/*; do
		cat >"$name" <<-'END'
			#!/bin/sh
			while :; do sleep 1000; done
		END
	done
	# Somebody changes rules: it looks, and is caught.
	on server iptables -N somebody
	wait_for "$patience" hanging server
	answers
	page client 4
	page client 6
	hidden 4
	answers
	# A stop is heard, though the tool can't take rules away.
	signal server TERM
	wait_for 60 gone server
	has "$(cat "$work/server.log")" 'timed out, killed'
}

# hanging NAME: a tool of it does
hanging()
{
	local args

	args=$(ps -o args= --ppid "${pids[$1]}")
	grep -Eq 'nft|tables' <<<"$args"
}

# held FILE: whoever of the server opens it hangs, as in a file system that does
# not answer
held()
{
	start held server strace -f -qq -p "${pids[server]}" -P "$1" \
	    -e trace=open,openat -e inject=open,openat:delay_enter=120s
	wait_for "$patience" grep -q "^TracerPid:.*${pids[held]}\$" \
	    "/proc/${pids[server]}/status"
}

# Files that don't answer, of metrics and keys: packets, questions and signals
# are served.
files_hang()
{
	local metrics=$work/collector/tap.prom

	command -v strace >/dev/null || skip 'no strace here'
	lab
	http_start server 80
	mkdir "$work/collector"
	keys=$(key_file)
	tap_start server server server -p 80 -k "$keys" --metrics "$metrics"
	tap_start client client client -c "$(client_rule dst_port=80)"
	held "$metrics.new"
	wait_log server 'tap.prom: Operation timed out'
	answers
	page client 4
	signal server HUP
	wait_log server ': reloaded:'
	end held || :
	held "$keys"
	start asks server "$TAP" server --reload
	wait_for "$patience" child_waits server
	answers
	page client 6
	await asks 2
	has "$(cat "$work/asks.log")" \
	    "$keys.*: no answer from its file system; still with the old"
	page client 4
	# The child that was ended stays as long as it is held.
	end held || :
	wait_for "$patience" no_child_waits server
	held "$keys"
	# One who waits for a stop does not wait for them.
	start asks server "$TAP" server --reload
	wait_for "$patience" child_waits server
	end server
	wait_for "$patience" gone asks
	has "$(cat "$work/asks.log")" 'as it ends|it ends, and reloads nothing'
	page stranger 4
}

# child_waits NAME: a child of its monitor, that is root as it is, does
child_waits()
{
	[ -n "$(ps -o uid=,stat= --ppid "${pids[$1]}" |
		awk '$1 == 0 && $2 ~ /^t/')" ]
}

no_child_waits()
{
	! child_waits "$1"
}

# Where workers can't become who they should, nothing is hidden.
cannot_start()
{
	lab
	http_start server 80
	tap_run server server server -p 80 -k "$(key_file)" --confirm 60
	wait_log server ': ready:'
	end server TERM
	page stranger 4
	start server server setpriv --bounding-set -setuid \
	    --inh-caps -setuid "$TAP" server -p 80 -k "$(key_file)" \
	    --confirm 60
	await server 3
	has "$(cat "$work/server.log")" 'privileges: '
	lacks "$(cat "$work/server.log")" ': ready:'
	page stranger 4
	page stranger 6
	start client client setpriv --bounding-set -setuid \
	    --inh-caps -setuid "$TAP" client -c "$(client_rule dst_port=80)"
	await client 3
	lacks "$(cat "$work/client.log")" ': ready:'
	page client 4
}

for family in 4 6; do
	check "hostile-ipv$family" hostile $family off
done
check hostile-fast-path hostile 4 auto
check unasked unasked
check tool-hangs tool_hangs
check cannot-start cannot_start
check files-hang files_hang
finish
