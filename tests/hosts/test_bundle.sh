#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The files of several servers as one bundle: pushed into an engine or a file,
# taken up whole or not at all, and nothing older.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

engine_start()
{
	start redis engine redis-server --port 6379 --protected-mode no \
	    --save '' --appendonly no --dir "$work"
	wait_port engine 6379
}

# files [KEY...]: of the servers, with these keys allowed
files()
{
	printf 'RULE:dst_port=80\n' >"$work/conf"
	printf 'key_no=10, key=0x%032d\nkey_no=11, key=0x%032d\n' 10 11 |
		install -m 600 /dev/stdin "$work/keys"
	echo "port=80, key_no=\"$1\"" >"$work/acl"
}

# push HOST [OPTION...]
push()
{
	on "$1" "$TAP" acl push -c "$work/conf" -k "$work/keys" -a "$work/acl" \
	    --bundle-key "$work/bundle.key" "${@:2}"
}

# server NAME QUEUE FROM: tap, on that host
server()
{
	tap_run "$1" "$1" server --bundle "$3" --bundle-key "$work/bundle.key" \
	    --fallback "$work/kept.$1" --queue "$2"
}

# gets_in KEY HOST
gets_in()
{
	printf 'key_no=%d, key=0x%032d\n' "$1" "$1" |
		install -m 600 /dev/stdin "$work/client.$1"
	on client timeout 10 "$TAP" client -k "$work/client.$1" \
	    --to "$(addr4 "$2"):80" -- \
	    curl -sS -o /dev/null --max-time 1 "http://$(addr4 "$2")/"
}

# status NAME QUEUE FIELD
status()
{
	on "$1" "$TAP" server --queue "$2" --status --json |
		sed -n "s/.*\"$3\":\"\{0,1\}\([^,\"]*\).*/\1/p"
}

version()
{
	status "$1" "$2" bundle | sed -n 's/version \([0-9]*\) .*/\1/p'
}

has_version()
{
	[ "$(version "$1" "$2")" = "$3" ]
}

# pushed OPTION...: pushes, and prints the version
pushed()
{
	push "$@" --json | sed -n 's/.*"version":\([0-9]*\).*/\1/p'
}

# fleet STATE NUMBER: so many servers are in it
fleet()
{
	[ "$(on client "$TAP" acl status --fleet --json \
	    --to "$engine" --bundle-key "$work/bundle.key" |
		grep -o "\"state\":\"$1\"" | wc -l)" -eq "$2" ]
}

# holders PID...: these of them that have the bundle's key in their memory
holders()
{
	"$python" -c '
import re
import sys
with open(sys.argv[1], encoding="ascii") as file:
    key = bytes.fromhex(re.search(r"key=0x(\w+)", file.read()).group(1))
def has(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
         open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            found = re.match(r"(\w+)-(\w+) r..p ", line)
            if found and "[v" not in line:
                begin, end = (int(part, 16) for part in found.groups())
                mem.seek(begin)
                if key in mem.read(end - begin):
                    return True
    return False
for pid in sys.argv[2:]:
    try:
        if has(pid):
            print(pid)
    except OSError:
        pass # it has ended
' "$work/bundle.key" "$@"
}

by_engine()
{
	local v w begun

	lab one two engine client
	engine_start
	engine=redis://10.77.0.3/3
	http_start one 80
	files 10,11
	has "$(push client --to "$engine" 2>&1)" 'made .*bundle.key: copy it'
	has "$(push client --to "$engine")" ', unchanged$'
	server one 5040 "$engine"
	server two 5050 "$engine"
	wait_log one ': ready:'
	wait_log two ': ready:'
	gets_in 10 one
	gets_in 11 one
	v=$(pushed client --to "$engine")
	wait_for "$patience" has_version one 5040 "$v"
	wait_for "$patience" has_version two 5050 "$v"
	wait_for "$patience" fleet current 2
	# A key is taken away.
	files 10
	begun=$(date +%s%N)
	w=$(pushed client --to "$engine")
	[ "$w" -gt "$v" ] || fail "version $w after $v"
	wait_for "$patience" has_version one 5040 "$w"
	wait_for "$patience" has_version two 5050 "$w"
	echo "both after $((($(date +%s%N) - begun) / 1000000)) ms"
	refute gets_in 11 one
	gets_in 10 one
	# One that was off takes the newest before it opens.
	end one
	files 11
	v=$(pushed client --to "$engine")
	server one 5040 "$engine"
	wait_log one ': ready:'
	wait_for "$patience" has_version one 5040 "$v"
	refute gets_in 10 one
	gets_in 11 one
	# Nothing secret is there.
	lacks "$(on engine redis-cli -n 3 get tap:bundle)" 'key_no|dst_port'
}

# Whatever stands there, what is in use stays, with one line.
hostile()
{
	local v good

	lab one two engine client
	engine_start
	engine=redis://10.77.0.3
	http_start one 80
	files 10
	push client --to "$engine"
	good=$(on engine redis-cli get tap:bundle)
	files 10,11
	v=$(pushed client --to "$engine")
	server one 5040 "$engine"
	wait_log one ': ready:'
	put "$good"$'\n'
	wait_log one 'is older than version'
	put "${good:0:55}0123456789ABCDEF0123456789ABCDEF${good:87:90}"
	wait_log one 'a bundle, but torn'
	put 'what is this'
	wait_log one 'tap:bundle: is no bundle'
	on engine redis-cli set tap:bundle TAP-BUNDLE-2
	wait_for "$patience" has_alarm 'bundle: redis://10.77.0.3 is not heard'
	mv "$work/bundle.key" "$work/bundle.key.1"
	on engine redis-cli del tap:bundle
	push client --to "$engine"
	wait_log one 'that this key has not signed'
	mv "$work/bundle.key.1" "$work/bundle.key"
	# Who pushes does not believe it either, nor in its version.
	has "$(push client --to "$engine" 2>&1 || :)" \
	    'this key has not signed.*: nothing is put in its place'
	put "$forged"
	has "$(push client --to "$engine" 2>&1 || :)" \
	    'this key has not signed.*: nothing is put in its place'
	wait_for "$patience" has_version one 5040 "$v"
	gets_in 11 one
	# With nothing to go by nobody new gets in, until there is.
	end one
	on engine redis-cli del tap:bundle
	server one 5040 "$engine"
	wait_log one 'nobody new gets in until'
	wait_log one ': ready:'
	refute gets_in 11 one
	push client --to "$engine"
	wait_log one ': reloaded:'
	gets_in 11 one
	# Nor where it has never seen any.
	rm -rf "$work/kept.two"
	on engine redis-cli del tap:bundle
	server two 5050 "$engine"
	wait_log two 'bundle redis://10.77.0.3: has no bundle'
}

forged='TAP-BUNDLE-1 09999999999999999999 00000000000000000001 '\
'0123456789ABCDEF0123456789ABCDEF'$'\n''AAAABBBBCCCCDDDDEEEEFFFFGGGG'$'\n'

# put TEXT: as the bundle, as whoever can write to the engine
put()
{
	printf '%s' "$1" | on engine redis-cli -x set tap:bundle
}

has_alarm()
{
	on one "$TAP" server --queue 5040 --status | grep -q "$1"
}

by_file()
{
	local v bad others

	lab one client
	http_start one 80
	files 10,11
	v=$(pushed one --to "$work/bundle")
	same 600 "$(stat -c %a "$work/bundle")"
	server one 5040 "$work/bundle"
	wait_log one ': ready:'
	gets_in 11 one
	# The key that all servers have is the monitor's alone.
	mapfile -t others < <(ps -o pid= --ppid "${pids[one]}" | tr -d ' ')
	[ ${#others[@]} -ge 1 ] || fail 'where are its processes?'
	same "${pids[one]}" "$(holders "${pids[one]}" "${others[@]}")"
	cp "$work/bundle" "$work/bundle.old"
	files 10
	v=$(pushed one --to "$work/bundle")
	wait_for "$patience" has_version one 5040 "$v"
	refute gets_in 11 one
	cp "$work/bundle.old" "$work/bundle"
	wait_log one 'is older than version'
	has "$(on one "$TAP" server --queue 5040 --reload 2>&1 || :)" \
	    'is older than version .* still with the old configuration'
	head -c 300 "$work/bundle.old" >"$work/bundle"
	wait_log one 'torn'
	head -c 36000000 /dev/zero | tr '\0' A >"$work/bundle.new"
	mv "$work/bundle.new" "$work/bundle"
	wait_log one 'larger than any'
	rm "$work/bundle"
	wait_log one 'bundle: No such file'
	refute gets_in 11 one
	gets_in 10 one
	end one
	# It is still refused after a restart.
	cp "$work/bundle.old" "$work/bundle"
	server one 5040 "$work/bundle"
	wait_log one ': ready:'
	wait_log one 'is older than version'
	wait_for "$patience" has_version one 5040 "$v"
	refute gets_in 11 one
	# Where nothing was before, two at once differ as well.
	[ "$(pushed one --to "$work/1")" -lt "$(pushed one --to "$work/2")" ] ||
		fail 'one version twice'
	# No host is taken for an option.
	for bad in a@-v "a;b" "a b" a:b; do
		has "$(push one --to "$bad" 2>&1 || :)" 'is none of /PATH, HOST'
	done
	# A file that is none is left alone.
	echo mine >"$work/other"
	has "$(push one --to "$work/other" 2>&1 || :)" 'is no bundle: nothing is put'
	same mine "$(cat "$work/other")"
}


# One that is signed and does not work on this host: the last one does that
# did, also after a restart, and the next one is taken up, where another that
# nobody signed came before anybody confirmed, too.
elsewhere()
{
	local v

	lab one engine client
	engine_start
	engine=redis://10.77.0.2
	http_start one 80
	files 10
	v=$(pushed client --to "$engine")
	tap_run one one server --bundle "$engine" --confirm 60 \
	    --bundle-key "$work/bundle.key" --fallback "$work/kept.one"
	wait_log one ': ready:'
	put "$forged"
	wait_log one 'that this key has not signed'
	on one "$TAP" server --queue 5040 --confirm-now
	wait_for "$patience" has_version one 5040 "$v"
	on engine redis-cli del tap:bundle
	echo 'RULE:dst_port=80, hide=decoy:10.77.0.1:80' >"$work/conf"
	push client --to "$engine"
	wait_log one 'protects that port itself'
	gets_in 10 one
	end one
	server one 5040 "$engine"
	wait_log one 'protects that port itself'
	wait_log one ': ready:'
	gets_in 10 one
	files 10,11
	v=$(pushed client --to "$engine")
	wait_for "$patience" has_version one 5040 "$v"
	gets_in 11 one
}

check by_engine by_engine
check hostile hostile
check by_file by_file
check elsewhere elsewhere
finish
